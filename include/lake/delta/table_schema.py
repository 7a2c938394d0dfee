"""Schema and schema evolution of a published table: contract columns against the columns the table has.

A published table only gains columns. A new contract column is added (null until rows carry it); a column that left the
contract stays in the schema, null in every row from the next full run on (of a slice, in its rows), because data
without a contract must not be readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, TableFeatures
from deltalake import Schema as DeltaSchema
from deltalake.schema import Field as DeltaField

from include.contracts.model import Table, arrow_type
from include.lake.delta.data_files import EXACT_DIGITS
from include.lake.storage import SERVER, LakeSchemaConflict

# How far back versions and the change feed stay readable, and the Delta property that states it.
RETENTION = timedelta(days=30)
RETENTION_PROPERTY = "delta.deletedFileRetentionDuration"
# Opening a table reads each commit since its last checkpoint, and a sync opens one some forty times.
CHECKPOINT_PROPERTY = "delta.checkpointInterval"
CHECKPOINTS = {CHECKPOINT_PROPERTY: "10"}
NO_BOUNDS = {"delta.dataSkippingNumIndexedCols": "0"}
RUN_ID = "_run_id"
WARNINGS = "_warnings"
# Columns that the lake adds to every published table.
LAKE_COLUMNS = ((RUN_ID, "VARCHAR"), (WARNINGS, "VARCHAR[]"))
_LAKE_COLUMNS_ARROW = (
    pa.field(RUN_ID, pa.string()),
    pa.field(WARNINGS, pa.list_(pa.string())),
)
_SERVER_ARROW = pa.field(SERVER, pa.string(), metadata={"comment": "Source server that delivered the row"})
_SQL_OF_DELTA = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class TableSchema:
    """Contract columns with their DuckDB types, those the table lacks, and those it has beyond the contract."""

    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    added: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the contract's columns."""
        return tuple(name for name, _ in self.columns)


def published_schema(table: Table) -> pa.Schema:
    """The Arrow schema of the published table; column descriptions travel as Delta comments.

    A table that is published slice by slice also has its partition column SERVER.
    """
    columns = [
        pa.field(c.name, arrow_type(c.sql_type), metadata={"comment": c.description} if c.description else None)
        for c in table.columns
    ]
    return pa.schema([*columns, *_LAKE_COLUMNS_ARROW, *([_SERVER_ARROW] if table.server else [])])


def without_bounds(table: Table) -> dict[str, str]:
    """Property that excludes columns with inexact bounds from delta-rs statistics; {} if there are none.

    delta-rs writes bounds of decimals as binary floats, wrong from the sixteenth digit on, and none for infinity:
    readers then skip files that hold matching rows. Files of `data_files.py` have exact bounds or none.
    """
    kinds = [arrow_type(column.sql_type) for column in table.columns]
    is_inexact = any(
        pa.types.is_floating(kind) or (pa.types.is_decimal(kind) and kind.precision > EXACT_DIGITS) for kind in kinds
    )
    return dict(NO_BOUNDS) if is_inexact else {}


def as_interval(duration: timedelta) -> str:
    """A duration in the format of Delta table properties."""
    return f"interval {int(duration.total_seconds())} seconds"


def table_schema_of(table: Table, current: DeltaTable | None) -> TableSchema:
    """The contract's schema compared with the table's. Raises LakeSchemaConflict if that cannot evolve."""
    columns = tuple((c.name, c.sql_type) for c in table.columns)
    if current is None:
        return TableSchema(columns, table.primary_key)
    if not table.server and SERVER in current.metadata().partition_columns:
        raise LakeSchemaConflict(
            f"{table.qualified_name} was published from several servers and its contract now has one: name them all "
            f"(one that is gone with `ended`), or retire the table (remove registry/{table.registry}/{table.name} from "
            "the lake) and sync with --full"
        )
    required = {field.name: field for field in DeltaSchema.from_arrow(published_schema(table)).fields}
    present = {field.name: field for field in current.schema().fields}
    by_lower_case = {name.lower(): name for name in present}
    for name, field in required.items():
        there = by_lower_case.get(name.lower())
        if there is not None and there != name:
            raise LakeSchemaConflict(
                f"{table.qualified_name}: column {name!r} differs from the published {there!r} only by capitals: "
                "keep the published spelling in the contract"
            )
        if there is not None and present[there].type != field.type:
            raise LakeSchemaConflict(
                f"{table.qualified_name}: column {name!r} is published as {_type_name(present[there])} and the "
                f"contract now says {_type_name(field)}: publish the new type under a new column name, or retire the "
                f"table (remove registry/{table.registry}/{table.name} from the lake) and sync it with --full"
            )
    present.pop(SERVER, None)  # a partition, not a column of the files
    dropped = tuple((name, _sql_type(table, field)) for name, field in present.items() if name not in required)
    added = tuple(name for name in required if name not in present and name != SERVER)
    return TableSchema(columns, table.primary_key, added, dropped)


def evolve(table: Table, table_schema: TableSchema, current: DeltaTable) -> None:
    """Add the contract's new columns (null in every row) to the table, in a commit that changes no data.

    Missing table properties that its columns need are set first, in a commit of their own.

    A delta-rs merge can add columns too, but gives the table a new id, which makes it another table for the audit
    ledger and for streaming readers.
    """
    alone = CommitProperties(max_commit_retries=0)
    lacking = without_bounds(table).items() - current.metadata().configuration.items()
    if lacking:
        current.alter.set_table_properties(dict(lacking), commit_properties=alone)
    if not table_schema.added:
        return
    fields = [f for f in DeltaSchema.from_arrow(published_schema(table)).fields if f.name in table_schema.added]
    needs_local_time = any(_type_name(field) == "timestamp_ntz" for field in fields)
    if needs_local_time and "timestampNtz" not in (current.protocol().reader_features or []):
        current.alter.add_feature(TableFeatures.TimestampWithoutTimezone, allow_protocol_versions_increase=True)
    current.alter.add_columns(fields, commit_properties=alone)


def _type_name(field: DeltaField) -> str:
    return str(getattr(field.type, "type", field.type))


def _sql_type(table: Table, field: DeltaField) -> str:
    name = _type_name(field)
    if name.startswith("decimal"):
        return name.upper()
    if name not in _SQL_OF_DELTA:
        raise LakeSchemaConflict(
            f"{table.qualified_name}: the published table has a column {field.name!r} of type {name}, which this house "
            "does not write: it was changed from outside; restore an earlier version"
        )
    return _SQL_OF_DELTA[name]
