"""What changed since something was shared is told: purposes, contracts that ended, records that linking never saw.

That columns have other names since was not tried: each table here was published by the columns of today's contract.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from include.audit import ledger
from include.audit.ledger import Record
from include.lake.row_history import history_facts
from include.lake.run_log import LinkRunRow, append_link_run
from include.pipelines.decisions import Look
from include.pipelines.rejected import read_values
from include.pipelines.subject import PersonUnknown, Subject, answer_person, subject_letter
from include.pipelines.upkeep import read_version
from tests.repeats import held_by
from tests.unit.subject.country import AT, HEALTH, MONTH, STATISTICS, Country, Human, copied, new_country
from tests.unit.subject.test_letter import texts
from tests.unit.subject.test_subject import in_doubt, told, without_counts

LOOK = Look("dpo", "đơn số 12")
UNLINKED = "unit/subject/test_what_changed.py::test_a_record_that_linking_never_saw_is_answered_by_its_key"
NO_VERSION = "unit/subject/test_what_changed.py::test_a_record_that_no_kept_version_had_is_unknown"
MADE_ANEW = "unit/subject/test_what_changed.py::test_a_look_at_a_table_that_was_made_anew_since_is_told"


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """After its first day. No test changes it."""
    country = new_country(tmp_path_factory.mktemp("country"), humans=8)
    country.publish()
    return country


@pytest.fixture
def country(first_day: Country, tmp_path: Path) -> Country:
    """One such country, with contracts that a test may change."""
    return copied(first_day, tmp_path)


@pytest.fixture(scope="module")
def asked(first_day: Country, tmp_path_factory: pytest.TempPathFactory) -> Country:
    """One such country, of which nothing changes but who asked."""
    return copied(first_day, tmp_path_factory.mktemp("asked"))


def ask(country: Country, asked: str) -> Subject:
    country.__dict__.pop("context", None)  # contracts of today
    return answer_person(country.context, asked, look=LOOK)


def one_of(country: Country, *products: str) -> Human:
    return next(human for human in country.humans if {*products} <= {key[1] for key in country.truth(human)})


def test_each_purpose_that_there_was_is_told_with_its_time(country: Country) -> None:
    """Her row does not change: the purpose does, and the recipient's name; then both are again as they were."""
    human = one_of(country, "citizen")
    other = STATISTICS.replace("purpose: Thống kê dân số", "purpose: Điều tra").replace("Cục Thống kê", "Cục khác")
    for text in (other, STATISTICS):
        country.agree("statistics", text)
        country.share()
    (given,) = (one for one in ask(country, human.person_id).given if one.product == "citizen")
    assert [(span.first, span.last) for span in given.spans] == [(0, 2)]
    assert [(one.first, one.last, one.recipient_name, one.text) for one in given.purposes] == [
        (0, 0, "Cục Thống kê", "Thống kê dân số"), (1, 1, "Cục khác", "Điều tra"),
        (2, 2, "Cục Thống kê", "Thống kê dân số"),
    ]  # fmt: skip
    assert [one.until for one in given.purposes] == [*(one.since for one in given.purposes[1:]), None]
    said = texts(subject_letter(ask(country, human.person_id)))
    assert "Cục khác (nso). Điều tra (từ " in said
    assert said.count("Thống kê dân số (từ ") >= 2


def test_a_purpose_for_which_her_row_was_not_there_is_not_told(country: Country) -> None:
    human = one_of(country, "citizen")
    for personal_id in human.ids:
        del country.citizens[personal_id]
    for row in country.citizens.values():
        row["mother_id"] = None
    country.publish()
    country.agree("statistics", STATISTICS.replace("purpose: Thống kê dân số", "purpose: Điều tra"))
    country.share()
    assert {one.text for given in ask(country, human.person_id).given for one in given.purposes} & {"Điều tra"} == set()


NEVER_LINKED = "001199088888"


@pytest.mark.parametrize(
    "is_gone", [True, pytest.param(False, marks=held_by(UNLINKED))], ids=["gone before linking", "not linked yet"]
)
def test_a_record_that_linking_never_saw_is_answered_by_its_key(country: Country, is_gone: bool) -> None:
    name = f"Người {NEVER_LINKED}"
    country.citizens[NEVER_LINKED] = {
        **next(iter(country.citizens.values())), "personal_id": NEVER_LINKED, "sex": "female", "full_name": name,
        "status_code": "1",
    }  # fmt: skip
    country.write("population", "citizen", list(country.citizens.values()))
    country.share()  # linking waits for a word of a steward, say
    if is_gone:
        del country.citizens[NEVER_LINKED]
        country.publish()
    asked = f'population.citizen:["{NEVER_LINKED}"]'
    subject = ask(country, asked)
    truth = country.truth(Human(99, "", [NEVER_LINKED], []))
    assert without_counts(told(subject)) == without_counts(truth) != {}
    assert (subject.person_id, subject.standing, subject.records) == ("", "unlinked", ())
    assert bool(subject.held) == (not is_gone)
    said = texts(subject_letter(subject))
    assert f"Bản ghi được hỏi: bảng {subject.name('population.citizen')}, {NEVER_LINKED}" in said
    assert "chưa được đối khớp với người nào" in said
    assert NEVER_LINKED not in str(ledger.read(country.lake)["payload"].to_pylist())
    assert ask(country, asked).lists_opened == subject.lists_opened + 1  # the ledger does not say whose record it was


@pytest.mark.parametrize(
    "key",
    [
        '["0"]',
        "'; DROP TABLE index",
        "[" * 50_000,
        *(pytest.param(key, marks=held_by(NO_VERSION)) for key in ("[", "[]", '[["0"]]', "{}", f"[{NEVER_LINKED}, 1]")),
    ],
    ids=lambda key: key[:9],
)
def test_a_record_that_no_kept_version_had_is_unknown(asked: Country, key: str) -> None:
    for table in ("population.citizen", "population.household_member", "population.no", "reference.wards", "x"):
        with pytest.raises(PersonUnknown, match="has that id"):
            answer_person(asked.context, f"{table}:{key}", look=LOOK)


def test_who_is_answered_by_person_is_told_of_records_that_are_not_linked(country: Country) -> None:
    said = texts(subject_letter(ask(country, country.humans[0].person_id)))
    assert "chưa có lần đối khớp nào" in said
    assert append_link_run(country.lake, LinkRunRow(run_id="r1", verdict="published", started_at=AT))
    said = texts(subject_letter(ask(country, country.humans[0].person_id)))
    assert "Lần đối khớp gần nhất bắt đầu lúc 07:00 ngày 01/03/2026" in said
    assert "tra theo mã của bản ghi" in said


def rewrite(country: Country, registry: str, change: Callable[[str], str]) -> None:
    path = country.folder / "registries" / f"{registry}.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(changed := change(text), encoding="utf-8")
    assert changed != text


def without_relationships(text: str) -> str:
    """What `household_member` says of whose rows it holds, is left out."""
    before, table, after = text.partition("  - name: household_member")
    lines, is_left_out = [], False
    for line in after.splitlines(keepends=True):
        if is_left_out and line.startswith(("        relationships:", "          ")):
            continue
        is_left_out = line.startswith("        relationships:")
        if not is_left_out:
            lines.append(line)
    return before + table + "".join(lines)


def doubts(subject: Subject) -> dict[str, set[str]]:
    return {one.product: {span.reason for span in one.unknown} for one in subject.given if one.unknown}


def test_what_was_shared_of_a_register_that_has_ended_cannot_be_told(country: Country) -> None:
    human = one_of(country, "member", "household", "citizen")
    country.agree("health", HEALTH.replace("contact:", "withdrawn: {from: 2026-01-01, reason: thử}\ncontact:"))
    country.share()
    (country.folder / "registries" / "insurance.odcs.yaml").unlink()
    subject = ask(country, human.person_id)
    assert doubts(subject) == {"member": {"no contract"}, "contribution": {"no contract"}}
    assert "không còn trong hợp đồng dữ liệu nào" in texts(subject_letter(subject))


def test_of_a_table_whose_contract_leads_to_no_person_any_more_it_cannot_be_told(country: Country) -> None:
    human = one_of(country, "household", "citizen")
    rewrite(country, "population", without_relationships)
    subject = ask(country, human.person_id)
    assert doubts(subject) == {"household": {"no relation"}}
    assert "không cho biết dòng nào là của ai" in texts(subject_letter(subject))
    truth = without_counts(country.truth(human))
    assert without_counts(told(subject)) == {key: of for key, of in truth.items() if key[1] != "household"}


def test_records_of_a_table_that_is_linked_no_more_are_told_all_the_same(country: Country) -> None:
    """The member is linked by his name alone, and his contributions by his number."""
    human = one_of(country, "member", "citizen")
    country.members[human.insured]["personal_id"] = None
    country.contributions[human.insured, MONTH] = {
        "social_insurance_number": human.insured, "employer_tax_code": "0100109106", "month": MONTH, "wage_vnd": 1,
    }  # fmt: skip
    country.publish()
    rewrite(
        country,
        "insurance",
        lambda text: re.sub(r"property: link, value: \w+", "property: was_linked, value: once", text),
    )
    subject = ask(country, human.person_id)
    assert without_counts(told(subject)) == without_counts(country.truth(human))


def looks(country: Country, human: Human) -> list[tuple[str, str]]:
    return [(one.subject, one.certainty) for one in ask(country, human.person_id).opened if one.by == "c06"]


def make_anew(country: Country, registry: str, name: str) -> None:
    """The table is removed and published again: it has another Delta id, and counts its versions from 0."""
    shutil.rmtree(Path(country.lake.uri) / "registry" / registry / name)
    country.publish()


def of_before(country: Country, subject: str, **what: object) -> None:
    """An entry from before looks stated the Delta id of the table."""
    record = Record("export", subject, {**what, "purpose": "kiểm tra"})
    ledger.append(country.lake, [record], at=country.context.now(), actor="c06")


@pytest.mark.parametrize(
    "has_id", [True, pytest.param(False, marks=held_by(MADE_ANEW))], ids=["with the id", "of before"]
)
def test_a_look_at_a_table_that_was_made_anew_since_is_told(country: Country, has_id: bool) -> None:
    """The version's number was looked up in today's table, in which she is no more."""
    human = next(one for one in country.humans if one.insured)
    subject, version = "registry/insurance/member", 1
    if has_id:
        read_version(country.context, "insurance", "member", version=version, look=Look("c06", "kiểm tra"))
    else:
        of_before(country, subject, version=version, limit=None, is_file=False)
    assert looks(country, human) == [(subject, "certain")]
    del country.members[human.insured]
    make_anew(country, "insurance", "member")
    assert looks(country, human) == [(subject, "possible")]
    read_version(country.context, "insurance", "member", version=version, look=Look("c06", "kiểm tra"))
    of_before(country, subject, version=version, limit=None, is_file=False)
    assert looks(country, human) == [(subject, "possible")]  # she is not in that table
    other = next(one for one in country.humans if one.insured and one is not human)
    assert looks(country, other) == [(subject, "possible"), (subject, "certain"), (subject, "certain")]


def test_a_look_at_a_former_table_is_certain_where_the_row_history_tells(country: Country) -> None:
    human = one_of(country, "citizen")
    read_version(country.context, "population", "citizen", look=Look("c06", "kiểm tra"))
    for personal_id in human.ids:
        del country.citizens[personal_id]
    for row in country.citizens.values():
        row["mother_id"] = None
    make_anew(country, "population", "citizen")
    assert looks(country, human) == [("registry/population/citizen", "certain")]


def test_a_look_at_a_former_table_by_its_row_history_states_no_id_of_today_s(country: Country) -> None:
    human = one_of(country, "citizen")
    facts = history_facts(country.lake, country.table("population", "citizen"))
    assert facts is not None
    country.publish()  # else nothing is known of the time between the table's one publication and its end
    for personal_id in human.ids:
        del country.citizens[personal_id]
    for row in country.citizens.values():
        row["mother_id"] = None
    make_anew(country, "population", "citizen")
    found = read_version(
        country.context, "population", "citizen", at=facts.since.isoformat(), look=Look("c06", "kiểm tra")
    )
    assert human.ids[0] in {str(row[found.columns.index("personal_id")]) for row in found.rows}
    assert looks(country, human) == [("registry/population/citizen", "possible")]


def test_a_look_at_rejected_rows_is_told_when_the_published_table_was_made_anew(country: Country) -> None:
    """Rejected rows count by the runs that the published table knows: a new one knows none of them."""
    hers, other = country.humans[0], country.humans[1]
    country.reject([hers.ids[0]])
    citizen = country.table("population", "citizen")
    read_values(country.context, citizen, rule_id=None, offset=0, reader="c06", purpose="kiểm tra")
    assert (looks(country, hers), looks(country, other)) == ([("rejected/population/citizen", "certain")], [])
    make_anew(country, "population", "citizen")
    assert looks(country, hers) == [("rejected/population/citizen", "possible")]


def rename(country: Country, change: Callable[[str], str], name: str, new: str) -> None:
    """A column of the citizen has another name from now on, in all that speaks of it. Only two registries stay."""
    rewrite(country, "population", change)
    for path in (country.folder / "registries").glob("*.yaml"):
        if path.name not in ("population.odcs.yaml", "insurance.odcs.yaml"):
            path.unlink()
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if f"population.citizen.{name}" in text:
            path.write_text(text.replace(f"population.citizen.{name}", f"population.citizen.{new}"), encoding="utf-8")
    country.agree("statistics", STATISTICS.replace(f"name: {name}", f"name: {new}"))
    country.__dict__.pop("context", None)


def with_another_key(text: str) -> str:
    citizen, table, after = text.partition("  - name: household_member")
    citizen = re.sub(r"\bpersonal_id\b(?! *\])", "citizen_id", citizen)
    return citizen.replace("value: citizen_id", "value: personal_id") + table + after


@held_by("unit/subject/test_rows.py::test_a_column_that_a_version_lacks_is_no_no")
@pytest.mark.parametrize("is_anew", [False, True], ids=["nothing published since", "published anew"])
def test_by_a_key_of_another_name_it_is_told_or_said_that_it_cannot_be(country: Country, is_anew: bool) -> None:
    for row in country.citizens.values():
        row["mother_id"] = None
    country.publish()
    human = one_of(country, "citizen", "names")
    country.reject([human.ids[0]])
    citizen = country.table("population", "citizen")
    read_values(country.context, citizen, rule_id=None, offset=0, reader="c06", purpose="kiểm tra")
    read_version(country.context, "population", "citizen", look=Look("c06", "kiểm tra"))
    rename(country, with_another_key, "personal_id", "citizen_id")
    if is_anew:
        shutil.rmtree(Path(country.lake.uri) / "registry" / "population" / "citizen")
        rows = [{**row, "citizen_id": row["personal_id"]} for row in country.citizens.values()]
        country.write("population", "citizen", rows)
    subject = answer_person(country.context, human.person_id, look=LOOK)
    assert [(one.subject, one.certainty) for one in subject.opened] == [
        ("rejected/population/citizen", "possible"), ("registry/population/citizen", "possible")
    ]  # fmt: skip
    truth, found = without_counts(country.truth(human)), without_counts(told(subject))
    for table, versions in truth.items():
        unknown = in_doubt(subject, table[2])
        assert found.get(table, set()) <= versions <= found.get(table, set()) | unknown
    assert {reason for reasons in doubts(subject).values() for reason in reasons} >= {"contract changed"}
    assert doubts(subject).keys() == {"citizen", "names"}
    (held,) = (one for one in subject.held if one.table == "citizen")
    assert (held.rows, held.unclear) == ((1, 0) if is_anew else (0, 1))
    said = texts(subject_letter(subject))
    assert "trong cột mà hợp đồng dữ liệu hiện nay không dùng" in said
    assert ("1 dòng có thể về Ông/Bà" in said) == (not is_anew)


@held_by("unit/subject/test_rows.py::test_a_column_that_a_version_lacks_is_no_no")
def test_of_a_mention_in_a_column_of_another_name_it_is_said_that_it_cannot_be_told(country: Country) -> None:
    """Where it was shared: `names` has not that column."""
    human = next(
        one for one in country.humans
        if any(row["mother_id"] in one.ids and row["status_code"] == "1" for row in country.citizens.values())
    )  # fmt: skip
    rename(country, lambda text: text.replace("mother_id", "mother_no"), "mother_id", "mother_no")
    assert doubts(answer_person(country.context, human.person_id, look=LOOK)) == {"citizen": {"contract changed"}}
