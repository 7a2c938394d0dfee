"""Who may approve, and when two of them have: rules alone, over a ledger and nothing else.

What a whole run makes of them is in `tests/integration/test_decisions.py`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from include.audit.ledger import entries as ledger
from include.cli import app
from include.contracts.words.finding import Finding
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.decisions.approvals import Matter, Word, approve, approved_by_all, given, whom_to_ask
from include.pipelines.decisions.authority import NotASteward, free_stewards, steward_named
from include.pipelines.decisions.ledger_entries import Answer, DecidedRun, Look
from include.pipelines.decisions.table_gate import approve_step, matter_of, refuse_step
from include.pipelines.errors import Misuse, SecondApprovalWanted
from include.pipelines.step_results import Assessed

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {registry}
version: 1.0.0
status: active
servers: [{{server: src, type: custom}}]
schema:
  - name: shop
    properties: [{{name: code, logicalType: integer, primaryKey: true}}]
  - name: strict
    properties: [{{name: code, logicalType: integer, primaryKey: true}}]
    customProperties: [{{property: approval, value: {{fourEyes: {strict}}}}}]
team: {{members: [{team}]}}
"""
STEWARDS = """
    {username: lan, name: Nguyễn Lan, role: data steward},
    {username: an, role: data steward, dateIn: "2026-01-01"},
    {username: minh, role: data steward, dateOut: "2025-12-31"},
    {username: mai, role: data steward, dateIn: "2027-01-01"},
    {username: boss, role: owner}
"""
NOW = datetime(2026, 3, 1, 5, tzinfo=UTC)
HELD = Assessed(
    registry="land", table="strict", run_id="r1", held_digest="thing", mode="full", extracted=10, accepted=8,
    rejected=2, superseded=0, findings=(Finding("rejectedPercent", 20, "5", "too many"),), bound={}, seconds=1.0,
    started_at="2026-03-01T04:00:00+00:00",
)  # fmt: skip


class Fixed(PipelineContext):
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def context(tmp_path) -> PipelineContext:
    folder = tmp_path / "schemas" / "registries"
    folder.mkdir(parents=True)
    for registry, strict, team in (
        ("land", "true", STEWARDS),
        ("tax", "false", "{username: thu, role: data steward}"),
        ("open", "false", "{username: boss, role: owner}"),
    ):
        text = CONTRACT.format(registry=registry, strict=strict, team=" ".join(team.split()))
        (folder / f"{registry}.odcs.yaml").write_text(text, encoding="utf-8")
    return Fixed(Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp"), tmp_path / "schemas", {})


@pytest.mark.parametrize(
    ("registries", "said", "found"),
    [
        (["land"], "lan", "lan"),
        (["land"], "Nguyễn  LAN", "lan"),
        (["land"], "an", "an"),
        (["land", "tax"], "thu", "thu"),
        (["open"], "anybody at all", "anybody at all"),
    ],
)
def test_a_steward_of_the_registry_in_office_may_decide(context, registries, said, found):
    assert steward_named([context.contract(registry) for registry in registries], said, at=NOW) == found


@pytest.mark.parametrize(
    ("registries", "said", "told"),
    [
        (["land"], "minh", "is no steward of land today (until 2025-12-31). Who may decide: lan (Nguyễn Lan), an. "),
        (["land"], "mai", "is no steward of land today"),
        (["land"], "boss", "`boss` is no steward of land. Who may decide"),
        (["land"], "thu", "`thu` is no steward of land"),
        (["land"], "admin", "They stand under `team.members` (role: data steward) of "),
        (["land"], "  ", "say who decides"),
        (["land", "tax"], "boss", "is no steward of land, tax"),
        (["land", "open"], "boss", "is no steward of land, open"),
        (["open"], "", "say who decides"),
    ],
)
def test_nobody_else_may_and_is_told_where_it_stands_who_may(context, registries, said, told):
    with pytest.raises(NotASteward) as refused:
        steward_named([context.contract(registry) for registry in registries], said, at=NOW)
    assert told in str(refused.value)


def word(context: PipelineContext, by: str, **of: Any) -> Word:
    held = replace(HELD, **of)
    return approve(context, matter_of(context, held), DecidedRun(held.run_id), by=by, note=f"says {by}")


def entries(context: PipelineContext) -> list[tuple[str, str, Any]]:
    rows = ledger.read(context.lake).to_pylist()
    return [
        (row["kind"], row["actor"], json.loads(row["payload"]).get("of_two")) for row in rows if row["kind"] != "run"
    ]


def test_one_steward_is_enough_where_the_contract_asks_for_no_more(context):
    assert word(context, "Nguyễn Lan", table="shop") == Word(("lan",), "says Nguyễn Lan")
    assert entries(context) == [("approval", "lan", None)]


def test_the_first_of_two_is_an_entry_and_waits_for_another(context):
    first = word(context, "lan")
    assert first.waits == (
        "the approval of `lan` is on record, and the contract asks for two: another steward must approve the same (an)"
    )
    with pytest.raises(SecondApprovalWanted, match="registry/land/strict: `lan` has approved this already"):
        approved_by_all(context, matter_of(context, HELD), DecidedRun("r1"), by="Nguyễn Lan", note="again")
    assert entries(context) == [("approval", "lan", 1)]
    both = word(context, "an")
    assert both == Word(("lan", "an"), "lan: says lan; an: says an")
    assert word(context, "an").names == word(context, "lan").names == ("lan", "an")
    assert entries(context) == [("approval", "lan", 1), ("approval", "an", 2)]


@pytest.mark.parametrize("table", ["shop", "strict"])
def test_an_approval_that_was_declined_meanwhile_is_said_anew(context, table):
    assert word(context, "lan", table=table).names == ("lan",)
    refuse_step(replace(HELD, table=table), Answer("declined", "an", "", "1"), context=context)
    assert word(context, "lan", table=table).names == ("lan",)
    said = [(kind, actor) for kind, actor, _ in entries(context) if kind in ("approval", "refusal")]
    assert said == [("approval", "lan"), ("refusal", "an"), ("approval", "lan")]
    assert given(context, matter_of(context, replace(HELD, table=table))) == ("lan",)


def test_a_username_comes_before_a_name_that_is_spelt_like_it(context):
    path = context.contract_path("land")
    path.write_text(path.read_text().replace("username: lan, name: Nguyễn Lan", "username: lan, name: an"))
    assert steward_named([context.contract("land")], "an", at=NOW) == "an"


def test_nobody_else_is_the_second(context):
    word(context, "lan")
    for name in ("minh", "mai", "boss", "thu", "somebody"):
        with pytest.raises(NotASteward):
            word(context, name)
    assert entries(context) == [("approval", "lan", 1)]


@pytest.mark.parametrize(
    ("of", "is_enough"),
    [
        ({"run_id": "r2"}, True),  # read again, and the same
        ({"held_digest": "another thing"}, False),
        ({"held_digest": ""}, False),
        ({"table": "other"}, None),
    ],
)
def test_the_first_counts_for_the_same_thing_only(context, of, is_enough):
    word(context, "lan")
    if is_enough is None:
        other = replace(matter_of(context, HELD), subject="registry/land/other")
        assert given(context, other) == ()
        return
    assert (word(context, "an", **of).waits == "") is is_enough
    assert [of_two for _, _, of_two in entries(context)] == ([1, 2] if is_enough else [1, 1])


@pytest.mark.parametrize(("verdict", "by", "is_over"), [("declined", "an", True), ("timed out", "", False)])
def test_who_declines_ends_what_was_approved_before(context, verdict, by, is_over):
    word(context, "lan")
    refuse_step(HELD, Answer(verdict, by, "no", "1"), context=context)
    assert given(context, matter_of(context, HELD)) == (() if is_over else ("lan",))
    assert (word(context, "an").waits == "") is not is_over


def test_only_a_steward_declines_or_approves_a_step(context):
    for name in ("admin", "thu"):
        with pytest.raises(NotASteward):
            refuse_step(HELD, Answer("declined", name, "", "1"), context=context)
        with pytest.raises(NotASteward):
            approve_step(HELD, name, "why", context=context)
    assert entries(context) == []
    refused = refuse_step(HELD, Answer("declined", "Nguyễn Lan", "", "1"), context=context)
    assert refused.refused_by == "lan"


def test_an_approval_of_a_step_has_a_reason(context):
    for note in ("", " \n"):
        with pytest.raises(Misuse, match="say why"):
            approve_step(HELD, "lan", note, context=context)
    assert entries(context) == []


@pytest.mark.parametrize(
    "command",
    [
        ["sync", "house", "--resume"],
        ["rejected", "replay", "house"],
        ["restore", "house", "strict", "--version", "0"],
        ["link"],
    ],
)
def test_no_command_approves_without_a_reason_whatever_there_is_to_approve(command, monkeypatch, tmp_path):
    monkeypatch.setattr(
        PipelineContext, "from_environment", lambda: pytest.fail("it looked before it asked for the reason")
    )
    for note in ([], ["--note", " "]):
        done = CliRunner().invoke(app, [*command, "--approve-as", "lan", *note])
        assert isinstance(done.exception, Misuse)
        assert "say why (--note)" in str(done.exception)


def test_a_gate_asks_the_stewards_who_are_left(context):
    matter = matter_of(context, HELD)
    assert [s.username for s in whom_to_ask(context, matter).stewards] == ["lan", "an"]
    word(context, "lan")
    asked = whom_to_ask(context, matter)
    assert ([s.username for s in asked.stewards], asked.given, asked.is_enough) == (["an"], ("lan",), False)
    word(context, "an")
    asked = whom_to_ask(context, matter)
    assert (asked.stewards, asked.given, asked.is_enough) == ((), ("lan", "an"), True)
    anybody = whom_to_ask(context, matter_of(context, replace(HELD, registry="open")))
    assert (anybody.stewards, anybody.is_enough) == ((), False)


def test_where_every_steward_is_gone_nobody_is_asked(context):
    with pytest.raises(NotASteward, match="no steward in office may decide: name one"):
        free_stewards([context.contract("tax")], "thu", at=NOW)
    gone = Matter("registry/tax/shop", (context.contract("tax"),), False, "", "")
    assert [s.username for s in whom_to_ask(context, gone).stewards] == ["thu"]


@pytest.mark.parametrize("purpose", ["check 001099000001", "gọi 0912 345 678", "id 001-099-000001"])
def test_a_purpose_holds_no_number_of_a_person(purpose):
    with pytest.raises(Misuse, match="no number of a person"):
        Look.of("lan", purpose)
    assert Look.of("lan", "hồ sơ 12/2026, 3 dòng đầu").purpose
