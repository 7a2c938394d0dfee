"""Officials of a registry: the members of its contract's team, with the roles by which they decide."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from include.contracts.model.contract import Contract
from include.contracts.model.table import Table
from include.contracts.words import day_of
from include.contracts.yaml_files import ReportProblem

ROLE = "data steward"
OWNER = "owner"
PROTECTION_OFFICER = "data protection officer"
OFFICES = (OWNER, ROLE, PROTECTION_OFFICER)
_NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Steward:
    """A data steward, in office from the day `since` to the day `until`, both included; None: no bound.

    `username` is the name in Airflow and in records.
    """

    username: str
    name: str
    since: date | None = None
    until: date | None = None

    def is_in_office(self, at: datetime) -> bool:
        """Whether the steward is in office at an instant."""
        day = day_of(at)
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def is_called(self, given: str) -> bool:
        """Whether the text is the steward's username or name, ignoring blanks, case and Unicode form."""
        return normalised_name(given) in {normalised_name(self.username), normalised_name(self.name)}


def stewards(contract: Contract) -> tuple[Steward, ...]:
    """All stewards of the contract, also former and future ones."""
    return tuple(member for role, member in _members(contract) if role == ROLE)


def offices(contract: Contract, at: datetime) -> dict[str, frozenset[str]]:
    """By username, the offices (of OFFICES) that each member of the contract's team holds at an instant."""
    found: dict[str, frozenset[str]] = {}
    for role, member in _members(contract):
        if role in OFFICES and member.is_in_office(at):
            found[member.username] = found.get(member.username, frozenset()) | {role}
    return found


def _members(contract: Contract) -> Iterator[tuple[str, Steward]]:
    """Members with a username, each with the role."""
    for member in contract.team:
        username, name = (str(member.get(key) or "").strip() for key in ("username", "name"))
        if username:
            since, until = (_day(member.get(key)) for key in ("dateIn", "dateOut"))
            yield normalised_name(str(member.get("role") or "")), Steward(username, name or username, since, until)


def needs_two(table: Table) -> bool:
    """Whether decisions about the table need two different stewards (`approval: {fourEyes: true}`)."""
    approval = table.custom.get("approval")
    return isinstance(approval, dict) and approval.get("fourEyes") is True


def check_team(contract: Contract, report: ReportProblem) -> None:
    """Report mistakes in a contract's stewards; places are within `team`'s members."""
    for index, member in enumerate(contract.team):
        role = normalised_name(str(member.get("role") or ""))
        if role != ROLE and (role == "steward" or difflib.SequenceMatcher(None, role, ROLE).ratio() >= _NEAR):
            message = f"the role `{member['role']}` is nearly `{ROLE}`, and only `{ROLE}` may decide at the gate"
            report((index, "role"), message, f"write `role: {ROLE}`")
        elif role not in OFFICES and difflib.SequenceMatcher(None, role, PROTECTION_OFFICER).ratio() >= _NEAR:
            message = (
                f"the role `{member['role']}` is nearly `{PROTECTION_OFFICER}`, and only that one may ask who was read"
            )
            report((index, "role"), message, f"write `role: {PROTECTION_OFFICER}`")
        if role == ROLE and not str(member.get("username") or "").strip():
            report(
                (index, "role"), "a data steward without a `username` decides nothing", "give the member a `username`"
            )
        for key in ("dateIn", "dateOut"):
            if member.get(key) and _day(member[key]) is None:
                report((index, key), f"`{key}` is no day: `{member[key]}`", 'write it as "2026-01-31"')
    if not any(needs_two(table) for table in contract.tables):
        return
    if len({normalised_name(steward.username) for steward in stewards(contract)}) < 2:
        asking = ", ".join(table.name for table in contract.tables if needs_two(table))
        message = f"`fourEyes` of {asking} asks for two stewards, and fewer are named: nobody could approve"
        report((), message, f"name two members of the role `{ROLE}`, or leave `approval` out")


def odd_teams(contract: Contract, at: datetime) -> Iterator[tuple[str, str]]:
    """Warnings, with remedy, if no steward is named or too few are in office."""
    named = stewards(contract)
    if not named:
        remedy = f"name who may under `team.members`, with `role: {ROLE}`"
        yield "names no data steward: whoever may operate its DAG may decide at its gate", remedy
        return
    needed = 2 if any(needs_two(table) for table in contract.tables) else 1
    in_office = {normalised_name(steward.username) for steward in named if steward.is_in_office(at)}
    if len(in_office) < needed:
        remedy = f"name a successor under `team.members`, with `role: {ROLE}`"
        yield f"has {len(in_office)} data stewards in office today and needs {needed}: nobody can approve", remedy


def normalised_name(text: str) -> str:
    """A name normalised for comparison."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
