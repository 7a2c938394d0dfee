"""What a run would do to a published table: the difference between its accepted rows and the current content.

The difference is written once, beside the staged files, and used twice: the gate reads the counts, publishing applies
the rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import duckdb
from deltalake import DeltaTable

from include.contracts.model import Table
from include.lake.engine import literal, quote, scan
from include.lake.errors import LakeKeyBroken, lake_errors
from include.lake.root import Lake
from include.lake.rows import StagedPaths, accepted_rows, published_rows
from include.lake.shape import DELETED_AT, RUN_ID, WARNINGS, Shape, shape_of
from include.lake.state import last_state

KEY_FIGURE = "primary_key"
# Comparing two sides of 5,000,000 rows of 11 columns just fits; more rows spill.
COMPARE_MEMORY = "1200MB"
Mode = Literal["full", "incremental"]


@dataclass(frozen=True, slots=True)
class Changes:
    """Counts of what a run would change; `uri` holds the rows (empty for a new table, or one without a key)."""

    base_version: int
    accepted: int
    inserted: int
    updated: int
    deleted: int
    retained: int
    live_before: int
    live_after: int
    uri: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the published content would stay as it is."""
        return not (self.inserted or self.updated or self.deleted)

    @property
    def rows(self) -> int:
        """Rows that would be written."""
        return self.inserted + self.updated + self.deleted


def preview(lake: Lake, table: Table, staged: StagedPaths, *, mode: Mode = "full") -> Changes:
    """Count what publishing these staged rows would do to the table, without touching it."""
    uri = lake.registry_table(table.registry, table.name)
    current = lake.table(uri) if lake.is_table(uri) else None
    return find_changes(lake, shape_of(table, current), current, staged, mode=mode)


def find_changes(
    lake: Lake,
    shape: Shape,
    current: DeltaTable | None,
    staged: StagedPaths,
    *,
    mode: Mode,
    memory_limit: str = COMPARE_MEMORY,
) -> Changes:
    """The difference, from the run folder if it was found before against the same version of the table."""
    folder = staged.conformed.rpartition("/")[0]
    note, uri = f"{folder}/_changes.json", f"{folder}/changes.parquet"
    basis = {
        "table": str(current.metadata().id) if current else "",
        "version": current.version() if current else -1,
        "mode": mode,
        "shape": repr(shape),
        "staged": [lake.fingerprint(path) for path in (staged.conformed, staged.faults, staged.warnings)],
    }
    if lake.exists(note):
        found = json.loads(lake.read_text(note))
        if found["basis"] == basis:
            return Changes(**found["changes"])
    with lake_errors("comparing a table with its new rows"):
        connection = lake.connect(memory_limit=memory_limit)
        try:
            _create_views(connection, shape, current, staged)
            if shape.key:
                changes = _compare_by_key(connection, shape, current, uri, mode)
            else:
                changes = _compare_as_a_whole(connection, shape, current)
        finally:
            connection.close()
    lake.write_text(note, json.dumps({"basis": basis, "changes": asdict(changes)}))
    return changes


def _create_views(
    connection: duckdb.DuckDBPyConnection, shape: Shape, current: DeltaTable | None, staged: StagedPaths
) -> None:
    files = current.file_uris() if current else []
    connection.execute(f"CREATE TEMP VIEW accepted AS {accepted_rows(shape, staged)}")
    connection.execute(f"CREATE TEMP VIEW conformed AS FROM {scan(staged.conformed)}")
    connection.execute(f"CREATE TEMP VIEW faults AS FROM {scan(staged.faults)}")
    connection.execute(f"CREATE TEMP VIEW published AS {published_rows(connection, shape, files)}")


def _compare_by_key(
    connection: duckdb.DuckDBPyConnection, shape: Shape, current: DeltaTable | None, uri: str, mode: Mode
) -> Changes:
    accepted = _check_key(connection, shape, "accepted")
    if current is not None and _key_has_changed(current, shape):
        _check_key(connection, shape, "published")
    if current is None:
        return Changes(-1, accepted, accepted, 0, 0, 0, 0, accepted)
    query = _difference(shape) if mode == "full" else _upserts(shape)
    connection.execute(f"COPY ({query}) TO {literal(uri)} (FORMAT parquet, COMPRESSION zstd)")
    counted = {
        (change, was_deleted): rows
        for change, was_deleted, rows in _rows(
            connection, f"SELECT _change, _was_deleted, count(*) FROM {scan(uri)} GROUP BY ALL"
        )
    }
    inserted, deleted = counted.get(("insert", False), 0), counted.get(("delete", False), 0)
    revived = counted.get(("update", True), 0)
    live_before = _rows(connection, f"SELECT count(*) FROM published WHERE {DELETED_AT} IS NULL")[0][0]
    return Changes(
        base_version=current.version(),
        accepted=accepted,
        inserted=inserted,
        updated=revived + counted.get(("update", False), 0),
        deleted=deleted,
        retained=counted.get(("retained", False), 0),
        live_before=live_before,
        live_after=live_before + inserted + revived - deleted,
        uri=uri,
    )


def _difference(shape: Shape) -> str:
    """SELECT of what a full extract changes, in one pass over both sides.

    `_change` is `insert`, `update`, `delete` (a live key that the extract does not hold), or `retained` (one whose new
    row was not accepted: nothing is written, it is only counted).
    """
    keys = _listed(shape.key)
    content = [*(name for name in shape.names if name not in shape.key), WARNINGS]
    chosen = "".join(
        f", CASE WHEN a._is_accepted THEN a.{quote(name)} ELSE c.{quote(name)} END AS {quote(name)}" for name in content
    )
    return f"""
        WITH difference AS (
            SELECT {keys}{chosen},
                   CASE WHEN a._is_accepted IS NULL THEN 'delete' WHEN c.{RUN_ID} IS NULL THEN 'insert'
                        ELSE 'update' END AS _change,
                   c.{DELETED_AT} IS NOT NULL AS _was_deleted
            FROM (SELECT *, true AS _is_accepted FROM accepted) a FULL JOIN published c USING ({keys})
            WHERE CASE WHEN a._is_accepted IS NULL THEN c.{DELETED_AT} IS NULL
                       ELSE c.{RUN_ID} IS NULL OR {_differs(shape)} END
        )
        SELECT d.* REPLACE (
                   CASE WHEN d._change = 'delete' AND f._is_faulty THEN 'retained' ELSE d._change END AS _change)
        FROM difference d LEFT JOIN ({_faulty_keys(keys)}) f USING ({keys})"""


def _upserts(shape: Shape) -> str:
    """SELECT of what an incremental extract changes: it says nothing of the keys it does not hold."""
    keys = _listed(shape.key)
    columns = _listed((*shape.names, WARNINGS))
    return f"""
        SELECT a.*, CASE WHEN c.{RUN_ID} IS NULL THEN 'insert' ELSE 'update' END AS _change,
               c.{DELETED_AT} IS NOT NULL AS _was_deleted
        FROM accepted a LEFT JOIN published c USING ({keys})
        WHERE c.{RUN_ID} IS NULL OR {_differs(shape)}
        UNION ALL BY NAME
        SELECT {columns}, 'retained' AS _change, false AS _was_deleted
        FROM published SEMI JOIN ({_faulty_keys(keys)}) f USING ({keys}) ANTI JOIN accepted a USING ({keys})
        WHERE {DELETED_AT} IS NULL"""


def _differs(shape: Shape) -> str:
    """Whether the accepted row `a` says anything else than the published row `c`."""
    content = [*(name for name in shape.names if name not in shape.key), WARNINGS]
    return " OR ".join(
        [
            *(f"a.{quote(name)} IS DISTINCT FROM c.{quote(name)}" for name in content),
            *(f"c.{quote(name)} IS NOT NULL" for name, _ in shape.dropped),
            f"c.{DELETED_AT} IS NOT NULL",
        ]
    )


def _faulty_keys(keys: str) -> str:
    """SELECT of the keys that have a row in the extract which was not accepted."""
    return (
        f"SELECT DISTINCT {keys}, true AS _is_faulty "
        "FROM (SELECT k.* FROM conformed k SEMI JOIN faults n ON k._row = n._row)"
    )


def _compare_as_a_whole(connection: duckdb.DuckDBPyConnection, shape: Shape, current: DeltaTable | None) -> Changes:
    """Without a key rows cannot be matched: the content is the same, or all of it is replaced."""
    columns = _listed((*shape.names, WARNINGS, *(name for name, _ in shape.dropped)))
    nulls = "".join(f", CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in shape.dropped)
    summary = f"SELECT count(*), bit_xor(hash({columns})), sum(hash({columns}))"
    new = _rows(connection, f"{summary} FROM (SELECT *{nulls} FROM accepted)")[0]
    old = _rows(connection, f"{summary} FROM published")[0]
    version = current.version() if current else -1
    is_same = current is not None and new == old
    return Changes(
        base_version=version,
        accepted=new[0],
        inserted=0 if is_same else new[0],
        updated=0,
        deleted=0 if is_same else old[0],
        retained=0,
        live_before=old[0],
        live_after=new[0],
    )


def _key_has_changed(current: DeltaTable, shape: Shape) -> bool:
    state = last_state(current)
    return state is not None and state.metadata.get(KEY_FIGURE, "") != key_text(shape)


def key_text(shape: Shape) -> str:
    """The key as a commit records it."""
    return ",".join(shape.key)


def _check_key(connection: duckdb.DuckDBPyConnection, shape: Shape, view: str) -> int:
    """Number of rows. Publishing by key relies on a key that is there and unique: the split's promise, checked."""
    keys = _listed(shape.key)
    missing = " OR ".join(f"{quote(name)} IS NULL" for name in shape.key)
    rows, empty, repeated = _rows(
        connection,
        f"""SELECT coalesce(sum(n), 0)::BIGINT, coalesce(sum(n) FILTER (WHERE {missing}), 0)::BIGINT,
                   count(*) FILTER (WHERE n > 1)
            FROM (SELECT {keys}, count(*) AS n FROM {view} GROUP BY {keys})""",
    )[0]
    if empty or repeated:
        raise LakeKeyBroken(
            f"the {view} rows break the primary key ({', '.join(shape.key)}): {empty} without a key, {repeated} keys "
            "more than once; nothing was published. The contract must require every key column; if it does, report it"
        )
    return int(rows)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in names)
