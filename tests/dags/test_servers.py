"""The sync of a registry on several servers: tasks and a pool for each, one end for all."""

from __future__ import annotations

import pytest

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
