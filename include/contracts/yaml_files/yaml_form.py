"""Reader of the fields of a YAML file; it records mistakes and goes on with default values to find the rest."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from include.contracts.yaml_files.problems import Problem
from include.contracts.yaml_files.yaml_file import YamlFile


class YamlForm:
    """The fields of one file. `place` leads from the file's root to a field; `item` is the mapping that holds it."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def note(self, place: Sequence[str | int], message: str, remedy: str) -> None:
        self.problems.append(self.file.problem(place, message, remedy))

    def only(self, item: Mapping[str, Any], known: Sequence[str], place: Sequence[str | int]) -> None:
        """Note every field of the mapping that is not known."""
        for key in item:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                remedy = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
                self.note((*place, key), f"unknown field `{key}`", remedy)

    def mapping(
        self, item: Mapping[str, Any], place: Sequence[str | int], *, is_required: bool = True
    ) -> Mapping[str, Any]:
        """A field that is a mapping; an empty one where it is missing."""
        given = item.get(str(place[-1]))
        if isinstance(given, dict):
            return given
        if is_required or given is not None:
            folder = self.file.path.parent.name
            self.note(place, f"`{place[-1]}` is missing or not a mapping", f"see schemas/{folder}/ for its fields")
        return {}

    def items(
        self, item: Mapping[str, Any], place: Sequence[str | int], remedy: str
    ) -> list[tuple[int, Mapping[str, Any]]]:
        """The mappings of a field that is a list of them, with their positions."""
        given = item.get(str(place[-1]))
        if not isinstance(given, list) or not given:
            self.note(place, f"`{place[-1]}` is missing or empty", remedy)
            return []
        for position, entry in enumerate(given):
            if not isinstance(entry, dict):
                self.note((*place, position), "is not a mapping", "write `- name: ...`")
        return [(position, entry) for position, entry in enumerate(given) if isinstance(entry, dict)]

    def legal_basis(self) -> tuple[str, ...]:
        """The instruments that the file's `legalBasis` lists."""
        given = self.file.data.get("legalBasis")
        if not isinstance(given, list) or not given or not all(isinstance(e, str) and e.strip() for e in given):
            what = "is missing or not a list of instruments"
            self.note(("legalBasis",), what, "list each law or decree by name and number")
            return ()
        return tuple(" ".join(entry.split()) for entry in given)

    def text(self, item: Mapping[str, Any], place: Sequence[str | int], *, is_required: bool = True) -> str:
        """A text, or a number as text."""
        given = item.get(str(place[-1]))
        if isinstance(given, str | int | float) and not isinstance(given, bool) and str(given).strip():
            return str(given).strip()
        if is_required or given is not None:
            self.note(place, f"`{place[-1]}` is missing or not text", f"add `{place[-1]}:`")
        return ""

    def day(self, item: Mapping[str, Any], place: Sequence[str | int]) -> date | None:
        """A day."""
        given = self.text(item, place)
        try:
            return date.fromisoformat(given) if given else None
        except ValueError:
            self.note(place, f"`{given}` is not a day", "write it as 2026-01-31")
            return None
