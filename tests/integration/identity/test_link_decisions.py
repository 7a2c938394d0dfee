"""What people decide about persons is in the ledger before it takes effect, refusals too.

Older tests looked for the entry of a decision that was kept: none stopped between the two, none refused a run.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from include.audit.ledger import entries
from include.audit.report_data.linking import gather_linking
from include.identity.persons import review_queue
from include.lake.run_log.linking_log import link_runs
from include.pipelines.decisions.authority import NotASteward
from include.pipelines.decisions.ledger_entries import Answer
from include.pipelines.errors import SecondApprovalWanted
from include.pipelines.people.link_gate import approve_link_step, ask_link_step
from include.pipelines.people.link_results import PersonsLinked
from include.pipelines.people.linking import commit_link_step, link_persons, link_step, refuse_link_step
from include.pipelines.people.reviews import decide_step
from tests.integration.identity.registers import Country

RUN = "20260102T020000Z-00000002"


class Killed(BaseException):
    """A process that was killed at this place."""


def kill(*_: Any, **__: Any) -> None:
    raise Killed


def decisions(nation: Country) -> list[tuple[str, str, str, str]]:
    rows = [r for r in entries.read(nation.context.lake).to_pylist() if r["kind"] in ("approval", "refusal")]
    return [(r["kind"], r["actor"], r["subject"], json.loads(r["payload"])["decision"]) for r in rows]


def a_held_run(nation: Country) -> PersonsLinked:
    golden = nation.context.schemas / "models" / "golden.yaml"
    golden.write_text(golden.read_text().replace("atLeast: 20", "atLeast: 1"))
    for number, row in list(nation.members.items())[:30]:
        nation.members[number] = replace(row, full_name="Vô Danh", personal_id=None, phone="", birth_date=None)
    nation.publish()
    held = link_step(RUN, context=nation.context)
    assert isinstance(held, PersonsLinked)
    assert held.held
    return held


def test_every_answer_to_a_held_run_of_linking_is_one_entry(nation):
    held = a_held_run(nation)
    refuse_link_step(held, Answer("timed out", answered_at="try 1"), context=nation.context)
    refuse_link_step(held, Answer("declined", "Lan", "not yet", "9:00"), context=nation.context)
    refuse_link_step(held, Answer("declined", "Lan", "not yet", "9:00"), context=nation.context)
    told = [("refusal", "lienthong", "people", "timed out"), ("refusal", "Lan", "people", "declined")]
    assert decisions(nation) == told
    refused = next(row for row in link_runs(nation.context.lake) if row.verdict == "declined")
    assert (refused.refused_by, refused.refusal_note) == ("Lan", "not yet")
    linking = gather_linking(nation.context.lake)
    assert linking.gate[0].refusal
    assert linking.waits is None
    approval = approve_link_step(held, "Minh", "the register was cleaned", context=nation.context)
    assert decisions(nation) == [*told, ("approval", "Minh", "people", "approved")]
    assert link_runs(nation.context.lake)[-1].verdict != "published"
    assert commit_link_step(held, **approval, context=nation.context).verdict == "published"
    assert decisions(nation) == [*told, ("approval", "Minh", "people", "approved")]


def test_two_stewards_of_the_registries_that_speak_of_persons_commit_where_one_of_them_asks_for_two(nation):
    names = {"population": ("an", "lan"), "insurance": ("minh",)}
    for registry, usernames in names.items():
        path = nation.context.contract_path(registry)
        team = "".join(f"{{username: {name}, role: data steward}}, " for name in usernames)
        text = path.read_text().replace("members: [", f"members: [{team}")
        if registry == "population":
            assert "    properties:" in text
            asks = "    customProperties: [{property: approval, value: {fourEyes: true}}]\n    properties:"
            text = text.replace("    properties:", asks, 1)
        path.write_text(text, encoding="utf-8")
    vars(nation.context).pop("contracts", None)
    held = a_held_run(nation)
    for answer in (
        lambda: approve_link_step(held, "boss", "why", context=nation.context),
        lambda: refuse_link_step(held, Answer("declined", "boss", "", "1"), context=nation.context),
        lambda: commit_link_step(held, "boss", context=nation.context),
        lambda: link_persons("r9", approved_by="boss", context=nation.context),
    ):
        with pytest.raises(NotASteward, match=r"Who may decide: (minh|an|lan), "):
            answer()
    with pytest.raises(SecondApprovalWanted, match="the approval of `minh` is on record"):
        commit_link_step(held, "minh", "cleaned", context=nation.context)
    assert [s.username for s in ask_link_step(held, context=nation.context).stewards] == ["an", "lan"]
    done = commit_link_step(held, "an", "seen", context=nation.context)
    assert (done.verdict, done.approved_by, done.approval_note) == (
        "published", "minh, an", "minh: cleaned; an: seen",
    )  # fmt: skip
    assert [actor for _, actor, _, _ in decisions(nation)] == ["minh", "an"]


def test_a_review_that_was_killed_is_on_record_and_can_be_said_again(nation, monkeypatch):
    links = nation.context.lake.table("people", "links").to_pyarrow_table().to_pylist()
    left, right = next((row["left_id"], row["right_id"]) for row in links if row["holds"])
    said = {"by": "Lan", "other": right, "note": "the addresses differ", "context": nation.context}
    with monkeypatch.context() as patch:
        patch.setattr(review_queue, "extend", kill)
        with pytest.raises(Killed):
            decide_step(left, "different", **said)
    assert decisions(nation) == [("approval", "Lan", "people/reviews", "different")]
    assert not nation.context.lake.is_table(nation.context.lake.path("people", "reviews"))
    assert decide_step(left, "different", **said).is_new
    assert not decide_step(left, "different", **said).is_new
    assert decisions(nation) == [("approval", "Lan", "people/reviews", "different")] * 2
