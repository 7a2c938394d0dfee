"""The DAG that judges rejected rows again: its form, and its tasks for each registry."""

from __future__ import annotations


def test_the_form_offers_what_the_contracts_know(dags, contracts):
    form = dags["replay_rejected"].params
    assert set(form) == {"registry", "table", "rule"}
    assert form.get_param("registry").schema["enum"] == list(contracts)
    names = {table.name for contract in contracts.values() for table in contract.tables}
    assert set(form.get_param("table").schema["enum"]) == {None, *names}
    proposed = form.get_param("rule").schema["examples"]
    assert {rule.rule_id for rule in contracts["land"].table("parcel").rules if rule.scope == "row"} <= set(proposed)
    assert form["rule"] is None


def test_the_form_can_be_triggered_as_it_opens(dags):
    """Airflow's form takes an empty text for a field that must be filled yet; null is left out."""
    form = dags["replay_rejected"].params
    opened = {name: form[name] for name in form}
    assert "" not in opened.values()
    for name, value in opened.items():
        assert form.get_param(name).resolve() == value


def test_each_registry_has_its_steps_and_its_writer(dags, contracts):
    dag = dags["replay_rejected"]
    for registry, contract in contracts.items():
        steps = {step: dag.get_task(f"replay_{registry}.{step}") for step in ("gather", "assess", "gate", "publish")}
        assert steps["publish"].pool == f"lake_{registry}"
        assert {task.owner for task in steps.values()} == {contract.owner}
        assert {asset.name for asset in steps["publish"].outlets} == {
            f"registry/{registry}/{table.name}" for table in contract.tables
        }
        edges = set(dag.get_task(f"choose_{registry}").downstream_task_ids)
        assert edges == {f"replay_{registry}.{step}" for step in ("gather", "assess", "publish")}
