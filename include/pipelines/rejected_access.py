"""Rejected rows for people: by rule, by age, a page at a time; their values only with an entry in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from include.audit import ledger
from include.audit.record import Record
from include.contracts.model import Table
from include.lake.errors import lake_errors
from include.lake.reading import view
from include.lake.rejected import RESERVED
from include.lake.state import last_commit
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.workplace import Workplace

AGES = (1, 7, 30, 90)
"""Where one age ends and the next begins, in days since a row's key was first rejected."""

VALUES_AT_ONCE = 20
MAX_PURPOSE = 300

# A row whose key could not be read cannot be found in earlier runs: its age is the run's.
_BY_AGE = """
    WITH open AS (SELECT _key, _rejected_at FROM rejected WHERE _run_id = $run AND _status = 'rejected'),
         first AS (
             SELECT _key, min(_rejected_at) AS since FROM rejected
             WHERE _status = 'rejected' AND _key IN (SELECT _key FROM open WHERE _key IS NOT NULL) GROUP BY _key
         )
    SELECT date_diff('second', coalesce(since, _rejected_at), $at::TIMESTAMPTZ) / 86400.0 AS days
    FROM open LEFT JOIN first USING (_key)
"""

_BY_RULE = """
    SELECT reason.rule_id, any_value(reason.column), any_value(reason.message), count(*)
    FROM (SELECT unnest(_reasons) AS reason FROM rejected WHERE _run_id = $run AND _status = 'rejected')
    GROUP BY 1 ORDER BY 4 DESC, 1
"""

_CHOSEN = """
    _run_id = $run AND _status = 'rejected'
    AND ($rule IS NULL OR list_contains(list_transform(_reasons, lambda r: r.rule_id), $rule))
"""


@dataclass(frozen=True, slots=True)
class OpenReason:
    """A rule and how many rows of the published state's run it rejected. `since`: the first run of its streak."""

    rule_id: str
    column: str
    message: str
    rows: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class RejectedState:
    """What is rejected of a table now. `ages`: rows up to each of AGES days, and a last figure for older ones."""

    run_id: str
    at: datetime | None
    rows: int
    reasons: tuple[OpenReason, ...]
    ages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row by its number in the extract, with its reasons. `values`, as received, only for who may read them."""

    number: int
    reasons: tuple[Mapping[str, str], ...]
    values: Mapping[str, str | None] | None = None


def rejected_state(place: Workplace, table: Table, *, at: datetime) -> RejectedState | None:
    """What is rejected of a table; None if it was never published, or nothing of it was ever rejected."""
    state = last_commit(place.lake, table)
    if state is None:
        return None
    with _rejected(place, table) as connection:
        if connection is None:
            return None
        with lake_errors(f"reading the rejected rows of {table.qualified_name}"):
            counted = connection.execute(_BY_RULE, {"run": state.run_id}).fetchall()
            bounds = ", ".join(f"count(*) FILTER (days < {days})" for days in AGES)
            ages = connection.execute(
                f"SELECT {bounds}, count(*) FROM ({_BY_AGE})", {"run": state.run_id, "at": at}
            ).fetchone() or (0,) * (len(AGES) + 1)
    since = _streaks(place, table)
    reasons = tuple(
        OpenReason(rule_id, column or "", message or "", rows, since.get(rule_id))
        for rule_id, column, message, rows in counted
    )
    buckets = tuple(count - before for count, before in zip(ages, (0, *ages), strict=False))
    began = state.metadata.get("at")
    return RejectedState(state.run_id, datetime.fromisoformat(began) if began else None, ages[-1], reasons, buckets)


def rejected_rows(
    place: Workplace, table: Table, run_id: str, *, rule_id: str | None, limit: int, offset: int
) -> tuple[RejectedRow, ...]:
    """Rejected rows of a run: numbers and reasons, no value."""
    return _page(place, table, run_id, "_row, _reasons", rule_id, limit, offset)


def read_values(
    place: Workplace, table: Table, run_id: str, *, rule_id: str | None, offset: int, reader: str, purpose: str
) -> tuple[RejectedRow, ...]:
    """The same with the rows as received, at most VALUES_AT_ONCE, for a reader who may and says what for.

    The ledger has an entry (kind `export`) before the first value is handed out: who, when, which rows, what for.
    If it cannot be written, nothing is handed out.

    Raises:
        Misuse: no purpose is given.
    """
    purpose = " ".join(purpose.split())[:MAX_PURPOSE]
    if not purpose:
        raise Misuse("say what the values are needed for: it is kept in the ledger")
    with no_values_escape(f"reading the rejected rows of {table.qualified_name}"):
        rows = _page(place, table, run_id, "*", rule_id, VALUES_AT_ONCE, offset)
        payload = {
            "run_id": run_id,
            "rule_id": rule_id or "",
            "rows": len(rows),
            "first_row": rows[0].number if rows else None,
            "last_row": rows[-1].number if rows else None,
            "purpose": purpose,
        }
        record = Record("export", f"rejected/{table.registry}/{table.name}", payload)
        ledger.append(place.lake, [record], at=place.now(), actor=reader)
    return rows


def _page(
    place: Workplace, table: Table, run_id: str, columns: str, rule_id: str | None, limit: int, offset: int
) -> tuple[RejectedRow, ...]:
    with _rejected(place, table, _run_id=run_id) as connection:
        if connection is None:
            return ()
        sql = f"SELECT {columns} FROM rejected WHERE {_CHOSEN} ORDER BY _row LIMIT $limit OFFSET $offset"
        values = {"run": run_id, "rule": rule_id, "limit": limit, "offset": offset}
        with lake_errors(f"reading the rejected rows of {table.qualified_name}"):
            cursor = connection.execute(sql, values)
            names = [described[0] for described in cursor.description or []]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return tuple(_row(row) for row in found)


def _row(row: dict[str, Any]) -> RejectedRow:
    received = {name: value for name, value in row.items() if name not in RESERVED}
    return RejectedRow(row["_row"], tuple(row["_reasons"] or ()), received or None)


def _streaks(place: Workplace, table: Table) -> dict[str, datetime]:
    """Since when each rule has been broken without a pause, by the runs on record."""
    uri = place.lake.audit_table("checks")
    if not place.lake.is_table(uri):
        return {}
    sql = """
        WITH counted AS (
            SELECT rule_id, "at", violations > 0 AS broken FROM checks WHERE registry = $registry AND "table" = $table
        )
        SELECT rule_id, min("at") FROM counted LEFT JOIN
               (SELECT rule_id, max("at") AS held_at FROM counted WHERE NOT broken GROUP BY rule_id) USING (rule_id)
        WHERE broken AND ("at" > held_at OR held_at IS NULL) GROUP BY rule_id
    """
    connection = place.lake.connect(memory_limit="512MB")
    try:
        view(place.lake, connection, "checks", uri)
        with lake_errors("reading the evidence"):
            found = connection.execute(sql, {"registry": table.registry, "table": table.name}).fetchall()
    finally:
        connection.close()
    return {rule_id: since.astimezone(UTC) for rule_id, since in found}


@contextmanager
def _rejected(place: Workplace, table: Table, **partition: str) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A connection with the view `rejected`; None if there is no such table."""
    uri = place.lake.rejected_table(table.registry, table.name)
    if not place.lake.is_table(uri):
        yield None
        return
    connection = place.lake.connect(memory_limit="512MB")
    try:
        view(place.lake, connection, "rejected", uri, **partition)
        yield connection
    finally:
        connection.close()
