"""What a person is told equals a search through every version of every shared table; and it is on record who asked."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime

import pytest

from include.audit import ledger
from include.audit.reads.record import ReadRecord, to_arrow
from include.identity.persons import Pair
from include.lake.run_log import append
from include.lake.storage import LakeError
from include.pipelines import Misuse
from include.pipelines.decisions import Look
from include.pipelines.people import ShownPair, explain_step, person_pairs, read_beside
from include.pipelines.rejected import read_values
from include.pipelines.subject import PersonUnknown, Subject, answer_person
from include.pipelines.subject.given import given_to_recipients
from include.pipelines.subject.searching import TableSearch
from include.pipelines.subject.shared_tables import sharing_record
from include.pipelines.upkeep import read_version
from tests.repeats import some_of
from tests.unit.subject.country import HEALTH, STATISTICS, Country, new_country

COUNTS = """\
version: 1.0.0
title: Số liệu dân số
provider: Bộ Công an
recipient: {id: office, name: Văn phòng}
purpose: Thống kê
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2020-01-01
until: 2099-12-31
contact: {provider: a@bca.example, recipient: b@office.example}
products:
  - name: population
    table: population.citizen
    groupBy: [{name: sex, protection: none}]
"""
pytestmark = pytest.mark.slow
LOOK = Look("dpo", "thư đề nghị của công dân")
Held = dict[tuple[str, str, str], dict[int, tuple[int, int]]]


def told(subject: Subject) -> Held:
    """The versions in the answer's spans, as the search has them; counts are not by version."""
    return {
        (one.recipient, one.product, one.table_id): {
            version: (span.rows, span.mentions) for span in one.spans for version in range(span.first, span.last + 1)
        }
        for one in subject.given
        if one.spans
    }


def without_counts(held: Held) -> dict[tuple[str, str, str], set[int]]:
    return {table: set(versions) for table, versions in held.items()}


def in_doubt(subject: Subject, table_id: str) -> set[int]:
    """The versions of a shared table of which it cannot be told."""
    spans = [span for one in subject.given if one.table_id == table_id for span in one.unknown]
    return {version for span in spans for version in range(span.first, span.last + 1)}


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """Seven days: rows come, change and go; terms change, an agreement ends and comes back, a product is dropped."""
    country = new_country(tmp_path_factory.mktemp("country"), humans=56)
    for day in range(7):
        if day == 2:
            country.agree(
                "health", HEALTH.replace("{name: month, protection: none}", "{name: month, protection: year}")
            )
        if day == 3:
            country.merge(country.humans[4], country.humans[9])
        if day == 4:
            country.agree("health", HEALTH.replace("contact:", "withdrawn: {from: 2026-01-01, reason: thử}\ncontact:"))
        if day == 5:
            country.agree("health", HEALTH)
        if day == 6:
            country.agree("statistics", STATISTICS.partition("  - name: names")[0])
        if day:
            country.change()
        country.publish()
    return country


def test_the_answer_equals_a_search_through_every_version_of_every_shared_table(country: Country) -> None:
    """Of those asked some have no insurance number, one was found to be two, and some are in no register any more."""
    some, asked = 0, some_of(country.humans[:50], 6)
    assert any(not human.numbers for human in asked)
    assert any(len(human.ids) > 1 for human in asked)
    assert any(not {*human.ids} & {*country.citizens} for human in asked)
    for human in asked:
        subject = answer_person(country.context, human.person_id, look=LOOK)
        truth = country.truth(human)
        assert without_counts(told(subject)) == without_counts(truth), human
        assert not [one for one in subject.given if one.unknown]
        for one in subject.given:
            most = truth[one.recipient, one.product, one.table_id]
            assert max(span.rows for span in one.spans) == max(rows for rows, _ in most.values())
            assert max(span.mentions for span in one.spans) == max(mentions for _, mentions in most.values())
        some += len(truth)
    assert some > 4 * len(asked)
    assert len({table for human in country.humans for table in country.truth(human)}) >= 9  # made anew, and before


def test_of_a_table_whose_contract_or_terms_are_gone_it_is_said_that_it_cannot_be_told(country: Country) -> None:
    human = country.humans[1]
    record = sharing_record(country.lake, ())
    tables = {"population.citizen": country.table("population", "citizen")}
    found = given_to_recipients(country.lake, record.tables, {"population.citizen": TableSearch(None)}, tables, ())
    doubts = {(one.source, span.reason) for one in found for span in one.unknown}
    assert doubts == {
        ("population.citizen", "terms not known"), ("population.household_member", "no contract"),
        ("insurance.member", "no contract"), ("insurance.contribution", "no contract"),
    }  # fmt: skip
    assert not [span for one in found for span in one.spans], human


def test_of_statistics_no_row_is_anybody_s(country: Country) -> None:
    country.agree("counts", COUNTS)
    country.share()
    subject = answer_person(country.context, country.humans[1].person_id, look=LOOK)
    assert subject.statistics == ("office/population",)
    assert not [one for one in subject.given if one.recipient == "office"]


def test_a_merged_id_leads_to_the_person_of_today_and_says_so(country: Country) -> None:
    subject = answer_person(country.context, f"{5:032x}", look=LOOK)
    assert subject.way == (f"{5:032x}", f"{10:032x}")
    assert subject.person_id == f"{10:032x}"
    assert {one.record_id for one in subject.records} >= {'population.citizen:["001199000005"]'}


def test_a_record_names_its_person_also_after_it_has_left_its_register(country: Country) -> None:
    human = next(one for one in country.humans if one.ids[0] not in country.citizens and len(one.ids) == 1)
    country.publish()
    subject = answer_person(country.context, f'population.citizen:["{human.ids[0]}"]', look=LOOK)
    assert subject.person_id == human.person_id
    assert all(one.until for one in subject.records if "citizen" in one.record_id)
    assert not any(one.rows for one in subject.held if one.table == "citizen")
    assert without_counts(told(subject)) == without_counts(country.truth(human))


def test_a_record_may_be_named_by_its_only_key(country: Country) -> None:
    human = country.humans[3]
    subject = answer_person(country.context, f"population.citizen:{human.ids[0]}", look=LOOK)
    assert subject.person_id == human.person_id


@pytest.mark.parametrize("asked", ["f" * 32, "", "../../x", "'; DROP TABLE index", 'population.citizen:["0"]', ":"])
def test_nobody_has_that_id(country: Country, asked: str) -> None:
    with pytest.raises(PersonUnknown, match="has that id"):
        answer_person(country.context, asked, look=LOOK)
    assert questions(country)[-1]["found"] is False


def questions(country: Country) -> list[dict[str, object]]:
    found = ledger.read(country.lake).to_pylist()
    return [json.loads(row["payload"]) for row in found if row["subject"] == "people/subject"]


def test_the_question_is_in_the_ledger_before_it_is_answered_and_without_an_id(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    human = country.humans[0]
    subject = answer_person(country.context, human.person_id, look=LOOK)
    entry = ledger.read(country.lake).to_pylist()[subject.entry - 1]
    assert (entry["kind"], entry["actor"], entry["subject"]) == ("export", "dpo", "people/subject")
    assert json.loads(entry["payload"])["purpose"] == LOOK.purpose
    for value in (human.person_id, *human.ids, *human.numbers):
        assert value not in entry["payload"]

    def full(*_: object, **__: object) -> None:
        raise LakeError("the disk is full")

    monkeypatch.setattr("include.pipelines.decisions.ledger_entries.ledger.append", full)
    with pytest.raises(LakeError, match="full"):
        answer_person(country.context, human.person_id, look=LOOK)


@pytest.mark.parametrize("purpose", ["", "  ", "công dân 001199000005 đề nghị"])
def test_a_question_without_a_purpose_or_with_a_number_is_refused(purpose: str) -> None:
    with pytest.raises(Misuse, match=r"purpose|needed for"):
        Look.of("dpo", purpose)


def test_former_questions_about_her_are_looks_and_those_about_others_are_not(country: Country) -> None:
    first = answer_person(country.context, country.humans[1].person_id, look=LOOK)
    answer_person(country.context, country.humans[2].person_id, look=LOOK)
    again = answer_person(country.context, country.humans[1].person_id, look=LOOK)
    assert [one.sequence for one in again.opened][-1:] == [first.entry]
    assert first.opened == again.opened[:-1]


def test_looks_at_published_and_rejected_rows(country: Country) -> None:
    human = next(one for one in country.humans if one.ids[0] in country.citizens)
    mothers = {row["mother_id"] for row in country.citizens.values()}
    gone = next(one for one in country.humans if not {*one.ids} & ({*country.citizens} | mothers))
    before = [len(answer_person(country.context, one.person_id, look=LOOK).opened) for one in (human, gone)]
    country.reject([human.ids[0], gone.ids[0]])
    see = {"look": Look("c06", "kiểm tra"), "context": country.context}
    read_version(registry="population", table="citizen", **see)
    read_version(registry="population", table="citizen", where="sex = 'male'", **see)
    citizen = country.table("population", "citizen")
    read_values(country.context, citizen, rule_id=None, offset=0, reader="c06", purpose="kiểm tra")
    read_values(country.context, citizen, rule_id=None, offset=1, reader="c06", purpose="kiểm tra")
    hers = answer_person(country.context, human.person_id, look=LOOK).opened[before[0] + 1 :]
    assert [(one.by, one.subject, one.certainty) for one in hers] == [
        ("c06", "registry/population/citizen", "certain"), ("c06", "registry/population/citizen", "possible"),
        ("c06", "rejected/population/citizen", "certain"),
    ]  # fmt: skip
    his = answer_person(country.context, gone.person_id, look=LOOK).opened[before[1] + 1 :]
    assert [one.subject for one in his] == ["rejected/population/citizen"] * 2  # he is on the second page too


def test_looks_at_records_name_the_persons_whose_values_were_shown(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a pair those whose registry the reader may read; the ledger has digests, no id."""
    first, other, third = country.humans[20:23]
    before = [len(answer_person(country.context, one.person_id, look=LOOK).opened) for one in (first, other, third)]
    explain_step(first.person_id, look=Look("c06", "kiểm tra"), context=country.context)
    monkeypatch.setattr(person_pairs, "_beside", lambda *_: [])
    ids = first.record_ids()[0], 'insurance.member:["7900000099"]'
    pair = Pair("p", *ids, first.person_id, other.person_id, "model", 1.0, 0.5, "", False)
    shown = ShownPair(pair, ("population", "citizen"), ("insurance", "member"))
    read_beside(country.context, shown, registries=["population"], reader="c06", purpose="kiểm tra")
    after = [answer_person(country.context, one.person_id, look=LOOK).opened for one in (first, other, third)]
    looks = [[one.subject for one in opened[count + 1 :]] for opened, count in zip(after, before, strict=True)]
    assert looks == [["people/records", "people/records"], [], []]
    assert first.person_id not in str(ledger.read(country.lake)["payload"].to_pylist())


def a_read(country: Country, table: tuple[str, str, str], action: str, first: int | None, version: int) -> ReadRecord:
    recipient, product, _ = table
    return ReadRecord(
        read_id=secrets.token_hex(8), at=datetime.now(UTC), action=action, verdict="offered", status=200,
        address="203.0.113.9", recipient=recipient, product=product, version=version, from_version=first,
    )  # fmt: skip


def test_reads_are_those_that_were_offered_a_version_with_her_row(country: Country) -> None:
    now = [key for key in country.seen if key[1] == "citizen"]
    table = max(now, key=lambda key: len(country.seen[key]))
    last = len(country.seen[table]) - 1
    reads = [a_read(country, table, "query", None, version) for version in range(last + 1)]
    reads += [a_read(country, table, "changes", first, first + 1) for first in range(last)]
    reads += [a_read(country, ("moh", "citizen", ""), "query", None, 0), a_read(country, table, "metadata", None, 0)]
    append(country.lake, "reads", to_arrow(reads, "b"), once="reads/b")
    some = 0
    for human in some_of(country.humans[:12], 2):
        held = set(country.truth(human).get(table, {}))
        left = {version + 1 for version in held} - held
        expected = {
            read.read_id for read in reads[:-2]
            if read.version is not None and (
                read.version in held if read.from_version is None
                else {read.from_version, read.version} & (held | left)
            )
        }  # fmt: skip
        subject = answer_person(country.context, human.person_id, look=LOOK)
        found = [one for one in subject.given if one.table_id == table[2]]
        assert {read.read_id for one in found for read in one.reads} == expected
        some += len(expected)
    assert some


def test_what_a_killed_run_shared_without_record_is_told(country: Country) -> None:
    country.change()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("include.pipelines.sharing.products.record_commits", lambda *_, **__: None)
        country.publish()
    for human in some_of(country.humans[:5], 1):
        subject = answer_person(country.context, human.person_id, look=LOOK)
        assert without_counts(told(subject)) == without_counts(country.truth(human))


def test_of_versions_that_are_not_kept_the_history_tells_or_it_is_said_that_nothing_does(country: Country) -> None:
    """The citizens have a row history by their contract, the insured have none."""
    human = next(one for one in country.humans if one.numbers and any(key[1] == "member" for key in country.truth(one)))
    for table in ("registry/population/citizen", "registry/insurance/member"):
        delta = country.lake.table(table)
        delta.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
    subject = answer_person(country.context, human.person_id, look=LOOK)
    truth, found = without_counts(country.truth(human)), without_counts(told(subject))
    for table, versions in truth.items():
        unknown = in_doubt(subject, table[2])
        assert found.get(table, set()) <= versions <= found.get(table, set()) | unknown
        assert bool(unknown) == (table[1] == "member")
        if table[1] in ("citizen", "names"):
            assert found[table] == versions
