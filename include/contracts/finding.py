"""What a gate says: the one word that registries and the linking of persons share with whoever must decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.contracts.language import Language, Said, allowed, pick


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure outside its bound. `message` says it in plain words, with what to do next; no value of a row.

    `vietnamese` says the same. A finding on record from before it was kept has the English words only.
    """

    what: str
    measured: float
    allowed: str
    message: str
    vietnamese: str = ""

    @classmethod
    def of(cls, what: str, measured: float, allowed: str, said: Said) -> Finding:
        """A finding that is told in both languages."""
        return cls(what, measured, allowed, said.english, said.vietnamese)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and JSON."""
        return asdict(self)


def told(finding: Mapping[str, Any], language: Language) -> str:
    """What a finding on record says to people."""
    return pick(language, finding.get("vietnamese") or "", finding.get("message") or finding["what"])


def bound(finding: Mapping[str, Any], language: Language) -> str:
    """What would have been inside, for people."""
    return allowed(language, finding["allowed"])
