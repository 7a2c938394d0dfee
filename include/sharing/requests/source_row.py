"""The published rows behind a row of a shared table, whose key is perhaps a pseudonym."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.contracts.model import Table
from include.lake.delta import view_of
from include.lake.storage import Lake, lake_errors, quote, restrict_access
from include.sharing.agreements import Product
from include.sharing.products import (
    MasterKey,
    PseudonymKeyMissing,
    compile_filter,
    expression,
    lend_key,
    result_type,
)

MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A published row: the values of its key, or of all columns where there is none, and of the disputed column."""

    key: tuple[tuple[str, str | None], ...]
    value: str | None


def source_rows(
    lake: Lake,
    recipient: str,
    product: Product,
    table: Table,
    *,
    key: Sequence[tuple[str, str]],
    column: str,
    master_key: MasterKey | None,
) -> tuple[SourceRow, ...]:
    """The published rows, MOST_ROWS at most, that the product shows with this key.

    Several, where the recipient's key is not the table's. Raises PseudonymKeyMissing: the key holds a pseudonym.
    """
    shared = {one.name: one for one in product.given}
    # The province of a ward only narrows what the rest of a key finds.
    key = [(name, value) for name, value in key if shared[name].protection != "province"]
    parts = [(shared[name], table.column(name)) for name, _ in key]
    if master_key is None and any(part.protection == "pseudonym" for part, _ in parts):
        raise PseudonymKeyMissing(
            "the key of this row is a pseudonym: only a process with LIENTHONG_PSEUDONYM_KEY finds the row behind it; "
            "run it where `lienthong share` runs"
        )
    if not parts:
        return ()
    matches = [f"CAST(CAST({expression(*part)} AS {result_type(*part)}) AS VARCHAR) = ?" for part in parts]
    names = table.primary_key or tuple(one.name for one in table.columns)
    values = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in (*names, column))
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading a published table"):
        published = lake.table(lake.registry_table(table.registry, table.name))
        files = published.file_uris()
        view_of(connection, "published", published, files)
        lend_key(connection, master_key.of(recipient) if master_key else None)
        restrict_access(connection, reads=files)
        live = f"SELECT * FROM published, _key WHERE ({compile_filter(product.rows, table)})"
        query = f"SELECT {values} FROM ({live}) WHERE {' AND '.join(matches)} ORDER BY ALL LIMIT {MOST_ROWS}"
        found = connection.execute(query, [value for _, value in key]).fetchall()
    return tuple(SourceRow(tuple(zip(names, row[:-1], strict=True)), row[-1]) for row in found)
