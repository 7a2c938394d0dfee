"""Publication of a shared table with exactly the columns, rows and protections of its agreement, or none.

While the terms stay the same, a run commits the difference, which recipients see in the change feed. When the terms
change (columns, protections, rows, keys) or end, the table is removed with all files and versions, and recreated: rows
shared on other terms are then in no version and in no file. Every commit names its agreement, its terms and its source
version, so that a run without changes does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable

from include.contracts.model import Table
from include.lake.storage import Lake, lake_errors, restrict_access, retry_on_conflict
from include.lake.upsert import count, stream, upsert, write
from include.sharing.agreements import Agreement, Product
from include.sharing.products import content
from include.sharing.products.counts import fill, held_path
from include.sharing.products.keys import RecipientKey, missing_key
from include.sharing.products.protect import lend_key, lend_wards
from include.sharing.products.state import (
    CLOSED,
    CONFIGURATION,
    OPEN,
    SERVERS_PROPERTY,
    Notes,
    ProductResult,
    Shared,
    SharingRun,
    forget_history,
    opened,
    properties,
    pseudonym_keys,
    removed,
)
from include.sharing.products.terms import next_step


def publish_product(
    agreement: Agreement,
    product: Product,
    table: Table | None,
    *,
    run: SharingRun,
    at: datetime,
    key: RecipientKey | None,
) -> ProductResult:
    """Carry out one product of an agreement: share it while that is in force, else close it.

    Verdict `published`, `unchanged`, `closed`, or `waiting` for its source. Closing needs neither `table` nor `key`.

    Raises:
        PseudonymKeyMissing: the product is to be shared with pseudonyms and `key` is None.
        LakeError: the lake is full, denied, unreachable, or other runs write the same table again and again.
    """
    agreement_holds = agreement.standing(at) == "in_force"
    if agreement_holds and product.needs_key and key is None:
        raise missing_key(f"shared/{agreement.recipient}/{product.name}", pseudonym_keys(run.lake))
    uri = run.lake.path("shared", agreement.recipient, product.name)
    result = retry_on_conflict(run.lake, uri, lambda: _publish(agreement, product, table, run, at, key))
    if result.state == OPEN and (said := run.servers.get(product.registry)):
        retry_on_conflict(run.lake, uri, lambda: _tell_servers(run.lake, uri, said))
    if product.statistics is None or not agreement_holds:
        return result
    return replace(result, held=held_path(product, product.statistics))


def _tell_servers(lake: Lake, uri: str, said: str) -> None:
    """State in the table's properties which servers' rows are up to date, in a commit that changes no data."""
    shared = lake.table(uri)
    if shared.metadata().configuration.get(SERVERS_PROPERTY) != said:
        with lake_errors("writing a shared table's properties"):
            shared.alter.set_table_properties(
                {SERVERS_PROPERTY: said},
                raise_if_not_exists=False,
                commit_properties=CommitProperties(max_commit_retries=0),
            )


def _publish(
    agreement: Agreement, product: Product, table: Table | None, run: SharingRun, at: datetime, key: RecipientKey | None
) -> ProductResult:
    lake, key_id, version = run.lake, key.key_id if key else "", run.contracts.get(product.registry, "")
    step = next_step(agreement, product, table, lake, at=at, key_id=key_id, contract_version=version)
    if table is None or step.sources is None:
        closed = _close(agreement, agreement.recipient, product.name, step.reason, _schema(product, table), run)
        return replace(closed, verdict="waiting") if step.kind == "wait" else closed
    shared, notes, source, wards = step.shared, dict(step.notes), step.sources.source, step.sources.wards
    if shared is None or step.kind == "anew":
        notes["reason"] = step.reason
        return _make_anew(agreement, product, table, source, wards, notes, shared=shared, run=run, key=key)
    result = ProductResult.of(agreement, product.name, version=shared.version, rows=shared.rows)
    if step.kind == "nothing" or shared.is_of_run(run.run_id):
        forget_history(lake, shared.delta, lake.path(result.subject), at=at)
        return result

    def make_properties(counts: Mapping[str, int]) -> CommitProperties:
        return properties(run, {**notes, **counts})

    with _connection(lake, key, wards, source, shared.delta) as connection, lake_errors(f"publishing {result.subject}"):
        notes |= _fill(connection, agreement, product, table, source, shared, run)
        done = upsert(connection, shared.delta, content.key(product, table), make_properties, commits_empty=True)
    forget_history(lake, shared.delta, lake.path(result.subject), at=at)
    return replace(
        result,
        verdict="published" if done.inserted or done.updated or done.deleted else "unchanged",
        version=done.version,
        rows=done.rows,
        inserted=done.inserted,
        updated=done.updated,
        deleted=done.deleted,
    )


_UNKNOWN = pa.schema([("closed", pa.bool_())])
"""Columns of a closed table that was never open, and of which no contract tells the columns: Delta wants one."""


def close_product(recipient: str, product: str, reason: str, *, run: SharingRun) -> ProductResult:
    """Close a product that no agreement names. Verdict `closed`, or `unchanged` if it was for this reason before."""
    uri = run.lake.path("shared", recipient, product)
    return retry_on_conflict(run.lake, uri, lambda: _close(None, recipient, product, reason, None, run))


def _schema(product: Product, table: Table | None) -> pa.Schema | None:
    """The product's schema; None if the contracts no longer have its table or columns."""
    try:
        return content.schema(product, table) if table is not None else None
    except (KeyError, ValueError):
        return None


def _close(
    agreement: Agreement | None, recipient: str, product: str, reason: str, schema: pa.Schema | None, run: SharingRun
) -> ProductResult:
    """Replace a product by an empty table without history, whose commit has the reason.

    `schema` is for the empty table (None: the columns of the existing one).
    """
    lake = run.lake
    shared = opened(lake, recipient, product)
    agreement_id = agreement.agreement_id if agreement else ""
    result = ProductResult(agreement_id, recipient, product, "closed", CLOSED, reason)
    if shared is not None and shared.is_closed_for(reason):
        return replace(result, verdict="unchanged", version=shared.version)
    if schema is None:
        schema = _UNKNOWN if shared is None else pa.schema(shared.delta.schema().to_arrow())
    notes: Notes = {
        "agreement": agreement_id,
        "agreement_digest": agreement.digest if agreement else "",
        "state": CLOSED,
        "reason": reason,
        "live_rows": 0,
    }
    removed(lake, recipient, product)
    with lake_errors(f"closing {result.subject}"):
        DeltaTable.create(
            lake.path("shared", recipient, product),
            schema,
            name=f"{recipient}.{product}",
            description=f"Closed: {reason}",
            configuration=CONFIGURATION,
            storage_options=lake.storage_options(),
            commit_properties=properties(run, notes),
        )
    return result


def _make_anew(
    agreement: Agreement,
    product: Product,
    table: Table,
    source: DeltaTable,
    wards: DeltaTable | None,
    notes: Notes,
    *,
    shared: Shared | None,
    run: SharingRun,
    key: RecipientKey | None,
) -> ProductResult:
    lake = run.lake
    result = ProductResult.of(agreement, product.name, verdict="published", reason=str(notes["reason"]))
    with _connection(lake, key, wards, source) as connection, lake_errors(f"publishing {result.subject}"):
        # Anything that can fail because of the content fails here, before the former table is removed.
        notes = {**notes, **_fill(connection, agreement, product, table, source, shared, run)}
        rows = count(connection, "fresh")
        removed(lake, agreement.recipient, product.name)
        write(
            lake.path("shared", agreement.recipient, product.name),
            stream(connection, "FROM fresh", content.schema(product, table)),
            "error",
            properties(run, {**notes, "inserted": rows, "live_rows": rows}),
            name=f"{agreement.recipient}.{product.name}",
            description=f"{product.title or agreement.title} (agreement {agreement.agreement_id})",
            configuration=CONFIGURATION,
            storage_options=lake.storage_options(),
        )
    return replace(result, rows=rows, inserted=rows)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    agreement: Agreement,
    product: Product,
    table: Table,
    source: DeltaTable,
    shared: Shared | None,
    run: SharingRun,
) -> dict[str, int]:
    """Create the table `fresh` with the product's rows; returns further notes for its commit."""
    if product.statistics:
        return fill(
            connection, agreement, product, product.statistics, table, source=source, shared=shared, run=run
        )  # fmt: skip
    connection.execute(f"CREATE TEMP TABLE fresh AS {content.select(connection, product, table, source)}")
    return {}


@contextmanager
def _connection(
    lake: Lake, key: RecipientKey | None, wards: DeltaTable | None, *tables: DeltaTable
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that reaches the files of these tables, and holds the recipient's key and the list of wards."""
    with lake.connect() as connection:
        restrict_access(connection, reads=[uri for table in tables for uri in table.file_uris()])
        lend_key(connection, key)
        if wards is not None:
            lend_wards(connection, pa.table(wards.to_pyarrow_table()))
        yield connection
