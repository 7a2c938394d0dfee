"""Relationships between published tables: counts of references that lead nowhere.

A reference that leads nowhere rejects nobody: the other register may simply be late. It is counted, under the rule id
`<registry>.<table>.<columns>.relationship`, so that the report shows which registers do not fit. One that leads to a
row that we hold among the open rejections is counted apart, under that id and `.rejected-target`: the other register
has the row, and its owner can mend it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from include.contracts.model import Relationship, Table
from include.contracts.yaml_files import ContractError
from include.lake import run_log
from include.lake.delta import view
from include.lake.rejected import open_rejections_of, typed_key
from include.lake.run_log import CROSS_CHECKS, REJECTED_TARGET
from include.lake.storage import create_temp_table, lake_errors, quote
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse, no_values_escape
from include.telemetry import step


@dataclass(frozen=True)
class Fit:
    """How many live `rows` state the reference, and how many of them lead nowhere (`orphans`).

    `refused`: of others, how many lead to a row that is rejected and open. None where no rejected row says what it is
    referred to by, as that is not its key.
    """

    rule_id: str
    relationship: Relationship
    rows: int
    orphans: int
    refused: int | None

    def to_dict(self) -> dict[str, str | int | None]:
        """The counts as plain values, for XCom."""
        return {"rule_id": self.rule_id, "rows": self.rows, "orphans": self.orphans, "refused": self.refused}


@step("relationships")
def relationships_step(registry: str, run_id: str, *, context: PipelineContext | None = None) -> list[Fit]:
    """Measure the relationships that a change of a registry may change, and keep the counts in `audit/checks`.

    They are its own, and those of other registries that lead into it: a row that came or went here may be what theirs
    was looking for. Both ends are published.
    """
    context = context or PipelineContext.from_environment()
    found: list[Fit] = []
    with no_values_escape(f"following the relationships of {registry}"):
        others, _ = context.readable
        for contract in (context.contract(registry), *(c for name, c in others.items() if name != registry)):
            for table in contract.tables:
                fits = measure(context, table, into=None if contract.registry == registry else registry)
                if fits:
                    _record(context, table, run_id, fits)
                found += fits
        if found:
            record_commits(context, ["audit/checks"])
    return found


def measure(context: PipelineContext, table: Table, *, into: str | None = None) -> list[Fit]:
    """Every relationship of a published table to another published table; only those `into` one registry, if given."""
    lake = context.lake
    own = lake.registry_table(table.registry, table.name)
    followed = [
        r
        for r in table.relationships
        if r.registry != "reference"
        and into in (None, r.registry)
        and lake.is_table(lake.registry_table(r.registry, r.table))
    ]
    if not followed or not lake.is_table(own):
        return []
    with lake.connect() as connection:
        view(lake, connection, "child", own)
        return [_follow(context, connection, table, relationship) for relationship in followed]


def _record(context: PipelineContext, table: Table, run_id: str, fits: list[Fit]) -> None:
    rows = [
        {
            "run_id": run_id,
            "registry": table.registry,
            "table": table.name,
            "rule_id": rule_id,
            "metric": metric,
            "scope": "row",
            "severity": "warning",
            "dimension": "consistency",
            "columns": list(fit.relationship.columns),
            "rows": fit.rows,
            "violations": violations,
            "at": context.now(),
        }
        for fit in fits
        for metric, rule_id, violations in _told(fit)
    ]
    # Every time: a run may measure again after a steward released a table. What was recorded last is shown. The mark is
    # for the ledger, which takes no rows of the log without a new one.
    once = f"{run_id}/{table.qualified_name}/relationships/{secrets.token_hex(8)}"
    run_log.append(context.lake, "checks", pa.Table.from_pylist(rows, run_log.CHECKS), once=once)


def _told(fit: Fit) -> list[tuple[str, str, int]]:
    """Metric, rule id and violations of what is on record of a reference."""
    missing, rejected = CROSS_CHECKS
    told = [(missing, fit.rule_id, fit.orphans)]
    return told if fit.refused is None else [*told, (rejected, fit.rule_id + REJECTED_TARGET, fit.refused)]


def _follow(
    context: PipelineContext, connection: duckdb.DuckDBPyConnection, table: Table, relationship: Relationship
) -> Fit:
    view(context.lake, connection, "parent", context.lake.registry_table(relationship.registry, relationship.table))
    pairs = list(zip(relationship.columns, relationship.to_columns, strict=True))
    keys = ", ".join(quote(other) for _, other in pairs)
    refused = _refused(context, relationship)

    def led(relation: str) -> str:
        match = " AND ".join(f"child.{quote(own)} = {relation}.{quote(other)}" for own, other in pairs)
        return f"LEFT JOIN (SELECT DISTINCT {keys}, true AS is_it FROM {relation}) AS {relation} ON {match}"

    stated = " AND ".join(f"child.{quote(own)} IS NOT NULL" for own, _ in pairs)
    ours, joined = "false", led("parent")
    if refused is not None:
        create_temp_table(connection, "refused", refused)
        ours, joined = "refused.is_it IS NOT NULL", f"{joined} {led('refused')}"
    with lake_errors(f"following the relationships of {table.qualified_name}"):
        rows, orphans, rejected = connection.execute(
            f"SELECT count(*), count(*) FILTER (parent.is_it IS NULL AND NOT ({ours})), "
            f"count(*) FILTER (parent.is_it IS NULL AND ({ours})) FROM child {joined} WHERE {stated}"
        ).fetchall()[0]
    to = f"{relationship.registry}.{relationship.table}"
    rule_id = f"{table.qualified_name}.{'+'.join(relationship.columns)}.relationship"
    rule_id = f"{rule_id}.{to}" if _is_ambiguous(table, relationship) else rule_id
    return Fit(rule_id, relationship, rows, orphans, None if refused is None else rejected)


def _refused(context: PipelineContext, relationship: Relationship) -> pa.Table | None:
    """What open rejected rows of the other table are referred to by; None if that is not in their keys."""
    try:
        contract, target = context.table(relationship.registry, relationship.table)
    except (Misuse, ContractError):  # that register's contract is gone or broken: this one's figures do not wait for it
        return None
    if not set(relationship.to_columns) <= set(target.primary_key):
        return None
    keys = dict(zip(target.primary_key, typed_key(target), strict=True))
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in (keys[column] for column in relationship.to_columns))
    empty = ", ".join(
        f"CAST(NULL AS {target.column(name).sql_type}) AS {quote(name)}" for name in relationship.to_columns
    )
    found = []
    for slice_or_table in [t for t in contract.source_tables if t.base_name == target.name]:
        with (
            open_rejections_of(context.lake, slice_or_table) as opened,
            lake_errors(f"reading the rejected rows of {slice_or_table.qualified_name}"),
        ):
            if opened is not None and opened.files:
                rows = f"SELECT DISTINCT {chosen} FROM opened WHERE _key IS NOT NULL"
                found.append(opened.connection.execute(rows).to_arrow_table())
    if not found:
        with context.lake.connect() as connection:
            return connection.execute(f"SELECT {empty} WHERE false").to_arrow_table()
    return pa.concat_tables(found)


def _is_ambiguous(table: Table, relationship: Relationship) -> bool:
    return sum(r.columns == relationship.columns and r.registry != "reference" for r in table.relationships) > 1
