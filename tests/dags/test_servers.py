"""The sync of a registry on several servers: tasks and a pool for each, one end for all."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from include.audit.report_data.figures import open_run_log
from include.known_error import KnownError
from include.pipelines import Assessed
from include.pipelines.decisions import Answer, approve_step, refuse_step
from plugins.publishing_tasks import all_but_held_are_done
from tests.dags.conftest import ROOT
from tests.integration.servers.provinces import Provinces


@pytest.fixture
def sync_land(tmp_path, monkeypatch):
    from airflow.dag_processing.dagbag import DagBag

    from plugins import dag_settings

    land = Provinces.at(tmp_path, 3, rows=0)
    land.write_contract(**{"land-02": {"customProperties": [{"property": "ended", "value": "2020-01-01"}]}})
    monkeypatch.setattr(dag_settings, "SCHEMAS", tmp_path / "schemas")
    bag = DagBag(str(ROOT / "dags/sync_registries.py"))
    assert not bag.import_errors
    return bag.dags["sync_land"]


def test_each_server_has_its_tasks_and_its_pool_and_one_that_ended_none(sync_land):
    pools = {task.task_id: task.pool for task in sync_land.tasks if task.task_id.endswith("extract")}
    assert pools == {f"land_{n}.sync_table.extract": f"source_land-{n}" for n in ("01", "03")}
    assert {task.pool for task in sync_land.tasks if task.task_id.endswith("publish")} == {"lake_land"}


def test_airflow_is_told_of_a_table_once_at_the_end_whichever_server_failed(sync_land):
    publish = sync_land.get_task("land_01.sync_table.publish")
    last = sync_land.get_task("follow_relationships")
    assert list(publish.outlets) == []
    assert [asset.name for asset in last.outlets] == ["registry/land/parcel"]
    for task_id in ("follow_released", "enough_delivered"):
        task = sync_land.get_task(task_id)
        assert task.trigger_rule == "all_done"
        assert task.upstream_task_ids >= {"land_01.sync_table.publish", "land_03.sync_table.publish"}


def test_who_waits_for_a_table_waits_for_no_gate(sync_land):
    others = sync_land.get_task("others_are_done")
    assert others.upstream_task_ids == {"land_01.sync_table.assess", "land_03.sync_table.assess"}
    assert others.trigger_rule == "all_done"
    assert sync_land.get_task("follow_relationships").upstream_task_ids == {"others_are_done"}


@pytest.mark.parametrize(
    ("states", "is_done"),
    [
        ({"a.publish_0": "success", "b.publish_0": "upstream_failed", "c.publish_1": "skipped"}, True),
        ({"a.publish_0": "success", "b.publish_0": None, "b.gate_0": "awaiting_input"}, True),
        ({"b.publish_0": None, "b.gate_0": "success", "b.second_gate_0": "awaiting_input"}, True),
        ({"b.publish_0": None, "b.publish_1": None, "b.gate_0": "awaiting_input", "b.gate_1": "running"}, False),
        ({"a.publish_0": "running", "b.publish_0": None, "b.gate_0": "awaiting_input"}, False),
        ({"b.publish_1": None, "b.publish_10": "success", "b.gate_10": "awaiting_input"}, False),
        ({"a.publish_0": "up_for_retry", "a.gate_0": "success"}, False),
    ],
)
def test_all_but_what_a_steward_holds(states, is_done):
    assert all_but_held_are_done(states) is is_done


class Run:
    """A run of `sync_land`, task by task: what Airflow gives to a task's function, and the XComs that it keeps."""

    def __init__(self, land, dag, monkeypatch):
        from plugins import dag_settings, publishing_tasks

        self.land, self.dag, self.xcoms = land, dag, {}
        self.began = datetime(2026, 3, 1, 20, tzinfo=UTC)
        for module in (dag_settings, publishing_tasks):
            monkeypatch.setattr(module, "get_current_context", lambda: self.context)
        monkeypatch.setattr(publishing_tasks, "end_without_gates", lambda assessed: None)
        for name, value in land.context.environ.items():
            monkeypatch.setenv(name, value)

    def do(self, task_id, **given):
        """Do a task; its result, and the assets of which Airflow is told."""
        task = self.dag.get_task(task_id)
        push = lambda key, value: self.xcoms.update({(task_id, key): value})  # noqa: E731
        pull = lambda task_ids, key: [self.xcoms.get((name, key)) for name in task_ids]  # noqa: E731
        run = SimpleNamespace(
            dag_id="sync_land", run_id="night", run_type="scheduled", start_date=self.began, run_after=self.began
        )
        ti = SimpleNamespace(xcom_push=push, xcom_pull=pull)
        self.context = {"dag_run": run, "task": task, "ti": ti}
        return task.python_callable(*task.op_args, **(given or task.op_kwargs)), [one.name for one in task.outlets]

    def sync(self, server, approval=None, assessed=None):
        """The tasks of one server; what a gate would ask about, if it holds the table."""
        group, table = f"{server.replace('-', '_')}.sync_table", f"parcel@{server}"
        if assessed is None:
            extracted, _ = self.do(f"{group}.extract", table=table)
            assessed, _ = self.do(f"{group}.assess", table=table, extracted=extracted)
        if assessed["held"] and not approval:
            return assessed
        self.do(f"{group}.publish", table=table, assessed=assessed, approval=approval)
        return None


@pytest.fixture
def night(tmp_path, monkeypatch):
    """A run over three servers: the second is outside its tolerance, the third is down."""
    from airflow.dag_processing.dagbag import DagBag

    from plugins import dag_settings

    land = Provinces.at(tmp_path, 3, tolerance={"rejectedPercent": 5, "rowCountChangePercent": 95})
    referred = {"type": "foreignKey", "from": ["parcel.owner"], "to": ["parcel.parcel_id"]}
    land.contract["schema"][0]["relationships"] = [referred]
    land.contract["slaProperties"][0]["value"] = 100
    land.write_contract()
    land.put("land-02", ["land-02/bad1", "land-02/bad2"], area="3.555")
    monkeypatch.setattr(dag_settings, "SCHEMAS", tmp_path / "schemas")
    run = Run(land, DagBag(str(ROOT / "dags/sync_registries.py")).dags["sync_land"], monkeypatch)
    run.sync("land-01")
    return run, run.sync("land-02")


def references(land):
    """How many published references are on record."""
    with open_run_log(land.context.lake) as log:
        return {row.rows for row in log.relationships()}


@pytest.mark.slow
def test_tasks_of_an_ended_run_that_are_cleared_go_on_with_its_run_id(night):
    """Airflow gives a run that goes on after its end another start."""
    from airflow.sdk.exceptions import AirflowFailException

    run, held = night
    away = run.land.path("land-03").rename(run.land.folder / "away.db")
    with pytest.raises(KnownError):
        run.sync("land-03")
    assert run.do("follow_relationships", after_gate=False)[1] == ["registry/land/parcel"]
    refuse_step(Assessed.from_dict(held), Answer("timed out", answered_at="try 1"))
    assert run.do("follow_released", after_gate=True)[1] == []
    with pytest.raises(AirflowFailException, match=r"1 of 3 servers, missing: land-02 \(timed out.*land-03 \(failed"):
        run.do("enough_delivered")
    run.began = datetime(2026, 3, 2, 1, tzinfo=UTC)
    run.sync("land-02", approve_step(Assessed.from_dict(held), "steward", "looked at it"), held)
    assert run.do("follow_released", after_gate=True)[1] == ["registry/land/parcel"]
    assert references(run.land) == {24}, "measured again after the release"
    away.rename(run.land.path("land-03"))
    run.sync("land-03")
    assert run.do("enough_delivered")[0]["delivered"] == 3, "each by the run id under which it was read"
