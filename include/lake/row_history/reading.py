"""Reading a row history: the table at an instant, all rows with their time, and the history's facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.contracts.model import HISTORY_COLUMNS, Table
from include.lake.delta import VersionGone, view_of
from include.lake.row_history.history_log import (
    AT,
    CHANGE,
    OWN,
    SINCE,
    UNTIL,
    VERSION,
    columns_at,
    gaps,
    history_parts,
    history_uri,
    instant_of,
    key,
    order,
    recorded_version,
    sql_instant,
)
from include.lake.storage import SERVER, Lake, LakeTableMissing, lake_errors, literal, quote


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """How far back a history reaches, how many changes it holds, and what it costs in bytes."""

    since: datetime
    changes: int
    bytes: int


def has_history(lake: Lake, table: Table) -> bool:
    """Whether anything of the table was recorded."""
    return lake.is_table(history_uri(lake, table))


def history_facts(lake: Lake, table: Table) -> HistoryFacts | None:
    """The facts of a table's history; None if there is none."""
    parts = history_parts(lake, table)
    since = instant_of(parts[0], SINCE) if parts else None
    if since is None:
        return None
    changes, size = 0, 0
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the history"):
        for part in parts:
            view_of(connection, "kept", part, part.file_uris())
            changes += int(connection.execute("SELECT count(*) FROM kept").fetchall()[0][0])
            size += sum(pa.table(part.get_add_actions(flatten=True))["size_bytes"].to_pylist())
    return HistoryFacts(since, changes, size)


@dataclass(frozen=True, slots=True)
class FormerRows:
    """A view of the rows of an instant: the version that was then the newest to change rows, its columns and files."""

    version: int
    columns: tuple[str, ...]
    files: tuple[str, ...]


def history_at(lake: Lake, connection: duckdb.DuckDBPyConnection, name: str, table: Table, at: datetime) -> FormerRows:
    """Create the view `name` of the table's rows, or a slice's, as they were published at an instant.

    It has the columns that the table had then, in the types of then; the version is 0 if none had changed rows yet.

    Raises:
        LakeTableMissing: there is no history.
        VersionGone: what the table held at that instant is not in the history.
    """
    parts = history_parts(lake, table) or [lake.table(history_uri(lake, table))]
    began = [part for part in parts if (instant_of(part, SINCE) or at) <= at]
    current = began[-1] if began else parts[0]
    if began and len(began) < len(parts):
        _ensure_before_end(table, current, parts[len(began)], at)
    _ensure_known(lake, table, current, at, is_newest=current is parts[-1])
    files = tuple(current.file_uris())
    view_of(connection, f"{name} changes", current, files)
    instant = sql_instant(at)
    changes = quote(f"{name} changes")
    columns = columns_at(current, at)
    of_server = f" AND {SERVER} = {literal(table.server)}" if table.server and SERVER in columns else ""
    newest = f"SELECT {VERSION} FROM {changes} WHERE {AT} <= {instant} ORDER BY {AT} DESC, {VERSION} DESC LIMIT 1"
    version = connection.execute(newest).fetchone()
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT {', '.join(map(quote, columns))} FROM {changes} "
        f"WHERE {AT} <= {instant}{of_server} QUALIFY {CHANGE} = 'insert' "
        f"AND row_number() OVER (PARTITION BY {key(table, current)} ORDER BY {order('DESC')}) = 1"
    )
    return FormerRows(int(version[0]) if version else 0, tuple(columns), files)


def history_view(connection: duckdb.DuckDBPyConnection, name: str, table: Table, current: DeltaTable) -> None:
    """Create the view `name` of all rows that ever were published, with `valid_from` and `valid_until` (null: still).

    `current` is the open newest part of the history. A row that changed in a gap is valid until the gap's start.
    Columns of the table's own by these two names are left out: contracts with a history have none.
    """
    left_out = {*(field.name for field in OWN), *HISTORY_COLUMNS}
    columns = [field.name for field in current.schema().fields if field.name.lower() not in left_out]
    valid_from, valid_until = HISTORY_COLUMNS
    view_of(connection, f"{name} changes", current, current.file_uris())
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS "
        f"SELECT {', '.join(map(quote, columns))}, {AT} AS {valid_from}, _until AS {valid_until} FROM "
        f"(SELECT *, lead({AT}) OVER (PARTITION BY {key(table, current)} ORDER BY {order('ASC')}) AS _until "
        f"FROM {quote(f'{name} changes')}) WHERE {CHANGE} = 'insert' AND coalesce(_until > {AT}, true)"
    )


def _ensure_before_end(table: Table, part: DeltaTable, following: DeltaTable, at: datetime) -> None:
    """Raise VersionGone for an instant between the end of a part and the beginning of the following one."""
    until, since = instant_of(part, UNTIL), instant_of(following, SINCE)
    if until is not None and since is not None and at > until:
        raise VersionGone(
            f"the history of {table.qualified_name} was not kept from {until.isoformat()} to {since.isoformat()}, when "
            "the table was made anew: ask for one of these two instants, before, or after"
        )


def _ensure_known(lake: Lake, table: Table, current: DeltaTable, at: datetime, *, is_newest: bool) -> None:
    name, since = table.qualified_name, instant_of(current, SINCE)
    if since is None or at < since:
        begins = since.isoformat() if since else "the next publication"
        raise VersionGone(f"the history of {name} begins after that, with {begins}: ask for a later instant")
    for gap in gaps(current):
        if gap.start <= at < gap.end:
            raise VersionGone(
                f"the history of {name} was not kept from {gap.start.isoformat()} to {gap.end.isoformat()}: ask for an "
                "instant before or after"
            )
    ends = _ends(lake, table, current) if is_newest else None
    if ends is not None and at >= ends:
        raise VersionGone(
            f"the history of {name} ends at {ends.isoformat()}, and the table was changed after that: ask for an "
            "earlier instant, or bring the history up to date with `lienthong maintain`"
        )


def _ends(lake: Lake, table: Table, current: DeltaTable) -> datetime | None:
    """The instant from which the table may be other than its history says; None if all its commits are recorded."""
    until = instant_of(current, UNTIL)
    try:
        published = lake.table(lake.registry_table(table.registry, table.base_name))
    except LakeTableMissing:
        return until
    done = recorded_version(current, published)
    if done is None or until is None:
        return until
    if done >= published.version():
        return None
    stamps = {int(entry["version"]): entry["timestamp"] for entry in published.history()}
    return max(until, datetime.fromtimestamp(stamps[done + 1] / 1000, UTC)) if done + 1 in stamps else until
