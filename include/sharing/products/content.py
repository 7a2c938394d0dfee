"""Content of a product as DuckDB SQL: columns, key and rows.

While the key holds in the shared table, changes can be merged by it. A commit notes the key that it was made by: when
a contract's key becomes another, rows that it no longer tells apart may be in the table, which is then made anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import get_args

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.contracts.model import Column, Table, arrow_type
from include.lake.delta import published_rows, table_schema_of, view_of
from include.lake.storage import Lake, lake_errors, quote, restrict_access
from include.sharing import statistics
from include.sharing.agreements import Product, Protection
from include.sharing.products.protect import KEY_TABLE, expression, result_type
from include.sharing.products.row_filter import compile_filter
from include.sharing.products.state import ROW_KEY, Shared

_STATED = re.compile(rf" \[({'|'.join(one for one in get_args(Protection) if one != 'none')})( \d+)?\]$")
_COUNT = "Số lượng; trống nếu không công bố [count]"
_SUPPRESSED = "Không công bố vì ô quá nhỏ, hoặc để không suy ra được ô khác [suppressed]"


def types(product: Product, table: Table) -> tuple[tuple[str, str], ...]:
    """The product's columns with their DuckDB types, in the agreement's order."""
    if product.statistics:
        sums = ((name, statistics.sum_type(table.column(name).sql_type)) for name in product.statistics.sums)
        return (
            *((shared.name, "VARCHAR") for shared in product.given),
            (statistics.COUNT, "BIGINT"),
            *((statistics.sum_name(name), kind) for name, kind in sums),
            (statistics.SUPPRESSED, "BOOLEAN"),
        )
    return tuple((shared.name, result_type(shared, table.column(shared.name))) for shared in product.given)


def schema(product: Product, table: Table) -> pa.Schema:
    """The product's Arrow schema; each column's comment states its meaning and protection."""
    comments = {shared.name: _comment(str(shared), table.column(shared.name)) for shared in product.given}
    if product.statistics:
        comments |= {statistics.COUNT: _COUNT, statistics.SUPPRESSED: _SUPPRESSED}
        labels = {name: table.column(name).business_name or name for name in product.statistics.sums}
        comments |= {statistics.sum_name(name): f"{label} [sum]" for name, label in labels.items()}
    return pa.schema(
        [pa.field(name, arrow_type(kind), metadata={"comment": comments[name]}) for name, kind in types(product, table)]
    )


def key(product: Product, table: Table) -> tuple[str, ...]:
    """The source's primary key, if it is still unique in the product; of statistics, the groups; else empty.

    A key that may stand once in each of several servers is not.
    """
    if product.statistics:
        return tuple(shared.name for shared in product.given)
    if table.key_scope == "server":
        return ()
    telling = {shared.name for shared in product.given if shared.protection in ("none", "pseudonym")}
    return table.primary_key if set(table.primary_key) <= telling else ()


def select(connection: duckdb.DuckDBPyConnection, product: Product, table: Table, source: DeltaTable) -> str:
    """SELECT of the product's rows: published rows that meet the agreement's predicate, protected.

    Rows with pseudonyms are sorted by their own values: in the source's order, two recipients could join their
    products row by row. The connection must hold the key (`lend_key`).
    """
    columns = ", ".join(
        f"CAST({expression(shared, table.column(shared.name))} AS {kind}) AS {quote(shared.name)}"
        for shared, (_, kind) in zip(product.given, types(product, table), strict=True)
    )
    order = " ORDER BY ALL" if product.needs_key else ""
    return f"SELECT {columns} FROM ({_live(connection, product, table, source)}), {KEY_TABLE}{order}"


def select_cells(connection: duckdb.DuckDBPyConnection, product: Product, table: Table, source: DeltaTable) -> str:
    """SELECT of the cells of a product of statistics: published rows that meet the predicate, counted and summed."""
    sums = product.statistics.sums if product.statistics else ()
    return statistics.cells_query(
        {shared.name: expression(shared, table.column(shared.name)) for shared in product.given},
        {name: table.column(name).sql_type for name in sums},
        _live(connection, product, table, source),
    )


def _live(connection: duckdb.DuckDBPyConnection, product: Product, table: Table, source: DeltaTable) -> str:
    rows = published_rows(connection, table_schema_of(table, None), source.file_uris())
    return f"SELECT * FROM ({rows}) WHERE ({compile_filter(product.rows, table)})"


def _comment(protection: str, column: Column) -> str:
    label = column.business_name or column.name
    kind = protection.removeprefix(column.name).strip()
    return label if kind == "none" else f"{label} [{kind}]"


def states_protection(comment: str) -> bool:
    """Whether the comment of a shared column says that its values are protected; a name may end in brackets too."""
    return bool(_STATED.search(comment))


def row_key_note(product: Product, table: Table) -> dict[str, str]:
    """The product's key for the notes of a commit; of statistics, whose key are the columns of the terms, nothing."""
    return {} if product.statistics else {ROW_KEY: json.dumps(key(product, table))}


def is_told_apart(lake: Lake, shared: Shared, product: Product, table: Table) -> bool:
    """Whether today's key tells the rows of the shared table apart, as the former key did.

    It does if it has all columns of the former one. Commits of older releases do not note it: the rows are then read.
    """
    columns = key(product, table)
    if product.statistics or not columns:
        return True
    noted = shared.notes.get(ROW_KEY)
    if noted is None:
        return not _has_repeated(lake, shared, columns)
    former = set(json.loads(noted))
    return bool(former) and former <= set(columns)


def _has_repeated(lake: Lake, shared: Shared, columns: Sequence[str]) -> bool:
    files = shared.delta.file_uris()
    with lake.connect() as connection, lake_errors("reading a shared table's keys"):
        restrict_access(connection, reads=files)
        view_of(connection, "shared", shared.delta, files)
        repeated = f"SELECT 1 FROM shared GROUP BY {', '.join(map(quote, columns))} HAVING count(*) > 1 LIMIT 1"
        return connection.execute(repeated).fetchone() is not None
