"""Run, gate, rejected rows and replay lead to each other; a held run shows what is rejected before the decision."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from include.pipelines.context import PipelineContext
from include.pipelines.decisions.ledger_entries import Answer
from include.pipelines.decisions.table_gate import note_gate, refuse_step
from include.pipelines.rejected.replaying import replay
from include.pipelines.step_results import Assessed
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.registry_sync import sync_registry
from tests.unit.plugins.conftest import PLANTED, make_place

TEAM = """
team:
  members:
    - {username: lan, name: Nguyễn Lan, role: data steward}
    - {username: an, name: Trần An, role: data steward}
"""
RUN = "20260102T010000Z-0000000b"
PAGE, REJECTED = f"/tables/business/enterprise/runs/{RUN}", "/rejected/business/enterprise"
GATE = "/dags/sync_business/runs/first/tasks/sync_table.gate/mapped/0/required_actions"
RULES = ("business.enterprise.code.pattern", "enterprise.capital-not-negative")
ROWS = [("0100000001", "Một", 1), ("01", PLANTED, 5), ("0100000003", PLANTED, -7), ("0100000003", PLANTED, -8)]


@pytest.fixture
def context(tmp_path) -> PipelineContext:
    context = make_place(tmp_path)
    path = context.contract_path("business")
    strict = "    customProperties:\n      - {property: approval, value: {fourEyes: true}}\n"
    text = (
        path.read_text()
        .replace("rejectedPercent: 80", "rejectedPercent: 10")
        .replace("    customProperties:\n", strict)
    )
    path.write_text(text + TEAM, encoding="utf-8")
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute("CREATE TABLE doanh_nghiep (ma_dn, chu, von)")
        source.executemany("INSERT INTO doanh_nghiep VALUES (?, ?, ?)", ROWS)
    return context


def sync(context: PipelineContext, by: str = "", run_id: str = RUN) -> dict:
    approval = Approval(by, f"says {by}") if by else None
    (table,) = sync_registry("business", run_id=run_id, approval=approval, context=context).tables
    return table.to_dict()


def text_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    assert PLANTED not in answer.text
    return " ".join(answer.text.replace("<wbr>", "").split())


def test_a_held_run_shows_what_is_rejected_by_rule_and_key_who_may_decide_and_where(
    browse: Callable[..., TestClient], context: PipelineContext
) -> None:
    held = sync(context)
    assert sorted(map(tuple, held["broken"])) == [
        ("business.enterprise.capital-not-negative", 2, 1), ("business.enterprise.code.pattern", 1, 1),
    ]  # fmt: skip
    note_gate(Assessed.from_dict(held), GATE, context=context)
    page = text_of(browse("viewer", context=context).get(PAGE))
    assert f'<a href="{GATE}">' in page
    assert "<strong>lan</strong> (Nguyễn Lan), <strong>an</strong> (Trần An)" in page
    assert "Two different stewards must approve" in page
    assert "Approved:" not in page
    for rule, rows, keys in held["broken"]:
        row = page[page.index(f"<code>{rule}</code>") :]
        assert [cell.partition("<")[0] for cell in row.split('class="n"><span>')[1:3]] == [str(rows), str(keys)]
    assert sync(context, "lan")["verdict"] == "held"
    page = text_of(browse("viewer", context=context).get(PAGE))
    assert "Approved: <strong>lan</strong>" in page
    assert "<strong>an</strong> (Trần An)." in page


def test_a_refused_run_says_by_whom_and_keeps_its_rows_by_rule(browse, context):
    refuse_step(
        Assessed.from_dict(sync(context)), Answer("declined", "Trần An", "ask them first", "1"), context=context
    )
    page = text_of(browse("viewer", context=context).get(PAGE))
    assert "Declined by <strong>an</strong>: “ask them first”" in page
    assert "business.enterprise.capital-not-negative" in page
    assert "Answer at the gate" not in page


def test_from_a_published_run_to_its_rejected_rows_to_the_replay_and_to_its_run(browse, context):
    sync(context)
    sync(context, "lan")
    assert sync(context, "an")["verdict"] == "published"
    client = browse("viewer", context=context)
    page = text_of(client.get(PAGE))
    assert f'href="{REJECTED}?run={RUN}#rows"' in page
    rule = "business.enterprise.capital-not-negative"
    assert f'href="{REJECTED}?run={RUN}&amp;rule={rule}#rows"' in page
    assert "Approved by <strong>lan, an</strong>: “lan: says lan; an: says an”" in page
    assert "3 rows, the oldest first" in text_of(client.get(f"{REJECTED}?run={RUN}"))
    listed = text_of(client.get(f"{REJECTED}?run={RUN}&rule={rule}"))
    assert "2 rows, the oldest first" in listed
    assert f'href="{PAGE}"' in listed
    assert 'href="/dags/replay_rejected"' in listed
    assert "No rows on this page" in text_of(client.get(f"{REJECTED}?run=another"))
    again = "20260103T010000Z-0000000c"
    path = context.contract_path("business")
    path.write_text(path.read_text().replace("capital_vnd < 0", "capital_vnd < -7"), encoding="utf-8")
    first = replay(context, "business", run_id="20260103T010000Z-0000000b", approval=Approval("lan"))
    assert first.verdict == "held"
    assert replay(context, "business", run_id=again, approval=Approval("an")).verdict == "published"
    assert f'/runs/{again}">Replay of' in text_of(browse("viewer", context=context).get(REJECTED))
