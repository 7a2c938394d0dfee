"""The key of a shared table's rows: while it holds there, changes can be merged by it.

A commit notes the key that it was made by. When a contract's key becomes another, rows that it no longer tells apart
may be in the table: it is then made anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from include.contracts.model import Table
from include.lake.delta import view_of
from include.lake.storage import Lake, lake_errors, quote, restrict_access
from include.sharing.agreements import Product
from include.sharing.products import content
from include.sharing.products.state import ROW_KEY, Shared


def row_key_note(product: Product, table: Table) -> dict[str, str]:
    """The product's key for the notes of a commit; of statistics, whose key are the columns of the terms, nothing."""
    return {} if product.statistics else {ROW_KEY: json.dumps(content.key(product, table))}


def is_told_apart(lake: Lake, shared: Shared, product: Product, table: Table) -> bool:
    """Whether today's key tells the rows of the shared table apart, as the former key did.

    It does if it has all columns of the former one. Commits of older releases do not note it: the rows are then read.
    """
    key = content.key(product, table)
    if product.statistics or not key:
        return True
    noted = shared.notes.get(ROW_KEY)
    if noted is None:
        return not _has_repeated(lake, shared, key)
    former = set(json.loads(noted))
    return bool(former) and former <= set(key)


def _has_repeated(lake: Lake, shared: Shared, key: Sequence[str]) -> bool:
    files = shared.delta.file_uris()
    columns = ", ".join(map(quote, key))
    with lake.connect() as connection, lake_errors("reading a shared table's keys"):
        restrict_access(connection, reads=files)
        view_of(connection, "shared", shared.delta, files)
        repeated = f"SELECT 1 FROM shared GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
        return connection.execute(repeated).fetchone() is not None
