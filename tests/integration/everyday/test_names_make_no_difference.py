"""A contract's columns may have any name that our own SQL uses: what is published, rejected and counted is the same.

Two houses have the same source and the same days; the columns of one are called as ours in SQL, those of the other as
nothing else. Older tests had few names, and found a column `filename`, `place`, `d` or `r` when somebody had one.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.lake.storage.lake import Lake
from include.pipelines.rejected.replaying import replay
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.everyday.ledger_source import context_of
from tests.repeats import repeats
from tests.unit.test_ordered_lists import sql_of

pytestmark = pytest.mark.slow

INCLUDE = Path(__file__).resolve().parents[3] / "include"
NAMED = re.compile(
    r'\b(?:AS|TABLE|VIEW|JOIN|FROM|lambda) "?([a-z][a-z0-9_]*)\b|(?:\)|FROM \S+|JOIN \S+) (?:AS )?([a-z][a-z0-9_]*)\b'
)
OF_SQL = re.compile(r"\b(SELECT|FROM|JOIN|WITH)\b|lambda")
OF_OLD = {"place", "dated", "member", "code", "opened", "source", "published", "changes"}  # some did harm
OF_A_HISTORY = {"valid_from", "valid_until"}  # `lienthong check` refuses them in a table with a history
KINDS = ("TEXT", "INTEGER", "TEXT", "INTEGER", "INTEGER", "TEXT", "TEXT")
DAY = "2026-03-0{} 08:00:00"
# key, number, moved, amount, shared, single, size; all other columns have the last text
ROWS: tuple[tuple[tuple[Any, ...], ...], ...] = (
    (
        ("a", 1, 5, 1, "x", "1.5", "p"), ("b", 2, -1, 1, "y", "6", "p"), ("c", 3, 7, 2, "z", "7.25", "p"),
        ("d", None, 7, 2, "v", "1", "p"), ("e", 5, 3, 3, "w", "123456789.12", "p"), ("f", 6, 3, 4, "dup", "2", "p"),
    ),
    (
        ("a", 1, 5, 9, "x", "9.5", "q"), ("b", 2, -2, 1, "y", "6", "q"), ("g", 7, 3, 2, "dup", "3", "q"),
        ("h", None, 7, 2, "k", "1", "q"), ("i", 9, -4, 2, "l", "1", "q"), ("c",),
    ),
    (("b", 2, 2, 1, "y", "6", "r"), ("f", 6, 3, 4, "dup2", "2", "r"), ("j", 10, 1, 9, "m", "8", "r"), ("d",)),
    (),
)  # fmt: skip


def names_of_ours() -> list[str]:
    """Names of columns, relations and parameters in the SQL of `include`; without LONG_TESTS the short ones."""
    files = [path for path in INCLUDE.rglob("*.*") if path.suffix in {".py", ".sql"}]
    files = [path for path in files if OF_SQL.search(path.read_text(encoding="utf-8"))]  # to parse one takes long
    texts = [sql for path in files for sql in sql_of(path) if OF_SQL.search(sql)]
    found = {name for sql in texts for pair in NAMED.findall(sql) for name in pair if name} - OF_A_HISTORY
    return sorted(name for name in found if len(name) <= repeats(1, 99) or name in OF_OLD)


def contract(names: Sequence[str]) -> str:
    key, number, moved, amount, shared, single, size = names[:7]
    columns: list[dict[str, Any]] = [
        {"name": key, "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1,
         "transformLogic": f'trim("{key}")'},
        {"name": number, "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 2},
        {"name": moved, "logicalType": "timestamp", "logicalTypeOptions": {"defaultTimezone": "UTC"}},
        {"name": amount, "logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 0}},
        {"name": shared, "logicalType": "integer"},
        {"name": single, "logicalType": "string"},
        {"name": size, "logicalType": "number", "physicalType": "decimal(12,2)"},
        *({"name": name, "logicalType": "string"} for name in names[7:]),
    ]  # fmt: skip
    rules = [
        {"id": rule, "metric": "duplicateValues", "arguments": {"properties": [column]}, "mustBe": 0,
         "dimension": "uniqueness", **more}
        for rule, column, more in (("shared", shared, {"severity": "warning"}), ("single", single, {}))
    ]  # fmt: skip
    small = f'SELECT COUNT(*) FROM {{object}} WHERE "{size}" > 5'
    rules.append({"id": "size", "type": "sql", "severity": "warning", "mustBe": 0, "description": "x", "query": small})
    extract = {"cursor": [moved], "lag": "PT0S", "deletes": "reconcile", "deleteLimitPercent": 100}
    tolerance = {"rejectedPercent": 100, "rowCountChangePercent": 1000}
    policies = {"extract": extract, "tolerance": tolerance, "history": "P9Y"}
    table = {
        "name": "payment", "physicalName": "t", "properties": columns, "quality": rules,
        "customProperties": [{"property": name, "value": value} for name, value in policies.items()],
    }  # fmt: skip
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "payments", "version": "1.0.0", "status": "active"}
    return yaml.safe_dump({**head, "servers": [{"server": "payments_db", "type": "custom"}], "schema": [table]})


def days_of(folder: Path, names: Sequence[str]) -> list[Any]:
    """What each day, and a replay after them, leaves; columns by their place and not by their name."""
    folder.mkdir()
    source, at = folder / "t.db", {name: place for place, name in enumerate(names)}
    context = context_of(folder, f"sqlite:///{source}")
    (folder / "schemas/registries/payments.odcs.yaml").write_text(contract(names), encoding="utf-8")
    kinds = [*KINDS, *["TEXT"] * (len(names) - len(KINDS))]
    with sqlite3.connect(source) as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, kinds, strict=True))
        connection.execute(f"CREATE TABLE t ({columns})")
    found = []
    for day, rows in enumerate(ROWS, start=1):
        with sqlite3.connect(source) as connection:
            for key, *values in rows:
                connection.execute(f'DELETE FROM t WHERE "{names[0]}" = ?', (key,))
                if values:
                    number, amount, shared, single, size, text = values
                    row = [key, number, DAY.format(day), amount, shared, single, size]
                    row += [f"{text}{place % 3}" for place in range(len(names) - len(KINDS))]
                    connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", row)
        (told,) = sync_registry("payments", run_id=f"2026040{day}T000000Z-00000000", context=context).tables
        found.append((counts(told.to_dict()), left(context.lake, at)))
    replayed = replay(context, "payments", run_id="20260409T000000Z-00000000").tables
    return [*found, [counts(table.to_dict()) for table in replayed], left(context.lake, at)]


def counts(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if isinstance(value, int) or name in {"verdict", "mode"}}


def left(lake: Lake, at: dict[str, int]) -> dict[str, Any]:
    """Rows published, rejected and of the history, and the counts of each commit."""

    def rows(uri: str, *ours: str) -> list[str]:
        if not lake.is_table(uri):
            return []
        found = lake.table(uri).to_pyarrow_table().to_pylist()
        return sorted(str({at.get(k, k): str(v) for k, v in row.items() if k in at or k in ours}) for row in found)

    published, rejected = lake.registry_table("payments", "payment"), lake.rejected_table("payments", "payment")
    keys = lake.table(rejected).to_pyarrow_table().column("_key").to_pylist() if lake.is_table(rejected) else []
    return {
        "published": rows(published, "_warnings"),
        "rejected": rows(rejected, "_run_id", "_row", "_status", "_life", "_closed_by"),
        "keys": sorted(str([*json.loads(key).values()]) for key in keys if key),
        "history": rows(lake.path("history", "payments", "payment"), "_change"),
        "commits": [
            [entry.get(f"lienthong.{name}") for name in ("inserted", "updated", "deleted", "live_rows")]
            + sorted(json.loads(entry.get("lienthong.broken_rows", '{"counts": {}}'))["counts"].items())
            for entry in lake.table(published).history()
        ],
    }  # fmt: skip


@pytest.mark.parametrize("turn", range(repeats(1, 6)))
def test_what_is_published_rejected_and_counted_is_the_same(turn: int, tmp_path: Path) -> None:
    names = names_of_ours()
    assert len(names) > 25
    names = [*names[turn * 7 :], *names[: turn * 7]]
    plain = [f"z{place}" for place in range(len(names))]
    ours, others = days_of(tmp_path / "ours", names), days_of(tmp_path / "others", plain)
    for one, other in zip(ours, others, strict=True):
        assert one == other
    assert len(ours[-1]["published"]) > 4, "rows are published at the end"
    assert len(ours[-1]["rejected"]) > 7
    assert ours[-1]["history"]
