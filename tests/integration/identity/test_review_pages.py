"""The pages of the review queue: comparisons for everybody who may see the registries, values and decisions by role."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from include.audit.ledger import entries as ledger
from include.identity.persons.review_queue import pair_id
from include.pipelines.decisions.authority import NotASteward
from include.pipelines.people.linking import link_persons
from include.pipelines.people.review_changes import withdraw_step
from include.pipelines.people.reviews import decide_step
from tests.integration.identity.registers import Country


def values(nation: Country, ends: tuple[str, str]) -> tuple[str, str]:
    member, citizen = (json.loads(end.partition(":")[2])[0] for end in ends)
    return nation.members[member].full_name, nation.citizens[citizen].full_name


def test_a_viewer_sees_where_records_agree_and_what_it_weighs_but_no_value(nation, pair, browse):
    assert pair_id(*pair) in browse().get("/persons").text
    assert "<strong>0</strong>" in browse(sees=("population",)).get("/persons").text, "nor are pairs of others counted"
    text = browse().get(f"/persons/{pair_id(*pair)}").text
    assert "insurance.member" in text
    assert "<svg" in text
    assert "differs" in text
    assert not any(name in text for name in values(nation, pair))
    assert "may not decide" in text
    assert browse().post(f"/persons/{pair_id(*pair)}", data={"decision": "same"}).status_code == 403
    assert browse().post(f"/persons/{pair_id(*pair)}/values", data={"purpose": "x"}).status_code == 403


def test_values_are_shown_by_role_with_an_entry_in_the_ledger_first(nation, pair, browse):
    address, (member, citizen) = f"/persons/{pair_id(*pair)}/values", values(nation, pair)
    text = browse(reads=("population",)).post(address, data={"purpose": "review"}).text
    assert citizen in text
    assert member not in text, "the other registry is not this role's to read"
    entry = ledger.read(nation.context.lake).to_pylist()[-1]
    assert (entry["kind"], entry["actor"]) == ("export", "lan")
    payload = json.loads(entry["payload"])
    (digest,) = payload.pop("persons_sha256")
    assert re.fullmatch("[0-9a-f]{64}", digest), "whose values were seen is told to that person when she asks"
    assert payload == {"pair_id": pair_id(*pair), "purpose": "review", "registries": ["population"]}
    assert browse(reads=("population",)).post(address, data={"purpose": " "}).status_code == 400


def test_a_decision_is_kept_in_the_visitors_name(nation, pair, browse, reviews):
    client = browse(reads=("population", "insurance"))
    address, said = f"/persons/{pair_id(*pair)}", {"decision": "different", "note": "strangers"}
    assert client.post(f"{address}/confirm", data=said).status_code == 200
    assert reviews() == [], "what will happen is said before anything is kept"
    answer = client.post(address, data=said)
    assert (answer.status_code, answer.headers["location"]) == (303, "/persons")
    (row,) = reviews()
    assert (row["decision"], row["by"], row["note"]) == ("different", "lan", "strangers")
    assert client.get(f"/persons/{pair_id(*pair)}").status_code == 404
    assert "No pair waits" in client.get("/persons").text


def name_stewards(nation: Country, **by_registry: str) -> None:
    """Let the contracts say who may decide."""
    for registry, username in by_registry.items():
        path = nation.context.contract_path(registry)
        team = f'[{{username: "{username}", role: data steward}}, '
        path.write_text(path.read_text().replace("members: [", f"members: {team}"), encoding="utf-8")
    vars(nation.context).pop("contracts", None)


def test_only_a_steward_of_one_of_the_two_registries_decides(nation, pair, browse, reviews):
    name_stewards(nation, population="an", insurance="minh")
    address, said = f"/persons/{pair_id(*pair)}", {"decision": "different", "note": "strangers"}
    every = ("population", "insurance")
    page = browse(name="lan", reads=every).get(address).text
    assert "may not decide" in page
    assert "an, minh." in page or "minh, an." in page
    for step in ("", "/confirm"):
        answer = browse(name="lan", reads=every).post(address + step, data=said)
        assert answer.status_code == 403
        assert "Not yours to decide" in answer.text
    with pytest.raises(NotASteward, match="`lan` is no steward of insurance, population"):
        decide_step(pair[0], "different", by="lan", note="strangers", other=pair[1], context=nation.context)
    assert reviews() == []
    assert browse(name="minh", reads=every).post(address, data=said).status_code == 303
    assert [row["by"] for row in reviews()] == ["minh"]
    undo = browse(name="lan", reads=every).post(f"{address}/undo", data={"note": "mistaken"})
    assert undo.status_code == 403
    with pytest.raises(NotASteward):
        withdraw_step(pair_id(*pair), by="lan", note="mistaken", context=nation.context)
    assert browse(name="an", reads=every).post(f"{address}/undo", data={"note": "mistaken"}).status_code == 303


@pytest.mark.parametrize("step", ["", "/confirm"])
def test_without_a_reason_nothing_is_kept(nation, pair, browse, reviews, step):
    client = browse(reads=("population", "insurance"))
    answer = client.post(f"/persons/{pair_id(*pair)}{step}", data={"decision": "same", "note": " "})
    assert (answer.status_code, reviews()) == (400, [])
    assert "give the reason" in answer.text


def test_before_two_become_one_the_page_says_which_id_stays_and_which_records_join(nation, pair, browse):
    client, (member, citizen) = browse(reads=("population", "insurance")), pair
    text = client.post(f"/persons/{pair_id(*pair)}/confirm", data={"decision": "same", "note": "same parents"}).text
    index = nation.context.lake.table("people", "index").to_pyarrow_table().to_pylist()
    persons = {row["record_id"]: row["person_id"] for row in index}
    # Both ids are of one run, so the smaller one counts as the older.
    stays, ends = sorted((persons[member], persons[citizen]))
    assert text.index(f'<code id="stays">{stays}') < text.index(f'<code id="ends">{ends}')
    assert "insurance.member: 1" in text
    assert "population.citizen: 1" in text
    assert "two citizens will become one person" in text


def test_a_decision_can_be_taken_back_until_a_run_has_followed_it(nation, pair, browse, reviews):
    client, address = browse(reads=("population", "insurance")), f"/persons/{pair_id(*pair)}"
    client.post(address, data={"decision": "different", "note": "strangers"})
    assert "Take the decision back" in client.get("/persons").text
    assert "Take the decision back" not in browse().get("/persons").text, "a role that may not decide"
    assert browse().post(f"{address}/undo", data={"note": "x"}).status_code == 403
    assert client.post(f"{address}/undo", data={"note": " "}).status_code == 400
    assert client.post(f"{address}/undo", data={"note": "wrong button"}).status_code == 303
    assert pair_id(*pair) in client.get("/persons").text
    assert client.get(address).status_code == 200, "it waits again"
    assert [row["decision"] for row in reviews()] == ["different", "withdrawn"]
    entries = [e for e in ledger.read(nation.context.lake).to_pylist() if e["subject"] == "people/reviews"]
    assert [json.loads(e["payload"])["decision"] for e in entries if e["kind"] == "approval"] == [
        "different", "withdrawn",
    ]  # fmt: skip

    client.post(address, data={"decision": "different", "note": "strangers"})
    assert link_persons("20260102T020000Z-00000002", context=nation.context).verdict == "published"
    assert "Take the decision back" not in client.get("/persons").text
    assert client.post(f"{address}/undo", data={"note": "too late"}).status_code == 404


def test_the_page_says_what_decides_before_it_says_what_it_weighs(nation, pair, browse):
    client, address = browse(reads=("population", "insurance")), f"/persons/{pair_id(*pair)}"
    text = client.get(address).text
    assert "these are two different persons" in text
    assert text.index('id="decides"') < text.index('id="beside"') < text.index('id="weights"')
    number = json.loads(pair[1].partition(":")[2])[0]
    assert number not in text
    open_text = client.post(f"{address}/values", data={"purpose": "review"}).text
    assert number in open_text
    assert "Birth registered in" in open_text


def test_who_may_not_see_a_registry_does_not_learn_of_the_pair(pair, browse):
    client = browse(sees=("population",))
    assert pair_id(*pair) not in client.get("/persons").text
    assert client.get(f"/persons/{pair_id(*pair)}").status_code == 404


def test_persons_whose_registers_contradict_each_other_have_a_page_of_their_own(nation, browse):
    # One digit of the year off, so that number and name still join the two.
    is_fit = lambda row: row.personal_id and row.birth_date.year % 10 and row.birth_date.month > 2  # noqa: E731
    member = next(row for row in nation.members.values() if is_fit(row))
    wrong = member.birth_date.replace(year=member.birth_date.year - 1)
    nation.change("members", member.number, lambda row: replace(row, birth_date=wrong))
    nation.publish()
    assert link_persons("20260102T020000Z-00000002", context=nation.context).verdict == "published"
    assert "/persons/contradictions" in browse().get("/persons").text
    text = browse().get("/persons/contradictions").text
    assert "insurance.member, population.citizen" in text
    assert "different births" in text
    assert member.full_name not in text
    assert "There is no such person" in browse(sees=("insurance",)).get("/persons/contradictions").text
