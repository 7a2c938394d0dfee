"""Grounds on which a provider may refuse to share: the code list `reference/refusal_grounds.csv`.

Decree 194/2025/NĐ-CP, Article 16(2): data is shared by default; a refusal is in writing, gives the reason and names the
law that restricts sharing. The list says of what kind; the article is cited by whoever refuses.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from include.contracts.words import BilingualText


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground: its code, its name in both languages, and the instrument that it usually rests on."""

    code: str
    name: BilingualText
    instrument: str


def grounds(schemas: Path) -> dict[str, Ground]:
    """The grounds of a schemas folder, by code; none if it has no such list."""
    path = schemas / "reference" / "refusal_grounds.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["code"]: Ground(row["code"], BilingualText(row["name_en"], row["name"]), row["instrument"]) for row in rows
    }
