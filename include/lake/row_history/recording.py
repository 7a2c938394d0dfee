"""Writing a row history: what each publication changed is added, what is past its time is removed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable

from include.contracts.model import Table
from include.lake.delta import CHECKPOINTS, PREFIX, view_of
from include.lake.row_history.history_log import (
    AT,
    CHANGE,
    INSTANT,
    OWN,
    OWN_NAMES,
    SINCE,
    UNTIL,
    VERSION,
    Gap,
    description,
    goes_on,
    history_parts,
    history_uri,
    instant_of,
    key,
    new_columns,
    one_more_gap,
    order,
    recorded,
    recorded_version,
    sql_instant,
    stated,
)
from include.lake.storage import Lake, LakeError, lake_errors, quote, retry_on_conflict
from include.lake.upsert import stream, write


def extend_history(lake: Lake, table: Table, *, run_id: str) -> int:
    """Add what the table's commits changed since the last time; returns the number of changes, 0 if there are none.

    Of a slice the whole table's history is kept, which has the rows of every server. Safe from several processes at
    once: a version goes into the history once. Commits whose clocks went back are dated as the one before them.

    Where the change feed no longer tells what happened since (its files are removed after 30 days, or the table was
    made anew), the history states a gap: rows that differ leave at its start, and those of today come at its end.

    Raises:
        LakeTableMissing: the table was never published.
    """
    return retry_on_conflict(lake, history_uri(lake, table), partial(_extend, lake, table, run_id))


def expire_history(lake: Lake, table: Table, *, before: datetime) -> int:
    """Remove rows that had left the table, or were replaced, before an instant; returns how many.

    If there are any, the history begins at that instant from then on.
    """

    def attempt() -> int:
        parts = history_parts(lake, table)
        return sum(_expire(lake, table, part, before, is_newest=part is parts[-1]) for part in parts)

    return retry_on_conflict(lake, history_uri(lake, table), attempt)


def _expire(lake: Lake, table: Table, current: DeltaTable, before: datetime, *, is_newest: bool) -> int:
    with lake.connect() as connection, lake_errors("expiring the history"):
        view_of(connection, "kept", current, current.file_uris())
        later = f"lead({AT}) OVER (PARTITION BY {key(table, current)} ORDER BY {order('ASC')})"
        until = None if is_newest else instant_of(current, UNTIL)
        last = f", {sql_instant(until)}" if until else ""  # rows of a former part left with it
        ended = f"coalesce({later}, CASE WHEN {CHANGE} = 'delete' THEN {AT} END{last})"
        limit = sql_instant(before)
        connection.execute(f"CREATE TEMP TABLE left_over AS FROM kept QUALIFY coalesce({ended} >= {limit}, true)")
        counts = "SELECT (SELECT count(*) FROM kept) - (SELECT count(*) FROM left_over)"
        ((expired,),) = connection.execute(counts).fetchall()
        if expired:
            schema = pa.schema(current.schema().to_arrow())
            since = max(before, instant_of(current, SINCE) or before)
            done = CommitProperties(
                custom_metadata={f"{PREFIX}run_id": f"expiry/{before.isoformat()}"},
                app_transactions=[stated(SINCE, since)],
            )
            write(current, stream(connection, "FROM left_over", schema), "overwrite", done)
        return int(expired)


def _extend(lake: Lake, table: Table, run_id: str) -> int:
    published = lake.table(lake.registry_table(table.registry, table.base_name))
    parts = history_parts(lake, table)
    current = parts[-1] if parts else None
    done = recorded_version(current, published) if current is not None else None
    if done is not None and done >= published.version():
        return 0
    at = datetime.fromtimestamp(published.history(1)[0]["timestamp"] / 1000, UTC)
    until = (instant_of(current, UNTIL) if current is not None else None) or at
    at = max(at, until)
    states = [recorded(published)]
    if current is not None and done is None and not goes_on(table, published, current):
        current, at = None, max(at, until + 2 * INSTANT)  # the next part
    with lake.connect() as connection, lake_errors("recording the history"):
        view_of(connection, "published", published, published.file_uris())
        if current is None:
            _begin(connection, published, at)
        elif done is None or not _follow(lake, table, connection, published, done + 1, until):
            gap = Gap(until + INSTANT, max(at, until + 2 * INSTANT))
            _begin_anew(connection, published, current, table, gap)
            at = gap.end
            states += [*one_more_gap(current, gap), *new_columns(current, published, at)]
        else:
            states += new_columns(current, published, max(until, _columns_added_at(published, done) or until))
        ((count, last),) = connection.execute(f"SELECT count(*), max({AT}) FROM changes").fetchall()
        states.append(stated(UNTIL, max(at, last or at)))
        if current is None or instant_of(current, SINCE) is None:
            states.append(stated(SINCE, at))
        properties = CommitProperties(custom_metadata={f"{PREFIX}run_id": run_id}, app_transactions=states)
        schema = pa.schema([*pa.schema(published.schema().to_arrow()), *OWN])
        rows = stream(connection, f"FROM changes ORDER BY {AT}, {VERSION}", schema)
        if current is None:
            uri, name = history_uri(lake, table, len(parts)), f"history.{table.qualified_name}"
            lake.make_folder(uri)
            terms = {"name": name, "storage_options": lake.storage_options(), "description": description(table)}
            write(uri, rows, "error", properties, configuration=CHECKPOINTS, **terms)
        else:
            write(current, rows, "append", properties, schema_mode="merge")
    return int(count)


def _columns_added_at(published: DeltaTable, done: int) -> datetime | None:
    """The instant of the first commit after version `done` that added columns; None if none did."""
    added = [entry for entry in published.history() if entry["version"] > done and entry["operation"] == "ADD COLUMN"]
    return datetime.fromtimestamp(added[-1]["timestamp"] / 1000, UTC) if added else None


def _begin(connection: duckdb.DuckDBPyConnection, published: DeltaTable, at: datetime) -> None:
    """Create `changes`: the whole table comes."""
    change = _change("insert", published, at)
    connection.execute(f"CREATE TEMP TABLE changes AS SELECT {_columns(published)}, {change} FROM published")


def _begin_anew(
    connection: duckdb.DuckDBPyConnection, published: DeltaTable, current: DeltaTable, table: Table, gap: Gap
) -> None:
    """Create `changes`: the rows in which the table and the newest state of its history differ leave and come."""
    view_of(connection, "kept", current, current.file_uris())
    columns = _columns(published)
    connection.execute(
        f"CREATE TEMP TABLE standing AS SELECT {columns} FROM (SELECT * FROM published WHERE false UNION ALL BY NAME "
        f"(SELECT * EXCLUDE ({OWN_NAMES}) FROM kept QUALIFY {CHANGE} = 'insert' "
        f"AND row_number() OVER (PARTITION BY {key(table, current)} ORDER BY {order('DESC')}) = 1))"
    )
    connection.execute(
        f"CREATE TEMP TABLE changes AS SELECT *, {_change('delete', published, gap.start)} "
        f"FROM (FROM standing EXCEPT FROM published) UNION ALL "
        f"SELECT *, {_change('insert', published, gap.end)} FROM (FROM published EXCEPT FROM standing)"
    )


def _follow(
    lake: Lake,
    table: Table,
    connection: duckdb.DuckDBPyConnection,
    published: DeltaTable,
    first: int,
    until: datetime,
) -> bool:
    """Create `changes` from the change feed since version `first`; False if what it is made of was removed."""
    try:
        with lake_errors("reading the change feed"):
            feed = published.load_cdf(starting_version=first, ending_version=published.version())
            connection.register("feed", pa.RecordBatchReader.from_stream(feed))
            connection.execute(
                f"""CREATE TEMP TABLE fed AS
                    SELECT {_columns(published)}, if(_change_type = 'delete', 'delete', 'insert') AS {CHANGE},
                           _commit_version AS {VERSION}, timezone('UTC', CAST(_commit_timestamp AS TIMESTAMP)) AS {AT}
                    FROM feed WHERE _change_type <> 'update_preimage'"""
            )
    except LakeError:
        if _has_feed(lake, lake.registry_table(table.registry, table.base_name), first, int(published.version())):
            raise
        return False
    connection.execute(
        f"""CREATE TEMP TABLE changes AS
            WITH commits AS (SELECT {VERSION}, max({AT}) AS _stamp FROM fed GROUP BY {VERSION}),
            dated AS (SELECT {VERSION}, greatest(max(_stamp) OVER (ORDER BY {VERSION}), {sql_instant(until)}) AS _dated
                      FROM commits)
            SELECT fed.* REPLACE (_dated AS {AT}) FROM fed JOIN dated USING ({VERSION})"""
    )
    return True


def _has_feed(lake: Lake, root: str, first: int, last: int) -> bool:
    """Whether the commits of these versions, and the files that their change feed is made of, are all there."""
    for version in range(first, last + 1):
        log = f"{root}/_delta_log/{version:020d}.json"
        if not lake.exists(log):
            return False
        actions = [json.loads(line) for line in lake.read_text(log).split("\n") if line.strip()]
        feed = [action["cdc"] for action in actions if "cdc" in action]
        rows = [action[kind] for action in actions for kind in ("add", "remove") if kind in action]
        files = feed or [file for file in rows if file["dataChange"]]
        if not all(lake.exists(f"{root}/{unquote(file['path'])}") for file in files):
            return False
    return True


def _columns(published: DeltaTable) -> str:
    return ", ".join(quote(field.name) for field in published.schema().fields)


def _change(kind: str, published: DeltaTable, at: datetime) -> str:
    return f"'{kind}' AS {CHANGE}, {published.version()} AS {VERSION}, {sql_instant(at)} AS {AT}"
