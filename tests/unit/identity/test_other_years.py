"""Records born in other years: when a third may join them, and when not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from include.identity.persons.clustering import cluster
from include.lake.storage.lake import Lake
from tests.unit.identity.linked import ask


@pytest.mark.parametrize(("year", "clusters"), [(1961, 1), (None, 2)])
def test_a_year_that_links_outweighed_is_an_error_and_an_unknown_year_joins_nobody(
    lake: Lake, write: Callable[..., str], year: int | None, clusters: int
) -> None:
    records = write(
        "records",
        [{"record_id": i, "registry": "r", "table": "t", "is_population": False, "birth_year": y}
         for i, y in (("a", 1960), ("b", 1992), ("c", year))],
    )  # fmt: skip
    edges = write(
        "edges",
        [{"left_id": i, "right_id": "c", "pass": "model", "weight": 30.0, "decision": "link"} for i in "ab"],
    )
    found = cluster(lake, edges, records, out_uri=f"{lake.uri}/clusters.parquet")
    assert found.clusters == clusters
    assert ask(lake, f"SELECT count(*) FROM '{found.uri}'") == [(3,)]


@pytest.mark.parametrize("why", ["other years", "one number"])
@pytest.mark.parametrize("said", ["same", "different"])
def test_only_people_part_what_people_joined(lake: Lake, write: Callable[..., str], why: str, said: str) -> None:
    """a and b are linked to c, whose year is unknown, by people; something inferred, or people, keep a from b."""
    b_born = 1992 if why == "other years" else 1960
    records = write(
        "records",
        [{"record_id": i, "registry": "r", "table": "t", "is_population": False, "birth_year": y}
         for i, y in (("a", 1960), ("b", b_born), ("c", None))],
    )  # fmt: skip
    edges = [{"left_id": i, "right_id": "c", "pass": "review", "weight": 100.0, "decision": "link"} for i in "ab"]
    if why == "one number":
        edges.append({"left_id": "a", "right_id": "b", "pass": "personal_id", "weight": 9.0, "decision": "finding"})
    reviews = [{"left_id": i, "right_id": "c", "decision": "same"} for i in "ab"]
    if said == "different":
        reviews.append({"left_id": "a", "right_id": "b", "decision": "different"})
    found = cluster(
        lake, write("edges", edges), records, out_uri=f"{lake.uri}/clusters.parquet",
        reviews_uri=write("reviews", reviews),
    )  # fmt: skip
    assert (found.clusters, found.cut) == ((1, 0) if said == "same" else (2, 1))
