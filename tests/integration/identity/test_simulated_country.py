"""A simulated country of 4,000, whose truth is known: nobody is joined with a stranger, few are missed, few are asked.

The other tests of linking name their persons one by one. Only a country has enough of them for two to share a name, a
ward and a year, as every pair did that waited for a person.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from include.identity.records.roles import linked_tables
from include.lake.publishing.publication import publish
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.people.linking import link_persons
from include.quality.split.row_outcomes import conform_and_split
from include.simulator.country import simulate

pytestmark = pytest.mark.slow
SCHEMAS = Path(__file__).parents[3] / "schemas"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """`said`: every record with its true person and the one it was given; `links` between records."""
    folder = tmp_path_factory.mktemp("country")
    environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
    context = PipelineContext(Lake.from_environment(environ), SCHEMAS, environ)
    made = simulate(persons=4_000, seed=5, out=folder / "country")
    for table in (linked.table for linked in linked_tables(context.contracts.values())):
        extract = str(made.staged(table.registry, table.name))
        split = conform_and_split(table, extract, lake=context.lake, run_id="first", schemas_dir=SCHEMAS)
        publish(lake=context.lake, run_id="first", table=table, at=AT, staged=split.staged, metadata={})
    assert link_persons("20260101T020000Z-00000001", context=context)["verdict"] == "published"
    connection = duckdb.connect()
    for name in ("index", "links"):
        rows = context.lake.table("people", name).to_pyarrow_table()
        connection.register(f"{name}_rows", rows)
        connection.execute(f"CREATE TABLE {name} AS FROM {name}_rows")
    connection.execute(
        f"""CREATE TABLE said AS SELECT record_id, i.person_id AS given, truth.person_id AS true_person FROM index i
        JOIN (SELECT DISTINCT person_id,
                     concat(registry, '.', "table", ':', to_json(string_split(key, '|'))) AS record_id
              FROM '{made.truth / "links.parquet"}') AS truth USING (record_id)"""
    )
    return connection


def counted(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row


def test_nobody_is_joined_with_a_stranger_and_hardly_anybody_is_missed(linked: duckdb.DuckDBPyConnection) -> None:
    both, found, true = counted(
        linked,
        """SELECT count(*) FILTER (a.given = b.given AND a.true_person = b.true_person),
        count(*) FILTER (a.given = b.given), count(*) FILTER (a.true_person = b.true_person)
        FROM said a JOIN said b ON a.record_id < b.record_id
        AND (a.given = b.given OR a.true_person = b.true_person)""",
    )
    assert found == both
    assert (both, true) == pytest.approx((true, true), rel=0.003)


def test_no_link_of_the_model_joins_two_persons_even_before_it_is_set_aside(linked: duckdb.DuckDBPyConnection) -> None:
    assert counted(linked, f"SELECT count(*) FROM {_PAIRS} WHERE decision = 'link' AND NOT is_one") == (0,)


def test_those_who_are_asked_about_are_as_often_one_person_as_two(linked: duckdb.DuckDBPyConnection) -> None:
    one, two = counted(
        linked,
        f"""SELECT count(*) FILTER (is_one), count(*) FILTER (NOT is_one) FROM {_PAIRS}
        WHERE decision = 'review' AND NOT holds""",
    )
    assert two <= max(one, 4)


_PAIRS = """(SELECT links.*, a.true_person = b.true_person AS is_one FROM links
    JOIN said a ON a.record_id = left_id JOIN said b ON b.record_id = right_id)"""
