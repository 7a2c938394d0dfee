"""The gate, the retry policy, the pools and the deadline, without a scheduler."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace

import pytest

from include.lake.run_log import log_tables
from include.lake.storage.lake import Lake
from include.pipelines.decisions.ledger_entries import Answer
from include.sources.access import errors

ASSESSED = {
    "registry": "land",
    "table": "parcel",
    "run_id": "20260131T020000Z-1a2b3c4d",
    "held": True,
    "extracted": 12_000,
    "accepted": 10_500,
    "rejected": 1_400,
    "superseded": 100,
    "findings": [
        {
            "what": "rejected",
            "measured": 11.6666,
            "allowed": "<= 5 %",
            "message": "11.7 % of rows rejected",
            "vietnamese": "11,7 % số bản ghi bị loại",
        }
    ],
    "reasons": [["land.parcel.area_m2.unreadable", 900], ["land.parcel.ward_code.reference", 500]],
}


def gate(assessed):
    from plugins.steward_gate import StewardGate

    return StewardGate(task_id="gate", assessed=assessed)


def told_gate(assessed):
    """A gate and what it puts on record, in this order."""
    word, told = gate(assessed), []
    word.refuse = told.append
    word.approve = lambda by, note: told.append((by, note)) or {"approved_by": by, "approval_note": note}
    return word, told


def test_inside_tolerance_the_gate_passes_by_itself():
    assert gate({**ASSESSED, "held": False}).execute({}) == {}


@pytest.mark.parametrize(
    ("having", "index", "skipped"),
    [
        (("sync_table.gate",), 3, [("sync_table.gate", 3)]),
        (("sync_table.gate", "sync_table.second_gate"), 0, [("sync_table.gate", 0), ("sync_table.second_gate", 0)]),
        (("a.sync_table.gate",), None, []),
    ],
)
def test_inside_tolerance_the_gates_that_the_table_has_are_skipped(monkeypatch, having, index, skipped):
    """By the task before them, of which nothing else changes: its result is there for `publish`."""
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    from plugins import publishing_tasks

    pushed = {}
    ti = SimpleNamespace(
        task_id="sync_table.assess", map_index=index, xcom_push=lambda key, value: pushed.update({key: value})
    )
    context = {"ti": ti, "dag": SimpleNamespace(has_task=having.__contains__)}
    monkeypatch.setattr(publishing_tasks, "get_current_context", lambda: context)
    with pytest.raises(DownstreamTasksSkipped) as raised:
        publishing_tasks.end_without_gates(ASSESSED)
    assert raised.value.tasks == skipped
    assert pushed == {"return_value": ASSESSED}


def test_a_published_table_needs_no_gate_that_passed(dags):
    """A gate that was skipped lets `publish` run; one that failed, or an assessment that was skipped, does not."""
    rules = {
        task.trigger_rule
        for dag in dags.values()
        for task in dag.tasks
        if task.task_id.rpartition(".")[2] == "publish" and task.task_id != "publish"
    }
    assert rules == {"none_failed_min_one_success"}


def question(assessed):
    from plugins.steward_gate import question

    return question(assessed)


def test_the_question_shows_figures_and_rules_in_both_languages(monkeypatch):
    monkeypatch.delenv("SCHEMAS_DIR", raising=False)
    subject, asked = question(ASSESSED)
    assert subject.startswith("Công bố land.parcel dù vượt ngưỡng cho phép? / Publish land.parcel although")
    vietnamese, english = asked.split("\n---\n")
    assert "| 11.7 % of rows rejected | 11.67 | <= 5 % |" in english
    assert "| 11,7 % số bản ghi bị loại | 11,67 | ≤ 5 % |" in vietnamese
    assert "| rejected | 1,400 |" in english
    assert "| bị loại | 1.400 |" in vietnamese
    assert "| `land.parcel.area_m2.unreadable` | dien_tich must be readable as number" in english
    assert "| `land.parcel.ward_code.reference` | Mã xã" in vietnamese
    for text in (vietnamese, english):
        assert ASSESSED["run_id"] in text
        assert f"/quality/tables/land/parcel/runs/{ASSESSED['run_id']})" in text
        assert "/quality/rejected/land/parcel)" in text


def test_the_question_names_every_rule_that_rejects():
    _, asked = question({**ASSESSED, "reasons": [[f"land.parcel.rule-{number}", 1] for number in range(30)]})
    assert all(f"`land.parcel.rule-{number}`" in asked for number in range(30))


def test_the_question_reads_well_without_reasons_and_without_a_contract(monkeypatch, tmp_path):
    assert "None" not in question({**ASSESSED, "reasons": []})[1]
    monkeypatch.setenv("SCHEMAS_DIR", str(tmp_path))
    assert "| `land.parcel.ward_code.reference` |  | 500 |" in question(ASSESSED)[1]


def answered(option, note=""):
    return {
        "chosen_options": [option],
        "params_input": {"note": note},
        "responded_at": "2026-01-31T03:00:00Z",
        "responded_by_user": {"id": "7", "name": "Trần Thị Bình"},
        "timedout": False,
    }


def test_the_form_of_the_gate_is_valid_before_anybody_has_answered():
    """Airflow validates it whenever the gate is run, also where nothing is held."""
    gate(ASSESSED).params.validate()


def test_approval_names_who_and_why():
    from airflow.sdk.timezone import parse

    word, told = told_gate(ASSESSED)
    event = answered("Approve", "bulk correction announced") | {"responded_at": parse("2026-01-31T03:00:00Z")}
    assert word.execute_complete({}, event) == {
        "approved_by": "Trần Thị Bình",
        "approval_note": "bulk correction announced",
    }
    assert told == [("Trần Thị Bình", "bulk correction announced")]


def test_refusal_fails_with_what_to_do_next():
    from airflow.sdk.timezone import parse

    from plugins.steward_gate import HeldTableRejected

    event = answered("Reject", "ask them first") | {"responded_at": parse("2026-01-31T03:00:00Z")}
    word, told = told_gate(ASSESSED)
    with pytest.raises(HeldTableRejected, match=r"land\.parcel: Trần Thị Bình declined; the lake is as it was\. Mend"):
        word.execute_complete({}, event)
    assert told == [Answer("declined", "Trần Thị Bình", "ask them first", "2026-01-31 03:00:00+00:00")]


def test_no_answer_in_time_fails_with_what_to_do_next():
    from plugins.steward_gate import HeldTableUnanswered

    event = {"error": "timed out", "error_type": "timeout"}
    word, told = told_gate(ASSESSED)
    with pytest.raises(HeldTableUnanswered, match=r"no answer in time; the lake is as it was\. Clear this task"):
        word.execute_complete({"ti": SimpleNamespace(try_number=1)}, event)
    assert told == [Answer("timed out", answered_at="try 1")]


def test_what_comes_back_is_tried_again_and_nothing_else():
    from plugins.dag_settings import RETRIES, RETRYABLE_ERRORS

    policy = RETRIES["retry_policy"]

    def decided(error):
        return policy.evaluate(error, try_number=1, max_tries=4).action.value

    for name in RETRYABLE_ERRORS:
        module, _, error = name.rpartition(".")
        assert decided(getattr(import_module(module), error)("gone")) == "retry"
    from include.contracts.yaml_files.problems import ContractError
    from include.sources.access.errors import SourceDenied
    from plugins.steward_gate import HeldTableRejected

    for error in (ContractError([]), SourceDenied("wrong password"), HeldTableRejected("no"), ValueError()):
        assert decided(error) == "fail"


def test_every_error_of_a_source_that_may_pass_is_tried_again():
    from plugins.dag_settings import RETRYABLE_ERRORS

    passing = {name for name, kind in vars(errors).items() if getattr(kind, "is_retryable", False)}
    # For a closed source the task waits until it opens, however long: that is no try.
    assert {name.rpartition(".")[2] for name in RETRYABLE_ERRORS if ".sources." in name} == passing - {"SourceClosed"}


def test_a_backfill_skips_a_table_of_which_no_part_can_be_read(monkeypatch):
    from airflow.sdk.exceptions import AirflowSkipException

    from include.pipelines import sync
    from include.pipelines.errors import OnlyReadWhole
    from plugins import dag_settings

    def refuse(*_, **how):
        raise OnlyReadWhole(f"no part: {how['window']}")

    monkeypatch.setattr(sync, "extract_step", refuse)
    monkeypatch.setattr(dag_settings, "begun_run_id", lambda: "r1")
    monkeypatch.setattr(dag_settings, "_backfill_window", lambda _: "a day")
    with pytest.raises(AirflowSkipException, match="no part: a day"):
        dag_settings.extract_when_open(SimpleNamespace(registry="finance"), "payment")


def dag_run(*, began):
    late = datetime(2026, 1, 30, 19, tzinfo=UTC)
    return SimpleNamespace(dag_id="sync_land", run_id="backfill__2026-01-31", run_after=late, start_date=began)


def after_failure(error, monkeypatch, folder, **arguments):
    """What is on record after a step of `land` failed for good."""
    from plugins.dag_settings import record_failure

    monkeypatch.setenv("LAKE_URI", str(folder / "lake"))
    task = SimpleNamespace(op_kwargs=arguments) if arguments else SimpleNamespace()
    began = datetime(2026, 1, 31, 2, tzinfo=UTC)
    record_failure("land", {"exception": error, "task": task, "dag_run": dag_run(began=began)})
    lake = Lake(str(folder / "lake"))
    return log_tables.read(lake, "runs").to_pylist() if lake.is_table(lake.audit_table("runs")) else []


def test_an_extract_that_failed_for_good_is_on_record(monkeypatch, tmp_path):
    (row,) = after_failure(errors.SourceDenied("wrong password"), monkeypatch, tmp_path, table="parcel")
    assert (row["verdict"], row["mode"], row["error_type"], row["error"]) == (
        "failed", "failed", "SourceDenied", "wrong password",
    )  # fmt: skip
    assert row["run_id"].startswith("20260131T020000Z-")


def test_a_later_step_is_recorded_under_the_run_it_went_on_with(monkeypatch, tmp_path):
    (row,) = after_failure(
        errors.SourceError("broken"), monkeypatch, tmp_path, table="parcel", assessed=ASSESSED, approval={}
    )
    assert (row["run_id"], row["table"]) == (ASSESSED["run_id"], "parcel")


def test_a_declined_gate_and_an_unknown_error_leave_nothing_more(monkeypatch, tmp_path):
    from plugins.steward_gate import HeldTableRejected

    assert after_failure(HeldTableRejected("no"), monkeypatch, tmp_path) == []
    assert after_failure(ValueError("Nguyễn Văn A"), monkeypatch, tmp_path, table="parcel") == []
    assert after_failure(None, monkeypatch, tmp_path, table="parcel") == []


def test_a_cleared_run_and_a_backfill_are_named_by_when_they_began():
    from plugins.dag_settings import run_id_of

    first, cleared = (run_id_of(dag_run(began=datetime(2026, 3, day, tzinfo=UTC))) for day in (1, 2))
    assert (first[:17], cleared[:17]) == ("20260301T000000Z-", "20260302T000000Z-")
    assert first[17:] == cleared[17:]


SLOTS = """
apiVersion: v3.2.0
kind: DataContract
id: x
version: 1.0.0
status: active
servers: [{{server: shared, type: custom, customProperties: [{{property: poolSlots, value: {slots}}}]}}]
schema: [{{name: t, properties: [{{name: k, logicalType: string, primaryKey: true}}]}}]
"""


@pytest.mark.parametrize(("stated", "slots"), [("3", 3), ("'4'", 4), ("0", 1), ("many", None), ("[2]", None)])
def test_the_slots_of_a_source_are_those_of_its_server(stated, slots, tmp_path, monkeypatch):
    from plugins import dag_settings, registry_pools

    (tmp_path / "registries").mkdir()
    (tmp_path / "registries" / "x.odcs.yaml").write_text(SLOTS.format(slots=stated))
    monkeypatch.setattr(dag_settings, "SCHEMAS", tmp_path)
    assert registry_pools.stated_slots("x", "shared") == slots
    assert registry_pools.stated_slots("gone", "shared") is None


def test_a_missed_deadline_names_the_owner():
    from plugins.deadlines import deadline_missed

    context = {"dag_run": {"dag_run_id": "scheduled__2026-01-31"}}
    said = asyncio.run(deadline_missed(registry="land", owner="Ministry of Land", hours=4.0, context=context))
    assert said == (
        "sync_land scheduled__2026-01-31 has not ended within 4 h as its contract promises; owner: Ministry of Land"
    )
