"""Whom a gate asks, and the second gate of a contract that asks for two stewards, without a scheduler."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from include.contracts.model import Table
from include.contracts.model.stewardship import Steward
from include.pipelines.decisions.approvals import Asked

LAN, AN = Steward("lan", "Nguyễn Lan"), Steward("an", "Trần An")
HELD = {
    "registry": "land", "table": "parcel", "run_id": "r1", "held": True, "extracted": 5, "accepted": 3, "rejected": 2,
    "superseded": 0, "findings": [], "reasons": [["land.parcel.key", 2]], "broken": [["land.parcel.key", 2, 1]],
}  # fmt: skip
TI = SimpleNamespace(id="x", dag_id="sync_land", run_id="manual__2026/1", task_id="sync_table.gate", map_index=3)


def made(kind, asked, **more):
    """A gate, and what Airflow would be told to ask."""
    word = kind(task_id="gate", assessed=HELD, **more)
    word.whom = lambda: asked
    word.note_place = lambda path: setattr(word, "place", path)
    word.ask = lambda: ("?", "body")
    return word


def executed(word, monkeypatch):
    from airflow.providers.standard.operators import hitl
    from airflow.sdk.exceptions import TaskAwaitingInput

    told = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **how: told.update(how))
    with pytest.raises(TaskAwaitingInput):
        word.execute({"ti": TI, "task_instance": TI})
    return told


def test_the_stewards_are_asked_and_nobody_else(monkeypatch):
    from plugins.steward_gate import StewardGate

    word = made(StewardGate, Asked((LAN, AN), (), needs_two=True, is_enough=False))
    told = executed(word, monkeypatch)
    assert told["assigned_users"] == [{"id": "lan", "name": "Nguyễn Lan"}, {"id": "an", "name": "Trần An"}]
    assert "two stewards" in told["body"]
    assert word.place.endswith("/dags/sync_land/runs/manual__2026%2F1/tasks/sync_table.gate/mapped/3/required_actions")


def test_without_stewards_whoever_may_run_it_is_asked(monkeypatch):
    from plugins.steward_gate import StewardGate

    told = executed(made(StewardGate, Asked((), (), needs_two=False, is_enough=False)), monkeypatch)
    assert told["assigned_users"] is None
    assert told["body"] == "body"


def test_the_second_gate_asks_those_who_are_left(monkeypatch):
    from plugins.steward_gate import SecondGate

    first = {"approved_by": "lan", "approval_note": "seen"}
    told = executed(made(SecondGate, Asked((AN,), ("lan",), needs_two=True, is_enough=False), first=first), monkeypatch)
    assert told["assigned_users"] == [{"id": "an", "name": "Trần An"}]
    assert "**lan** has approved" in told["body"]


@pytest.mark.parametrize(
    ("given", "needs_two", "first", "second"),
    [
        (("lan",), True, "lan", None),  # tried again after the first approved
        (("lan", "an"), True, "an", "an"),
        ((), False, None, "lan"),
    ],
)
def test_nobody_is_asked_for_what_is_approved_already(given, needs_two, first, second):
    from plugins.steward_gate import SecondGate, StewardGate

    asked = Asked((LAN, AN), given, needs_two, is_enough=len(given) == 2)
    passed = {"approved_by": "lan", "approval_note": ""}
    if first is not None:
        assert made(StewardGate, asked).execute({"ti": TI}) == {"approved_by": first, "approval_note": ""}
    if second is not None:
        assert made(SecondGate, asked, first=passed).execute({"ti": TI})["approved_by"] == second


def test_inside_tolerance_both_gates_pass(monkeypatch):
    from plugins.steward_gate import SecondGate

    assert SecondGate(task_id="second_gate", assessed={**HELD, "held": False}, first={}).execute({}) == {}


@pytest.mark.parametrize(
    ("custom", "tasks"), [({}, ["gate"]), ({"approval": {"fourEyes": True}}, ["gate", "second_gate"])]
)
def test_only_a_contract_that_asks_for_two_has_a_second_gate(custom, tasks):
    from airflow.sdk import DAG

    from plugins.steward_gate import gates

    table = Table("land", "parcel", "parcel", (), (), custom=custom)
    with DAG("one") as dag:
        approval = gates([Table("land", "other", "other", (), ()), table], assessed=HELD)
    assert dag.task_ids == tasks
    assert approval.operator.task_id == tasks[-1]


@pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi")
def test_fab_knows_stewards_by_their_username_and_not_by_its_own_numbers():
    from plugins.sign_in.stewards import StewardFabAuthManager

    manager = object.__new__(StewardFabAuthManager)
    for name, is_asked in (("lan", True), ("minh", False)):
        user = SimpleNamespace(get_id=lambda: "7", get_name=lambda name=name: name)
        assert manager.is_authorized_hitl_task(assigned_users={"lan"}, user=user) is is_asked
        assert not manager.is_authorized_hitl_task(assigned_users={"7"}, user=user)
