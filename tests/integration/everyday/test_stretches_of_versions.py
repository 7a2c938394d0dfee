"""Stretches of time read again, of a source that keeps every version of a row and calls a key deleted in the last."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from include.lake.delta import last_commit
from include.pipelines.sync import extraction
from include.pipelines.sync.read_plan import Window
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.everyday.ledger_source import context_of
from tests.repeats import held_by

OWN = "integration/everyday/test_stretches_of_versions.py"
PLAIN = "{name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1}"
COMPUTED = (
    "{name: id, physicalName: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, "
    "transformLogic: upper(id)}"
)
OF_TWO = PLAIN + "\n      - {name: office, logicalType: integer, primaryKey: true, primaryKeyPosition: 2}"
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
      - %s
      - {name: status, logicalType: string}
      - {name: moved, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: UTC}}
    customProperties:
      - property: extract
        value: {cursor: [moved], lag: PT0S, deletes: soft, deletedWhen: "status = 'cancelled'", deleteLimitPercent: 100}
      - {property: tolerance, value: {rejectedPercent: 100, rowCountChangePercent: 1000}}
"""


class Versions:
    """A table in SQLite with a row for each version, and its lake."""

    def __init__(self, folder: Path, key: str) -> None:
        self.file, self.runs = folder / "t.db", 0
        self.context = context_of(folder, f"sqlite:///{self.file}")
        (folder / "schemas/registries/payments.odcs.yaml").write_text(CONTRACT % key, encoding="utf-8")
        self.sql("CREATE TABLE t (id TEXT, office INTEGER, status TEXT, moved TEXT)")

    def sql(self, *statements: str) -> None:
        with sqlite3.connect(self.file) as connection:
            for statement in statements:
                connection.execute(statement)

    def sync(self, **how: Any) -> dict[str, Any]:
        self.runs += 1
        run_id = f"202604{self.runs:02}T000000Z-00000000"
        (facts,) = sync_registry("payments", run_id=run_id, context=self.context, **how).tables
        assert facts.verdict in ("published", "unchanged"), facts
        return facts.to_dict()

    def published(self) -> dict[str, str]:
        rows = DeltaTable(self.context.lake.registry_table("payments", "payment")).to_pyarrow_table().to_pylist()
        return {row["id"]: row["status"] for row in rows}

    def cursor(self) -> str:
        state = last_commit(self.context.lake, self.context.table("payments", "payment")[1])
        assert state is not None
        return state.metadata["cursor"]


@pytest.mark.parametrize(
    ("key", "most_keys", "read"),
    [
        (PLAIN, 20_000, 6),
        (COMPUTED, 20_000, 7),
        *(
            pytest.param(*case, marks=held_by(f"{OWN}::test_a_key_that_a_later_version_deleted_stays_out"))
            for case in ((OF_TWO, 20_000, 6), (PLAIN, 1, 7))
        ),
    ],
)
def test_a_key_that_a_later_version_deleted_stays_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, most_keys: int, read: int
) -> None:
    monkeypatch.setattr(extraction, "MOST_MISSED_CHANGES", most_keys)
    source = Versions(tmp_path, key)
    later = "a" if key == COMPUTED else "A"
    source.sql(
        "INSERT INTO t VALUES ('A', 1, 'valid', '2026-03-01 08:00'), ('B', 1, 'valid', '2026-03-01 09:00')",
        "INSERT INTO t VALUES ('C', 1, 'valid', '2026-03-01 10:00'), (NULL, 1, 'valid', '2026-03-01 11:00')",
        f"INSERT INTO t VALUES ('{later}', 1, 'cancelled', '2026-03-05 08:00')",
        "INSERT INTO t VALUES ('B', 1, 'corrected', '2026-03-05 09:00'), ('D', 1, 'valid', '2026-03-05 09:00')",
        "INSERT INTO t VALUES ('D', 1, 'valid', '2026-02-01 09:00')",
    )
    source.sync()
    assert source.published() == {"B": "corrected", "C": "valid", "D": "valid"}
    source.sql("UPDATE t SET status = 'mended' WHERE id = 'C'")
    day = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    facts = source.sync(window=day)
    assert (facts["mode"], facts["extracted"], facts["updated"], facts["inserted"]) == ("backfill", read, 1, 0)
    assert source.published() == {"B": "corrected", "C": "mended", "D": "valid"}
    assert source.sync(is_full=True)["deleted"] == 0
    assert source.published() == {"B": "corrected", "C": "mended", "D": "valid"}


@pytest.mark.parametrize(
    ("key", "published"),
    [
        (COMPUTED, {"B", "C"}),
        pytest.param(
            PLAIN, {"B"},
            marks=held_by(f"{OWN}::test_the_cursor_stays_where_it_was_although_later_rows_were_read"),
        ),
    ],
)  # fmt: skip
def test_the_cursor_stays_where_it_was_although_later_rows_were_read(
    tmp_path: Path, key: str, published: set[str]
) -> None:
    source = Versions(tmp_path, key)
    source.sql("INSERT INTO t VALUES ('A', 1, 'valid', '2026-03-01 08:00'), ('B', 1, 'valid', '2026-03-05 09:00')")
    source.sync()
    source.sql("INSERT INTO t VALUES ('A', 1, 'cancelled', '2026-03-06 08:00')")
    source.sql("INSERT INTO t VALUES ('C', 1, 'valid', '2026-03-05 10:00')")
    day = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    assert source.sync(window=day)["mode"] == "backfill"
    assert (set(source.published()), source.cursor()) == (published, '["2026-03-05 09:00"]')
    source.sync()
    assert set(source.published()) == {"B", "C"}
