"""Counts of a product of statistics: cells counted, held and suppressed, ready to be published.

Held figures are kept in `statistics/<registry>/<table>.<cells>`, a Delta table that no recipient reads; `<cells>` is a
digest of what is counted and how. So they are the same for every recipient and every version of an agreement: two
tables of the same cells differ by whole steps, whenever each was begun. They are written first: what a killed run held
and did not publish differs from what is published by whole steps, too.
"""

from __future__ import annotations

import hashlib
from decimal import localcontext

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.contracts.model import Table, arrow_type
from include.lake.delta import CHECKPOINTS
from include.lake.storage import Lake, LakeConflict, LakeError, LakeTableMissing, lake_errors
from include.lake.upsert import write
from include.sharing.agreements import Agreement, Product, Statistics
from include.sharing.products import content
from include.sharing.products.state import Shared, SharingRun, properties
from include.sharing.statistics import EARLIER, ROWS, advance, held_rows, read_cells, read_held, shown_rows

_DIGITS = 80


class HeldFiguresMissing(LakeError):
    """The held figures that a shared table was made of are gone."""


def held_path(product: Product, rule: Statistics) -> str:
    """Lake path of the held figures of a product of statistics; the same for products that count the same cells."""
    cells = [product.rows.strip(), *map(str, product.given)]
    strictness = [str(rule.totals), str(rule.minimum), *rule.sums, str(rule.dominance_percent if rule.sums else 0)]
    digest = hashlib.sha256("\x1e".join(["\x1f".join(cells), "\x1f".join(strictness)]).encode()).hexdigest()
    return f"statistics/{product.registry}/{product.table}.{digest[:16]}"


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
    path = held_path(product, rule)
    kept = _kept(run.lake, path, shared)
    # Version 0 is empty: its writer was killed.
    former = read_held(_rows(kept), groups, rule) if kept is not None and kept.version() else None
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
            schema = _plain(product, table).append(pa.field(EARLIER, pa.bool_())).append(pa.field(ROWS, pa.int64()))
            _keep(run, path, kept, pa.Table.from_pylist(held_rows(held, groups, rule), schema))
    connection.register("_shown", pa.Table.from_pylist(rows, _plain(product, table)))
    connection.execute("CREATE TEMP TABLE fresh AS FROM _shown")
    return {"suppressed": sum(bool(row["suppressed"]) for row in rows)}


def _plain(product: Product, table: Table) -> pa.Schema:
    return pa.schema([(name, arrow_type(kind)) for name, kind in content.types(product, table)])


def _kept(lake: Lake, path: str, shared: Shared | None) -> DeltaTable | None:
    """The table of figures held so far; None if there are none yet."""
    try:
        return lake.table(path)
    except LakeTableMissing:
        if shared and shared.is_open and shared.notes.get("held") == path:
            raise HeldFiguresMissing(
                f"{path} is gone, by which versions are kept from telling of single persons: restore it from the "
                "lake's copy. Without one, give each product that counts these cells another name, by which figures "
                "begin anew, and tell the recipients"
            ) from None
        return None


def _rows(kept: DeltaTable) -> pa.Table:
    with lake_errors("reading held figures"):
        return pa.table(kept.to_pyarrow_table())


def _keep(run: SharingRun, path: str, kept: DeltaTable | None, rows: pa.Table) -> None:
    """Write held figures as the version after the one that was read; LakeConflict if another product was faster."""
    uri = run.lake.path(path)
    with lake_errors("writing held figures"):
        if kept is None:
            run.lake.make_folder(uri)
            kept = DeltaTable.create(
                uri,
                rows.schema,
                mode="ignore",
                configuration=CHECKPOINTS,
                storage_options=run.lake.storage_options(),
                commit_properties=properties(run, {"live_rows": 0}),
            )
            if kept.version():
                raise LakeConflict(f"{path} was begun by another run at the same time")
        noted = properties(run, {"live_rows": rows.num_rows})
        write(kept, rows.to_reader(), "overwrite", noted, schema_mode="overwrite")
