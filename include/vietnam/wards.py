"""Wards in plain Python: what `vn_ward_current` and `vn_ward_candidates` (macros/units.sql) must give."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wards:
    """The wards in force and what became of the old ones."""

    current_codes: frozenset[str]
    successors: dict[str, tuple[str, ...]]
    defaults: dict[str, str]

    @classmethod
    def read(cls, schemas_dir: Path) -> Wards:
        """Read the lists `wards` and `ward_changes`."""
        successors: dict[str, set[str]] = defaultdict(set)
        defaults: dict[str, str] = {}
        for change in _rows(schemas_dir, "ward_changes"):
            successors[change["old_code"]].add(change["new_code"])
            if change["is_default"] == "true":
                defaults[change["old_code"]] = change["new_code"]
        in_force = frozenset(ward["code"] for ward in _rows(schemas_dir, "wards") if not ward["valid_until"])
        return cls(in_force, {code: tuple(sorted(codes)) for code, codes in successors.items()}, defaults)

    def current(self, code: str | None) -> str | None:
        """The code itself when in force, else the default successor."""
        return code if code in self.current_codes else self.defaults.get(code or "")

    def candidates(self, code: str | None) -> list[str] | None:
        """Every ward in force that the code can stand for, `current` first."""
        first = self.current(code)
        if first is None:
            return None
        return [first, *(other for other in self.successors.get(code or "", ()) if other != first)]


def _rows(schemas_dir: Path, name: str) -> list[dict[str, str]]:
    with (schemas_dir / "reference" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
