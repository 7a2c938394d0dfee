"""The index of persons as Delta tables under `people/`: which record belongs to whom, golden records, reviews."""

from include.lake.people.index import (
    extend,
    keep_former,
    people_state,
    people_table,
    people_view,
    persons_of,
    record_id,
    upsert_people,
)
from include.lake.people.tables import FINDINGS, INDEX, REVIEWS
