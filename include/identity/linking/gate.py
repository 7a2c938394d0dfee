"""Does a run of linking change more than it should? Then nothing is committed until a steward has seen the figures."""

from __future__ import annotations

from dataclasses import dataclass

from include.contracts.words import Finding
from include.identity.linking import gate_words
from include.identity.persons import Assigned, Tolerance


@dataclass(frozen=True, slots=True)
class Figures:
    """What is watched from run to run. `largest`: most records that one person has in one register of persons.

    `tables` are those that were linked: with another table both candidates and clusters change, and are not compared.
    """

    tables: tuple[str, ...]
    records: int
    persons: int
    candidates: int
    largest: int


def judge(tolerance: Tolerance, assigned: Assigned, now: Figures, before: Figures | None) -> tuple[Finding, ...]:
    """Everything about a run that a steward must approve; empty inside the tolerance.

    Args:
        tolerance: the limits that `golden.yaml` declares.
        assigned: what the run would do to the ids.
        now: the run's figures.
        before: the figures of the last run that was published; None for the first.
    """
    found: list[Finding] = []
    if now.largest > tolerance.largest_person:
        found.append(
            Finding.of(
                "largestPerson", now.largest, f"at most {tolerance.largest_person} records",
                gate_words.largest(now.largest),
            )
        )  # fmt: skip
    if before is None or not before.persons:
        return tuple(found)
    for what, count, allowed in (
        ("merged", assigned.merged, tolerance.merged_percent),
        ("split", assigned.split, tolerance.split_percent),
        ("retired", assigned.retired, tolerance.retired_percent),
    ):
        share = 100 * count / before.persons
        if count >= tolerance.at_least and share > allowed:
            said = gate_words.many(what, count, share, before.persons)
            found.append(Finding.of(what, share, f"at most {allowed:g} % of persons", said))
    if before.tables != now.tables:
        return tuple(found)
    found += _changed(
        "candidates", now.candidates, before.candidates, tolerance.candidates_change_percent, tolerance.at_least,
    )  # fmt: skip
    if now.persons and before.records:
        found += _changed(
            "meanRecords", now.records / now.persons, before.records / before.persons,
            tolerance.mean_records_change_percent, 0,
        )  # fmt: skip
    return tuple(found)


def _changed(what: str, now: float, before: float, allowed: float, at_least: int) -> list[Finding]:
    share = 100 * abs(now - before) / before if before else 0.0
    if share <= allowed or abs(now - before) < at_least:
        return []
    return [Finding.of(what, share, f"at most {allowed:g} % change", gate_words.changed(what, now, before, share))]
