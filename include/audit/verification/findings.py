"""Findings of a verification."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from include.audit.verification.discrepancies import WORDS


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One contradiction to the ledger. `sequence` is the entry concerned, None if no entry is.

    `why` is its text in English, `vietnamese` in Vietnamese; both hold names and numbers only.
    """

    sequence: int | None
    subject: str
    why: str
    vietnamese: str

    @classmethod
    def of(cls, kind: str, subject: str, sequence: int | None, **named: object) -> Self:
        """The discrepancy of a kind (one of WORDS) with its details."""
        texts = WORDS[kind]
        return cls(sequence, subject, texts.english.format(**named), texts.vietnamese.format(**named))


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of a verification: `ok`, or the first wrong entry and why.

    `records` entries were walked and `commits` commits of tables compared with their files. `commits_past_checking`
    are recorded commits whose file the table's log retention has removed: only the ledger still has them. `files` files
    were read: those of log tables, or all on request. `vouched_until` is the last entry that a valid signature covers
    (0: none): later ones could have been cut off, or replaced as a whole, by somebody who can write the lake.
    `signed_until` is the last entry of a checkpoint that has a signature, verified or not.
    """

    records: int
    commits: int = 0
    commits_past_checking: int = 0
    files: int = 0
    vouched_until: int = 0
    signed_until: int = 0
    discrepancies: tuple[Discrepancy, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.discrepancies

    @property
    def first(self) -> Discrepancy | None:
        """The discrepancy with the lowest entry number; one without entry only if there is no other."""
        numbered = [found for found in self.discrepancies if found.sequence is not None]
        if numbered:
            return min(numbered, key=lambda found: found.sequence or 0)
        return self.discrepancies[0] if self.discrepancies else None

    @property
    def first_bad(self) -> int | None:
        """Number of the first entry that was altered, dropped or inserted."""
        return self.first.sequence if self.first else None

    @property
    def why(self) -> str:
        """Text of the first discrepancy; empty if all is well."""
        return self.first.why if self.first else ""

    @property
    def vietnamese(self) -> str:
        """Vietnamese text of the first discrepancy; empty if all is well."""
        return self.first.vietnamese if self.first else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `--json`: counts, verdict and every discrepancy."""
        return {"ok": self.ok, "first_bad": self.first_bad, "why": self.why, **asdict(self)}
