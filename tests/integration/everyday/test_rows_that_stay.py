"""A contract changes, and rows stay that nobody sends again: its rules and columns hold for them, and figures tell so.

Older tests counted what stood in `_warnings`, not what the rules say; and changed contracts only where all rows came.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from include.lake.publishing import publication
from include.pipelines.rejected.replaying import replay
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.upkeep.versions import restore_step
from tests.integration.everyday.test_changed_contracts import EXTRACT, LAX, RULE, Registry
from tests.repeats import held_by

STEWARD = Approval("Lê Thu", "a test")
RULES = """{name: name, logicalType: string, required: true, quality: [
        {id: strict, metric: invalidValues, mustBe: 0, arguments: {validValues: [binh, cuong, dung]}},
        {id: odd, metric: invalidValues, mustBe: 0, arguments: {validValues: [an, cuong]}, severity: warning}]}"""
NOTE = "      - {name: note, logicalType: string}\n"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Rows `1` and `2` will stay, whatever the policy: their new versions are rejected, or they are sent no more."""
    registry = Registry(tmp_path)
    registry.rewrite("      - {name: status", NOTE + "      - {name: status")
    registry.sql("ALTER TABLE t ADD COLUMN note TEXT")
    registry.sql("UPDATE t SET note = 'private ' || id")
    return registry


def change(registry: Registry) -> None:
    registry.rewrite(NOTE, "")
    registry.rewrite(RULE, RULES)
    registry.rewrite("version: 1.0.0", "version: 2.0.0")


def published(registry: Registry) -> list[dict[str, Any]]:
    table = DeltaTable(registry.context.lake.registry_table("r", "t")).to_pyarrow_table()
    return sorted(table.to_pylist(), key=lambda row: str(row["id"]))


def on_record(registry: Registry) -> dict[str, int]:
    """By rule, the violations of the newest figures, where there are any."""
    checks = DeltaTable(registry.context.lake.audit_table("table_checks")).to_pyarrow_table().to_pylist()
    newest = max(checks, key=lambda check: check["version"])["run_id"]
    return {c["rule_id"]: c["violations"] for c in checks if c["run_id"] == newest and c["violations"]}


def counted(registry: Registry) -> dict[str, int]:
    """The same, by the rules, over the published rows and the reasons of the open rejections."""
    lake, table = registry.context.lake, registry.context.table("r", "t")[1]
    rows = DeltaTable(lake.registry_table("r", "t")).to_pyarrow_table()  # noqa: F841 (read by its name)
    found: dict[str, int] = {}
    for rule in table.rules:
        groups = f"SELECT sum(n) FROM (SELECT count(*) AS n FROM rows GROUP BY {', '.join(rule.columns)} HAVING n > 1)"
        of_row = f"SELECT count(*) FROM (SELECT *, NULL::VARCHAR[] AS _unreadable FROM rows) WHERE {rule.violation}"
        found[rule.rule_id] = duckdb.sql(of_row if rule.scope == "row" else groups).fetchall()[0][0] or 0
    if lake.is_table(lake.rejected_table("r", "t")):
        for row in DeltaTable(lake.rejected_table("r", "t")).to_pyarrow_table().to_pylist():
            for reason in row["_reasons"] if row["_life"] == "open" else []:
                found[reason["rule_id"]] += 1
    return {rule_id: rows for rule_id, rows in found.items() if rows}


@held_by("unit/lake/test_rows_that_stay.py::test_whoever_stays_is_as_the_contract_says")
@pytest.mark.parametrize(
    ("policy", "way"),
    [
        ("deletes: reconcile", "merged"),
        ("deletes: none", "patched"),
        ("deletes: soft, deletedWhen: status = 'cancelled'", "merged"),
    ],
)
def test_the_contract_holds_for_rows_that_stay(
    policy: str, way: str, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "patched":
        monkeypatch.setattr(publication, "MERGE_TABLE_BYTES", -1)
    registry.rewrite(EXTRACT, EXTRACT.replace("}", f", {policy}}}"))
    registry.sync()
    if "reconcile" not in policy:
        registry.sql("DELETE FROM t WHERE id = '1'")
    registry.sql("UPDATE t SET name = NULL, updated_at = '2026-03-09 08:00:00' WHERE id = '2'")
    change(registry)
    facts = registry.sync(approval=STEWARD)
    assert (facts["mode"], facts["retained"], facts["live_rows"]) == ("full", 2 if "reconcile" in policy else 1, 3)
    assert [row["note"] for row in published(registry)] == [None, None, None]
    assert [row["_warnings"] for row in published(registry)] == [["r.t.strict"], ["r.t.odd"], None]
    assert on_record(registry) == counted(registry)
    assert on_record(registry)["r.t.strict"] >= 1
    registry.sql("UPDATE t SET name = 'dung', updated_at = '2026-03-10 08:00:00' WHERE id = '2'")
    assert registry.sync(approval=STEWARD)["mode"] == "incremental"
    assert on_record(registry) == counted(registry)


def test_a_replay_under_a_changed_contract_tells_what_all_rows_are_by_it(registry: Registry) -> None:
    registry.sql("INSERT INTO t VALUES ('9', NULL, 'active', '2026-03-04 08:00:00', 'private 9')")
    registry.sync()
    change(registry)
    registry.rewrite("name: name, logicalType: string, required: true", "name: name, logicalType: string")
    replay(registry.context, "r", run_id=registry.next_run(), approval=STEWARD)
    assert len(published(registry)) == 4
    assert on_record(registry) == counted(registry) == {"r.t.strict": 1, "r.t.odd": 1}
    registry.sync(approval=STEWARD)
    assert on_record(registry) == counted(registry)


def test_rows_of_a_replay_are_judged_again_when_its_contract_is_taken_back(registry: Registry) -> None:
    registry.sql("INSERT INTO t VALUES ('9', NULL, 'active', '2026-03-04 08:00:00', 'private 9')")
    registry.sync()
    registry.rewrite(RULE, LAX)
    replay(registry.context, "r", run_id=registry.next_run(), approval=STEWARD)
    registry.rewrite(LAX, RULE)
    assert registry.sync(approval=STEWARD)["mode"] == "full"
    assert on_record(registry) == counted(registry) == {"r.t.name.required": 2}


def test_a_restored_version_is_counted_by_the_contract_as_it_is(registry: Registry) -> None:
    registry.rewrite(EXTRACT, EXTRACT.replace("}", ", deletes: none}"))
    registry.sync()
    change(registry)
    registry.sync(approval=STEWARD)
    how: dict[str, Any] = {"version": 0, "approval": STEWARD, "context": registry.context}
    restore_step("r", "t", registry.next_run(), **how)
    assert on_record(registry)["r.t.odd"] == 1
    assert on_record(registry) == counted(registry)
    registry.sync(approval=STEWARD)
    assert on_record(registry) == counted(registry)
    assert [row["note"] for row in published(registry)] == [None, None, None]


def test_rows_that_stay_and_share_a_value_are_counted_until_they_do_not(registry: Registry) -> None:
    registry.rewrite(EXTRACT, EXTRACT.replace("}", ", deletes: none}"))
    registry.sql("UPDATE t SET name = 'an'")
    registry.sync()
    registry.sql("DELETE FROM t")
    registry.rewrite(RULE, RULE.replace("required: true", "required: true, unique: true"))
    assert registry.sync(approval=STEWARD)["live_rows"] == 3
    assert on_record(registry) == counted(registry) == {"r.t.name.unique": 3}
    for key, left in (("1", 2), ("2", 0)):
        registry.sql("INSERT INTO t VALUES (?, ?, 'active', '2026-03-10 08:00:00', NULL)", key, f"other {key}")
        assert registry.sync(is_full=True, approval=STEWARD)["updated"] == 1
        assert on_record(registry) == counted(registry) == ({"r.t.name.unique": left} if left else {})


@pytest.mark.parametrize("is_full", [True, False])
def test_a_value_that_stays_because_its_row_clashed_is_counted_with_who_has_it_too(
    registry: Registry, is_full: bool
) -> None:
    """Who is judged takes the row to have its new value, which a clash with another rejects: the former one stays."""
    registry.rewrite(RULE, RULE.replace("required", "unique: true, required"))
    registry.sync(approval=STEWARD)
    registry.sql("UPDATE t SET name = 'dung', updated_at = '2026-03-09 08:00:00' WHERE id = '1'")
    for key, name in (("4", "dung"), ("5", "an")):
        registry.sql("INSERT INTO t VALUES (?, ?, 'active', '2026-03-09 08:00:00', NULL)", key, name)
    facts = registry.sync(approval=STEWARD, is_full=is_full)
    assert (facts["rejected"], [row["name"] for row in published(registry)]) == (2, ["an", "binh", "cuong", "an"])
    assert on_record(registry) == counted(registry) == {"r.t.name.unique": 4}
    registry.sql("UPDATE t SET name = 'giang', updated_at = '2026-03-10 08:00:00' WHERE id = '4'")
    registry.sync(approval=STEWARD)
    assert [row["name"] for row in published(registry)] == ["dung", "binh", "cuong", "giang", "an"]
    assert on_record(registry) == counted(registry) == {}


def test_a_value_that_stays_because_its_key_clashed_is_counted_too(registry: Registry) -> None:
    registry.rewrite("{name: id, logicalType: string,", "{name: id, logicalType: string, transformLogic: trim(id),")
    registry.rewrite(RULE, RULE.replace("required", "unique: true, required"))
    registry.sync(approval=STEWARD)
    registry.sql("UPDATE t SET name = 'dung', updated_at = '2026-03-09 08:00:00' WHERE id = '1'")
    for key, name in ((" 1", "giang"), ("5", "an")):
        registry.sql("INSERT INTO t VALUES (?, ?, 'active', '2026-03-09 08:00:00', NULL)", key, name)
    registry.sync(approval=STEWARD)
    assert [row["name"] for row in published(registry)] == ["an", "binh", "cuong", "an"]
    assert on_record(registry) == counted(registry) == {"r.t.name.unique": 2, "r.t.key": 2}


def test_a_restore_is_on_record_though_a_rule_stops_on_what_it_brings_back(registry: Registry) -> None:
    query = "SELECT COUNT(*) FROM {object} WHERE CAST(name AS INTEGER) > 5"
    stops = f'required: true, quality: [{{id: stops, type: sql, query: "{query}", mustBe: 0}}]'
    registry.sync(approval=STEWARD)
    registry.sql("UPDATE t SET name = id, updated_at = '2026-03-05 08:00:00'")
    registry.sync(approval=STEWARD)
    registry.rewrite(RULE, RULE.replace("required: true", stops))
    assert registry.sync(approval=STEWARD)["verdict"] == "published"
    run_id = registry.next_run()
    assert restore_step("r", "t", run_id, version=0, approval=STEWARD, context=registry.context).version == 3
    runs = DeltaTable(registry.context.lake.audit_table("runs")).to_pyarrow_table().to_pylist()
    assert [run["mode"] for run in runs if run["run_id"] == run_id] == ["restore"]
