"""Row history of a published table: `history/<registry>/<table>`, an append-only log of what its commits changed.

Each row is a row of the table as it was published (`_change` is `insert`) or as it left (`delete`), with version and
instant of that commit. It is built from the change feed after each publication, beginning with the whole table, so it
costs the bytes of the changed rows. Deleted and rewritten files of the table itself go after 30 days; these stay as
long as the contract's `history` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction

from include.contracts.model import Table
from include.lake.delta import PREFIX, view_of
from include.lake.storage import SERVER, Lake, LakeTableMissing, lake_errors, literal, quote, retry_on_conflict
from include.lake.upsert import stream, write

ZONE = "history"
CHANGE, VERSION, AT = "_change", "_version", "_at"
_OWN = (
    pa.field(CHANGE, pa.string()),
    pa.field(VERSION, pa.int64()),
    pa.field(AT, pa.timestamp("us", tz="UTC")),
)
_OWN_NAMES = ", ".join(field.name for field in _OWN)
_FROM = "_of_table"  # Delta application transaction: the last version of the table that is in its history


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """How far back a history reaches, how many changes it holds, and what it costs in bytes."""

    since: datetime
    changes: int
    bytes: int


def extend_history(lake: Lake, table: Table, *, run_id: str) -> int:
    """Add what the table's commits changed since the last time; returns the number of changes, 0 if there are none.

    Of a slice the whole table's history is kept, which has the rows of every server. Safe from several processes at
    once: a version goes into the history once.

    Raises:
        LakeTableMissing: the table was never published.
    """
    return retry_on_conflict(lake, _uri(lake, table), partial(_extend, lake, table, run_id))


def has_history(lake: Lake, table: Table) -> bool:
    """Whether anything of the table was recorded."""
    return lake.is_table(_uri(lake, table))


def history_facts(lake: Lake, table: Table) -> HistoryFacts | None:
    """The facts of a table's history; None if there is none."""
    current = _open(lake, table)
    if current is None:
        return None
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the history"):
        view_of(connection, "kept", current, current.file_uris())
        (row,) = connection.execute(f"SELECT min({AT}), count(*) FROM kept").fetchall()
    sizes = pa.table(current.get_add_actions(flatten=True))["size_bytes"].to_pylist()
    return HistoryFacts(row[0], int(row[1]), sum(sizes))


def history_at(
    lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, table: Table, at: datetime
) -> tuple[int, list[str]]:
    """Create the view `name` of the table's rows, or a slice's, as they were published at an instant.

    Returns the version that was then the newest to change rows, and the files that the view reads.

    Raises:
        LakeTableMissing: there is no history, or it begins later.
    """
    current = lake.table(_uri(lake, table))
    files = list(current.file_uris())
    view_of(connection, f"{name} changes", current, files)
    instant = f"TIMESTAMPTZ {literal(at.astimezone(UTC).isoformat())}"
    changes = quote(f"{name} changes")
    of_server = f" AND {SERVER} = {literal(table.server)}" if table.server else ""
    version = f"SELECT max({VERSION}) FROM {changes} WHERE {AT} <= {instant}"
    ((newest,),) = connection.execute(version).fetchall()
    if newest is None:
        raise LakeTableMissing(f"the history of {table.qualified_name} begins after {at.isoformat()}")
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT * EXCLUDE ({_OWN_NAMES}) FROM {changes} "
        f"WHERE {AT} <= {instant}{of_server} QUALIFY {CHANGE} = 'insert' "
        f"AND row_number() OVER (PARTITION BY {_key(table, current)} ORDER BY {_order('DESC')}) = 1"
    )
    return int(newest), files


def history_view(connection: duckdb.DuckDBPyConnection, name: str, table: Table, current: DeltaTable) -> None:
    """Create the view `name` of all rows that ever were published, with `valid_from` and `valid_until` (null: still).

    `current` is the open table of the history.
    """
    view_of(connection, f"{name} changes", current, current.file_uris())
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT * EXCLUDE ({_OWN_NAMES}), {AT} AS valid_from, "
        f"lead({AT}) OVER (PARTITION BY {_key(table, current)} ORDER BY {_order('ASC')}) AS valid_until "
        f"FROM {quote(f'{name} changes')} QUALIFY {CHANGE} = 'insert' AND coalesce(valid_until > valid_from, true)"
    )


def expire_history(lake: Lake, table: Table, *, before: datetime) -> int:
    """Remove rows that had left the table, or were replaced, before an instant; returns how many."""

    def attempt() -> int:
        current = _open(lake, table)
        if current is None:
            return 0
        with lake.connect() as connection, lake_errors("expiring the history"):
            view_of(connection, "kept", current, current.file_uris())
            later = f"lead({AT}) OVER (PARTITION BY {_key(table, current)} ORDER BY {_order('ASC')})"
            ended = f"coalesce({later}, CASE WHEN {CHANGE} = 'delete' THEN {AT} END)"
            limit = f"TIMESTAMPTZ {literal(before.astimezone(UTC).isoformat())}"
            connection.execute(f"CREATE TEMP TABLE left_over AS FROM kept QUALIFY coalesce({ended} >= {limit}, true)")
            counts = "SELECT (SELECT count(*) FROM kept) - (SELECT count(*) FROM left_over)"
            ((expired,),) = connection.execute(counts).fetchall()
            if expired:
                schema = pa.schema(current.schema().to_arrow())
                done = CommitProperties(custom_metadata={f"{PREFIX}run_id": f"expiry/{before.isoformat()}"})
                write(current, stream(connection, "FROM left_over", schema), "overwrite", done)
            return int(expired)

    return retry_on_conflict(lake, _uri(lake, table), attempt)


def _extend(lake: Lake, table: Table, run_id: str) -> int:
    published = lake.table(lake.registry_table(table.registry, table.base_name))
    newest, table_id = int(published.version()), str(published.metadata().id)
    current = _open(lake, table)
    done = current.transaction_version(f"{_FROM}/{table_id}") if current is not None else None
    if done is not None and done >= newest:
        return 0
    with lake.connect() as connection, lake_errors("recording the history"):
        schema = pa.schema(published.schema().to_arrow())
        columns = ", ".join(quote(name) for name in schema.names)
        if current is None or done is None:  # nothing of this table yet: begin with all of it
            view_of(connection, "published", published, published.file_uris())
            at = datetime.fromtimestamp(published.history(1)[0]["timestamp"] / 1000, UTC).isoformat()
            changes = (
                f"SELECT {columns}, 'insert' AS {CHANGE}, {newest} AS {VERSION}, TIMESTAMPTZ {literal(at)} AS {AT}"
            )
            changes += " FROM published"
        else:
            feed = published.load_cdf(starting_version=done + 1, ending_version=newest)
            connection.register("feed", pa.RecordBatchReader.from_stream(feed))
            changes = f"""SELECT {columns}, if(_change_type = 'delete', 'delete', 'insert') AS {CHANGE},
                _commit_version AS {VERSION}, timezone('UTC', CAST(_commit_timestamp AS TIMESTAMP)) AS {AT}
                FROM feed WHERE _change_type <> 'update_preimage'"""
        connection.execute(f"CREATE TEMP TABLE changes AS {changes}")
        ((count,),) = connection.execute("SELECT count(*) FROM changes").fetchall()
        properties = CommitProperties(
            custom_metadata={f"{PREFIX}run_id": run_id},
            app_transactions=[Transaction(f"{_FROM}/{table_id}", newest)],
        )
        rows = stream(connection, f"FROM changes ORDER BY {VERSION}", pa.schema([*schema, *_OWN]))
        if current is None:
            lake.make_folder(_uri(lake, table))
            name = f"history.{table.qualified_name}"
            write(_uri(lake, table), rows, "error", properties, name=name, storage_options=lake.storage_options())
        else:
            write(current, rows, "append", properties, schema_mode="merge")
    return int(count)


def _order(direction: str) -> str:
    return f"{VERSION} {direction}, {CHANGE} = 'insert' {direction}"


def _key(table: Table, current: DeltaTable) -> str:
    """The quoted columns that tell the rows of a table apart."""
    has_servers = table.key_scope == "server" and SERVER in {field.name for field in current.schema().fields}
    return ", ".join(quote(name) for name in [*table.primary_key, *([SERVER] if has_servers else [])])


def _open(lake: Lake, table: Table) -> DeltaTable | None:
    try:
        return lake.table(_uri(lake, table))
    except LakeTableMissing:
        return None


def _uri(lake: Lake, table: Table) -> str:
    return lake.path(ZONE, table.registry, table.base_name)
