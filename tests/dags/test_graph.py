"""What Airflow makes of the DAG folder: which DAGs there are, and how their tasks hang together."""

from __future__ import annotations

import runpy
import shutil

import pytest

from include.contracts.yaml_files import ContractError

from .conftest import ROOT

OTHERS = {
    "maintain_lake", "report_quality", "replay_rejected", "link_people", "review_persons", "report_government",
    "follow_requests", "measure_tables", "close_shared",
}  # fmt: skip


def test_every_file_can_be_read(bag):
    assert bag.import_errors == {}


def test_every_contract_has_its_sync(dags, contracts, agreements):
    others = OTHERS | {f"share_{name}" for name in agreements}
    assert set(dags) - others == {f"sync_{registry}" for registry in contracts}


def test_every_agreement_is_carried_out_when_its_tables_change_and_every_night(dags, agreements):
    assert agreements
    for name, agreement in agreements.items():
        dag = dags[f"share_{name}"]
        assets = {
            asset.name for asset in getattr(dag.timetable.asset_condition, "objects", [dag.timetable.asset_condition])
        }
        assert assets == {f"registry/{product.registry}/{product.table}" for product in agreement.products}
        assert dag.timetable.timetable.expression == "5 0 * * *", "an agreement can end without any new data"
        (task,) = dag.tasks
        assert {outlet.name for outlet in task.outlets} == {
            f"shared/{agreement.recipient}/{p.name}" for p in agreement.products
        }


def test_what_left_its_agreement_is_closed_every_day_without_a_file_that_names_it(dags):
    """Older tests called `share_step` for all agreements, which no DAG does."""
    close = dags["close_shared"]
    assert close.timetable.expression == "15 0 * * *"
    assert [task.task_id for task in close.tasks] == ["close"]


def test_an_agreement_with_a_mistake_is_told_as_an_import_error(monkeypatch, tmp_path):
    """Older tests spoiled contracts alone."""
    schemas = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas", schemas)
    path = next((schemas / "agreements").glob("*.yaml"))
    path.write_text(path.read_text("utf-8") + "withdrawal: {from: 2026-03-03, reason: x}\n", "utf-8")
    monkeypatch.setattr("plugins.dag_settings.SCHEMAS", schemas)
    with pytest.raises(ContractError, match="withdrawal"):
        runpy.run_path(str(ROOT / "dags" / "check_contracts.py"))


def test_a_sync_extracts_assesses_asks_and_publishes(syncs):
    for dag, _ in syncs:
        edges = {(task.task_id, below) for task in dag.tasks for below in task.downstream_task_ids}
        assert edges == {
            ("sync_table.extract", "sync_table.assess"),
            ("sync_table.assess", "sync_table.gate"),
            ("sync_table.assess", "sync_table.publish"),
            ("sync_table.gate", "sync_table.publish"),
            ("sync_table.publish", "follow_relationships"),
            ("sync_table.publish", "each_table_is_well"),
        }
        steps = {f"sync_table.{step}" for step in ("extract", "assess", "gate", "publish")}
        assert set(dag.task_ids) == {"prepare", "follow_relationships", "each_table_is_well", *steps}


def test_a_sync_is_mapped_over_the_tables_of_its_contract(syncs):
    for dag, contract in syncs:
        mapped = dag.task_group_dict["sync_table"]
        assert mapped._expand_input.value == {"table": [table.name for table in contract.tables]}


def test_a_sync_offers_the_tables_of_the_lake_as_assets(syncs):
    for dag, contract in syncs:
        outlets = dag.get_task("sync_table.publish").outlets
        assert [asset.name for asset in outlets] == [f"registry/{contract.registry}/{t.name}" for t in contract.tables]
        assert {asset.uri for asset in outlets} == {f"lake://{asset.name}" for asset in outlets}
        assert {asset.group for asset in outlets} == {contract.registry}
        assert not any(task.outlets for task in dag.tasks if task.task_id != "sync_table.publish")


def test_the_table_names_a_mapped_task(syncs):
    for dag, _ in syncs:
        templates = {
            task.task_id: task.map_index_template for task in dag.tasks if task.task_id.startswith("sync_table.")
        }
        assert all("table" in template for template in templates.values())


def test_the_report_follows_every_table_of_the_lake(dags, contracts):
    wanted = {f"registry/{c.registry}/{table.name}" for c in contracts.values() for table in c.tables}
    condition = dags["report_quality"].timetable.asset_condition
    assert type(condition).__name__ == "AssetAny"
    assert {asset.name for asset in condition.objects} == wanted | {"people/index"}
