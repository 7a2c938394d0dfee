"""Run history of one table, from `audit/runs` and `audit/checks`, in pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from include.contracts.model import Bound
from include.contracts.words import RecordedFinding
from include.lake import run_log
from include.lake.run_log import CROSS_CHECKS
from include.lake.storage import Lake, lake_errors

_COUNTS = ("extracted", "accepted", "rejected", "superseded", "deleted", "retained", "inserted", "updated", "live_rows")
_TEXTS = (
    "contract_version", "source", "mode", "approved_by", "approval_note", "refused_by", "refusal_note",
    "error_type", "error", "same_as_run",
)  # fmt: skip

# A run that was held and then decided has two rows: the outcome counts. For one that was retried, the last try.
_FINAL = (
    "PARTITION BY run_id "
    "ORDER BY verdict = 'published' DESC, recorded DESC NULLS LAST, started_at DESC, verdict <> 'held' DESC"
)

_RUNS = f"""
    SELECT run_id, verdict, started_at, seconds, version, findings, {", ".join((*_COUNTS, *_TEXTS))}, recorded
    FROM (
        SELECT *, row_number() OVER ({_FINAL}) AS _place FROM runs WHERE registry = $registry AND "table" = $table
    )
    WHERE _place = 1
"""

_PAGE = f"""
    WITH runs_told AS ({_RUNS}) SELECT * EXCLUDE (recorded), (SELECT count(*) FROM runs_told) FROM runs_told
    ORDER BY recorded DESC NULLS LAST, started_at DESC, run_id DESC LIMIT $limit OFFSET $offset
"""
_ONE = f"SELECT * EXCLUDE (recorded) FROM ({_RUNS}) WHERE run_id = $run_id"

_REFUSED = f"""
    SELECT * EXCLUDE (recorded) FROM ({_RUNS}) WHERE list_contains($refusals, verdict)
    ORDER BY recorded DESC NULLS LAST, started_at DESC, run_id DESC LIMIT $limit
"""

_APPROVED = f"SELECT run_id, approval_note FROM ({_RUNS}) WHERE approval_note <> ''"

_FINDINGS = """
    SELECT findings FROM runs
    WHERE registry = $registry AND "table" = $table AND run_id = $run_id AND findings IS NOT NULL AND findings <> '[]'
    LIMIT 1
"""

_CHECKS = """
    SELECT rule_id, metric, scope, severity, dimension, columns, "rows", violations, gx_violations
    FROM checks WHERE registry = $registry AND "table" = $table AND run_id = $run_id
    QUALIFY row_number() OVER (PARTITION BY rule_id ORDER BY recorded DESC NULLS LAST, "at" DESC) = 1
    ORDER BY metric = 'rowCount', violations DESC, rule_id
"""


def rejected_percent(accepted: int, rejected: int) -> float | None:
    """Percentage of a run's judged rows that were rejected, as at the gate: superseded rows are excluded."""
    judged = accepted + rejected
    return 100 * rejected / judged if judged else None


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run of a table. `counts` and `texts` have the column names of `audit/runs`."""

    run_id: str
    verdict: str
    at: datetime
    seconds: float
    version: int | None
    counts: Mapping[str, int]
    texts: Mapping[str, str]
    findings: tuple[RecordedFinding, ...]

    @property
    def rejected_percent(self) -> float | None:
        """Percentage of judged rows that were rejected; None if none was judged."""
        return rejected_percent(self.counts["accepted"], self.counts["rejected"])


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of a table's runs, newest first, and their total number."""

    runs: tuple[RunLine, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Check:
    """One rule's two counts in a run. `gx_violations` is None where Great Expectations did not count."""

    rule_id: str
    metric: str
    scope: str
    severity: str
    dimension: str
    columns: tuple[str, ...]
    rows: int
    violations: int
    gx_violations: int | None

    @property
    def disagrees(self) -> bool:
        """Whether the two evaluations differ."""
        return self.gx_violations is not None and self.gx_violations != self.violations

    @property
    def is_across(self) -> bool:
        """Whether it is a rule across registries, which only the split counts."""
        return self.metric in CROSS_CHECKS

    def is_kept(self, bound: Bound | None) -> bool:
        """Whether no row breaks the rule or, for a table rule, its bound holds."""
        if self.disagrees:
            return False
        if self.scope != "table" or bound is None:
            return self.violations == 0
        share = 100 * self.violations / self.rows if self.rows else 0.0
        return bound.holds(share if bound.unit == "percent" else self.violations)


def runs_of(lake: Lake, registry: str, table: str, *, limit: int, offset: int = 0) -> RunPage:
    """The runs of a table, newest first; every run once, with its final outcome."""
    with _evidence(lake, "runs") as connection:
        rows = _rows(connection, _PAGE, registry=registry, table=table, limit=limit, offset=offset)
    return RunPage(tuple(_line(*row[:-1]) for row in rows), rows[0][-1] if rows else 0)


def run_of(lake: Lake, registry: str, table: str, run_id: str) -> tuple[RunLine, tuple[Check, ...]] | None:
    """One run and every rule it counted, most violations first; None if it is not recorded."""
    with _evidence(lake, "runs", "checks") as connection:
        names = {"registry": registry, "table": table, "run_id": run_id}
        found = _rows(connection, _ONE, **names)
        if not found:
            return None
        held = _rows(connection, _FINDINGS, **names)
        rules = [Check(*rule) for rule in _rows(connection, _CHECKS, **names)]
    checks = tuple(replace(rule, columns=tuple(rule.columns or ())) for rule in rules)
    line = _line(*found[0])
    return replace(line, findings=tuple(json.loads(held[0][0]))) if held else line, checks


def refused_runs(lake: Lake, registry: str, table: str, *, limit: int) -> tuple[RunLine, ...]:
    """The newest held runs of a table that a steward declined, or that timed out."""
    with _evidence(lake, "runs") as connection:
        names = {"registry": registry, "table": table, "refusals": list(run_log.REFUSALS)}
        rows = _rows(connection, _REFUSED, **names, limit=limit)
    return tuple(_line(*row) for row in rows)


def approval_notes(lake: Lake, registry: str, table: str) -> dict[str, str]:
    """Reasons of approvals of a table's runs, by run."""
    with _evidence(lake, "runs") as connection:
        return dict(_rows(connection, _APPROVED, registry=registry, table=table))


@contextmanager
def _evidence(lake: Lake, *names: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with lake.connect(memory_limit="512MB") as connection:
        for name in names:
            run_log.as_view(lake, connection, name)
        yield connection


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, **values: Any) -> list[Any]:
    with lake_errors("reading the run log"):
        return connection.execute(sql, values).fetchall()


def _line(
    run_id: str, verdict: str, at: datetime, seconds: float | None, version: int | None, findings: str, *others: Any
) -> RunLine:
    return RunLine(
        run_id,
        verdict,
        at.astimezone(UTC),
        seconds or 0.0,
        version,
        {name: count or 0 for name, count in zip(_COUNTS, others, strict=False)},
        {name: text or "" for name, text in zip(_TEXTS, others[len(_COUNTS) :], strict=True)},
        tuple(json.loads(findings or "[]")),
    )
