"""Counts of a product of statistics: cells counted, held and suppressed, ready to be published.

Held figures are kept in `statistics/<recipient>/<product>.<cells>`, a Delta table that no recipient reads; `<cells>` is
a digest of what is counted and how, and of the agreement's version: with other groups or a new version they begin anew.
They are written first: what a killed run held and did not publish differs from what is published by whole steps, too.
"""

from __future__ import annotations

import hashlib
from decimal import localcontext

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.contracts.model import Table, arrow_type
from include.lake.storage import Lake, LakeError, LakeTableMissing, lake_errors
from include.lake.upsert import write
from include.sharing.agreements import Agreement, Product, Statistics
from include.sharing.products import content
from include.sharing.products.state import OPEN, Shared, SharingRun, properties
from include.sharing.statistics import Held, advance, held_of_rows, held_rows, read_cells, shown_rows

_DIGITS = 80


class HeldFiguresMissing(LakeError):
    """The held figures that a shared table was made of are gone."""


def held_path(agreement: Agreement, product: Product) -> str:
    """Lake path of the held figures of a product of statistics."""
    parts = [product.registry, product.table, product.rows, *map(str, product.columns), str(product.statistics)]
    parts.append(agreement.version)
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"statistics/{agreement.recipient}/{product.name}.{digest[:16]}"


def fill(
    connection: duckdb.DuckDBPyConnection,
    agreement: Agreement,
    product: Product,
    rule: Statistics,
    table: Table,
    *,
    source: DeltaTable,
    shared: Shared | None,
    run: SharingRun,
) -> dict[str, int]:
    """Create the table `fresh` with what is to be published now; returns notes for its commit.

    Raises:
        HeldFiguresMissing: the shared table was made of held figures that are not there.
        ReservedValue: a value of a group column stands for something else.
        TooManyCells: there are more cells than can be judged.
    """
    groups = tuple(column.name for column in product.given)
    path = held_path(agreement, product)
    former = _former(run.lake, path, groups, rule, shared)
    cells = read_cells(
        connection,
        content.select_cells(connection, product, table, source),
        groups,
        rule.sums,
        subject=f"shared/{agreement.recipient}/{product.name}",
    )
    with localcontext(prec=_DIGITS):
        held = advance(former, cells, rule)
        rows = shown_rows(held, groups, rule)
        if held != former:
            _keep(run, path, pa.Table.from_pylist(held_rows(held, groups, rule), _plain(product, table)))
    connection.register("_shown", pa.Table.from_pylist(rows, _plain(product, table)))
    connection.execute("CREATE TEMP TABLE fresh AS FROM _shown")
    return {"suppressed": sum(row["suppressed"] for row in rows)}


def _plain(product: Product, table: Table) -> pa.Schema:
    return pa.schema([(name, arrow_type(kind)) for name, kind in content.types(product, table)])


def _former(lake: Lake, path: str, groups: tuple[str, ...], rule: Statistics, shared: Shared | None) -> Held | None:
    """The figures held so far; None if there are none yet."""
    try:
        with lake_errors("reading held figures"):
            delta = lake.table(path)
            rows = pa.table(delta.to_pyarrow_table()).to_pylist()
    except LakeTableMissing:
        if shared and shared.notes.get("state") == OPEN and shared.notes.get("held") == path:
            raise _missing(path) from None
        return None
    return held_of_rows(rows, groups, rule) if delta.version() else None  # version 0 is empty: its writer was killed


def _missing(path: str) -> HeldFiguresMissing:
    return HeldFiguresMissing(
        f"{path} is gone, by which versions are kept from telling of single persons: restore it from the lake's copy. "
        "Without one, give the agreement a new version, by which figures begin anew, and tell the recipient"
    )


def _keep(run: SharingRun, path: str, rows: pa.Table) -> None:
    """Write held figures as the next version."""
    uri = run.lake.path(path)
    with lake_errors("writing held figures"):
        try:
            delta = run.lake.table(path)
        except LakeTableMissing:
            options = run.lake.storage_options()
            run.lake.make_folder(uri)
            delta = DeltaTable.create(
                uri, rows.schema, storage_options=options, commit_properties=properties(run, {"live_rows": 0})
            )
        write(delta, rows.to_reader(), "overwrite", properties(run, {"live_rows": rows.num_rows}))
