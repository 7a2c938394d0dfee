"""Authority to decide: the stewards whom the contracts name, for commands, pages and Airflow alike.

A contract that names no steward leaves it to those who may run its pipeline; `lienthong check` warns of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from include.contracts.model import ROLE, Contract, Steward, normalised_name, offices, stewards
from include.contracts.words import cleaned, says_something
from include.pipelines.errors import Misuse


class NotASteward(Misuse):
    """Somebody decides about a registry whose contract does not name them; the message says where it names who may."""


def steward_named(contracts: Collection[Contract], by: str, *, at: datetime) -> str:
    """The username of the steward of one of the contracts who goes by that name; where none names any, the name itself.

    Raises:
        NotASteward: nobody is named, or no steward in office has that name.
    """
    said = " ".join(by.split())
    if not said:
        raise NotASteward("say who decides: a decision has a name")
    named = [steward for contract in contracts for steward in stewards(contract)]
    if not named:
        return said
    in_office = deciders(contracts, at=at)
    # A username first: somebody's name may be another's username.
    for called in ("username", "name"):
        for steward in in_office:
            if normalised_name(getattr(steward, called)) == normalised_name(said):
                return steward.username
    what = ", ".join(sorted(contract.registry for contract in contracts))
    former = next((steward for steward in named if steward.is_called(said)), None)
    why = f"`{said}` is no steward of {what}" if former is None else f"`{said}` is no steward of {what} today"
    if former is not None and former.until is not None:
        why += f" (until {former.until})"
    who = ", ".join(_told(steward) for steward in in_office) or "nobody, so name a successor"
    files = ", ".join(sorted(str(contract.path) for contract in contracts))
    raise NotASteward(f"{why}. Who may decide: {who}. They stand under `team.members` (role: {ROLE}) of {files}")


def reason_given(note: str) -> str:
    """The reason of a decision, as it stands on record with the name of who decided: without characters not seen.

    Raises:
        Misuse: there is none.
    """
    said = cleaned(note)
    if not says_something(said):
        raise Misuse(
            "say why (--note): the reason is kept with the decision, so that others can follow it. In Airflow, clear "
            "the gate's task: it asks again"
        )
    return said


def deciders(contracts: Collection[Contract], *, at: datetime) -> tuple[Steward, ...]:
    """The stewards of these contracts who are in office, each once."""
    found: dict[str, Steward] = {}
    for contract in contracts:
        for steward in stewards(contract):
            if steward.is_in_office(at):
                found.setdefault(normalised_name(steward.username), steward)
    return tuple(found.values())


def free_stewards(contracts: Collection[Contract], *before: str, at: datetime) -> tuple[Steward, ...]:
    """The stewards in office besides those who have said so `before`; empty where the contracts name none at all.

    Raises:
        NotASteward: stewards are named, and none of them may decide.
    """
    if not any(stewards(contract) for contract in contracts):
        return ()
    said = {normalised_name(name) for name in before}
    free = tuple(steward for steward in deciders(contracts, at=at) if normalised_name(steward.username) not in said)
    if not free:
        files = ", ".join(sorted(str(contract.path) for contract in contracts))
        raise NotASteward(f"no steward in office may decide: name one under `team.members` (role: {ROLE}) of {files}")
    return free


def officials(contracts: Collection[Contract], *, at: datetime) -> dict[str, dict[str, frozenset[str]]]:
    """By username, the offices that each official holds at an instant, by registry."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for contract in contracts:
        for username, held in offices(contract, at).items():
            found.setdefault(username, {})[contract.registry] = held
    return found


def concerned(contracts: Mapping[str, Contract], *record_ids: str) -> list[Contract]:
    """The contracts of the registries that these records of persons (`registry.table:key`) are of."""
    registries = {record_id.partition(".")[0] for record_id in record_ids}
    return [contracts[registry] for registry in sorted(registries) if registry in contracts]


def _told(steward: Steward) -> str:
    return steward.username if steward.name == steward.username else f"{steward.username} ({steward.name})"
