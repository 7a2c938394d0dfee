"""Who may decide about a registry: what of a contract's team counts, when, and what of it is a mistake."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.contracts.model.digest import row_digest
from include.contracts.model.stewardship import needs_two, odd_teams, offices, stewards
from include.contracts.reading.load import examine_contract, load_contract
from include.contracts.yaml_files.problems import ContractError

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 1.0.0
status: active
servers: [{server: shop_db, type: custom}]
schema:
  - name: shop
    properties: [{name: code, logicalType: integer, primaryKey: true}]
"""
APPROVAL = "    customProperties: [{property: approval, value: {fourEyes: true}}]\n"
NOON = datetime(2026, 3, 1, 5, tzinfo=UTC)


def team(*members: str) -> str:
    return "team:\n  members:\n" + "".join(f"    - {{{member}}}\n" for member in members)


LAN = "username: lan, name: Nguyễn Lan, role: data steward, dateIn: '2020-01-01'"
GONE = "username: minh, name: Lê Minh, role: data steward, dateOut: '2026-02-28'"
BOSS = "username: boss, role: owner"


def write(folder: Path, text: str) -> Path:
    path = folder / "shop.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("said", "is_found"),
    [
        ("lan", True),
        ("LAN ", True),
        ("Nguyễn Lan", True),
        ("nguyễn  lan", True),
        (unicodedata.normalize("NFD", "Nguyễn Lan"), True),  # as some keyboards write the same letters
        ("Nguyen Lan", False),
        ("boss", False),
        ("", False),
    ],
)
def test_a_steward_is_known_by_username_and_by_name(tmp_path, said, is_found):
    contract = load_contract(write(tmp_path, CONTRACT + team(LAN, BOSS)))
    assert [s.username for s in stewards(contract)] == ["lan"]
    assert any(steward.is_called(said) for steward in stewards(contract)) is is_found


@pytest.mark.parametrize(
    ("bounds", "at", "is_in_office"),
    [
        ("", "2026-03-01T05:00+00:00", True),
        (", dateIn: '2026-03-01'", "2026-03-01T05:00+00:00", True),
        (", dateIn: '2026-03-02'", "2026-03-01T05:00+00:00", False),
        (", dateIn: '2026-03-02'", "2026-03-01T17:00+00:00", True),  # midnight in Hà Nội
        (", dateOut: '2026-03-01'", "2026-03-01T16:59+00:00", True),
        (", dateOut: '2026-03-01'", "2026-03-01T17:00+00:00", False),
        (", dateIn: '2026-03-02', dateOut: '2026-03-01'", "2026-03-01T05:00+00:00", False),
    ],
)
def test_a_steward_decides_from_the_first_day_to_the_last(tmp_path, bounds, at, is_in_office):
    contract = load_contract(write(tmp_path, CONTRACT + team(f"username: lan, role: Data  Steward{bounds}")))
    (steward,) = stewards(contract)
    assert steward.is_in_office(datetime.fromisoformat(at)) is is_in_office


@pytest.mark.parametrize(
    ("text", "told", "remedy"),
    [
        (team("username: lan, role: data-steward"), "the role `data-steward` is nearly `data steward`", "write `role"),
        (team("username: lan, role: steward"), "the role `steward` is nearly", "write `role: data steward`"),
        (team(LAN.replace("2020-01-01", "1/1/2020")), "`dateIn` is no day: `1/1/2020`", "2026-01-31"),
        (team(LAN, "username: '', role: data steward"), "without a `username` decides nothing", "give the member"),
        (APPROVAL + team(LAN), "fewer are named: nobody could approve", "name two members"),
        (APPROVAL + team(LAN, "username: LAN, role: data steward"), "fewer are named", "name two members"),
        (APPROVAL, "fewer are named", "or leave `approval` out"),
        (APPROVAL.replace("approval", "approvals"), "`approvals` is unknown", "did you mean `approval`?"),
        (APPROVAL.replace("fourEyes", "foureyes"), "has no key `foureyes`", "did you mean `fourEyes`?"),
        (APPROVAL.replace("true", "2"), "`fourEyes` is neither true nor false: `2`", "write `fourEyes: true`"),
    ],
)
def test_what_would_let_the_wrong_ones_decide_is_a_mistake(tmp_path, text, told, remedy):
    with pytest.raises(ContractError) as refused:
        load_contract(write(tmp_path, CONTRACT + text))
    (problem,) = refused.value.problems
    assert told in problem.message
    assert remedy in problem.remedy
    assert problem.line > 8 or "team" not in text


def test_other_roles_are_nobodys_mistake(tmp_path):
    members = [f"username: u{i}, role: {role}" for i, role in enumerate(("owner", "data owner", "engineer", "reader"))]
    assert examine_contract(write(tmp_path, CONTRACT + team(LAN, "username: x", *members))).problems == ()


def test_four_eyes_are_asked_for_by_the_table_and_change_no_row(tmp_path):
    plain = load_contract(write(tmp_path, CONTRACT + team(LAN, GONE))).table("shop")
    asking = load_contract(write(tmp_path, CONTRACT + APPROVAL + team(LAN, GONE))).table("shop")
    off = load_contract(write(tmp_path, CONTRACT + APPROVAL.replace("true", "false") + team(LAN))).table("shop")
    assert [needs_two(table) for table in (plain, asking, off)] == [False, True, False]
    assert row_digest(plain) == row_digest(asking)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["names no data steward: whoever may operate its DAG may decide at its gate"]),
        (team(BOSS), ["names no data steward: whoever may operate its DAG may decide at its gate"]),
        (team(LAN), []),
        (team(GONE), ["has 0 data stewards in office today and needs 1: nobody can approve"]),
        (APPROVAL + team(LAN, GONE), ["has 1 data stewards in office today and needs 2: nobody can approve"]),
        (APPROVAL + team(LAN, "username: an, role: data steward"), []),
    ],
)
def test_a_contract_that_nobody_can_or_anybody_may_decide_on_is_told(tmp_path, text, told):
    contract = load_contract(write(tmp_path, CONTRACT + text))
    assert [message for message, _ in odd_teams(contract, NOON)] == told


def test_offices_are_those_held_today(tmp_path):
    members = (
        LAN, GONE, BOSS, "username: lan, role: Data Protection Officer", "username: x, role: auditor",
        "username: later, role: owner, dateIn: '2026-03-02'",
    )  # fmt: skip
    contract = load_contract(write(tmp_path, CONTRACT + team(*members)))
    assert offices(contract, NOON) == {"lan": {"data steward", "data protection officer"}, "boss": {"owner"}}


def test_a_role_that_is_nearly_a_data_protection_officer_s_is_a_mistake(tmp_path):
    path = write(tmp_path, CONTRACT + team(LAN, "username: an, role: data protection offcer"))
    with pytest.raises(ContractError, match="data protection officer"):
        load_contract(path)
