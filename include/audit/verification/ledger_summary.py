"""Summary of the ledger without verifying it: head, last entries, checkpoint and verification."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from include.audit import ledger
from include.audit.ledger import Checkpoint, Head, read_checkpoints
from include.audit.verification.findings import Verification
from include.contracts.words import BilingualText
from include.lake.delta import view
from include.lake.storage import Lake, lake_errors

NEWEST = 25
LAST_VERIFICATION = "audit/verifications/last.json"

_NEWEST = f'SELECT sequence, "at", kind, actor, subject FROM ledger ORDER BY sequence DESC LIMIT {NEWEST}'
_KINDS = "SELECT kind, count(*) FROM ledger GROUP BY kind ORDER BY kind"


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry, without its payload."""

    sequence: int
    at: datetime
    kind: str
    actor: str
    subject: str


@dataclass(frozen=True, slots=True)
class VerificationNote:
    """Result and time of the last verification. `why` names the first wrong entry."""

    at: datetime
    is_whole: bool
    records: int
    commits: int
    why: BilingualText


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Unverified state of the ledger."""

    head: Head
    kinds: tuple[tuple[str, int], ...]
    newest: tuple[EntryLine, ...]
    checkpoints: int
    checkpoint: Checkpoint | None
    verified: VerificationNote | None


def ledger_state(lake: Lake) -> LedgerState:
    """Unverified state of the ledger; without entries `head.sequence` is 0."""
    head = ledger.head(lake)
    if head.sequence == 0:
        return LedgerState(head, (), (), 0, None, last_verification(lake))
    with lake.connect(memory_limit="512MB") as connection:
        view(lake, connection, "ledger", lake.path(ledger.LEDGER))
        with lake_errors("reading the ledger"):
            kinds = tuple((kind, count) for kind, count in connection.execute(_KINDS).fetchall())
            rows = connection.execute(_NEWEST).fetchall()
    newest = tuple(
        EntryLine(number, at.astimezone(UTC), kind, actor, subject) for number, at, kind, actor, subject in rows
    )
    checkpoints = read_checkpoints(lake)
    readable = [checkpoint for _, checkpoint in checkpoints if checkpoint is not None]
    last = max(readable, key=lambda checkpoint: checkpoint.sequence, default=None)
    return LedgerState(head, kinds, newest, len(checkpoints), last, last_verification(lake))


def note_verification(lake: Lake, found: Verification, *, at: datetime) -> None:
    """Store the result of a verification in the lake, for display only."""
    note = {
        "at": at.astimezone(UTC).isoformat(),
        "ok": found.ok,
        "records": found.records,
        "commits": found.commits,
        "why": found.why,
        "vietnamese": found.vietnamese,
    }
    uri = lake.path(LAST_VERIFICATION)
    lake.make_folder(uri.rpartition("/")[0])
    lake.write_text(uri, json.dumps(note, ensure_ascii=False))


def last_verification(lake: Lake) -> VerificationNote | None:
    """The stored result of the last verification; None if there is no readable one."""
    try:
        note = json.loads(lake.read_text(lake.path(LAST_VERIFICATION)))
        at, reason = (
            datetime.fromisoformat(note["at"]),
            BilingualText(str(note["why"]), str(note.get("vietnamese", ""))),
        )
        return VerificationNote(at, bool(note["ok"]), int(note["records"]), int(note["commits"]), reason)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
