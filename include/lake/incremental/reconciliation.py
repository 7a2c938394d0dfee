"""Exact comparison of a source's keys and cursors with the lake: deleted keys and missed changes.

A row of the lake, published or rejected, is *gone* if the source has no row of its key. A row of the source is a
*missed change* if the lake does not hold it as it is: new, or changed. If the run does not read it by its cursor, it
was written late, or under a clock that ran backwards, or has another key now. The lake holds a row as it is if it is
published, or rejected and still open, with the same key and cursor; or if it is an older version of a key whose newer
version in the source is published, or rejected for a clash (a version that breaks a rule by itself supersedes none).
Rows whose source keys differ from a missed change's but are published under the same key count as missed too.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from deltalake import DeltaTable

from include.contracts.model import Table
from include.lake.delta import TableSchema, last_run_commit, listed, published_rows
from include.lake.incremental.row_checksum import RowSetChecksum, hashed_values
from include.lake.incremental.stored_checksum import checksum_by_sql, stored_checksum_of
from include.lake.rejected import as_json, has_key, open_rejections_of, typed_cursor, typed_key
from include.lake.storage import Lake, lake_errors, literal, quote, scan
from include.lake.upsert import COMPARE_MEMORY, later


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Counts and URIs of the keys that are gone and of the missed changes (row numbers `_row`)."""

    gone: int
    missed_changes: int
    gone_uri: str
    missed_changes_uri: str


def reconcile(lake: Lake, table: Table, *, conformed_keys: str, folder: str) -> Reconciled | None:
    """Compare all keys and cursors of the source with the lake; None if the table was never published.

    Args:
        lake: where the table is.
        table: the contract's table; it has a primary key.
        conformed_keys: URI of a Parquet with the published key and cursor columns of every row of the source, made by
            the contract's expressions, `_row`, and `_raw_key` (a hash of the key as received, null if it is the same).
        folder: URI of the folder for the results.
    """
    uri = lake.registry_table(table.registry, table.name)
    if not lake.is_table(uri):
        return None
    files, table_schema = lake.table(uri).file_uris(), _key_and_cursor(table)
    gone_uri, missed_changes_uri = f"{folder}/gone.parquet", f"{folder}/strays.parquet"
    with lake_errors(f"reconciling {table.qualified_name}"):
        opened = _open_rows(lake, table, f"{folder}/open.parquet")
        with lake.connect(memory_limit=COMPARE_MEMORY) as connection:
            columns = ", ".join(
                f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in table_schema.columns
            )
            connection.execute(
                f"CREATE TEMP VIEW source AS SELECT {columns}, _row, _raw_key FROM {scan(conformed_keys)}"
            )
            # Left out of the view: a join would carry the file name, the longest column.
            rows = published_rows(connection, table_schema, files, with_file=False)
            connection.execute(f"CREATE TEMP VIEW published AS SELECT *, true AS _is_published FROM ({rows})")
            _find_differences(connection, table)
            gone = f"SELECT {listed(table.primary_key)} FROM apart WHERE _row IS NULL{_withdrawn(table, opened)}"
            missed_changes = _select_missed_changes(connection, table, opened)
            if _misses_one_without_key(connection, table, opened):
                whole = as_json(table.primary_key, "s", whole=True)
                nothing = ", ".join(f"CAST(NULL AS {table.column(name).sql_type})" for name in table.primary_key)
                gone += f" UNION ALL SELECT {nothing}"
                missed_changes += f" UNION SELECT _row FROM source s WHERE {whole} IS NULL"
            return Reconciled(
                gone=_write(connection, gone, gone_uri),
                missed_changes=_write(connection, missed_changes, missed_changes_uri),
                gone_uri=gone_uri,
                missed_changes_uri=missed_changes_uri,
            )


def lake_checksum(lake: Lake, table: Table, *, folder: str, received: str) -> RowSetChecksum | None:
    """Row-set checksum of the lake's rows (published, or rejected and open) without those received; None if undefined.

    If the source has exactly these and the received rows, no change was missed and no row is gone.

    It is undefined while a rejected row without a readable key is open.

    Args:
        lake: where the table is.
        table: the contract's table; it was published.
        folder: URI of the folder for the results.
        received: URI of a Parquet with the published keys of the rows that a run received.
    """
    delta, table_schema, values = _published(lake, table), _key_and_cursor(table), hashed_values(table)
    if values is None:
        return None
    keys, names = listed(table_schema.key), listed(table_schema.names)
    with lake_errors(f"reconciling {table.qualified_name}"):
        of_all = stored_checksum_of(last_run_commit(delta), table)
        opened = _open_rows(lake, table, f"{folder}/open.parquet")
        with lake.connect(memory_limit=COMPARE_MEMORY) as connection:
            of = checksum_by_sql(connection, values)
            published = (
                f"SELECT {names} FROM ({published_rows(connection, table_schema, delta.file_uris(), with_file=False)})"
            )
            apart = f"SELECT {keys} FROM {scan(received)}"
            rejected: RowSetChecksum | None = RowSetChecksum(0, 0)
            doubtful = "_key IS NULL OR _elsewhere"
            if opened and connection.execute(f"FROM {scan(opened)} WHERE {doubtful} LIMIT 1").fetchall():
                return None  # a checksum of keys cannot contain a row without one, or say what another server has
            if opened:  # the source holds a key's latest, rejected row, not the published one
                typed = dict((*typed_cursor(table), *typed_key(table)))
                columns = ", ".join(f"{typed[quote(name)]} AS {quote(name)}" for name in table_schema.names)
                rows = f"SELECT DISTINCT {columns} FROM {scan(opened)} WHERE _key IS NOT NULL"
                connection.execute(f"CREATE TEMP TABLE rejected AS {rows}")
                same = " AND ".join(f"k.{name} IS NOT DISTINCT FROM n.{name}" for name in map(quote, table_schema.key))
                apart += f" UNION ALL SELECT {keys} FROM rejected"
                rejected = of(f"SELECT {names} FROM rejected k ANTI JOIN {scan(received)} n ON {same}")
            if of_all is None:
                others = of(f"{published} ANTI JOIN ({apart}) USING ({keys})")
            else:
                left_out = of(f"{published} SEMI JOIN ({apart}) USING ({keys})")
                others = None if left_out is None else of_all - left_out
            return None if others is None or rejected is None else others + rejected


def _published(lake: Lake, table: Table) -> DeltaTable:
    return lake.table(lake.registry_table(table.registry, table.name))


def _key_and_cursor(table: Table) -> TableSchema:
    """Key columns, then cursor columns, each once."""
    names = dict.fromkeys((*table.primary_key, *table.extract.cursor))
    return TableSchema(tuple((name, table.column(name).sql_type) for name in names), table.primary_key)


def _find_differences(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create table `apart`: the rows that are on one side only or differ by the cursor, in one pass over both."""
    keys, cursor = listed(table.primary_key), table.extract.cursor
    differs = " OR ".join(f"s.{quote(name)} IS DISTINCT FROM c.{quote(name)}" for name in cursor) or "false"
    others = "".join(f", s.{quote(name)}" for name in cursor if name not in table.primary_key)
    connection.execute(
        f"CREATE TEMP TABLE apart AS "
        f"SELECT {keys}{others}, s._row FROM source s FULL JOIN published c USING ({keys}) "
        f"WHERE s._row IS NULL OR c._is_published IS NULL OR {differs}"
    )


def _select_missed_changes(connection: duckdb.DuckDBPyConnection, table: Table, opened: str) -> str:
    """SELECT of missed changes: rows of `apart` that no open rejection explains, and rows that replaced rejected ones.

    A rejected row whose cursor its key no longer has is gone from the source. The other rows of its key are read
    again, which closes it: else a new row with that cursor would pass for the rejected one.
    """
    connection.execute("CREATE TEMP VIEW candidate AS SELECT * FROM apart WHERE _row IS NOT NULL")
    if not opened and not connection.execute("FROM candidate LIMIT 1").fetchall():
        return "SELECT _row FROM candidate"
    keys, cursor = listed(table.primary_key), table.extract.cursor
    key, moment = as_json(table.primary_key, "s", whole=True), as_json(cursor, "s")
    is_known = clashes = "false"
    taken_back = ""
    if opened:
        typed = ", ".join(f"{value} AS {name}" for name, value in typed_key(table))
        connection.execute(f"CREATE TEMP TABLE rejected AS SELECT *, {typed} FROM {scan(opened)}")
        connection.execute(f"CREATE TEMP TABLE of_rejected AS FROM source SEMI JOIN rejected USING ({keys})")
        same = f"r._key IS NOT DISTINCT FROM {key} AND r._cursor IS NOT DISTINCT FROM {moment} AND NOT r._elsewhere"
        is_known = f"EXISTS (FROM rejected r WHERE {same})"
        clashes = f"EXISTS (FROM rejected r WHERE {same} AND r._clashes)"
        stale = f"SELECT {keys} FROM rejected r WHERE _key IS NOT NULL"
        stale += f" AND NOT EXISTS (FROM of_rejected s WHERE {same})"
        taken_back = f" UNION SELECT _row FROM of_rejected SEMI JOIN ({stale}) USING ({keys})"
    # Every source row with a candidate's key: whether the lake holds it, and whether it supersedes others.
    connection.execute(
        f"CREATE TEMP TABLE sibling AS "
        f"SELECT s.*, a._row IS NULL OR {is_known} AS _is_known, a._row IS NULL OR {clashes} AS _supersedes "
        f"FROM (FROM source SEMI JOIN candidate USING ({keys}) UNION BY NAME "
        f"      FROM candidate) s LEFT JOIN apart a ON a._row = s._row"
    )
    missed_changes = "SELECT s._row FROM sibling s SEMI JOIN candidate USING (_row) WHERE NOT s._is_known"
    if cursor:
        same_key = " AND ".join(f"n.{quote(name)} = s.{quote(name)}" for name in table.primary_key)
        newer = f"FROM sibling n WHERE n._supersedes AND {same_key} AND {later('n', 's', cursor)}"
        missed_changes += f" AND NOT EXISTS ({newer})"
    # All rows of source keys that are published as one key are read, so that the split sees the clash.
    unknown = f"SELECT {keys} FROM candidate SEMI JOIN ({missed_changes}) USING (_row)"
    alike = f"FROM source SEMI JOIN ({unknown}) USING ({keys})"
    clashing = f"SELECT {keys} {alike} GROUP BY ALL HAVING count(DISTINCT coalesce(_raw_key, 0)) > 1"
    clashes = f" UNION SELECT _row {alike} SEMI JOIN ({clashing}) USING ({keys})"
    return missed_changes + taken_back + clashes


def _withdrawn(table: Table, opened: str) -> str:
    """UNION SELECT of keys that have only open rejections and are gone from the source."""
    if not opened:
        return ""
    keys = listed(table.primary_key)
    values = ", ".join(f"{value} AS {name}" for name, value in typed_key(table))
    kept = f"SELECT {values} FROM {scan(opened)} WHERE _key IS NOT NULL"
    same = " AND ".join(f"k.{quote(name)} IS NOT DISTINCT FROM s.{quote(name)}" for name in table.primary_key)
    return f" UNION SELECT {keys} FROM ({kept}) k ANTI JOIN source s ON {same}"


def _misses_one_without_key(connection: duckdb.DuckDBPyConnection, table: Table, opened: str) -> bool:
    """Whether an open row without a readable key is gone from the source, or one came, by their number at each cursor.

    The key cannot identify it: so all such rows of the source are read again, and those not received are gone.
    """
    if not opened:
        return False
    key, moment = as_json(table.primary_key, "s", whole=True), as_json(table.extract.cursor, "s")
    here = f"SELECT {moment} AS _cursor, count(*) AS rows FROM source s WHERE {key} IS NULL GROUP BY 1"
    is_known = f"SELECT _cursor, sum(_rows) AS rows FROM {scan(opened)} WHERE _key IS NULL GROUP BY 1"
    apart = f"FROM ({is_known}) k LEFT JOIN ({here}) h ON k._cursor IS NOT DISTINCT FROM h._cursor"
    return bool(connection.execute(f"{apart} WHERE h.rows IS DISTINCT FROM k.rows LIMIT 1").fetchall())


def _open_rows(lake: Lake, table: Table, uri: str) -> str:
    """Write the open rejected rows' `_key`, `_cursor`, `_clashes` (they break nothing but set rules) and their number.

    `_elsewhere`: another server has published the key, so whether it still has is looked at every time. Returns the
    URI; empty if there are none.
    """
    rejected = lake.rejected_table(table.registry, table.name)
    if not lake.is_table(rejected):
        return ""
    if not {"_life", "_key", "_cursor", "_reasons"} <= {field.name for field in lake.table(rejected).schema().fields}:
        return ""
    with open_rejections_of(lake, table) as opened:
        if opened is None or not opened.files:
            return ""
        of_sets = ", ".join(literal(rule.rule_id) for rule in table.rules if rule.scope == "set") or "NULL"
        others = f"list_filter(_reasons, lambda r: (r['rule_id'] IN ({of_sets})) IS NOT TRUE)"
        is_elsewhere = f"len(list_filter(_reasons, lambda r: r['rule_id'] = {literal(table.server_rule_id)})) > 0"
        open_rows = (
            f"SELECT CASE WHEN {has_key(table)} THEN _key END AS _key, _cursor, len({others}) = 0 AS _clashes, "
            f"{is_elsewhere} AS _elsewhere, count(*) AS _rows FROM opened GROUP BY ALL"
        )
        _write(opened.connection, open_rows, uri)
    return uri


def _write(connection: duckdb.DuckDBPyConnection, query: str, uri: str) -> int:
    """Write the rows of a query as Parquet; returns their number."""
    written = connection.execute(f"COPY ({query}) TO {literal(uri)} (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(written[0]) if written else 0
