"""A contract whose key changes loses no open rejection: it is told apart by the key that its cells have by today's.

Older tests changed rules and cursors, or the key of published rows; none changed the key while a rejected row was open.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from include.lake.rejected.open_rejections import open_rejections_of
from include.pipelines.checks import plan_registry
from include.pipelines.rejected.replaying import replay
from include.pipelines.sync.assess_and_publish_steps import Approval
from tests.integration.everyday.test_changed_contracts import EXTRACT, LAX, RULE, Registry

STEWARD = Approval("Lê Thu", "a test")
KEPT = EXTRACT.replace("}", ", deletes: none}")
ID = "{name: id, logicalType: string, primaryKey: true}"
OF_TWO = "{name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}"
STATUS = "{name: status, logicalType: string}"
SECOND = "{name: status, logicalType: string, primaryKey: true, primaryKeyPosition: 2, required: true}"
LONGER = "{name: id, logicalType: string, primaryKey: true, transformLogic: \"lpad(id, 3, '0')\"}"
RENAMED = "{name: code, physicalName: id, logicalType: string, primaryKey: true}"
SAME: list[tuple[str, str]] = []
GROWN, SHRUNK = [(ID, OF_TWO), (STATUS, SECOND)], [(OF_TWO, ID), (SECOND, STATUS)]


class Days(Registry):
    """Row 9 is rejected on the first day, for want of a name."""

    def __init__(self, folder: Path, before: list[tuple[str, str]], key: str | None = "9") -> None:
        super().__init__(folder)
        self.change([(EXTRACT, KEPT), *before])
        self.sql("INSERT INTO t VALUES (?, NULL, 'active', '2026-03-04 08:00:00')", key)
        assert self.sync()["rejected"] == 1

    def change(self, texts: list[tuple[str, str]]) -> None:
        for old, new in texts:
            self.rewrite(old, new)

    def sync(self) -> dict[str, Any]:
        return super().sync(approval=STEWARD, is_full=True)

    def replay(self) -> dict[str, Any]:
        return replay(self.context, "r", run_id=self.next_run(), approval=STEWARD).tables[0].to_dict()

    def open(self) -> list[str | None]:
        with open_rejections_of(self.context.lake, self.context.table("r", "t")[1]) as opened:
            assert opened is not None
            return [row[0] for row in opened.connection.execute("SELECT _key FROM opened ORDER BY 1").fetchall()]

    def published(self, key: str = "id") -> dict[str, str | None]:
        rows = DeltaTable(self.context.lake.registry_table("r", "t")).to_pyarrow_table().to_pylist()
        return {row[key]: row["name"] for row in rows}


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        (SAME, GROWN, '{"id":"9","status":"active"}'),
        (GROWN, SHRUNK, '{"id":"9"}'),
        (SAME, [(ID, LONGER)], '{"id":"009"}'),
    ],
    ids=["grown", "shrunk", "by another expression"],
)
def test_a_row_that_did_not_come_again_stays_open_and_is_replayed(tmp_path, before, after, key):
    days = Days(tmp_path, before)
    days.sql("DELETE FROM t WHERE id = '9'")
    days.change(after)
    assert days.sync()["verdict"] == "published"
    assert days.open() == [key]
    days.rewrite(RULE, LAX)
    assert days.replay()["accepted"] == 1
    assert days.open() == []


@pytest.mark.parametrize("after", [GROWN, [(ID, LONGER)]], ids=["grown", "by another expression"])
def test_a_row_that_came_again_is_closed_and_never_goes_back(tmp_path, after):
    days = Days(tmp_path, [(KEPT, KEPT.replace("cursor: [updated_at], ", ""))])  # runs alone say what is newer
    days.sql("UPDATE t SET name = 'chi' WHERE id = '9'")
    days.change(after)
    days.sync()
    assert days.open() == []
    days.rewrite(RULE, LAX)
    days.replay()
    assert "chi" in days.published().values()
    assert None not in days.published().values()


def test_without_a_readable_key_it_stays_open_unless_the_very_same_row_came(tmp_path):
    days = Days(tmp_path, SAME, None)
    days.sync()
    assert days.open() == [None]
    days.sql("DELETE FROM t WHERE id IS NULL")
    days.sync()
    assert days.open() == [None]
    days.change([(ID, "{name: id, logicalType: string, primaryKey: true, transformLogic: \"coalesce(id, '0')\"}")])
    days.rewrite(RULE, LAX)
    assert days.replay()["accepted"] == 1


def test_a_key_that_published_rows_lack_is_refused_with_its_remedy(tmp_path):
    days = Days(tmp_path, SAME)
    days.sql("DELETE FROM t WHERE id = '9'")
    days.change([(ID, RENAMED)])
    (plan,) = plan_registry(days.context, "r")
    assert plan.is_breaking
    for tried in (days.replay(), days.sync()):
        assert tried["verdict"] == "failed"
        assert "retire the table (remove registry/r/t from the lake)" in tried["error"]
    shutil.rmtree(days.context.lake.registry_table("r", "t"))
    days.sync()
    assert days.open() == ['{"code":"9"}']
    assert set(days.published("code")) == {"1", "2", "3"}


def test_a_replay_that_publishes_nothing_leaves_the_keys_as_the_contract_had_them(tmp_path: Path) -> None:
    """When the contract is put back, the row that comes again is known by its key, and no replay brings the old one."""
    days = Days.__new__(Days)
    Registry.__init__(days, tmp_path)
    unique = RULE.replace("required", "unique: true, required")
    days.change([(EXTRACT, KEPT.replace("cursor: [updated_at], ", "")), (RULE, unique)])
    days.sync()
    days.sql("DELETE FROM t WHERE id = '1'")
    days.sql("INSERT INTO t VALUES ('9', 'an', 'active', '2026-03-04 08:00:00')")
    assert days.sync()["rejected"] == 1
    days.change([(ID, LONGER)])
    (facts,) = replay(days.context, "r", run_id=days.next_run(), approval=STEWARD, rule_id="r.t.name.required").tables
    assert facts.verdict == "unchanged"
    days.change([(LONGER, ID)])
    days.sql("UPDATE t SET name = 'chi' WHERE id = '9'")
    days.sync()
    assert (days.open(), days.published()["9"]) == ([], "chi")
