"""Required columns: the source columns that a contract reads, and checks of an object against them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from include.contracts.model import DRIFT_FLAG, POSITION, Table
from include.contracts.rules import columns_read
from include.sources.access import ColumnsMissing, SourceMissing

# Names that no landed source column may have: columns that the lake adds to a received row, and the readers' guard.
RESERVED_NAMES = (
    "_row", "_run_id", "_status", "_outcome", "_reasons", "_rejected_at", "_key", "_warnings",
    "_lienthong_guard", DRIFT_FLAG, POSITION,
)  # fmt: skip
_POSITIONS_SHOWN = 20
# Source type families that cannot become the logical type; text and families not listed can.
_CANNOT_FEED: dict[str, set[str]] = {
    "integer": {"date", "time", "boolean", "binary", "json"},
    "number": {"date", "time", "boolean", "binary", "json"},
    "boolean": {"date", "time", "binary", "json", "float"},
    "date": {"integer", "number", "float", "boolean", "binary", "json"},
    "timestamp": {"integer", "number", "float", "boolean", "binary", "json"},
    "time": {"integer", "number", "float", "boolean", "binary", "json", "date"},
}


def needed(table: Table) -> tuple[str, ...]:
    """Names of all source columns that the table requires, in order, each once."""
    names = [name for column in table.columns for name in columns_read(column)]
    if table.rows_from_list:
        names = [table.rows_from_list.column, *(name for name in names if name != POSITION)]
    return tuple(dict.fromkeys(names))


def near(name: str, candidates: Iterable[str]) -> str:
    """` (did you mean 'x'?)` with the most similar name, or empty."""
    close = _close(name, candidates)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def _close(name: str, candidates: Iterable[str]) -> list[str]:
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    return [by_lower[found] for found in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)]


def counted(positions: Sequence[int]) -> str:
    """`1 column (position 3)` or `2 columns (positions 3, 4)`, for columns whose names must not be shown."""
    many = "s" if len(positions) > 1 else ""
    shown = ", ".join(map(str, positions[:_POSITIONS_SHOWN]))
    more = f" and {len(positions) - _POSITIONS_SHOWN} more" if len(positions) > _POSITIONS_SHOWN else ""
    return f"{len(positions)} column{many} (position{many} {shown}{more})"


def judge_columns(table: Table, found: Sequence[str], where: str = "") -> tuple[str, ...]:
    """Raise ColumnsMissing if the source lacks a required column; returns a note on columns only the source has.

    `where` names the file, if it is one. Column names of a file may be values (a first line that is no header), so
    names that the contract does not read are given by their position.
    """
    required = needed(table)
    present = {name.lower() for name in found}
    missing = [name for name in required if name.lower() not in present]
    read = {name.lower() for name in required}
    extra = {position: name for position, name in enumerate(found, start=1) if name.lower() not in read}
    if missing:
        if where:
            hints = [_near_places(name, extra) for name in missing]
            has = f"It has {counted(list(extra))} that the contract does not read" if extra else "It has no other"
        else:
            hints = [near(name, found) for name in missing]
            has = f"It has: {', '.join(found)}"
        listed = "; ".join(f"'{name}'{hint}" for name, hint in zip(missing, hints, strict=True))
        raise ColumnsMissing(
            f"{table.qualified_name}: {where or table.source_name} has no column {listed}. Was it renamed or dropped? "
            f"Correct physicalName or transformLogic in the contract, or ask the registry's owner. {has}",
            columns=missing,
            found=found,
            hints=hints,
        )
    if not extra:
        return ()
    listed = counted(list(extra)) if where else ", ".join(extra.values())
    return (f"not in the contract, landed but not published: {listed}",)


def _near_places(name: str, extra: dict[int, str]) -> str:
    """As `near`, giving positions for columns whose names must not be shown."""
    close = _close(name, extra.values())
    places = [f"the one at position {position}" for position, other in extra.items() if other in close]
    return f" (did you mean {' or '.join(places)}?)" if places else ""


def landed_names(table: Table, found: Sequence[str]) -> dict[str, str]:
    """Mapping of source columns to landed names.

    The engine ignores letter case, and the lake adds columns of its own; a colliding name gets a number, but never
    that of a required column.

    Raises:
        SourceMissing: the contract reads two that differ only in case.
    """
    read = set(needed(table))
    names: dict[str, str] = {}
    taken = {name.lower() for name in RESERVED_NAMES}
    for name in sorted(found, key=lambda name: name not in read):
        landed, number = name, 1
        while landed.lower() in taken:
            if name in read and name not in RESERVED_NAMES:
                raise SourceMissing(
                    f"{table.qualified_name}: {table.source_name} has columns that differ from '{name}' only in "
                    "case, and the contract reads more than one: ask for a view with distinct names"
                )
            number += 1
            landed = f"{name}_{number}"
        taken.add(landed.lower())
        names[name] = landed
    return {name: names[name] for name in found}


def judge_types(table: Table, families: dict[str, str]) -> tuple[str, ...]:
    """Notes on columns whose type cannot become the contract's. `families`: source column -> type family."""
    by_lower = {name.lower(): family for name, family in families.items()}
    return tuple(
        f"type of '{column.source_name}' is {family}, the contract reads it as {column.logical_type}: "
        "its values may be unreadable"
        for column in table.columns
        if not column.expression
        and (family := by_lower.get((column.source_name or column.name).lower(), ""))
        in _CANNOT_FEED.get(column.logical_type, set())
    )


def without(table: Table, missing: ColumnsMissing, before: Sequence[tuple[str, str]]) -> Table:
    """The table without the columns made of removed source columns, which the drift policy handles.

    Raises:
        ColumnsMissing: a column never existed, or none of the former ones still does: that is no drift.
    """
    former = {name.lower() for name, _ in before}
    gone = {name.lower() for name in missing.columns}
    if not gone <= former or former.isdisjoint(name.lower() for name in missing.found):
        raise missing
    kept = tuple(c for c in table.columns if not gone & {name.lower() for name in columns_read(c)})
    return replace(table, columns=kept)


def key_columns(table: Table) -> tuple[str, ...]:
    """The source columns that the published primary key is made of, each once."""
    return tuple(dict.fromkeys(name for key in table.primary_key for name in columns_read(table.column(key))))


def cursor_columns(table: Table) -> tuple[str, ...]:
    """The source columns that the published cursor columns are made of, each once."""
    return tuple(dict.fromkeys(name for part in table.extract.cursor for name in columns_read(table.column(part))))
