"""Content of a product as DuckDB SQL: columns, key and rows."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.contracts.model import Column, Table, arrow_type
from include.lake.delta import published_rows, table_schema_of
from include.lake.storage import quote
from include.sharing import statistics
from include.sharing.agreements import Product
from include.sharing.products.protect import KEY_TABLE, expression, result_type
from include.sharing.products.row_filter import compile_filter

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
