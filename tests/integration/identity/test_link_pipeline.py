"""Linking, from published tables to the zone people/: ids that stay, runs that repeat, a gate, reviews."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from include.audit.ledger import entries as ledger
from include.audit.verification.verify_lake import verify
from include.identity.persons.review_queue import pair_id
from include.identity.persons.stable_ids import resolve
from include.lake.people.index import people_table
from include.lake.run_log.linking_log import link_runs
from include.pipelines.decisions.ledger_entries import Look
from include.pipelines.errors import Misuse
from include.pipelines.people import linking
from include.pipelines.people.explanations import explain_step
from include.pipelines.people.linking import TABLES, commit_link_step, link_persons, link_step
from include.pipelines.people.person_pairs import queue_step
from include.pipelines.people.reviews import decide_step, resolve_step
from tests.integration.identity.conftest import FIRST, copy
from tests.integration.identity.registers import Country, add
from tests.repeats import some_of


def run(number: int) -> str:
    return f"2026010{number}T020000Z-0000000{number}"


def rows(nation: Country, name: str) -> list[dict]:
    return nation.context.lake.table("people", name).to_pyarrow_table().to_pylist()


def who(nation: Country) -> dict[str, str]:
    return {row["record_id"]: row["person_id"] for row in rows(nation, "index")}


def versions(nation: Country) -> dict[str, int]:
    lake = nation.context.lake
    uris = {name: people_table(lake, name) for name in TABLES}
    return {name: int(lake.table(uri).version()) if lake.is_table(uri) else -1 for name, uri in uris.items()}


def is_whole(nation: Country) -> bool:
    """Whether ledger and logs agree about the zone; the registers were written past the pipelines."""
    return not [d for d in verify(nation.context.lake).discrepancies if not str(d.subject).startswith("registry/")]


def a_joined_pair(nation: Country) -> tuple[str, str]:
    held = sorted((row["left_id"], row["right_id"]) for row in rows(nation, "links") if row["holds"])
    return held[0]


def test_records_of_one_person_get_one_id_and_strangers_do_not(nation):
    found, truth = who(nation), nation.truth()
    assert set(found) == set(truth)
    by_person: dict[str, set[int]] = {}
    for record, person in found.items():
        by_person.setdefault(person, set()).add(truth[record])
    assert all(len(persons) == 1 for persons in by_person.values())
    assert len(by_person) == len(set(truth.values()))
    assert {(row["kind"], row["cause"]) for row in rows(nation, "events")} == {("minted", "new record")}


def test_a_golden_record_for_every_person_with_the_source_of_each_value(nation):
    golden = {row["person_id"]: row for row in rows(nation, "golden")}
    assert set(golden) == set(who(nation).values())
    number = next(row.personal_id for row in nation.members.values() if row.personal_id)
    person = who(nation)[f'population.citizen:["{number}"]']
    assert golden[person]["_source_name"] == f'population.citizen:["{number}"]'
    assert golden[person]["_source_insurance_number"].startswith("insurance.member:")


def test_the_run_is_one_record_in_the_ledger_which_is_whole(nation):
    entries = ledger.read(nation.context.lake).to_pylist()
    runs = [entry for entry in entries if entry["kind"] == "run"]
    assert [(entry["subject"], json.loads(entry["payload"])["run_id"]) for entry in runs] == [("people", FIRST)]
    committed = {e["subject"] for e in entries if e["kind"] == "commit"}
    assert committed == {f"people/{name}" for name in TABLES} | {"audit/link_runs"}
    assert is_whole(nation)


def test_the_same_again_is_no_commit_compared_anew_or_not(nation):
    before = versions(nation), who(nation)
    assert link_persons(run(2), context=nation.context).verdict == "unchanged"
    assert link_persons(run(3), is_full=True, context=nation.context).mode == "full"
    assert (versions(nation), who(nation)) == before
    assert not nation.context.lake.list(nation.context.lake.path("staging", "people", "link"))


def test_daily_deltas_give_what_one_full_run_gives(nation, tmp_path):
    other, chance = copy(nation, tmp_path / "at-once"), random.Random(3)
    start = who(nation)
    for day in range(2, 4):
        add(nation, 1000 + day, chance)
        number = sorted(nation.members)[day]
        nation.change("members", number, lambda row: replace(row, phone="0999999999", personal_id=None))
        del nation.members[sorted(nation.members)[-1]]
        nation.publish()
        done = link_persons(run(day), context=nation.context)
        assert (done.verdict, done.mode) == ("published", "incremental")
    daily = who(nation)
    assert link_persons(run(5), is_full=True, context=nation.context).moved == 0
    assert who(nation) == daily
    other.citizens, other.members = nation.citizens, nation.members
    other.publish()
    link_persons(run(6), is_full=True, context=other.context)
    at_once = who(other)
    assert {r: p for r, p in daily.items() if r in start} == {r: p for r, p in at_once.items() if r in start}
    assert len(set(zip(daily.values(), (at_once[r] for r in daily), strict=True))) == len(set(daily.values()))


class Killed(BaseException):
    """As if the process had been shot."""


@pytest.mark.parametrize("after", some_of([1, 2, 0, 5], 1))
def test_a_run_killed_between_commits_is_finished_with_the_ids_it_minted(nation, monkeypatch, after):
    add(nation, 1000, random.Random(3))
    nation.publish()
    planned = link_step(run(2), context=nation.context)
    folder = nation.context.lake.path("staging", "people", "link", f"run={run(2)}")
    minted = set(pq.read_table(f"{folder}/index.parquet")["person_id"].to_pylist())
    with monkeypatch.context() as patch:
        calls = iter(range(100))

        def stop(write: Callable) -> Callable:
            def wrapped(*args, **kwargs):
                if next(calls) == after:
                    raise Killed
                return write(*args, **kwargs)

            return wrapped

        patch.setattr(linking, "upsert_people", stop(linking.upsert_people))
        patch.setattr(linking, "extend", stop(linking.extend))
        with pytest.raises(Killed):
            commit_link_step(planned, context=nation.context)
    again = link_step(run(2), context=nation.context) if after % 2 else None
    if again:
        commit_link_step(again, context=nation.context)
    assert link_persons(run(3), context=nation.context).verdict == "unchanged"
    assert set(who(nation).values()) == minted
    assert {row["person_id"] for row in rows(nation, "events") if row["kind"] == "minted"} == minted
    assert len(rows(nation, "events")) == len(minted)
    assert [entry.run_id for entry in link_runs(nation.context.lake)] == [FIRST, run(2)]
    assert is_whole(nation)


def test_a_jump_in_merges_waits_for_a_steward_and_nothing_is_committed_meanwhile(nation):
    golden = nation.context.schemas / "models" / "golden.yaml"
    golden.write_text(golden.read_text().replace("atLeast: 20", "atLeast: 1"))
    # Half of the members lose what they were known by, and with it their persons.
    for number, row in list(nation.members.items())[:30]:
        nation.members[number] = replace(row, full_name="Vô Danh", personal_id=None, phone="", birth_date=None)
    nation.publish()
    before = versions(nation)
    held = link_persons(run(2), context=nation.context)
    assert (held.verdict, held.held) == ("held", True)
    assert "split" in {finding["what"] for finding in held.findings}
    assert versions(nation) == before
    with pytest.raises(Misuse, match="steward"):
        commit_link_step(held, context=nation.context)
    done = commit_link_step(held, "Steward", "the register was cleaned", context=nation.context)
    assert done.verdict == "published"
    approvals = [entry for entry in ledger.read(nation.context.lake).to_pylist() if entry["kind"] == "approval"]
    assert [json.loads(entry["payload"])["approved_by"] for entry in approvals] == ["Steward"]


def test_a_run_that_was_overtaken_while_it_waited_is_refused(nation):
    add(nation, 1000, random.Random(3))
    nation.publish()
    waiting = link_step(run(2), context=nation.context)
    assert link_persons(run(3), context=nation.context).verdict == "published"
    with pytest.raises(Exception, match="another run has linked"):
        commit_link_step(waiting, context=nation.context)


def test_what_people_decide_overrides_the_model_and_the_old_id_still_leads_to_somebody(nation):
    left, right = a_joined_pair(nation)
    person = who(nation)[left]
    decide_step(left, "different", by="Lan", note="twins", other=right, context=nation.context)
    done = link_persons(run(2), context=nation.context)
    assert (done.split, done.minted) == (1, 1)
    apart = who(nation)
    assert apart[left] != apart[right]
    assert person in (apart[left], apart[right])
    assert [row["cause"] for row in rows(nation, "events") if row["kind"] == "split"] == ["review"]

    decide_step(left, "same", by="Minh", note="same parents", other=right, context=nation.context)
    assert link_persons(run(3), context=nation.context).merged == 1
    again = who(nation)
    assert again[left] == again[right] == person
    merged = next(row for row in rows(nation, "events") if row["kind"] == "merged")
    assert merged["cause"] == "linked by review"
    assert resolve_step(merged["person_id"], context=nation.context).way == (merged["person_id"], person)
    assert resolve(nation.context.lake, person).standing == "living"


def test_a_decision_is_in_the_ledger_under_a_digest_of_the_pair(nation):
    left, right = a_joined_pair(nation)
    decide_step(left, "cannot_tell", by="Lan", note="twins", other=right, context=nation.context)
    (entry,) = [
        e
        for e in ledger.read(nation.context.lake).to_pylist()
        if e["subject"] == "people/reviews" and e["kind"] == "approval"
    ]
    assert json.loads(entry["payload"])["pair_id"] == pair_id(left, right)
    with pytest.raises(Misuse, match="maybe"):
        decide_step(left, "maybe", by="Lan", note="twins", other=right, context=nation.context)


def test_a_person_and_a_pair_are_explained_in_words_and_weights(nation):
    left, right = a_joined_pair(nation)
    person = who(nation)[left]
    told = explain_step(person, look=Look.of("lan", "a case"), context=nation.context)
    assert told.persons == (person,)
    records = {r for r, p in who(nation).items() if p == person}
    assert {record for record, _ in told.records} == records
    entry = ledger.read(nation.context.lake).to_pylist()[-1]
    assert (entry["kind"], entry["subject"], entry["actor"]) == ("export", "people/records", "lan")
    without = json.dumps(explain_step(person, context=nation.context).to_dict(), default=str)
    assert all(record.partition(":")[0] in without for record in records)
    assert not any(key in without for record in records for key in json.loads(record.partition(":")[2]))
    assert ledger.head(nation.context.lake).sequence == entry["sequence"]
    pair = explain_step(left, right, context=nation.context)
    (one,) = pair.links
    assert (one.holds, bool(one.why)) == (True, True)
    assert sum(step.bits for step in one.steps[1:]) == pytest.approx(one.weight, abs=1e-6)
    stranger = next(r for r, p in who(nation).items() if p != person and r.startswith("population."))
    (apart,) = explain_step(left, stranger, context=nation.context).links
    assert (apart.holds, apart.steps[-1].sum < 0) == (None, True)
    with pytest.raises(Misuse, match="nobody has that id"):
        explain_step("0" * 32, context=nation.context)


def test_the_command_line_links_explains_decides_and_follows_old_ids(nation, monkeypatch):
    from include.cli import app

    for name, value in {**nation.context.environ, "SCHEMAS_DIR": str(nation.context.schemas)}.items():
        monkeypatch.setenv(name, value)

    def say(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["link", *words])
        assert done.exit_code == status, done.output
        return done.output

    assert json.loads(say("--json"))["verdict"] == "unchanged"
    assert "unchanged" in say()
    assert "No pair waits" in say("queue")
    left, right = a_joined_pair(nation)
    person = who(nation)[left]
    told = json.loads(say("explain", person, "--json"))
    assert "holds" in say("explain", left, right)
    assert json.loads(say("decide", told["links"][0]["pair_id"], "same", "--by", "Lan", "--note", "twins", "--json"))[
        "is_complete"
    ]
    pair = told["links"][0]["pair_id"]
    (kept,) = json.loads(say("undo", "--json"))["decisions"]
    assert (kept["pair_id"], kept["decision"], kept["by"], kept["note"]) == (pair, "same", "Lan", "twins")
    assert left not in json.dumps(kept)
    say("undo", pair, "--by", "Minh", status=1)  # no reason, no undoing
    assert pair in say("undo")
    assert "Taken back" in say("undo", pair, "--by", "Minh", "--note", "another pair was meant")
    assert "No decision" in say("undo")
    newest = max(rows(nation, "reviews"), key=lambda review: review["at"])
    assert newest["decision"] == "withdrawn"
    assert "living" in say("resolve", person)
    assert "unknown" in say("resolve", "0" * 32, status=1)
    say("threshold", "--precision", "1.5", status=1)
    chosen = json.loads(say("threshold", "--precision", "0.9", "--json"))
    assert (chosen["link_at_before"], chosen["precision"]) == (0.97, 0.9)
    assert json.loads((nation.context.schemas / "models" / "person.json").read_text())["link_at"] == chosen["link_at"]
    assert "left to people" in say("threshold", "--precision", "0.9")
    assert json.loads(say("--json"))["verdict"] == "published"


def test_no_value_of_a_person_leaves_the_lake_by_events_figures_ledger_or_queue(nation):
    context = nation.context
    told = json.dumps(
        [
            link_persons(run(2), is_full=True, context=context).to_dict(), link_runs(context.lake),
            rows(nation, "events"), ledger.read(context.lake)["payload"].to_pylist(),
            queue_step(limit=50, context=context).to_dict(),
        ],
        default=str, ensure_ascii=False,
    )  # fmt: skip
    for row in [*nation.citizens.values(), *nation.members.values()]:
        assert row.number not in told
        assert row.full_name not in told
