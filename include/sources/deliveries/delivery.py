"""A file delivery: the files of one table, copied and checked against the manifest; the input of format readers."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.contracts.model import Table
from include.sources.access import ColumnsMissing, DropBroken
from include.sources.deliveries.local_copy import LocalCopy
from include.sources.deliveries.manifest import ManifestEntry
from include.sources.source_schema import RESERVED_NAMES, counted, needed

LINES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Delivery:
    """One table's delivered files. `delimiter`: empty if not stated; `sheet`: the part of `physicalName` after `#`."""

    table: Table
    copies: tuple[LocalCopy, ...]
    entries: dict[str, ManifestEntry]
    sheet: str
    delimiter: str
    notes: tuple[str, ...]

    def entry(self, copy: LocalCopy) -> ManifestEntry:
        """The manifest's entry of a file; an empty one if there is no manifest."""
        return self.entries.get(copy.name, ManifestEntry(copy.name))


def clean_name(name: str) -> str:
    """Normalised column name: composed (NFC), trimmed; one reserved by the lake gets a number."""
    trimmed = unicodedata.normalize("NFC", name).strip()
    return f"{trimmed}_2" if trimmed.lower() in RESERVED_NAMES else trimmed


def check_names(names: Sequence[str], file_name: str) -> None:
    """Raise DropBroken if a column has no name or a duplicate one (ignoring letter case, as the engine does)."""
    for position, name in enumerate(names, start=1):
        if not name:
            raise DropBroken(f"{file_name}: column {position} has no name: ask the sender to name it")
    times = Counter(name.lower() for name in names)
    doubled = [position for position, name in enumerate(names, start=1) if times[name.lower()] > 1]
    if doubled:
        raise DropBroken(
            f"{file_name}: it gives {counted(doubled)} a name that others have too, letter case, Unicode composition "
            "and blanks around it aside: ask the sender for distinct names"
        )


def header(names: Iterable[object], file_name: str, table: Table) -> list[str]:
    """The normalised column names. Messages quote no name: where the header is missing, it is a value.

    Raises:
        ColumnsMissing: the contract reads none of them.
        DropBroken: a column name is empty or duplicate.
    """
    trimmed = ["" if name is None else clean_name(str(name)) for name in names]
    lowered = [name.lower() for name in trimmed]
    required = needed(table)
    if required and not any(name.lower() in lowered for name in required):
        raise ColumnsMissing(
            f"{table.qualified_name}: {file_name}: the first line holds none of the contract's columns: is the header "
            f"missing? Then ask the sender to write {', '.join(required)} there. If it is there, correct physicalName "
            "or transformLogic in the contract, or the delimiter or encoding that it or the manifest states",
            columns=required,
            found=trimmed,
        )
    check_names(trimmed, file_name)
    return trimmed


def shown(lines: list[int]) -> str:
    """`line 3` or `lines 3, 5, 8 and 12 more`."""
    first = ", ".join(str(line) for line in lines[:LINES_SHOWN])
    more = f" and {len(lines) - LINES_SHOWN} more" if len(lines) > LINES_SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {first}{more}"
