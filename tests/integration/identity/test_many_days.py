"""Days of a simulated country, linked one after another, end where one full run ends."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from include.contracts.model import Table
from include.identity.records.roles import linked_tables
from include.lake.delta import StagedFiles
from include.lake.publishing.publication import publish
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.people.link_results import PersonsLinked
from include.pipelines.people.linking import link_persons
from include.quality.split.row_outcomes import conform_and_split
from include.simulator.country import simulate
from tests.repeats import held_by
from tests.whole_land import schemas_with_whole_land

DAYS = 10
START = datetime(2026, 1, 1, 2, tzinfo=UTC)
# What a column said until the row was corrected, by its link role.
BEFORE = {"personal_id": "NULL", "old_id": "NULL", "insurance_number": "NULL", "birth_date": "NULL",
          "name": "strip_accents({})"}  # fmt: skip


class Nation:
    """Five registers in a lake of its own; rows come, are corrected and go on days that their number tells."""

    def __init__(self, folder: Path, staged: dict[str, StagedFiles]) -> None:
        environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
        self.folder, self.staged = folder, staged
        self.context = PipelineContext(Lake.from_environment(environ), schemas_with_whole_land(), environ)

    def publish(self, day: int) -> None:
        """Every table as it is on that day."""
        changed = [0, 0, 0]
        for linked in linked_tables(self.context.contracts.values()):
            table = linked.table
            done = publish(
                self.context.lake, table, run_id=f"day-{day:02}", at=START + timedelta(days=day),
                staged=self._on(table, day), metadata={},
            )  # fmt: skip
            for kind, count in enumerate((done.inserted, done.updated, done.deleted)):
                changed[kind] += count
        assert day in (0, DAYS) or min(changed) > 0

    def link(self, day: int, *, is_full: bool = False) -> PersonsLinked:
        run_id = f"{START + timedelta(days=day):%Y%m%dT%H%M%SZ}-0000000{int(is_full)}"
        return link_persons(run_id, is_full=is_full, approved_by="c06", context=self.context)

    def who(self) -> dict[str, str]:
        index = self.context.lake.table("people", "index").to_pyarrow_table()
        return dict(zip(index["record_id"].to_pylist(), index["person_id"].to_pylist(), strict=True))

    def copy(self, folder: Path) -> Nation:
        shutil.copytree(self.folder / "lake", folder / "lake")
        return Nation(folder, self.staged)

    def _on(self, table: Table, day: int) -> StagedFiles:
        """Of 130 rows ten come later than the first day, ten are corrected; of 20 one goes; the day is drawn."""
        staged = self.staged[table.qualified_name]
        folder = Path(self.context.lake.staging_path(table.registry, table.name, f"day-{day:02}"))
        folder.mkdir(parents=True)
        here = StagedFiles.below(str(folder))
        shutil.copyfile(staged.faults, here.faults)
        shutil.copyfile(staged.warnings, here.warnings)
        were = ", ".join(
            f"CASE WHEN corrected > {day} THEN {BEFORE[c.link].format(c.name)} ELSE {c.name} END AS {c.name}"
            for c in table.columns
            if c.link in BEFORE and c.name not in table.primary_key
        )
        with duckdb.connect() as connection:
            connection.execute("CREATE MACRO drawn(what, number) AS CAST(hash(what, number) % 130 AS INTEGER) - 119")
            connection.execute(
                f"""COPY (SELECT * EXCLUDE (corrected) REPLACE ({were})
                FROM (SELECT *, drawn('corrected', _row) AS corrected FROM '{staged.conformed}'
                      ANTI JOIN '{staged.faults}' USING (_row))
                WHERE drawn('comes', _row) <= {day}
                AND NOT (hash('goes', _row) % 20 = 0 AND hash(_row, 'on') % {DAYS} < {day}))
                TO '{here.conformed}' (FORMAT parquet)"""
            )
        return here


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StagedFiles]:
    """What the sources of a simulated country hold, conformed and split once."""
    folder = tmp_path_factory.mktemp("country")
    made = simulate(persons=600, seed=11, out=folder / "simulated")
    context = Nation(folder, {}).context
    tables = [linked.table for linked in linked_tables(context.contracts.values())]
    return {
        t.qualified_name: conform_and_split(
            t, str(made.staged(t.registry, t.name)), lake=context.lake, run_id="r", schemas_dir=context.schemas
        ).staged
        for t in tables
    }


@held_by("integration/identity/test_link_pipeline.py::test_daily_deltas_give_what_one_full_run_gives")
def test_days_one_after_another_give_what_one_full_run_gives(staged: dict[str, StagedFiles], tmp_path: Path) -> None:
    daily = Nation(tmp_path / "daily", staged)
    daily.publish(0)
    assert daily.link(0).verdict == "published"
    first = daily.who()
    at_once, anew = daily.copy(tmp_path / "at-once"), Nation(tmp_path / "anew", staged)
    moved = 0
    for day in range(1, DAYS + 1):
        daily.publish(day)
        done = daily.link(day)
        assert (done.verdict, done.mode) == ("published", "incremental")
        moved += done.minted + done.merged + done.split + done.retired
    assert moved > 2 * DAYS
    found = daily.who()

    again = daily.link(DAYS + 1, is_full=True)
    assert [getattr(again, kind) for kind in ("minted", "merged", "split", "retired", "moved")] == [0, 0, 0, 0, 0]
    assert daily.who() == found

    anew.publish(DAYS)
    anew.link(DAYS)
    assert clusters(anew.who()) == clusters(found)

    at_once.publish(DAYS)
    at_once.link(DAYS, is_full=True)
    assert clusters(at_once.who()) == clusters(found)
    # Which part of a person is the larger may differ on the day it parts from what it is at the end.
    events = daily.context.lake.table("people", "events").to_pyarrow_table().to_pylist()
    parted = {event["person_id"] for event in events if event["kind"] == "split"}
    stayed = {record for record in found if record in first and first[record] not in parted}
    assert len(stayed) > 0.9 * len(first.keys() & found.keys())
    ids = at_once.who()
    assert {record: ids[record] for record in stayed} == {record: found[record] for record in stayed}


def clusters(who: dict[str, str]) -> set[frozenset[str]]:
    """The records of each person, whatever the ids."""
    records: dict[str, set[str]] = {}
    for record, person in who.items():
        records.setdefault(person, set()).add(record)
    return {frozenset(of_one) for of_one in records.values()}
