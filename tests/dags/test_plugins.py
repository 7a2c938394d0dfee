"""The gate, the retry policy and the deadline, without a scheduler."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest

ASSESSED = {
    "registry": "land",
    "table": "parcel",
    "run_id": "20260131T020000Z-1a2b3c4d",
    "held": True,
    "extracted": 12_000,
    "accepted": 10_500,
    "rejected": 1_400,
    "superseded": 100,
    "findings": [{"what": "rejected", "measured": 11.6666, "allowed": "<= 5 %", "message": "11.7 % of rows rejected"}],
    "reasons": [["land.parcel.area_m2.unreadable", 900], ["land.parcel.ward_code.reference", 500]],
}


def gate(assessed):
    from plugins.steward_gate import StewardGate

    return StewardGate(task_id="gate", assessed=assessed)


def test_inside_tolerance_the_gate_passes_by_itself():
    assert gate({**ASSESSED, "held": False}).execute({}) == {}


def test_the_question_shows_figures_and_rules():
    from plugins.steward_gate import question

    asked = question(ASSESSED)
    assert "| 11.7 % of rows rejected | 11.67 | <= 5 % |" in asked
    assert "| rejected | 1,400 |" in asked
    assert "| `land.parcel.area_m2.unreadable` | 900 |" in asked
    assert ASSESSED["run_id"] in asked


def test_the_question_reads_well_without_reasons():
    from plugins.steward_gate import question

    assert "None" not in question({**ASSESSED, "reasons": []})


def answered(option, note=""):
    return {
        "chosen_options": [option],
        "params_input": {"note": note},
        "responded_at": "2026-01-31T03:00:00Z",
        "responded_by_user": {"id": "7", "name": "Trần Thị Bình"},
        "timedout": False,
    }


def test_approval_names_who_and_why():
    from airflow.sdk.timezone import parse

    word = gate(ASSESSED)
    event = answered("Approve", "bulk correction announced") | {"responded_at": parse("2026-01-31T03:00:00Z")}
    assert word.execute_complete({}, event) == {
        "approved_by": "Trần Thị Bình",
        "approval_note": "bulk correction announced",
    }


def test_refusal_fails_with_what_to_do_next():
    from airflow.sdk.timezone import parse

    from plugins.steward_gate import HeldTableRejected

    event = answered("Reject") | {"responded_at": parse("2026-01-31T03:00:00Z")}
    with pytest.raises(HeldTableRejected, match=r"land\.parcel: a steward declined; the lake is as it was\. Mend"):
        gate(ASSESSED).execute_complete({}, event)


def test_no_answer_in_time_fails_with_what_to_do_next():
    from plugins.steward_gate import HeldTableUnanswered

    event = {"error": "timed out", "error_type": "timeout"}
    with pytest.raises(HeldTableUnanswered, match=r"no answer in time; the lake is as it was\. Clear this task"):
        gate(ASSESSED).execute_complete({}, event)


def test_what_comes_back_is_tried_again_and_nothing_else():
    from plugins.sync_settings import COMES_BACK, RETRIES

    policy = RETRIES["retry_policy"]

    def decided(error):
        return policy.evaluate(error, try_number=1, max_tries=4).action.value

    for name in COMES_BACK:
        module, _, error = name.rpartition(".")
        assert decided(getattr(import_module(module), error)("gone")) == "retry"
    from include.contracts.problems import ContractError
    from include.sources.errors import SourceDenied
    from plugins.steward_gate import HeldTableRejected

    for error in (ContractError([]), SourceDenied("wrong password"), HeldTableRejected("no"), ValueError()):
        assert decided(error) == "fail"


def test_a_missed_deadline_names_the_owner():
    from plugins.deadlines import deadline_missed

    context = {"dag_run": {"dag_run_id": "scheduled__2026-01-31"}}
    said = asyncio.run(deadline_missed(registry="land", owner="Ministry of Land", hours=4.0, context=context))
    assert said == (
        "sync_land scheduled__2026-01-31 has not ended within 4 h as its contract promises; owner: Ministry of Land"
    )
