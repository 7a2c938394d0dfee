"""Code lists as the catalogue shows them: columns and rows of the files in `schemas/reference`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from include.vietnam import reference_lists

_MOST_WORDS = 400  # of longer lists (wards), the members are not searched


@dataclass(frozen=True, slots=True)
class CodeList:
    """One code list. It holds no personal data."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What the list is searched by: its columns, and the members of a short one."""
        members = self.rows if len(self.rows) <= _MOST_WORDS else ()
        return (*self.columns, *("\n".join(row) for row in members))


def code_lists(schemas: Path) -> dict[str, CodeList]:
    """Every code list that can be read, by name."""
    found = {}
    for name, path in reference_lists(schemas).items():
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                columns, *rows = (tuple(row) for row in csv.reader(file))
        except (OSError, ValueError, csv.Error):
            continue
        found[name] = CodeList(name, columns, tuple(rows))
    return found
