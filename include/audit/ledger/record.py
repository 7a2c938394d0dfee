"""Records handed to the ledger, and entries of its hash chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Self, get_args

import pyarrow as pa

from include.audit.ledger.canonical_json import canonical

Kind = Literal[
    "run", "commit", "removal", "approval", "refusal", "agreement", "credential", "export", "maintenance", "request",
]  # fmt: skip

GENESIS = "0" * 64
"""The `prev_hash` of the first entry."""


class RecordRefused(ValueError):
    """A record refused by the ledger."""


@dataclass(frozen=True, slots=True)
class Record:
    """One event for the ledger. The payload holds counts, versions, ids and digests: never a value of a registry.

    `subject` is the object of the event: `registry/<registry>/<table>`, `shared/<recipient>/<product>`,
    `agreements/<agreement>`, or a registry's name. Two ways make a retry harmless: `once` = (name, number) leaves the
    record out if the ledger already took one of that name with that number or a higher one; `on_change` leaves it out
    if the last one of this kind and subject (that had `on_change`) has the same payload.
    """

    kind: Kind
    subject: str
    payload: Mapping[str, object] = field(default_factory=dict)
    once: tuple[str, int] | None = None
    on_change: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise RecordRefused(f"unknown kind of record {self.kind!r}: use one of {', '.join(get_args(Kind))}")
        if not self.subject:
            raise RecordRefused("a record needs a subject: the table, product, agreement or registry it speaks of")

    def is_known(self, taken: Callable[[str], int | None]) -> bool:
        """Whether the ledger has it already; `taken(name)` is the ledger's highest number of a name."""
        taken_number = taken(self.transaction[0]) if self.transaction else None
        if taken_number is None or self.transaction is None:
            return False
        return taken_number >= self.transaction[1] if self.once else taken_number == self.transaction[1]

    @property
    def transaction(self) -> tuple[str, int] | None:
        """Delta application transaction (name and number) that marks the record as taken."""
        if self.once is None and self.on_change:
            digest = hashlib.sha256(canonical(self.payload).encode()).digest()
            return f"last/{self.kind}/{self.subject}", int.from_bytes(digest[:7])
        return self.once


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry of the chain: a record with its number, time, and the hash of the entry before."""

    sequence: int
    at: datetime
    kind: str
    actor: str
    subject: str
    payload: str
    prev_hash: str
    hash: str

    @classmethod
    def following(cls, head: Head, record: Record, *, at: datetime, actor: str) -> Self:
        """The entry that puts `record` behind `head`."""
        if at.tzinfo is None:
            raise RecordRefused("a record's time needs a time zone: pass an aware datetime")
        if not actor:
            raise RecordRefused("a record needs an actor: the service or the role that did it")
        at = at.astimezone(UTC)
        sequence, payload = head.sequence + 1, canonical(record.payload)
        digest = entry_hash(sequence, at, record.kind, actor, record.subject, payload, head.hash)
        return cls(sequence, at, record.kind, actor, record.subject, payload, head.hash, digest)

    @classmethod
    def read(cls, entries: pa.Table) -> Iterator[Self]:
        """The rows of a table by `SCHEMA`, in their order; of an altered one any value may be missing."""
        for batch in entries.to_batches():
            yield from map(cls, *(column.to_pylist() for column in batch.columns))

    @property
    def is_intact(self) -> bool:
        """Whether the hash is that of the other columns."""
        try:
            others = (self.sequence, self.at, self.kind, self.actor, self.subject, self.payload, self.prev_hash)
            return entry_hash(*others) == self.hash
        except (TypeError, AttributeError, ValueError):
            return False


@dataclass(frozen=True, slots=True)
class Head:
    """Number (0 for an empty ledger) and hash of the last entry."""

    sequence: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


def entry_hash(sequence: int, at: datetime, kind: str, actor: str, subject: str, payload: str, prev_hash: str) -> str:
    """SHA-256 over the entry's canonical JSON (RFC 8785), all columns but `hash`; `payload` goes in as the text it is.

    Anyone can repeat it: `json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` in UTF-8,
    `at` as `2026-01-31T08:30:00.000000Z`.
    """
    columns = {
        "actor": actor,
        "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "kind": kind,
        "payload": payload,
        "prev_hash": prev_hash,
        "sequence": sequence,
        "subject": subject,
    }
    # Keys are sorted and all values strings or small integers: this is RFC 8785 without the general algorithm.
    content = json.dumps(columns, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()
