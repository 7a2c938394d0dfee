"""Outcomes of open rejections after a run: the new `_life` of each open row, as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from include.contracts.model import Table
from include.lake.delta import FILE, StagedFiles, view_of
from include.lake.rejected.open_rejections import (
    OPEN,
    REPLAYED,
    RESERVED_COLUMNS,
    SUPERSEDED,
    WITHDRAWN,
    OpenRejections,
    has_key,
    live_rejected_files,
    typed_cursor,
    typed_key,
)
from include.lake.rejected.relations import OPENED, OWN, SETTLED
from include.lake.rejected.replay_source import ORIGIN, origin_uri
from include.lake.storage import Lake, literal, quote, scan
from include.lake.upsert import Mode

_REASONS = 'STRUCT(rule_id VARCHAR, "column" VARCHAR, message VARCHAR)[]'


@dataclass(frozen=True, slots=True)
class Closing:
    """Parameters of one run's closing; `gone` is the URI of a Parquet of published keys deleted at the source."""

    lake: Lake
    table: Table
    run_id: str
    at: datetime
    mode: Mode
    staged: StagedFiles
    gone: str | None

    @property
    def uri(self) -> str:
        """URI of the table of rejected rows."""
        return self.lake.rejected_table(self.table.registry, self.table.name)

    @property
    def transaction(self) -> str:
        """Delta application transaction of the closing commit: a run closes once."""
        return f"closed/{self.run_id}"


def decide_outcomes(closing: Closing, opened: OpenRejections) -> dict[str, int]:
    """Create table SETTLED from view OPENED; returns rows by new `_life`. Also creates OWN."""
    connection = opened.connection
    own = [file.uri for file in live_rejected_files(opened.delta) if file.run_id == closing.run_id]
    view_of(connection, OWN, opened.delta, own)
    query = _of_replay(closing) if closing.mode == "replay" else _of_sync(closing, connection)
    connection.execute(
        f"CREATE TEMP TABLE {SETTLED} AS SELECT q.*, o.{FILE} AS _of_file FROM ({query}) q "
        f"JOIN {OPENED} o ON o._run_id = q._of_run AND o._row = q._of_row "
        f"WHERE q._new_life <> {literal(OPEN)} OR q._new_reasons IS DISTINCT FROM o._reasons"
    )
    counted = connection.execute(f"SELECT _new_life, count(*) FROM {SETTLED} GROUP BY 1").fetchall()
    return {life: rows for life, rows in counted if life != OPEN}


def _of_sync(closing: Closing, connection: duckdb.DuckDBPyConnection) -> str:
    """SELECT of the new life of each row of OPENED after a sync, by received and by gone keys; needs OWN."""
    table, keys, cursors = closing.table, typed_key(closing.table), typed_cursor(closing.table)
    is_full = closing.mode == "full"
    typed = "".join(f", {sql} AS k{i}" for i, (_, sql) in enumerate(keys))
    typed += "".join(f", {sql} AS c{i}" for i, (_, sql) in enumerate(cursors))
    connection.execute(
        f"CREATE TEMP TABLE waiting AS SELECT _run_id, _row, {has_key(table)} AS _has_key{typed} FROM {OPENED}"
    )
    if not keys:
        return _settled("waiting", SUPERSEDED) if is_full else _settled("waiting WHERE false", SUPERSEDED)
    of_key = f"{_same(keys, 'c')} WHERE w._has_key"
    if closing.mode == "backfill" and cursors:  # a window may hold an older version, which supersedes none
        waits = ", ".join(f"w.c{i}" for i in range(len(cursors)))
        of_key += f" AND (({waits}) > ({', '.join(f'c.{name}' for name, _ in cursors)})) IS NOT TRUE"
    connection.execute(
        f"CREATE TEMP TABLE received AS SELECT DISTINCT w._run_id, w._row FROM waiting w "
        f"JOIN {scan(closing.staged.conformed)} c ON {of_key}"
    )
    again = "(FROM waiting SEMI JOIN received USING (_run_id, _row))"
    others = "(FROM waiting ANTI JOIN received USING (_run_id, _row))"
    parts = [_settled(again, SUPERSEDED)]
    if is_full and table.extract.deletes == "reconcile":
        parts.append(_settled(f"{others} WHERE _has_key", WITHDRAWN))
        parts.append(_settled(f"{others} WHERE NOT _has_key", SUPERSEDED))
        return " UNION ALL ".join(parts)
    connection.execute(f"CREATE TEMP TABLE same_again AS {_of_same_rows(table, connection)}")
    parts.append("FROM same_again")
    if closing.gone is not None:  # a null key stands for rows without a readable key that were not received
        gone = f"(FROM {others} w SEMI JOIN {scan(closing.gone)} g ON {_same(keys, 'g')})"
        again = "o._of_run = w._run_id AND o._of_row = w._row"
        parts.append(_settled(f"{gone} w ANTI JOIN same_again o ON {again}", WITHDRAWN))
    return " UNION ALL ".join(parts)


def _of_same_rows(table: Table, connection: duckdb.DuckDBPyConnection) -> str:
    """SELECT of the rows of OPENED without a readable key that are in OWN with the same cells."""
    described = connection.execute(f"DESCRIBE {OPENED}").fetchall()
    received = [quote(name) for name, *_ in described if name not in RESERVED_COLUMNS]
    row, keyless = f"struct_pack({', '.join(f'{name} := {name}' for name in received)})", f"NOT ({has_key(table)})"
    own = f"SELECT {row} AS content FROM {OWN} WHERE _status = 'rejected' AND {keyless}"
    keyless = f"(SELECT _run_id, _row, {row} AS content FROM {OPENED} WHERE {keyless})"
    return _settled(f"{keyless} k SEMI JOIN ({own}) USING (content)", SUPERSEDED)


def _of_replay(closing: Closing) -> str:
    """SELECT of the new life of each row that this replay judged."""
    origin = origin_uri(closing.lake, closing.table, closing.run_id)
    return f"""
        SELECT o.{ORIGIN[0]} AS _of_run, o.{ORIGIN[1]} AS _of_row,
               CASE WHEN o._row IS NULL OR f._outcome = 'superseded' THEN {literal(SUPERSEDED)}
                    WHEN f._outcome IS NULL THEN {literal(REPLAYED)} ELSE {literal(OPEN)} END AS _new_life,
               f._reasons AS _new_reasons
        FROM {scan(origin)} o LEFT JOIN {scan(closing.staged.faults)} f ON o._row = f._row"""


def _settled(rows: str, life: str) -> str:
    no_reasons = f"CAST(NULL AS {_REASONS})"
    return (
        f"SELECT _run_id AS _of_run, _row AS _of_row, {literal(life)} AS _new_life, {no_reasons} AS _new_reasons "
        f"FROM {rows}"
    )


def _same(keys: Sequence[tuple[str, str]], relation: str) -> str:
    """SQL condition: an open row `w` has the key of a row of `relation`."""
    return " AND ".join(f"w.k{i} IS NOT DISTINCT FROM {relation}.{name}" for i, (name, _) in enumerate(keys))
