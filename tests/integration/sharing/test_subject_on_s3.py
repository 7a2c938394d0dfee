"""The portal's key at the store is enough to answer a person, and the answer is the same as of a lake in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import fs

from include.lake.storage import Lake, LakeDenied
from include.pipelines import PipelineContext
from include.pipelines.decisions import Look
from include.pipelines.subject import Subject, answer_person
from tests.integration.sharing.recipients import BUCKET, LAKE_URI, OWNER, PORTAL, PREFIX, SERVER, filesystem, options
from tests.repeats import repeats
from tests.unit.subject.country import Country, new_country

pytestmark = pytest.mark.slow
LOOK = Look("bao-ve-du-lieu", "đơn số 12")


@pytest.fixture
def country(lake: Lake, endpoint: str, tmp_path: Path) -> Iterator[Country]:
    """A country of three days, of which the first version of the citizens is told by the row history alone."""
    country = new_country(tmp_path, humans=16)
    for day in range(3):
        if day:
            country.change()
        country.publish()
    country.lake.table("registry/population/citizen").vacuum(
        retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True
    )
    fs.copy_files(
        country.lake.uri, f"{BUCKET}/{PREFIX}", source_filesystem=fs.LocalFileSystem(),
        destination_filesystem=filesystem(endpoint, OWNER),
    )  # fmt: skip
    yield country
    for zone in ("people", "history", "index.parquet"):  # the others are emptied before each test
        lake.delete_tree(lake.path(zone))


def seen_by(access_key: str, secret_key: str, endpoint: str, country: Country, tmp_path: Path) -> PipelineContext:
    given = options(access_key, secret_key, endpoint)
    lake = Lake(LAKE_URI, tuple(sorted(given.items())), tmp_path / "s3-tmp")
    return PipelineContext(lake, country.folder, {})


def as_told(subject: Subject) -> Subject:
    """The answer without what differs from question to question."""
    return replace(subject, asked_at=subject.kept_since, entry=0, opened=())  # type: ignore[arg-type]


def test_the_portal_s_key_answers_what_a_search_finds(country: Country, endpoint: str, tmp_path: Path) -> None:
    portal = seen_by(PORTAL.access_key, PORTAL.secret_key, endpoint, country, tmp_path)
    for human in country.humans[: repeats(1, 4)]:
        found = answer_person(portal, human.person_id, look=LOOK)
        assert as_told(found) == as_told(answer_person(country.context, human.person_id, look=LOOK))
        told = {
            (one.recipient, one.product, one.table_id): {v for s in one.spans for v in range(s.first, s.last + 1)}
            for one in found.given if one.spans
        }  # fmt: skip
        assert told
        assert told == {table: set(versions) for table, versions in country.truth(human).items()}
    # The key of the Delta Sharing server reads shared tables, not those that they were made of: no answer in part.
    server = seen_by(SERVER.access_key, SERVER.secret_key, endpoint, country, tmp_path)
    with pytest.raises(LakeDenied):
        answer_person(server, country.humans[0].person_id, look=LOOK)
