"""Open rejected rows of all runs, as a DuckDB view, and the files that hold them.

A rejected row is `open` until a later run receives its key again (`superseded`), finds that the source no longer holds
it (`withdrawn`), or replays the row and accepts it (`replayed`). A restore opens those that were open at its version,
and no others (`superseded`). A row is never removed. Rows count once their run has committed to the registry table;
those of a run that is under way, or was killed, do not yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.contracts.model import Table
from include.lake.delta import FILE, PREFIX, view_of
from include.lake.rejected.relations import OPENED
from include.lake.run_log import is_on_record
from include.lake.storage import Lake, lake_errors, literal, quote

OPEN, REPLAYED, SUPERSEDED, WITHDRAWN = LIVES = ("open", "replayed", "superseded", "withdrawn")
# Columns that the lake adds to a rejected row.
REJECTION_COLUMNS = (
    "_run_id", "_row", "_status", "_reasons", "_rejected_at", "_since", "_key", "_cursor", "_life", "_closed_by",
    "_closed_at",
)  # fmt: skip
RESERVED_COLUMNS = (*REJECTION_COLUMNS, FILE)  # a source column with one of these names is kept under another
COLUMNS = "source_columns"
_FIRST_LOOK = 20


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A live file of a table of rejected rows; `path` is relative to the table, `may_be_open` is by its statistics."""

    path: str
    uri: str
    size: int
    run_id: str
    written_at: datetime
    may_be_open: bool


@dataclass(frozen=True)
class OpenRejections:
    """The `files` that hold open rows of a table of rejected rows, and a `connection` whose view OPENED reads them."""

    delta: DeltaTable
    files: tuple[RejectedFile, ...]
    _connect: Callable[[], duckdb.DuckDBPyConnection]

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Has the view OPENED: all columns of the open rows, and `_file`. Made when it is first asked for."""
        return self._connect()


@contextmanager
def open_rejections_of(
    lake: Lake,
    table: Table,
    *,
    before_run: str | None = None,
    with_closed: bool = False,
    changed_since: datetime | None = None,
    memory_limit: str = "512MB",
) -> Iterator[OpenRejections | None]:
    """A table's open rejections, of all runs, as view OPENED; None if it has no table of rejected rows.

    Only files that may hold open rows are read. `before_run` leaves out the rows of that run and of runs that committed
    after it. `with_closed` adds closed rows, from every file or from the files written after `changed_since`.
    """
    uri = lake.rejected_table(table.registry, table.name)
    if not lake.is_table(uri):
        yield None
        return
    delta = lake.table(uri)
    with lake_errors(f"finding the rejected rows of {table.qualified_name}"):
        files = [
            file
            for file in live_rejected_files(delta)
            if file.may_be_open or (with_closed and (changed_since is None or file.written_at >= changed_since))
        ]
        runs = runs_that_count(lake, table, {file.run_id for file in files}, before_run)
    files = [file for file in files if file.run_id in runs]
    with ExitStack() as stack:

        def connect() -> duckdb.DuckDBPyConnection:
            connection = stack.enter_context(lake.connect(memory_limit=memory_limit))
            with lake_errors(f"reading the rejected rows of {table.qualified_name}"):
                view_of(connection, "_chosen", delta, [file.uri for file in files], with_file=True)
                chosen = "_life IS NOT NULL" if with_closed else f"_life = {literal(OPEN)}"
                connection.execute(f"CREATE TEMP VIEW {OPENED} AS SELECT * FROM _chosen WHERE {chosen}")
            return connection

        yield OpenRejections(delta, tuple(files), connect)


def waits_for_another_server(lake: Lake, table: Table) -> bool:
    """Whether a row of a slice is open because another server had published its key, which it may not have any more."""
    if not table.is_one_of_several:
        return False
    with (
        open_rejections_of(lake, table) as opened,
        lake_errors(f"reading the rejected rows of {table.qualified_name}"),
    ):
        if opened is None or not opened.files:
            return False
        is_so = f"len(list_filter(_reasons, lambda r: r['rule_id'] = {literal(table.server_rule_id)})) > 0"
        return bool(opened.connection.execute(f"FROM {OPENED} WHERE {is_so} LIMIT 1").fetchall())


def live_rejected_files(delta: DeltaTable) -> list[RejectedFile]:
    """The files of an open table of rejected rows."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    uris = {uri.rpartition("/")[2]: uri for uri in delta.file_uris()}
    files = []
    for action in actions.to_pylist():
        first, last = action.get("min._life"), action.get("max._life")
        is_closed = action.get("null_count._life") == action["num_records"]
        may_be_open = not is_closed and (first is None or first <= OPEN <= (last or OPEN))
        path = unquote(action["path"])
        written_at = datetime.fromtimestamp(action["modification_time"] / 1000, UTC)
        size, run_id = action["size_bytes"], action["partition._run_id"]
        files.append(RejectedFile(path, uris[path.rpartition("/")[2]], size, run_id, written_at, may_be_open))
    return files


def runs_that_count(lake: Lake, table: Table, run_ids: Iterable[str], before_run: str | None = None) -> set[str]:
    """Runs among `run_ids` that committed to the registry table, or to a retired table of that name."""
    run_ids = set(run_ids)
    if not run_ids:
        return run_ids
    uri = lake.registry_table(table.registry, table.name)
    registry = lake.table(uri) if lake.is_table(uri) else None
    later = _runs_since(registry, before_run) if registry is not None and before_run else set()
    return {
        run_id
        for run_id in run_ids
        if run_id not in later
        and (
            (registry is not None and registry.transaction_version(run_id) is not None)
            or is_on_record(lake, table, run_id, "published")
        )
    }


def _runs_since(registry: DeltaTable, run_id: str) -> set[str]:
    """Ids of a run and of the runs that committed after it."""
    found: set[str] = set()
    for limit in (_FIRST_LOOK, None):
        for entry in registry.history(limit):
            by = entry.get(f"{PREFIX}run_id")
            if by is not None:
                found.add(by)
            if by == run_id:
                return found
    return found


def typed_key(table: Table) -> list[tuple[str, str]]:
    """Quoted name of each key column, and SQL of its value from the JSON of `_key`."""
    return [(quote(name), _from_json("_key", name, table.column(name).sql_type)) for name in table.primary_key]


def typed_cursor(table: Table) -> list[tuple[str, str]]:
    """Quoted name of each cursor column, and SQL of its value from the JSON of `_cursor`."""
    return [(quote(name), _from_json("_cursor", name, table.column(name).sql_type)) for name in table.extract.cursor]


def has_key(table: Table) -> str:
    """SQL condition: all of the key can be read from the JSON of `_key`. A part of a key is that of many rows."""
    return " AND ".join(f"{sql} IS NOT NULL" for _, sql in typed_key(table)) or "false"


def as_json(names: Sequence[str], relation: str, *, whole: bool = False) -> str:
    """SQL of a JSON object of these columns; NULL where all of them (`whole`: one of them) are, or there are none."""
    if not names:
        return "CAST(NULL AS VARCHAR)"
    fields = ", ".join(f"{literal(name)}, {relation}.{quote(name)}" for name in names)
    present = (" AND " if whole else " OR ").join(f"{relation}.{quote(name)} IS NOT NULL" for name in names)
    return f"CASE WHEN {present} THEN CAST(json_object({fields}) AS VARCHAR) END"


def _from_json(column: str, name: str, sql_type: str) -> str:
    if sql_type.startswith("DECIMAL"):  # JSON functions read such a number as a float
        number = literal(rf'[{{,]"{re.escape(name)}":(-?[0-9.]+)')
        digits = f"regexp_extract({column}, {number}, 1)"
        return f"TRY_CAST(nullif({digits}, '') AS {sql_type})"
    path = literal("/" + name.replace("~", "~0").replace("/", "~1"))
    return f"TRY_CAST(json_extract_string({column}, {path}) AS {sql_type})"
