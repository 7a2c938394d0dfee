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
    every, place = quote("entries of the list"), quote("place in the list")  # no column of a source has these names
    numbered = f"SELECT *, {entries} AS {every}, unnest(generate_series(1, len({entries}))) AS {place} FROM ({query})"
    return (
        f"SELECT * EXCLUDE ({every}, {place}) REPLACE ({every}[{place}] AS {quote(listed.column)}), "
        f"{place} AS {POSITION} FROM ({numbered})"
    )
