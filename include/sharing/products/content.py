"""The content of a product as DuckDB SQL, and how it differs from what is shared already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.contracts import Column, Table, arrow_type
from include.lake.delta import published_rows, table_schema_of
from include.lake.storage import literal, quote
from include.sharing.agreements import Product
from include.sharing.products.protect import KEY_TABLE, expression, result_type
from include.sharing.products.row_filter import compile_filter

CHANGE = "_change"


@dataclass(frozen=True, slots=True)
class Difference:
    """How many rows are new, changed and gone. The rows themselves are in the connection's temporary tables."""

    rows: int
    inserted: int
    updated: int
    deleted: int

    @property
    def is_empty(self) -> bool:
        return self.changes == 0

    @property
    def changes(self) -> int:
        return self.inserted + self.updated + self.deleted

    @property
    def figures(self) -> dict[str, int]:
        return {"inserted": self.inserted, "updated": self.updated, "deleted": self.deleted}


def types(product: Product, table: Table) -> tuple[tuple[str, str], ...]:
    """The product's columns with their DuckDB types, in the agreement's order."""
    return tuple((shared.name, result_type(shared, table.column(shared.name))) for shared in product.given)


def schema(product: Product, table: Table) -> pa.Schema:
    """The product's Arrow schema; each column's comment tells its meaning and protection."""
    comments = {shared.name: _comment(str(shared), table.column(shared.name)) for shared in product.given}
    return pa.schema(
        [pa.field(name, arrow_type(kind), metadata={"comment": comments[name]}) for name, kind in types(product, table)]
    )


def key(product: Product, table: Table) -> tuple[str, ...]:
    """The source's primary key, if the product holds it so that its values still tell rows apart; else empty."""
    telling = {shared.name for shared in product.given if shared.protection in ("none", "pseudonym")}
    return table.primary_key if set(table.primary_key) <= telling else ()


def select(connection: duckdb.DuckDBPyConnection, product: Product, table: Table, source: DeltaTable) -> str:
    """SELECT of the product's rows: live rows that the agreement's predicate lets through, protected.

    Rows with pseudonyms come in the order of their own values: in the source's order, two recipients could lay their
    products side by side and read one's pseudonyms as the other's. The connection must hold the key (`lend_key`).
    """
    shape = table_schema_of(table, None)
    rows = published_rows(connection, shape, source.file_uris())
    columns = ", ".join(
        f"CAST({expression(shared, table.column(shared.name))} AS {kind}) AS {quote(shared.name)}"
        for shared, (_, kind) in zip(product.given, types(product, table), strict=True)
    )
    predicate = compile_filter(product.rows, table)
    live = f"SELECT * FROM ({rows}) WHERE ({predicate})"
    order = " ORDER BY ALL" if product.needs_key else ""
    return f"SELECT {columns} FROM ({live}), {KEY_TABLE}{order}"


def compare(
    connection: duckdb.DuckDBPyConnection, fresh: str, shared: DeltaTable, names: Sequence[str], keys: Sequence[str]
) -> Difference:
    """Lay the fresh rows beside the shared ones. Leaves the temporary tables `fresh` and, with keys, `change`.

    `change` has the product's columns and `_change`: insert, update or delete. Without keys a changed row counts as
    one gone and one new.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {fresh}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW shared AS {_shared_rows(shared, names)}")
    rows = _count(connection, "fresh")
    if not keys:
        gone = _count(connection, "(FROM shared EXCEPT ALL FROM fresh)")
        return Difference(rows, rows - (_count(connection, "shared") - gone), 0, gone)
    same_key = " AND ".join(f"f.{quote(name)} = s.{quote(name)}" for name in keys)
    listed = ", ".join(
        f"coalesce(f.{quote(n)}, s.{quote(n)}) AS {quote(n)}" if n in keys else f"f.{quote(n)}" for n in names
    )
    differs = " OR ".join(f"f.{quote(n)} IS DISTINCT FROM s.{quote(n)}" for n in names)
    first = quote(keys[0])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE change AS SELECT {listed}, CASE WHEN s.{first} IS NULL THEN 'insert' "
        f"WHEN f.{first} IS NULL THEN 'delete' ELSE 'update' END AS {CHANGE} "
        f"FROM fresh f FULL JOIN shared s ON {same_key} WHERE {differs}"
    )
    counts = dict(connection.execute(f"SELECT {CHANGE}, count(*) FROM change GROUP BY ALL").fetchall())
    return Difference(rows, counts.get("insert", 0), counts.get("update", 0), counts.get("delete", 0))


def _shared_rows(shared: DeltaTable, names: Sequence[str]) -> str:
    files = shared.file_uris()
    listed = ", ".join(quote(name) for name in names)
    if not files:
        return f"SELECT {listed} FROM fresh WHERE false"
    return f"SELECT {listed} FROM read_parquet([{', '.join(map(literal, files))}], hive_partitioning = false)"


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0


def _comment(protection: str, column: Column) -> str:
    label = column.business_name or column.name
    kind = protection.removeprefix(column.name).strip()
    return label if kind == "none" else f"{label} [{kind}]"
