"""Approvals: by one steward, or by two different ones where the contract asks for four eyes.

Each approval is an entry of the ledger before anything follows from it. The first of two publishes nothing. The second
counts with it only if both speak of the same thing: the same rows, under the same contract, upon the same published
table, outside tolerance by the same figures. A steward who declines the thing ends what was approved of it before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.audit import ledger
from include.contracts.model import Contract, Steward
from include.contracts.words import BilingualText, cleaned
from include.pipelines.context import PipelineContext
from include.pipelines.decisions.authority import deciders, free_stewards, steward_named
from include.pipelines.decisions.ledger_entries import DecidedRun, note_approval
from include.pipelines.errors import SecondApprovalWanted


@dataclass(frozen=True, slots=True)
class Matter:
    """What is decided about: a `subject` of the ledger. `digest` is of all that an approval rests on.

    `contracts` name who may decide; `note_uri` is where the reason of the first of two approvals is kept until the
    second comes (the ledger holds digests of reasons only).
    """

    subject: str
    contracts: tuple[Contract, ...]
    needs_two: bool
    digest: str
    note_uri: str


@dataclass(frozen=True, slots=True)
class Word:
    """What an approval came to: who approved, their reasons, and what is still missing, in words; None if nothing."""

    names: tuple[str, ...]
    note: str
    missing: BilingualText | None = None

    @property
    def waits(self) -> str:
        """What is still missing, in English; empty if nothing."""
        return self.missing.english if self.missing else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a gate asks: `stewards` who may answer now, and who has approved before (`given`).

    Without stewards whoever may run the pipeline may answer; if there is `is_enough`, nobody needs to be asked.
    """

    stewards: tuple[Steward, ...]
    given: tuple[str, ...]
    needs_two: bool
    is_enough: bool


def digest_of(*parts: Any) -> str:
    """The digest of plain values."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def given(context: PipelineContext, matter: Matter) -> tuple[str, ...]:
    """Who has approved this very thing, in their order, since a steward last declined it."""
    return _so_far(context, matter)[0]


def _so_far(context: PipelineContext, matter: Matter) -> tuple[tuple[str, ...], int]:
    """The same, and how often it was declined."""
    if not matter.digest:
        return (), 0
    rows = ledger.read(context.lake)
    kinds = pc.is_in(rows["kind"], pa.array(["approval", "refusal"]))
    names: list[str] = []
    declined = 0
    for row in rows.filter(pc.and_(pc.equal(rows["subject"], matter.subject), kinds)).to_pylist():
        said = json.loads(row["payload"])
        if said.get("held_digest") != matter.digest:
            continue
        if said["decision"] == "declined":
            names, declined = [], declined + 1
        elif said["decision"] == "approved" and said["approved_by"] not in names:
            names.append(said["approved_by"])
    return tuple(names), declined


def approve(context: PipelineContext, matter: Matter, run: DecidedRun, *, by: str, note: str, **more: Any) -> Word:
    """Put a steward's approval on record; said again by the same steward it adds nothing.

    `more` goes into the entry.

    Raises:
        NotASteward: that name may not decide.
    """
    name, note = steward_named(matter.contracts, by, at=context.now()), cleaned(note)
    before, declined = _so_far(context, matter)
    more = {**more, "held_digest": matter.digest, "declined_before": declined}
    if not matter.needs_two:
        note_approval(context, matter.subject, run, approved_by=name, note=note, **more)
        return Word((name,), note)
    if name not in before:
        if not before:
            context.lake.write_text(matter.note_uri, json.dumps({"note": note}, ensure_ascii=False))
        note_approval(context, matter.subject, run, approved_by=name, note=note, **more, of_two=min(len(before) + 1, 2))
    names = tuple(dict.fromkeys([*before, name]))[:2]
    if len(names) == 2:
        return Word(names, _both(context, matter, names, note))
    others = [s for s in deciders(matter.contracts, at=context.now()) if s.username != name]
    who = ", ".join(steward.username for steward in others)
    said = f"`{name}` has approved this already" if before else f"the approval of `{name}` is on record"
    missing = BilingualText(
        f"{said}, and the contract asks for two: another steward must approve the same "
        f"({who or 'nobody is in office: name one in the contract'})",
        f"`{name}` đã duyệt; hợp đồng dữ liệu yêu cầu hai người, cần một cán bộ quản trị dữ liệu khác duyệt cùng nội "
        f"dung ({who or 'không còn ai đương nhiệm: hãy bổ sung trong hợp đồng'})",
    )
    return Word(names, note, missing)


def approved_by_all(
    context: PipelineContext, matter: Matter, run: DecidedRun, *, by: str, note: str, **more: Any
) -> Word:
    """The same where something is about to follow from it.

    Raises:
        NotASteward: that name may not decide.
        SecondApprovalWanted: another steward must approve first.
    """
    word = approve(context, matter, run, by=by, note=note, **more)
    if word.waits:
        raise SecondApprovalWanted(f"{matter.subject}: {word.waits}")
    return word


def whom_to_ask(context: PipelineContext, matter: Matter) -> Asked:
    """Who may answer for a matter now.

    Raises:
        NotASteward: nobody may.
    """
    before = given(context, matter) if matter.needs_two else ()
    if len(before) == 2:
        return Asked((), before, matter.needs_two, is_enough=True)
    free = free_stewards(matter.contracts, *before, at=context.now())
    return Asked(free, before, matter.needs_two, is_enough=False)


def _both(context: PipelineContext, matter: Matter, names: tuple[str, ...], note: str) -> str:
    """Both reasons, each with its name."""
    try:
        first = str(json.loads(context.lake.read_text(matter.note_uri))["note"])
    except FileNotFoundError:
        first = ""
    return "; ".join(f"{name}: {said}" for name, said in zip(names, (first, note), strict=True) if said)
