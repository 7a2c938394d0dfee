"""Cursors and rejected rows of odd kinds, which a comparison of keys must not be led astray by."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from include.pipelines.context import PipelineContext
from include.pipelines.rejected.replaying import list_rejected
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.everyday.ledger_source import context_of

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: payments
version: 1.0.0
status: active
servers: [{server: payments_db, type: custom}]
schema:
  - name: payment
    physicalName: t
    properties:
      - {name: id, logicalType: %(key)s, primaryKey: true, primaryKeyPosition: 1}%(more)s
      - {name: amount, logicalType: integer, logicalTypeOptions: {minimum: 0}}
      - {name: moved, logicalType: %(cursor)s%(zone)s}
    customProperties:
      - {property: extract, value: {cursor: [%(cursors)s], lag: PT0S, deleteLimitPercent: 100}}
      - {property: tolerance, value: {rejectedPercent: 100, rowCountChangePercent: 1000}}
"""


class Source:
    """A table of three columns in SQLite, without any constraint."""

    def __init__(self, folder: Path, columns: str, **contract: str) -> None:
        self.file, self.folder, self.runs = folder / "t.db", folder, 0
        self.sql(f"CREATE TABLE t ({columns})")
        self.context: PipelineContext = context_of(folder, f"sqlite:///{self.file}")
        given = {"key": "string", "cursor": "timestamp", "cursors": "moved", "more": "", **contract}
        given["zone"] = ", logicalTypeOptions: {defaultTimezone: UTC}" if given["cursor"] == "timestamp" else ""
        (folder / "schemas/registries/payments.odcs.yaml").write_text(CONTRACT % given, encoding="utf-8")

    def sql(self, *statements: str) -> None:
        with sqlite3.connect(self.file) as connection:
            for statement in statements:
                connection.execute(statement)

    def sync(self) -> dict[str, Any]:
        self.runs += 1
        run_id = f"202604{self.runs:02}T000000Z-00000000"
        (facts,) = sync_registry("payments", run_id=run_id, context=self.context).tables
        assert facts.verdict in ("published", "unchanged"), facts
        return facts.to_dict()

    def amounts(self) -> dict[str, int]:
        rows = DeltaTable(self.context.lake.registry_table("payments", "payment")).to_pyarrow_table().to_pylist()
        return {str(row["id"]): row["amount"] for row in rows}


def test_numbers_are_compared_as_numbers_although_they_land_as_text(tmp_path: Path) -> None:
    source = Source(tmp_path, "id TEXT, amount INTEGER, moved INTEGER", cursor="integer")
    source.sql("INSERT INTO t VALUES ('a', 1, 50), ('b', 2, 120)")
    source.sync()
    source.sql("INSERT INTO t VALUES ('c', 3, 99)", "UPDATE t SET amount = 7, moved = 9 WHERE id = 'a'")
    assert source.sync()["mode"] == "incremental"
    assert source.amounts() == {"a": 7, "b": 2, "c": 3}


def test_the_case_in_which_a_contract_spells_a_cursor_does_not_matter(tmp_path: Path) -> None:
    source = Source(tmp_path, "ID TEXT, AMOUNT INTEGER, MOVED TEXT")
    source.sql("INSERT INTO t VALUES ('a', 1, '2026-01-01 00:00:00'), ('b', 2, '2026-03-01 00:00:00')")
    source.sync()
    source.sql("INSERT INTO t VALUES ('c', 3, '2026-01-05 00:00:00')")
    source.sync()
    assert source.amounts() == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("kind", "moments"), [("timestamp", ("'2026-01-01'", "'2026-03-01'")), ("integer", ("1", "3"))]
)
def test_a_text_that_comes_second_decides_nothing(tmp_path: Path, kind: str, moments: tuple[str, str]) -> None:
    of_kind = "INTEGER" if kind == "integer" else "TEXT"
    source = Source(tmp_path, f"id TEXT, amount INTEGER, moved {of_kind}", cursor=kind, cursors="moved, id")
    source.sql(f"INSERT INTO t VALUES ('a', 1, {moments[0]}), ('z', 2, {moments[1]})")
    source.sync()
    source.sql(f"INSERT INTO t VALUES ('b', 3, {moments[1]})")
    facts = source.sync()
    assert (facts["mode"], facts["extracted"]) == ("incremental", 2)
    assert source.amounts() == {"a": 1, "b": 3, "z": 2}
    assert source.sync()["verdict"] == "unchanged"


def test_a_sound_version_is_read_although_a_newer_one_was_rejected(tmp_path: Path) -> None:
    source = Source(tmp_path, "id TEXT, amount INTEGER, moved TEXT")
    source.sql("INSERT INTO t VALUES ('a', 1, '2026-01-09 00:00:00'), ('a', -1, '2026-02-01 00:00:00')")
    source.sql("INSERT INTO t VALUES ('b', 5, '2026-03-01 00:00:00')")
    source.sync()
    assert source.amounts() == {"a": 1, "b": 5}
    source.sql("UPDATE t SET amount = 77, moved = '2023-03-19 00:00:00' WHERE amount = 1")
    source.sync()
    assert source.amounts() == {"a": 77, "b": 5}
    assert source.sync()["verdict"] == "unchanged"


def test_a_rejected_version_that_the_source_took_back_is_no_excuse_for_the_next(tmp_path: Path) -> None:
    source = Source(tmp_path, "id TEXT, amount INTEGER, moved INTEGER", cursor="integer")
    source.sql("INSERT INTO t VALUES ('a', 1, 5), ('b', 5, 900)")
    source.sync()
    source.sql("UPDATE t SET amount = -1, moved = 6 WHERE id = 'a'")
    source.sync()
    assert len(list_rejected(source.context, "payments")) == 1
    source.sql("UPDATE t SET amount = 1, moved = 5 WHERE id = 'a'")
    source.sync()
    assert list_rejected(source.context, "payments") == []
    assert source.sync()["verdict"] == "unchanged"
    source.sql("UPDATE t SET amount = 44, moved = 6 WHERE id = 'a'")
    source.sync()
    assert source.amounts() == {"a": 44, "b": 5}


def test_a_row_with_half_a_key_is_rejected_once(tmp_path: Path) -> None:
    region = "\n      - {name: region, logicalType: string, primaryKey: true, primaryKeyPosition: 2}"
    source = Source(tmp_path, "id TEXT, region TEXT, amount INTEGER, moved TEXT", more=region)
    source.sql(
        "INSERT INTO t VALUES ('a', 'x', 1, '2026-01-01'), ('a', NULL, 2, '2026-01-02'), ('b', 'x', 3, '2026-03-01')"
    )
    source.sync()
    for _ in range(3):
        assert source.sync()["verdict"] == "unchanged"
    (entry,) = list_rejected(source.context, "payments")
    assert entry.rows == 1
