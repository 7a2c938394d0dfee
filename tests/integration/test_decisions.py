"""Every decision and every look at personal values is one entry of the ledger, before it takes effect; none besides.

Older tests looked for an approval among the entries after a run that went well: none asked what a refusal leaves, and
none stopped a run between a decision and its effect.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.audit.ledger import entries
from include.audit.report_data.overview import gather
from include.audit.report_data.run_history import run_of
from include.lake.run_log import log_tables
from include.pipelines.audit_log import verify_lake
from include.pipelines.decisions import table_gate
from include.pipelines.decisions.ledger_entries import Answer, Look
from include.pipelines.decisions.table_gate import approve_step, refuse_step
from include.pipelines.errors import Misuse
from include.pipelines.rejected import replaying
from include.pipelines.rejected.replaying import show_rejected
from include.pipelines.step_results import Assessed
from include.pipelines.sync import assess_and_publish_steps
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.registry_sync import sync_registry
from include.pipelines.upkeep import version_reading
from include.pipelines.upkeep.version_reading import read_version
from include.pipelines.upkeep.versions import list_versions, restore_step
from tests.integration.everyday.test_odd_cursors import Source
from tests.integration.test_replay import House
from tests.integration.test_unseen_registry import lienthong

pytestmark = pytest.mark.slow

TABLE = ("business", "enterprise")
SUBJECT = "registry/business/enterprise"
LOOK = Look.of("Lê Thu", "  list for\n the owner ")


class Strict(House):
    """A house whose gate holds everything back that rejects a row."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self.write_contract(("rejectedPercent: 90", "rejectedPercent: 1"), ("{name: title,", CONFIDENTIAL))

    def try_sync(self, run_id: str, **more: Any) -> dict[str, Any]:
        (table,) = sync_registry("business", run_id=run_id, context=self.context, **more).tables
        return table.to_dict()

    def decisions(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(kind, actor, payload) of what people decided or looked at, in the order of the ledger."""
        rows = entries.read(self.context.lake).to_pylist()
        kept = [row for row in rows if row["kind"] in ("approval", "refusal", "export")]
        return [(row["kind"], row["actor"], {"subject": row["subject"], **json.loads(row["payload"])}) for row in kept]


CONFIDENTIAL = "{name: title, classification: confidential,"


@pytest.fixture
def house(tmp_path) -> Strict:
    return Strict(tmp_path)


@pytest.fixture(scope="module")
def first_approved(tmp_path_factory) -> Strict:
    house = Strict(tmp_path_factory.mktemp("approved"))
    house.try_sync("r1", approval=Approval("Lê Thu"))
    return house


@pytest.fixture
def approved(first_approved, tmp_path) -> Strict:
    """A house whose first run was approved, in a folder of its own."""
    return first_approved.copied_to(tmp_path)


def test_a_scripted_week_is_in_the_ledger_and_nothing_besides(house):
    held = house.try_sync("r1")
    assert held["verdict"] == "held"
    refuse_step(Assessed.from_dict(held), Answer("timed out", answered_at="try 1"), context=house.context)
    refuse_step(
        Assessed.from_dict(held), Answer("declined", "Trần An", "ask them first", "2026-01-31"), context=house.context
    )
    assert house.try_sync("r1", approval=Approval("Lê Thu", "known gap"))["verdict"] == "published"
    house.try_sync("r2")  # nothing changed: nobody is asked, whoever's name is given
    house.try_sync("r3", approval=Approval("Lê Thu"))
    house.write_contract(("rejectedPercent: 1", "rejectedPercent: 99"))
    house.change("UPDATE doanh_nghiep SET von = '300', cap_nhat = '2025-03-01 00:00:00' WHERE ma_dn = '0100000001'")
    inside = house.try_sync("r4", is_full=True, approval=Approval("Lê Thu"))
    assert inside["verdict"] == "published"
    show_rejected(house.context, *TABLE, rule_id=None, limit=1, look=LOOK)
    read_version(house.context, *TABLE, where="title = 'Công ty A'", look=LOOK)
    show_rejected(house.context, *TABLE, rule_id=None, limit=1)
    read_version(house.context, *TABLE)
    restore_step(*TABLE, "back", version=0, approval=Approval("Trần An", "faulty"), context=house.context)
    told = [(kind, actor, p["subject"], p.get("run_id"), p.get("decision")) for kind, actor, p in house.decisions()]
    assert told == [
        ("refusal", "lienthong", SUBJECT, "r1", "timed out"),
        ("refusal", "Trần An", SUBJECT, "r1", "declined"),
        ("approval", "Lê Thu", SUBJECT, "r1", "approved"),
        ("export", "Lê Thu", "rejected/business/enterprise", None, None),
        ("export", "Lê Thu", SUBJECT, None, None),
        ("approval", "Trần An", SUBJECT, "back", "approved"),
    ]
    assert house.decisions()[3][2]["purpose"] == "list for the owner"
    assert house.decisions()[5][2]["restored_version"] == 0
    assert "Công ty" not in json.dumps(house.decisions(), ensure_ascii=False)
    assert verify_lake(house.context).ok


def test_the_same_answer_told_again_is_one_entry_and_another_one_is_another(house):
    held = house.try_sync("r1")
    for answer in (("declined", "An", "", "1"), ("declined", "An", "", "1"), ("declined", "An", "", "2")):
        refuse_step(Assessed.from_dict(held), Answer(*answer), context=house.context)
    for name in ("Thu", "Thu", "Minh"):
        approve_step(Assessed.from_dict(held), name, "why", context=house.context)
    assert [(kind, actor) for kind, actor, _ in house.decisions()] == [
        ("refusal", "An"), ("refusal", "An"), ("approval", "Thu"), ("approval", "Minh"),
    ]  # fmt: skip


def test_a_refusal_is_told_wherever_the_run_is(house):
    held = house.try_sync("r1")
    refuse_step(Assessed.from_dict(held), Answer("declined", "Trần An", "ask them first", "1"), context=house.context)
    verdicts = [(r["verdict"], r["refused_by"]) for r in log_tables.read(house.context.lake, "runs").to_pylist()]
    assert sorted(verdicts) == [("declined", "Trần An"), ("held", None)]
    found = run_of(house.context.lake, *TABLE, "r1")
    assert found is not None
    line = found[0]
    assert (line.verdict, line.texts["refused_by"], line.texts["refusal_note"]) == (
        "declined", "Trần An", "ask them first",
    )  # fmt: skip
    assert [finding["what"] for finding in line.findings] == ["rejectedPercent"]
    assert line.texts["contract_version"]
    (event,) = gather(house.context.lake, house.context.contracts, at=house.context.now()).gate
    assert (event.refusal, event.refused_by, event.approved_by, event.is_published) == (
        "declined", "Trần An", "", False,
    )  # fmt: skip


def test_history_lists_a_refused_run_among_the_versions_and_why(house):
    house.try_sync("r1", approval=Approval("Lê Thu", "known [gap]"))
    house.change("UPDATE doanh_nghiep SET von = '-300', cap_nhat = '2025-03-01 00:00:00' WHERE ma_dn = '0100000001'")
    refuse_step(
        Assessed.from_dict(house.try_sync("r2", is_full=True)),
        Answer("timed out", answered_at="1"),
        context=house.context,
    )
    answer = Answer("declined", "Trần An", "ask them first", "1")
    refuse_step(Assessed.from_dict(house.try_sync("r3", is_full=True)), answer, context=house.context)
    told = [(e.version, e.mode, e.run_id, e.note) for e in list_versions(house.context, *TABLE, limit=9)]
    assert told == [
        (None, "declined", "r3", "ask them first"), (None, "timed out", "r2", ""), (0, "full", "r1", "known [gap]"),
    ]  # fmt: skip
    done = lienthong(house.folder, "history", *TABLE, **house.environ, COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert all(text in done.stdout for text in ("timed out", "Lê Thu: known [gap]", "Trần An: ask them first"))


class Killed(BaseException):
    """A process that was killed at this place."""


def kill(*_: Any, **__: Any) -> None:
    raise Killed


@pytest.mark.parametrize(
    ("where", "name", "decide"),
    [
        (assess_and_publish_steps, "append_rejected", lambda h: h.try_sync("r1", approval=Approval("Lê Thu"))),
        (
            table_gate,
            "record_run",
            lambda h: refuse_step(
                Assessed.from_dict(h.held), Answer("declined", "An", "", "1"), context=h.context
            ).to_dict(),
        ),
    ],
    ids=["approved", "declined"],
)
def test_a_crash_between_entry_and_effect_leaves_the_entry_and_the_effect_can_be_done_again(
    house, monkeypatch, where, name, decide
):
    house.held = house.try_sync("r1")
    with monkeypatch.context() as patch:
        patch.setattr(where, name, kill)
        with pytest.raises(Killed):
            decide(house)
    assert len(house.decisions()) == 1
    runs = log_tables.read(house.context.lake, "runs").to_pylist()
    assert [run["verdict"] for run in runs if run["verdict"] != "failed"] == ["held"]
    assert decide(house)["verdict"] in ("published", "declined")
    assert len(house.decisions()) == 1


def test_a_restore_that_was_killed_is_on_record_and_can_be_done_again(approved, monkeypatch):
    approved.change("DELETE FROM doanh_nghiep WHERE ma_dn = '0100000005'")
    approved.try_sync("r2", is_full=True, approval=Approval("Lê Thu"))
    go_back = {"version": 0, "approval": Approval("Trần An"), "context": approved.context}
    with monkeypatch.context() as patch:
        patch.setattr("deltalake.DeltaTable.restore", kill)
        with pytest.raises(Killed):
            restore_step(*TABLE, "back", **go_back)
    assert len([p for _, _, p in approved.decisions() if p["run_id"] == "back"]) == 1
    assert approved.state().version == 1
    assert restore_step(*TABLE, "back", **go_back).version == 2
    assert len([p for _, _, p in approved.decisions() if p["run_id"] == "back"]) == 1


def test_no_value_is_shown_without_purpose_or_without_an_entry(approved, monkeypatch, tmp_path):
    for purpose in ("", "  \n"):
        with pytest.raises(Misuse, match="what the values are needed for"):
            Look.of("Lê Thu", purpose)
    before = len(approved.decisions())
    with pytest.raises(Misuse, match="nobody"):
        read_version(approved.context, *TABLE, where="nobody = 1", look=LOOK)
    assert len(approved.decisions()) == before, "what cannot be read is no look"
    monkeypatch.setattr(version_reading, "note_look", kill)
    monkeypatch.setattr(replaying, "note_rejected_look", kill)
    out = tmp_path / "out.csv"
    for look in (
        lambda: read_version(approved.context, *TABLE, look=LOOK),
        lambda: read_version(approved.context, *TABLE, look=LOOK, out=out),
        lambda: show_rejected(approved.context, *TABLE, rule_id=None, limit=9, look=LOOK),
    ):
        with pytest.raises(Killed):
            look()
    assert not out.exists()


def test_the_command_line_asks_for_the_purpose(approved):
    before = len(approved.decisions())
    for command in (("rejected", "show"), ("read",)):
        refused = lienthong(approved.folder, *command, *TABLE, "--values", **approved.environ)
        assert (refused.returncode, "--purpose" in refused.stderr) == (2, True), refused.stderr
        assert "Công ty" not in refused.stdout
        assert lienthong(approved.folder, *command, *TABLE, "--purpose", "x", **approved.environ).returncode == 2
    assert len(approved.decisions()) == before
    for command in (("rejected", "show"), ("read",)):
        shown = lienthong(
            approved.folder, *command, *TABLE, "--values", "--purpose", "check a name", **approved.environ
        )
        assert shown.returncode == 0, shown.stderr
    told = approved.decisions()[before:]
    assert [(kind, p["subject"], p["purpose"]) for kind, _, p in told] == [
        ("export", "rejected/business/enterprise", "check a name"),
        ("export", SUBJECT, "check a name"),
    ]
    assert all(actor for _, actor, _ in told)


def test_rows_that_were_approved_are_not_asked_for_again_by_the_lag(tmp_path):
    source = Source(tmp_path, "id TEXT, amount INTEGER, moved TEXT")
    contract = tmp_path / "schemas/registries/payments.odcs.yaml"
    strict = contract.read_text().replace("rejectedPercent: 100", "rejectedPercent: 10").replace("PT0S", "P9D")
    contract.write_text(strict)

    def sync(day: int, *rows: str, **how: Any) -> dict[str, Any]:
        source.sql(*(f"INSERT INTO t VALUES ({row}, '2026-03-{day:02} 00:00:00')" for row in rows))
        run_id = f"202604{day:02}T000000Z-00000000"
        (facts,) = sync_registry("payments", run_id=run_id, context=source.context, **how).tables
        return {name: getattr(facts, name) for name in ("mode", "verdict", "rejected")} | {
            finding.what: finding.measured for finding in facts.findings
        }

    assert sync(1, "'a', 1", "'b', -2", "'c', -3", "'d', 4", approval=Approval("Lê Thu"))["verdict"] == "published"
    again = sync(2, "'e', 5")
    assert again == {"mode": "incremental", "verdict": "published", "rejected": 2}
    assert sync(3, "'f', -6") == {"mode": "incremental", "verdict": "held", "rejected": 3, "rejectedPercent": 16.6667}
    assert sync(4, approval=Approval("Lê Thu"))["verdict"] == "published"
    source.sql("UPDATE t SET amount = -9, moved = '2026-03-05 00:00:00' WHERE id = 'a'")  # right before, wrong now
    assert sync(5)["verdict"] == "held"
    rows = entries.read(source.context.lake).to_pylist()
    assert [row["actor"] for row in rows if row["kind"] == "approval"] == ["Lê Thu", "Lê Thu"]


def test_a_replay_that_would_publish_nothing_asks_nobody(approved):
    told = approved.replay("r2")
    assert (told["accepted"], told["held"], told["verdict"]) == (0, False, "published")
    approved.allow_debt()
    told = approved.replay("r3")
    assert (told["accepted"], told["verdict"]) == (1, "published")
    assert len(approved.decisions()) == 1
