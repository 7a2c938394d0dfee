"""The rows that were not accepted: how many by reason and age, the rows themselves, and judging them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from include.contracts.model import Table
from include.lake.errors import lake_errors
from include.lake.reading import view
from include.lake.state import last_commit
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.sync import Approval, Facts, assess_and_publish
from include.pipelines.workplace import Workplace
from include.sources.landing import RECORD, Extract


def list_rejected(workplace: Workplace, registry: str, tables: Sequence[str] = ()) -> list[Facts]:
    """Open reasons of the run that made the published state: one entry per table and rule, most rows first.

    Each entry has `table`, `rule_id`, `column`, `message`, `rows`, `run_id` and `since` (when that run began).
    """
    found: list[Facts] = []
    for table in _tables(workplace, registry, tables):
        state = last_commit(workplace.lake, table)
        if state is None or not workplace.lake.is_table(_uri(workplace, table)):
            continue
        sql = """
            SELECT reason.rule_id, any_value(reason.column), any_value(reason.message), count(*), min(_rejected_at)
            FROM (
                SELECT unnest(_reasons) AS reason, _rejected_at FROM rejected
                WHERE _status = 'rejected'
            )
            GROUP BY 1 ORDER BY 4 DESC, 1
        """
        for rule_id, column, message, rows, since in _query(workplace, table, state.run_id, sql):
            found.append(
                {
                    "table": table.name,
                    "rule_id": rule_id,
                    "column": column,
                    "message": message,
                    "rows": rows,
                    "run_id": state.run_id,
                    "since": since.isoformat(),
                }
            )
    return found


def show_rejected(
    workplace: Workplace, registry: str, table: str, *, rule_id: str | None, limit: int, with_values: bool
) -> list[Facts]:
    """Rejected rows of the published state's run: where each stands in its extract, and all its reasons.

    `with_values` adds the row as received: personal data, for the steward's eyes only.
    """
    spec = workplace.table(registry, table)[1]
    state = last_commit(workplace.lake, spec)
    if state is None or not workplace.lake.is_table(_uri(workplace, spec)):
        return []
    columns = "*" if with_values else "_row, _status, _reasons, _rejected_at"
    chosen = "$rule IS NULL OR list_contains(list_transform(_reasons, lambda r: r.rule_id), $rule)"
    sql = f"SELECT {columns} FROM rejected WHERE {chosen} ORDER BY _row LIMIT $limit"
    rows = _query(workplace, spec, state.run_id, sql, names=True, rule=rule_id, limit=limit)
    return [dict(row) for row in rows]


def replay(
    workplace: Workplace, registry: str, *, tables: Sequence[str], run_id: str, approval: Approval | None
) -> Facts:
    """Judge the last landed extract again under the contract as it is now, without touching the source."""
    results = []
    for table in _tables(workplace, registry, tables):
        with no_values_escape(f"replaying {table.qualified_name}"):
            landed = _last_landing(workplace, table)
            folder = workplace.lake.landing_path(registry, table.name, run_id)
            again = replace(landed, run_id=run_id)
            workplace.lake.write_text(f"{folder}/{RECORD}", json.dumps(again.to_dict(), ensure_ascii=False))
            extracted = {
                "registry": registry,
                "table": table.name,
                "run_id": run_id,
                "verdict": "extracted",
                "extracted": landed.rows,
                "started_at": workplace.now().isoformat(),
            }
        results.append(assess_and_publish(extracted, approval, workplace=workplace))
    verdict = "held" if any(r["verdict"] == "held" for r in results) else "published"
    return {"run_id": run_id, "registry": registry, "verdict": verdict, "tables": results}


def _last_landing(workplace: Workplace, table: Table) -> Extract:
    state = last_commit(workplace.lake, table)
    if state is not None:
        folder = workplace.lake.landing_path(table.registry, table.name, state.run_id)
        try:
            return Extract.from_dict(json.loads(workplace.lake.read_text(f"{folder}/{RECORD}")))
        except FileNotFoundError:
            pass
    raise Misuse(
        f"the last extract of {table.qualified_name} is not in landing/ (never synced, or past its retention): "
        f"run `lienthong sync {table.registry} --full`"
    )


def _tables(workplace: Workplace, registry: str, names: Sequence[str]) -> list[Table]:
    if names:
        return [workplace.table(registry, name)[1] for name in names]
    return list(workplace.contract(registry).tables)


def _uri(workplace: Workplace, table: Table) -> str:
    return workplace.lake.rejected_table(table.registry, table.name)


def _query(
    workplace: Workplace, table: Table, run_id: str, sql: str, *, names: bool = False, **values: Any
) -> list[Any]:
    connection = workplace.lake.connect()
    try:
        view(workplace.lake, connection, "rejected", _uri(workplace, table), _run_id=run_id)
        with lake_errors(f"reading the rejected rows of {table.qualified_name}"):
            result = connection.execute(sql, values)
            columns = [described[0] for described in result.description]
            rows = result.fetchall()
    finally:
        connection.close()
    return [dict(zip(columns, row, strict=True)) for row in rows] if names else rows
