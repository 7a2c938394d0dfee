"""A simulated country, published and linked: every record with its true person and the one it was given."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from include.identity.linking.accuracy import Accuracy, Estimate
from include.identity.records.roles import linked_tables
from include.lake.publishing.publication import publish
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.people.linking import link_persons
from include.quality.split.row_outcomes import conform_and_split
from include.simulator.country import simulate
from include.simulator.dirt.rates import DirtRates
from tests.integration.identity.labelled import Outcome
from tests.whole_land import schemas_with_whole_land

_AT = datetime(2026, 1, 1, tzinfo=UTC)


class Simulated:
    """`said`: records with `given` and `true_person`; `links` between them; `outcome`: what came of it."""

    def __init__(self, folder: Path, *, persons: int, seed: int, dirt: float = 1.0) -> None:
        environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
        schemas = schemas_with_whole_land()
        context = PipelineContext(Lake.from_environment(environ), schemas, environ)
        made = simulate(persons=persons, seed=seed, out=folder / "country", rates=DirtRates().times(dirt))
        for table in (linked.table for linked in linked_tables(context.contracts.values())):
            extract = str(made.staged(table.registry, table.name))
            split = conform_and_split(table, extract, lake=context.lake, run_id="first", schemas_dir=schemas)
            publish(lake=context.lake, run_id="first", table=table, at=_AT, staged=split.staged, metadata={})
        self.linked = link_persons("20260101T020000Z-00000001", context=context)
        assert self.linked.verdict == "published"
        self.connection = duckdb.connect()
        for name in ("index", "links"):
            rows = context.lake.table("people", name).to_pyarrow_table()
            self.connection.register(f"{name}_rows", rows)
            self.connection.execute(f"CREATE TABLE {name} AS FROM {name}_rows")
        self.connection.execute(
            f"""CREATE TABLE said AS SELECT record_id, i.person_id AS given, truth.person_id AS true_person
            FROM index i JOIN (SELECT DISTINCT person_id,
                         concat(registry, '.', "table", ':', to_json(string_split(key, '|'))) AS record_id
                  FROM '{made.truth / "links.parquet"}') AS truth USING (record_id)"""
        )

    @property
    def outcome(self) -> Outcome:
        """Over pairs of records whose true person is known: all but health cards, which have no name."""
        both, found, true = self.counted(
            """SELECT count(*) FILTER (a.given = b.given AND a.true_person = b.true_person),
            count(*) FILTER (a.given = b.given), count(*) FILTER (a.true_person = b.true_person)
            FROM said a JOIN said b ON a.record_id < b.record_id
            AND (a.given = b.given OR a.true_person = b.true_person)"""
        )
        precision, recall = (
            Estimate(*(getattr(self.linked, f"{name}{end}") for end in ("", "_lower", "_upper")))
            for name in ("precision", "recall")
        )
        return Outcome(both, found, true, Accuracy((), precision, recall, None, found))

    def counted(self, sql: str) -> tuple[int, ...]:
        row = self.connection.execute(sql).fetchone()
        assert row is not None
        return row
