"""What a gate says: the one word that registries and the linking of persons share with whoever must decide."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure outside its bound. `message` says it in plain words, with what to do next; no value of a row."""

    what: str
    measured: float
    allowed: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and JSON."""
        return asdict(self)
