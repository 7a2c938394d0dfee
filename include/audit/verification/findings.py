"""What a verification found, in words that an auditor can act on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from include.audit.verification.discrepancies import WORDS


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One thing that is not as the ledger says. `sequence` is the entry concerned, None if no entry is.

    `why` says it in English, `vietnamese` in Vietnamese; both hold names and numbers only.
    """

    sequence: int | None
    subject: str
    why: str
    vietnamese: str

    @classmethod
    def of(cls, kind: str, subject: str, sequence: int | None, **named: object) -> Self:
        """The finding of that kind (one of WORDS) with what it names."""
        said = WORDS[kind]
        return cls(sequence, subject, said.english.format(**named), said.vietnamese.format(**named))


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: `ok`, or the first entry that is wrong and why.

    `records` entries were walked and `commits` commits of tables compared with their files. `commits_past_checking`
    are recorded commits whose file the table's own log retention has removed: the ledger still tells of them, nothing
    else does. `files` files were read: those of the evidence, and all if that was asked for. `vouched_until` is the
    last entry that a valid signature covers (0: none): what comes after could have been cut off, or replaced as a
    whole, by somebody who can write the lake. `signed_until` is the last entry of a checkpoint that has a signature,
    whether it was looked at or not.
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
        """The discrepancy with the lowest entry; one that concerns no entry only if there is no other."""
        numbered = [found for found in self.discrepancies if found.sequence is not None]
        if numbered:
            return min(numbered, key=lambda found: found.sequence or 0)
        return self.discrepancies[0] if self.discrepancies else None

    @property
    def first_bad(self) -> int | None:
        """The number of the first entry that was altered, dropped or inserted."""
        return self.first.sequence if self.first else None

    @property
    def why(self) -> str:
        """What is wrong with the first one; empty if all is well."""
        return self.first.why if self.first else ""

    @property
    def vietnamese(self) -> str:
        """The same in Vietnamese."""
        return self.first.vietnamese if self.first else ""

    def to_dict(self) -> dict[str, Any]:
        """For `--json`: the figures, the verdict and every discrepancy."""
        return {"ok": self.ok, "first_bad": self.first_bad, "why": self.why, **asdict(self)}
