"""What every DAG of this house must state, so that who operates it knows whom to ask and what will happen."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
TAGS = {"registry", "sync", "lake", "maintenance", "report", "agreement", "share", "people", "link", "request"}


def test_every_dag_is_tagged_from_one_small_set(dags):
    for dag in dags.values():
        assert dag.tags
        assert dag.tags <= TAGS


def test_every_task_has_an_owner_and_a_sync_that_of_its_contract(dags, syncs):
    assert all(task.owner not in ("", "airflow") for dag in dags.values() for task in dag.tasks)
    for dag, contract in syncs:
        assert contract.owner
        assert {task.owner for task in dag.tasks} == {contract.owner}


def test_every_dag_explains_itself_and_a_sync_names_its_tables(dags, syncs):
    assert all(dag.doc_md and len(dag.doc_md) > 80 for dag in dags.values())
    for dag, contract in syncs:
        assert all(f"`{table.name}`" in dag.doc_md for table in contract.tables)


def test_no_dag_runs_twice_at_once_or_catches_up(dags):
    assert {dag.max_active_runs for dag in dags.values()} == {1}
    assert not any(dag.catchup for dag in dags.values())


def test_every_task_is_tried_again_by_the_same_policy(dags):
    for task in (task for dag in dags.values() for task in dag.tasks):
        assert task.retries == 4
        assert task.retry_delay == timedelta(seconds=15)
        assert task.retry_policy is not None


def test_a_sync_keeps_the_schedule_and_the_deadline_of_its_contract(syncs):
    for dag, contract in syncs:
        assert dag.timetable.expression == contract.sla.schedule
        assert dag.timetable.timezone == "Asia/Ho_Chi_Minh"
        (alert,) = dag.deadline
        assert alert.interval == contract.sla.deadline
        assert alert.callback.kwargs["owner"] == contract.owner


def test_a_new_dag_waits_for_its_first_instant(dags):
    clocks = [getattr(dag.timetable, "timetable", dag.timetable) for dag in dags.values()]
    clocks = [clock for clock in clocks if hasattr(clock, "expression")]
    assert len(clocks) > 5
    # False would mean "not if the last instant was long ago".
    assert {clock.run_immediately for clock in clocks} == {timedelta()}


def test_a_pool_protects_the_source_and_another_the_lake(syncs):
    for dag, contract in syncs:
        pools = {task.task_id: task.pool for task in dag.tasks}
        assert pools == {
            "prepare": "lake_reference",
            "sync_table.extract": f"source_{contract.server.name}",
            "sync_table.assess": "default_pool",
            "sync_table.gate": "default_pool",
            "sync_table.publish": f"lake_{contract.registry}",
            "follow_relationships": "default_pool",
            "each_table_is_well": "default_pool",
        }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_says_when_and_in_which_order_and_no_more(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 80
    imported = {node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    airflow = {name for name in imported if name.startswith("airflow")}
    assert airflow <= {"airflow.sdk", "airflow.sdk.exceptions"}


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "plugins").glob("*.py"))], ids=lambda path: path.stem)
def test_nothing_asks_airflow_for_variables_and_one_place_for_connections(path):
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert names & {"Variable", "BaseHook", "Connection"} == (
        {"Connection"} if path.stem == "airflow_connections" else set()
    )
