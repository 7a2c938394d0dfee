"""The difference between a run's accepted rows and the published ones, row by row, as DuckDB SQL.

A difference is one Parquet file: the contract's columns and `_warnings` as they will be, `_change` (`insert`, `update`,
`delete`, or `retained`: a row that stays because its new version was not accepted; it is only counted), `_file` and
`_place` (the row's current file and its number in it) and the whole current row, each column with the prefix `_was_`.

The contract holds for rows that stay too. By a full extract, one that stays is also an `update` if a column that left
the contract has a value, or if its `_warnings` are not those of the rules as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from include.lake.delta import (
    FILE,
    LAKE_COLUMNS,
    PLACE,
    RUN_ID,
    WARNINGS,
    StagedFiles,
    TableSchema,
    accepted_rows,
    as_published,
    listed,
    published_rows,
    staged_rows,
)
from include.lake.storage import literal, quote, scan

_WAS = "_was_"
_FILES = "getvariable('files')"


def run_views(
    table_schema: TableSchema, staged: StagedFiles, *, deleted_when: str, gone: str | None, part: range | None = None
) -> dict[str, str]:
    """SELECTs of the views `conformed`, `judged`, `accepted`, and with a key `faulty` and `deleted` (keys).

    `part`: of the rows with these numbers in the extract only.
    """
    keys = listed(table_schema.key)
    is_deleted = f"coalesce(({deleted_when}), false)" if deleted_when else "false"
    faulty = f"SELECT k.* FROM conformed k SEMI JOIN {staged_rows(staged.faults, part)} n USING (_row)"
    views = {
        "conformed": f"FROM {staged_rows(staged.conformed, part)}",
        "judged": f"SELECT *, {is_deleted} AS _is_deleted FROM ({accepted_rows(table_schema, staged, part=part)})",
        "accepted": "SELECT * EXCLUDE (_is_deleted) FROM judged WHERE NOT _is_deleted",
    }
    if table_schema.key:
        views["faulty"] = f"SELECT DISTINCT {keys} FROM ({faulty})"
        views["deleted"] = f"SELECT {keys} FROM judged WHERE _is_deleted"
        if gone is not None:
            views["deleted"] += f" UNION ALL SELECT {keys} FROM {scan(gone)} g ANTI JOIN conformed USING ({keys})"
    return views


def create_views(
    connection: duckdb.DuckDBPyConnection,
    table_schema: TableSchema,
    files: Sequence[str],
    staged: StagedFiles,
    *,
    deleted_when: str,
    gone: str | None,
    published: str = "",
) -> None:
    """Create the views of `run_views`, and `published`: the rows of the table's files, or of the SELECT if given."""
    # Joins carry a file's number with every row; its name would be longer than many rows.
    connection.execute(f"SET VARIABLE files = CAST([{', '.join(map(literal, files))}] AS VARCHAR[])")
    views = run_views(table_schema, staged, deleted_when=deleted_when, gone=gone)
    views["published"] = published or published_rows(connection, table_schema, files)
    for name, query in views.items():
        connection.execute(f"CREATE TEMP VIEW {name} AS {query}")


def of_full(table_schema: TableSchema, *, is_reconciled: bool, judged: str = "") -> str:
    """SELECT of the difference by a full extract, in one pass over both sides; needs all views of `create_views`.

    A key not in the extract is deleted if the contract reconciles; otherwise only one in `deleted` is. `judged`: SQL of
    the `_warnings` of a row that stays; as they are unless given.
    """
    keys = listed(table_schema.key)
    now = "".join(f", a.{quote(name)}" for name in _content(table_schema))
    kept = ", ".join(
        f"CASE WHEN _stays THEN {old_value(name)} ELSE {quote(name)} END AS {quote(name)}"
        for name in _content(table_schema)
    )
    named, stays = "", "f._is_faulty IS NOT NULL"
    if not is_reconciled:
        named = f"LEFT JOIN (SELECT DISTINCT {keys}, true AS _is_deleted FROM deleted) x USING ({keys})"
        stays = "x._is_deleted IS NULL"
    renewed = [f"{old_value(name)} IS NOT NULL" for name, _ in table_schema.dropped]
    renewed += [f"_judged IS DISTINCT FROM {old_value(WARNINGS)}"] if judged else []
    return f"""
        WITH difference AS (
            SELECT {keys}{now}, c.{FILE}, c.{PLACE}, {_was(table_schema)},
                   CASE WHEN a._is_accepted IS NULL THEN 'delete' WHEN c.{FILE} IS NULL THEN 'insert'
                        ELSE 'update' END AS _change
            FROM (SELECT *, true AS _is_accepted FROM accepted) a
            FULL JOIN (SELECT * REPLACE (list_position({_FILES}, {FILE}) AS {FILE}) FROM published) c USING ({keys})
            WHERE a._is_accepted IS NULL OR c.{FILE} IS NULL OR {_differs(table_schema)}
        )
        SELECT * EXCLUDE (_stays, _is_faulty, _judged) REPLACE (
                   CASE WHEN _stays THEN _judged ELSE {WARNINGS} END AS {WARNINGS},
                   list_extract({_FILES}, {FILE}) AS {FILE},
                   unnest(CASE WHEN NOT _stays THEN [_change] ELSE list_concat(
                       CASE WHEN _is_faulty THEN ['retained'] END,
                       CASE WHEN {" OR ".join(renewed) or "false"} THEN ['update'] END) END) AS _change)
        FROM (SELECT *, CASE WHEN _stays THEN ({judged or WARNINGS}) END AS _judged
              FROM (SELECT * REPLACE ({kept})
                    FROM (SELECT d.*, f._is_faulty, d._change = 'delete' AND {stays} AS _stays
                          FROM difference d
                          LEFT JOIN (SELECT *, true AS _is_faulty FROM faulty ANTI JOIN deleted USING ({keys})) f
                          USING ({keys}) {named})))"""


def of_part(connection: duckdb.DuckDBPyConnection, table_schema: TableSchema, cursor: Sequence[str] = ()) -> str:
    """SELECT of the difference by a part of the source's rows: others stay, unless they are in `deleted`.

    `cursor`: columns by which a published row that is newer than the accepted one stays. Needs all views of
    `create_views`; creates table `current` (published rows received) and view `stale` (keys).
    """
    keys = listed(table_schema.key)
    received = f"SELECT {keys} FROM conformed UNION ALL SELECT {keys} FROM deleted"
    connection.execute(f"CREATE TEMP TABLE current AS SELECT * FROM published SEMI JOIN ({received}) USING ({keys})")
    connection.execute(f"CREATE TEMP VIEW stale AS {_stale(table_schema, cursor)}")
    now = "".join(f", a.{quote(name)}" for name in _content(table_schema))
    was = f"{keys}, {FILE}, {PLACE}, {_was(table_schema)}"
    return f"""
        SELECT {keys}{now}, c.{FILE}, c.{PLACE}, {_was(table_schema)},
               CASE WHEN c.{FILE} IS NULL THEN 'insert' ELSE 'update' END AS _change
        FROM (FROM accepted ANTI JOIN stale USING ({keys})) a LEFT JOIN current c USING ({keys})
        WHERE c.{FILE} IS NULL OR {_differs(table_schema)}
        UNION ALL BY NAME
        SELECT {was}, 'delete' AS _change
        FROM current c SEMI JOIN deleted USING ({keys}) ANTI JOIN stale USING ({keys})
        UNION ALL BY NAME
        SELECT {was}, 'retained' AS _change
        FROM current c SEMI JOIN faulty USING ({keys})
        ANTI JOIN accepted USING ({keys}) ANTI JOIN deleted USING ({keys})"""


def rows_to_write(table_schema: TableSchema, uri: str, *, where: str = "_change IN ('insert', 'update')") -> str:
    """SELECT of the rows that a difference writes: contract columns and `_warnings`."""
    return f"SELECT {listed((*table_schema.names, WARNINGS))} FROM {scan(uri)} WHERE {where}"


def rows_to_remove(table_schema: TableSchema, uri: str, *, where: str = "_change IN ('update', 'delete')") -> str:
    """SELECT of the rows that a difference removes, as currently published."""
    rows = ", ".join(f"{old_value(name)} AS {quote(name)}" for name in _columns(table_schema))
    return f"SELECT {rows} FROM {scan(uri)} WHERE {where}"


def changed_columns(connection: duckdb.DuckDBPyConnection, table_schema: TableSchema, uri: str) -> list[str]:
    """Columns in which at least one updated row differs; `_run_id` is always one."""
    names = _columns(table_schema)
    tests = ", ".join(f"coalesce(bool_or({is_new(table_schema, name)}), false)" for name in names)
    found = connection.execute(f"SELECT {tests} FROM {scan(uri)} WHERE _change = 'update'").fetchall()[0]
    return [name for name, is_changing in zip(names, found, strict=True) if is_changing]


def new_value(table_schema: TableSchema, name: str) -> str:
    """SQL, over a difference, of a column's new value."""
    if name == RUN_ID:
        return "getvariable('run_id')"
    dropped = dict(table_schema.dropped).get(name)
    return f"CAST(NULL AS {dropped})" if dropped else quote(name)


def old_value(name: str) -> str:
    """SQL, over a difference, of a column's current value."""
    return quote(_WAS + name)


def is_new(table_schema: TableSchema, name: str) -> str:
    """SQL condition, over a difference: a column's new value differs from the current one."""
    return f"({new_value(table_schema, name)} IS DISTINCT FROM {old_value(name)})"


def feed(table_schema: TableSchema, uri: str) -> str:
    """SELECT of a difference's change feed: whole rows, and Delta's `_change_type`."""

    def change_rows(rows: str, change: str) -> str:
        return f"SELECT *, {literal(change)} AS _change_type FROM ({rows})"

    def of(change: str) -> str:
        return f"_change = {literal(change)}"

    return " UNION ALL BY NAME ".join(
        [
            change_rows(rows_to_remove(table_schema, uri, where=of("update")), "update_preimage"),
            change_rows(
                as_published(table_schema, rows_to_write(table_schema, uri, where=of("update"))), "update_postimage"
            ),
            change_rows(as_published(table_schema, rows_to_write(table_schema, uri, where=of("insert"))), "insert"),
            change_rows(rows_to_remove(table_schema, uri, where=of("delete")), "delete"),
        ]
    )


def _stale(table_schema: TableSchema, cursor: Sequence[str]) -> str:
    """SELECT of the keys whose row in `current` is newer by the cursor than in `accepted`."""
    keys = listed(table_schema.key)
    if not cursor:
        return f"SELECT {keys} FROM current WHERE false"
    return f"SELECT {keys} FROM judged a JOIN current c USING ({keys}) WHERE {later('c', 'a', cursor)}"


def later(left: str, right: str, columns: Sequence[str]) -> str:
    """SQL condition: the left row is greater than the right one by these columns, in order."""
    first, *rest = (quote(name) for name in columns)
    is_later = f"{left}.{first} > {right}.{first}"
    if not rest:
        return is_later
    return f"({is_later} OR ({left}.{first} = {right}.{first} AND {later(left, right, columns[1:])}))"


def _content(table_schema: TableSchema) -> list[str]:
    return [*(name for name in table_schema.names if name not in table_schema.key), WARNINGS]


def _columns(table_schema: TableSchema) -> list[str]:
    return [name for name, _ in (*table_schema.columns, *LAKE_COLUMNS, *table_schema.dropped)]


def _was(table_schema: TableSchema) -> str:
    return ", ".join(f"c.{quote(name)} AS {quote(_WAS + name)}" for name in _columns(table_schema))


def _differs(table_schema: TableSchema) -> str:
    """SQL condition: the accepted row `a` differs from the published row `c`."""
    return " OR ".join(
        [
            *(f"a.{quote(name)} IS DISTINCT FROM c.{quote(name)}" for name in _content(table_schema)),
            *(f"c.{quote(name)} IS NOT NULL" for name, _ in table_schema.dropped),
        ]
    )
