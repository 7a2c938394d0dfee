"""Access to open rejected rows: one page at a time, values only after an entry in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.contracts.model import DRIFT_FLAG, Table
from include.lake.rejected import REJECTION_COLUMNS, open_rejections_of
from include.lake.storage import lake_errors
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, note_look
from include.pipelines.errors import no_values_escape

VALUES_AT_ONCE = 20

_CHOSEN = (
    "($rule IS NULL OR list_contains(list_transform(_reasons, lambda r: r['rule_id']), $rule)) "
    "AND ($run IS NULL OR _run_id = $run)"
)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row by its number in the extract of a run, with its reasons. `values`, as received, only for who may read."""

    run_id: str
    number: int
    since: datetime
    reasons: tuple[Mapping[str, str], ...]
    values: Mapping[str, str | None] | None = None


def rejected_rows(
    context: PipelineContext, table: Table, *, rule_id: str | None, run_id: str | None = None, limit: int, offset: int
) -> tuple[RejectedRow, ...]:
    """Open rows of all runs or of one, the oldest first: where each stands and why; no value."""
    return _page(context, table, "_run_id, _row, _since, _reasons", rule_id, run_id, limit, offset)


def count_rejected(context: PipelineContext, table: Table, *, rule_id: str | None, run_id: str) -> int:
    """How many rows that a run rejected are open."""
    with no_values_escape("counting what a run rejected"), open_rejections_of(context.lake, table) as opened:
        if opened is None:
            return 0
        with lake_errors(f"reading the rejected rows of {table.qualified_name}"):
            sql = f"SELECT count(*) FROM opened WHERE {_CHOSEN}"
            return int(opened.connection.execute(sql, {"rule": rule_id, "run": run_id}).fetchall()[0][0])


def read_values(
    context: PipelineContext,
    table: Table,
    *,
    rule_id: str | None,
    run_id: str | None = None,
    offset: int,
    reader: str,
    purpose: str,
) -> tuple[RejectedRow, ...]:
    """The same with the rows as received, at most VALUES_AT_ONCE, for a reader who may and says what for.

    The ledger has an entry (kind `export`) before the first value is handed out: who, when, which rows, what for.
    If it cannot be written, nothing is handed out.

    Raises:
        Misuse: no purpose is given.
    """
    look = Look.of(reader, purpose)
    with no_values_escape(f"reading the rejected rows of {table.qualified_name}"):
        rows = _page(context, table, "* EXCLUDE (_file)", rule_id, run_id, VALUES_AT_ONCE, offset)
        note_rejected_look(context, table, look, rule_id=rule_id, rows=[(row.run_id, row.number) for row in rows])
    return rows


def note_rejected_look(
    context: PipelineContext, table: Table, look: Look, *, rule_id: str | None, rows: Sequence[tuple[str, int]]
) -> None:
    """That somebody is shown rejected rows as received: which, as (run id, number in its extract)."""
    read: dict[str, list[int]] = {}
    for run_id, number in rows:
        read.setdefault(run_id, []).append(number)
    subject = f"rejected/{table.registry}/{table.name}"
    note_look(context, subject, look, rule_id=rule_id or "", rows=len(rows), read=read)


def _page(
    context: PipelineContext,
    table: Table,
    columns: str,
    rule_id: str | None,
    run_id: str | None,
    limit: int,
    offset: int,
) -> tuple[RejectedRow, ...]:
    with open_rejections_of(context.lake, table) as opened:
        if opened is None:
            return ()
        sql = f"SELECT {columns} FROM opened WHERE {_CHOSEN} ORDER BY _since, _run_id, _row LIMIT $limit OFFSET $offset"
        with lake_errors(f"reading the rejected rows of {table.qualified_name}"):
            given = {"rule": rule_id, "run": run_id, "limit": limit, "offset": offset}
            cursor = opened.connection.execute(sql, given)
            names = [described[0] for described in cursor.description or []]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return tuple(_row(row) for row in found)


def _row(row: dict[str, Any]) -> RejectedRow:
    received = {name: value for name, value in row.items() if name not in (*REJECTION_COLUMNS, DRIFT_FLAG)}
    return RejectedRow(row["_run_id"], row["_row"], row["_since"], tuple(row["_reasons"] or ()), received or None)
