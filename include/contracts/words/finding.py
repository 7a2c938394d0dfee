"""Findings of gates, shared by the gates of registries and of linking."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NotRequired, TypedDict, cast

from include.contracts.words.language import BilingualText, Language, allowed, pick


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure outside its bound. `message` describes it with the next step to take; no value of a row.

    `vietnamese` is the same in Vietnamese; empty in old recorded findings.
    """

    what: str
    measured: float
    allowed: str
    message: str
    vietnamese: str = ""

    @classmethod
    def of(cls, what: str, measured: float, allowed: str, text: BilingualText) -> Finding:
        """A finding with its texts in both languages."""
        return cls(what, measured, allowed, text.english, text.vietnamese)

    def to_dict(self) -> RecordedFinding:
        """Plain values, for XCom and JSON."""
        return cast("RecordedFinding", asdict(self))


class RecordedFinding(TypedDict):
    """A finding as XCom, `--json` and the run log have it."""

    what: str
    measured: float
    allowed: str
    message: NotRequired[str]
    vietnamese: NotRequired[str]


def finding_text(finding: RecordedFinding, language: Language) -> str:
    """The text of a recorded finding."""
    return pick(language, finding.get("vietnamese") or "", finding.get("message") or finding["what"])


def allowed_text(finding: RecordedFinding, language: Language) -> str:
    """The allowed range of a recorded finding, as text."""
    return allowed(language, finding["allowed"])
