"""A contract that changes while a run is under way or between runs, and policies that hold in every kind of run."""

from __future__ import annotations

import dataclasses
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from include.lake.storage.errors import LakeOutdated
from include.lake.storage.lake import Lake
from include.pipelines.checks import plan_registry
from include.pipelines.context import PipelineContext
from include.pipelines.errors import ContractChanged
from include.pipelines.rejected.replaying import gather_step, list_rejected, replay, show_rejected
from include.pipelines.sync.assess_and_publish_steps import Approval, assess_step, publish_step
from include.pipelines.sync.extraction import extract_step
from include.pipelines.sync.read_plan import Window
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.test_replay import House

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: r
version: 1.0.0
status: active
servers: [{server: src, type: custom}]
schema:
  - name: t
    physicalName: t
    properties:
      - {name: id, logicalType: string, primaryKey: true}
      - {name: name, logicalType: string, required: true}
      - {name: status, logicalType: string}
      - {name: updated_at, logicalTypeOptions: {defaultTimezone: UTC}, logicalType: timestamp, required: true}
    customProperties:
      - {property: extract, value: {cursor: [updated_at], deleteLimitPercent: 90}}
      - {property: tolerance, value: {rejectedPercent: 100, rowCountChangePercent: 1000}}
"""
RULE = "{name: name, logicalType: string, required: true}"
UPPER = "{name: name, logicalType: string, required: true, transformLogic: upper(name)}"
LAX = "{name: name, logicalType: string}"
EXTRACT = "{cursor: [updated_at], deleteLimitPercent: 90}"


class Registry:
    """One table `t` in SQLite, its contract and its lake."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, 0
        (folder / "schemas" / "registries").mkdir(parents=True)
        self.contract = folder / "schemas" / "registries" / "r.odcs.yaml"
        self.contract.write_text(CONTRACT, encoding="utf-8")
        self.sql("CREATE TABLE t (id TEXT, name TEXT, status TEXT, updated_at TEXT)")
        for number, name in enumerate(("an", "binh", "cuong"), start=1):
            self.insert(str(number), name, f"2026-03-0{number} 08:00:00")

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.folder / "r.db") as connection:
            connection.execute(statement, values)

    def insert(self, key: str, name: str | None, at: str) -> None:
        self.sql("INSERT INTO t VALUES (?, ?, 'active', ?)", key, name, at)

    def rewrite(self, old: str, new: str) -> None:
        text = self.contract.read_text(encoding="utf-8")
        assert old in text
        self.contract.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def context(self) -> PipelineContext:
        """Read from disk anew."""
        environ = {"AIRFLOW_CONN_SRC": f"sqlite:///{self.folder}/r.db", "LIENTHONG_TMP": str(self.folder / "tmp")}
        return PipelineContext(
            Lake.from_environment({**environ, "LAKE_URI": str(self.folder / "lake")}), self.folder / "schemas", environ
        )

    def next_run(self) -> str:
        self.runs += 1
        return f"202604{self.runs:02}T000000Z-00000000"

    def sync(self, **how: Any) -> dict[str, Any]:
        (facts,) = sync_registry("r", run_id=self.next_run(), context=self.context, **how).tables
        return facts.to_dict()

    def names(self) -> list[str]:
        table = DeltaTable(self.context.lake.registry_table("r", "t")).to_pyarrow_table(columns=["id", "name"])
        return [row["name"] for row in sorted(table.to_pylist(), key=lambda row: str(row["id"]))]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def test_what_was_read_under_another_contract_goes_no_further(registry: Registry) -> None:
    registry.sync()
    registry.insert("4", "dung", "2026-03-04 08:00:00")
    extracted = extract_step("r", "t", registry.next_run(), context=registry.context)
    assessed = assess_step(extracted, context=registry.context)
    registry.rewrite(RULE, UPPER)
    for step, facts in ((assess_step, extracted), (publish_step, assessed)):
        with pytest.raises(ContractChanged, match="begin a new run"):
            step(facts, context=registry.context)
    assert registry.names() == ["an", "binh", "cuong"]
    assert registry.sync()["mode"] == "full"
    assert registry.names() == ["AN", "BINH", "CUONG", "DUNG"]


def test_a_sync_whose_contract_changes_under_way_reads_the_table_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.sync()
    registry.insert("4", "dung", "2026-03-04 08:00:00")
    changing = registry.context
    told: list[str] = []

    def watch(_: str, step: str) -> None:
        told.append(step)
        if step == "assess" and told.count("assess") == 1:
            registry.rewrite(RULE, UPPER)
            monkeypatch.setattr(PipelineContext, "table", lambda _, r, t: registry.place_table(r, t))

    monkeypatch.setattr(Registry, "place_table", lambda self, r, t: table(self.context, r, t), raising=False)
    table = PipelineContext.table
    (facts,) = sync_registry("r", run_id=registry.next_run(), watch=watch, context=changing).tables
    assert (facts.verdict, facts.mode) == ("published", "full")
    assert told == ["extract", "assess", "extract", "assess", "publish", "published"]
    assert registry.names() == ["AN", "BINH", "CUONG", "DUNG"]


@pytest.mark.parametrize("policy", ["deletes: none", "deletes: soft, deletedWhen: status = 'cancelled'"])
def test_only_a_reconciled_table_loses_rows_that_a_full_run_does_not_find(registry: Registry, policy: str) -> None:
    registry.rewrite(EXTRACT, EXTRACT.replace("}", f", {policy}}}"))
    registry.insert("9", None, "2026-03-04 08:00:00")
    registry.sync()
    registry.sql("DELETE FROM t WHERE id IN ('1', '9')")
    registry.sql("UPDATE t SET status = 'cancelled', updated_at = '2026-03-05 08:00:00' WHERE id = '2'")
    facts = registry.sync(is_full=True)
    assert facts["mode"] == "full"
    assert registry.names() == (["an", "binh", "cuong"] if policy == "deletes: none" else ["an", "cuong"])
    assert facts["deleted"] == (0 if policy == "deletes: none" else 1)
    assert [entry.rows for entry in list_rejected(registry.context, "r")] == [1]


def test_a_reconciled_table_loses_them(registry: Registry) -> None:
    registry.insert("9", None, "2026-03-04 08:00:00")
    registry.sync()
    registry.sql("DELETE FROM t WHERE id IN ('1', '9')")
    assert registry.sync(is_full=True)["deleted"] == 1
    assert registry.names() == ["binh", "cuong"]
    assert list_rejected(registry.context, "r") == []


def test_a_drop_is_read_by_the_new_contract_although_a_replay_came_first(registry: Registry) -> None:
    drop = registry.folder / "drop"
    drop.mkdir()
    (drop / "t.csv").write_text("id,name,status,updated_at\n1,an,x,2026-03-01 08:00:00\n2,,x,2026-03-01 08:00:00\n")
    registry.rewrite("type: custom}", f"type: local, path: {drop}, format: csv}}")
    registry.rewrite("physicalName: t\n", "physicalName: t.csv\n")
    context = registry.context
    context = dataclasses.replace(
        context, environ={k: v for k, v in context.environ.items() if k != "AIRFLOW_CONN_SRC"}
    )

    def sync() -> dict[str, Any]:
        (facts,) = sync_registry("r", run_id=registry.next_run(), context=dataclasses.replace(context)).tables
        return facts.to_dict()

    assert sync()["rejected"] == 1
    (plan,) = plan_registry(dataclasses.replace(context), "r")
    assert (plan.mode, plan.why) == ("full", "a file drop is always read whole")
    assert sync()["verdict"] == "unchanged"
    registry.rewrite(RULE, "{name: name, logicalType: string, transformLogic: \"upper(coalesce(name, '?'))\"}")
    (facts,) = replay(dataclasses.replace(context), "r", run_id=registry.next_run()).tables
    assert facts.accepted == 1
    assert sync()["verdict"] == "published"
    assert registry.names() == ["AN", "?"]


def test_a_replay_of_a_table_without_key_does_not_double_what_came_again(registry: Registry) -> None:
    registry.rewrite(", primaryKey: true", "")
    registry.insert("4", None, "2026-03-04 08:00:00")
    assert registry.sync()["rejected"] == 1
    registry.rewrite(RULE, LAX)
    assessed = assess_step(
        gather_step("r", "t", registry.next_run(), context=registry.context), context=registry.context
    )
    assert registry.sync(approval=Approval("steward"))["verdict"] == "published"
    with pytest.raises(LakeOutdated, match="replay again"):
        publish_step(assessed, "steward", "fine", context=registry.context)
    assert registry.names() == ["an", "binh", "cuong", None]


def test_drift_is_told_from_the_first_run_of_a_new_version_on(registry: Registry) -> None:
    registry.sync()
    registry.rewrite("version: 1.0.0", "version: 1.1.0")
    assert registry.sync()["verdict"] == "published"  # nothing but the version and the columns that it found
    assert registry.sync()["verdict"] == "unchanged"
    registry.sql("ALTER TABLE t ADD COLUMN note TEXT")
    registry.sql("INSERT INTO t VALUES ('4', 'dung', 'active', '2026-03-04 08:00:00', 'x')")
    facts = registry.sync()
    assert facts["verdict"] == "failed"
    assert "note" in facts["error"]


@pytest.mark.parametrize("lacks", ["cursor", "key"])
def test_a_table_that_is_always_read_whole_has_no_stretch_to_read_again(registry: Registry, lacks: str) -> None:
    registry.rewrite(*(("cursor: [updated_at], ", "") if lacks == "cursor" else (", primaryKey: true", "")))
    registry.sync()
    registry.sql("DELETE FROM t WHERE id = '1'")
    facts = registry.sync(window=Window(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)))
    assert facts["verdict"] == "failed"
    assert "cannot be read for a stretch of time" in facts["error"]
    assert registry.names() == ["an", "binh", "cuong"]


def test_a_late_row_in_another_notation_is_found(registry: Registry) -> None:
    registry.rewrite(EXTRACT, EXTRACT.replace("}", ", lag: PT0S}"))
    registry.sync()
    registry.insert("4", "dung", "2026-03-03T07:00:00")
    assert registry.sync()["verdict"] == "published"
    assert registry.names() == ["an", "binh", "cuong", "dung"]


def test_no_value_of_the_registry_is_in_what_a_run_tells(registry: Registry) -> None:
    registry.insert("4", None, "2026-03-04 08:00:00")
    registry.sync()
    registry.insert("5", "giang", "2026-03-05 08:00:00")
    facts = registry.sync()
    assert facts["mode"] == "incremental"
    shown = show_rejected(registry.context, "r", "t", rule_id=None, limit=5)
    assert "2026-03-0" not in str(facts["why"]) + str(shown)
    assert len(shown) == 1


def test_a_step_that_found_nothing_to_publish_may_be_tried_again(registry: Registry) -> None:
    """Its verdict is on record, and who was to hear of it was killed."""
    registry.sync()
    registry.rewrite(EXTRACT, EXTRACT.replace("}", ", lag: P30D}"))
    extracted = extract_step("r", "t", registry.next_run(), context=registry.context)
    assert extracted.extracted == 3
    first, again = (assess_step(extracted, context=registry.context) for _ in range(2))
    assert first.verdict == "unchanged"
    assert dataclasses.replace(again, seconds=0) == dataclasses.replace(first, seconds=0)


def test_a_steward_approves_what_will_be_published(registry: Registry) -> None:
    """The same contract from the reading to the approval: nothing stands in the way."""
    registry.rewrite("rejectedPercent: 100", "rejectedPercent: 1")
    registry.insert("4", None, "2026-03-04 08:00:00")
    assert registry.sync()["verdict"] == "held"
    assert registry.sync(approval=Approval("steward", "fine"))["verdict"] == "published"


def test_a_run_that_has_published_is_not_begun_again_under_another_contract(tmp_path):
    """As a cleared run of a DAG would: it said `published` of rows that were not."""
    house = House(tmp_path)
    house.sync("r1")
    house.allow_debt()
    later = PipelineContext(house.context.lake, house.context.schemas, house.environ)
    with pytest.raises(ContractChanged, match="begin a new run"):
        extract_step("business", "enterprise", "r1", context=later)
