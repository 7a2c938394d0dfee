"""Rows of a list in one cell: the landed query with a row for each entry (`rowsFromList` of a contract)."""

from __future__ import annotations

from include.contracts.model import POSITION, RowsFromList
from include.lake.storage import literal, quote


def entries_of(query: str, listed: RowsFromList) -> str:
    """The query with a row for each entry of the list, which stands in the list's column, and its place in `_position`.

    Entries are as received, blanks included; what stands behind a last separator is an empty entry. A cell that is
    empty or blank lists nothing, so its row gives none.
    """
    cell = f"CAST({quote(listed.column)} AS VARCHAR)"
    entries = f"string_split(CASE WHEN trim({cell}) <> '' THEN {cell} END, {literal(listed.separator)})"
    return (
        f"SELECT * EXCLUDE (_entries) REPLACE (_entries[{POSITION}] AS {quote(listed.column)}) FROM "
        f"(SELECT *, {entries} AS _entries, unnest(generate_series(1, len({entries}))) AS {POSITION} FROM ({query}))"
    )
