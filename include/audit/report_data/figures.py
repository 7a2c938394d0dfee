"""Aggregates of `audit/runs` and `audit/checks` by SQL, cheap with thousands of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import duckdb

from include.audit.report_data.model import GateEvent
from include.audit.report_data.table_report import Attempt, RunCounts
from include.lake import run_log
from include.lake.run_log import view_table_checks
from include.lake.storage import Lake, lake_errors

TREND_RUNS = 60
"""Number of published runs in a table's trend."""

FIGURES = (
    "extracted", "accepted", "rejected", "superseded", "deleted", "retained", "inserted", "updated", "live_rows",
    "bytes",
)  # fmt: skip


class LatestRun(NamedTuple):
    """The last run of a table, whatever its verdict, and the number of its runs."""

    registry: str
    table: str
    runs: int
    attempt: Attempt


class GoodRun(NamedTuple):
    """The last run of a table with the verdict published or unchanged."""

    registry: str
    table: str
    started_at: datetime
    seconds: float


class NewestRun(NamedTuple):
    """The newest run of a table, and when its last good one began and how long that took. `drift` is JSON."""

    registry: str
    table: str
    run_id: str = ""
    verdict: str = ""
    drift: str | None = None
    good_at: datetime | None = None
    good_seconds: float | None = None


class PublishedRun(NamedTuple):
    """A published run of a table, and its place in recording order."""

    registry: str
    table: str
    place: int
    counts: RunCounts


@dataclass(frozen=True, slots=True)
class RuleCount:
    """Counts of a rule in a run or, with the table's id, version and rows, over the whole table after it."""

    run_id: str
    registry: str
    table: str
    rule_id: str
    metric: str
    scope: str
    severity: str
    dimension: str
    rows: int
    violations: int
    gx_violations: int | None = None
    table_id: str = ""
    version: int = -1
    published_rows: int = 0
    open_rows: int = 0


_ORDER = "recorded DESC NULLS LAST, started_at DESC, run_id DESC"  # recording order, not workers' clocks
_NEWEST = f'PARTITION BY registry, "table" ORDER BY {_ORDER}'

_LATEST = f"""
    SELECT registry, "table", count(DISTINCT run_id) OVER (PARTITION BY registry, "table"), run_id, started_at,
           coalesce(verdict, ''), coalesce(error_type, ''), coalesce(error, ''), coalesce(refused_by, ''),
           drift
    FROM runs
    QUALIFY row_number() OVER ({_NEWEST}, verdict = 'published' DESC, verdict <> 'held' DESC) = 1
"""

_NEWEST_RUNS = """
    SELECT registry, "table", last(run_id ORDER BY recorded NULLS FIRST, started_at, verdict <> 'held') AS run_id,
           last(verdict ORDER BY recorded NULLS FIRST, started_at, verdict <> 'held') AS verdict,
           last(drift ORDER BY recorded NULLS FIRST, started_at, verdict <> 'held') AS drift,
           last(started_at ORDER BY recorded NULLS FIRST, started_at) FILTER (is_good) AS good_at,
           last(coalesce(seconds, 0) ORDER BY recorded NULLS FIRST, started_at) FILTER (is_good) AS good_seconds
    FROM (SELECT *, verdict IN ('published', 'unchanged') AS is_good FROM runs)
    WHERE list_contains($registries, registry) GROUP BY registry, "table"
"""

_LAST_GOOD = f"""
    SELECT registry, "table", started_at, coalesce(seconds, 0) AS seconds
    FROM runs WHERE verdict IN ('published', 'unchanged')
    QUALIFY row_number() OVER ({_NEWEST}) = 1
"""

_PUBLISHED = f"""
    SELECT registry, "table", recorded, run_id, started_at, coalesce(seconds, 0), coalesce(version, 0),
           coalesce(contract_version, ''), coalesce(source, ''), coalesce(approved_by, ''),
           {", ".join(f"coalesce({name}, 0)::BIGINT" for name in FIGURES)}
    FROM runs WHERE verdict = 'published'
    QUALIFY row_number() OVER ({_NEWEST}) <= {TREND_RUNS}
"""

_GATE = """
    SELECT run_id, registry, "table", min(started_at) AS started_at,
           arg_max(verdict, CASE verdict WHEN 'published' THEN 2 WHEN 'held' THEN 0 ELSE 1 END) AS verdict,
           arg_max(findings, verdict = 'held') AS findings, coalesce(max(approved_by), '') AS approved_by,
           coalesce(max(approval_note), '') AS approval_note, coalesce(max(refused_by), '') AS refused_by,
           coalesce(max(refusal_note), '') AS refusal_note
    FROM runs WHERE findings <> '[]'
    GROUP BY run_id, registry, "table"
    ORDER BY max(recorded) DESC NULLS LAST, min(started_at) DESC, run_id DESC, registry, "table"
"""

_VERDICTS = """
    SELECT verdict, count(*) AS times FROM (SELECT DISTINCT run_id, registry, "table", verdict FROM runs)
    GROUP BY verdict ORDER BY verdict
"""

_COUNTS = 'run_id, registry, "table", rule_id, metric, scope, severity, dimension, "rows", violations, gx_violations'

_CHECKS = f"""
    SELECT {_COUNTS} FROM checks WHERE run_id IN (SELECT unnest($runs))
    QUALIFY row_number() OVER (
        PARTITION BY run_id, registry, "table", rule_id ORDER BY recorded DESC NULLS LAST, "at" DESC
    ) = 1
    ORDER BY rule_id
"""

_TABLE_CHECKS = """
    SELECT run_id, registry, "table", rule_id, metric, scope, severity, dimension, "rows", violations, NULL,
           table_id, version, published_rows, open_rows
    FROM table_checks WHERE run_id IN (SELECT unnest($runs)) ORDER BY rule_id
"""

_RELATIONSHIPS = f"""
    SELECT {_COUNTS} FROM checks WHERE metric IN ('relationship', 'rejectedTarget')
    QUALIFY row_number() OVER (PARTITION BY registry, "table", rule_id ORDER BY recorded DESC NULLS LAST, "at" DESC) = 1
    ORDER BY rule_id
"""


class RunLogViews:
    """SQL views of the run log, opened by `open_run_log`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def latest(self) -> list[LatestRun]:
        """The last run of each table, whatever its verdict, and the number of its runs."""
        return [
            LatestRun(
                registry, table, runs,
                Attempt(run_id, at.astimezone(UTC), verdict, kind, error, refused_by, tuple(json.loads(drift or "[]"))),
            )
            for registry, table, runs, run_id, at, verdict, kind, error, refused_by, drift in self._rows(_LATEST)
        ]  # fmt: skip

    def newest(self, registries: Sequence[str]) -> list[NewestRun]:
        """Of each table of these registries: its newest run, and its last good one."""
        return [NewestRun(*row) for row in self._rows(_NEWEST_RUNS, registries=list(registries))]

    def last_good(self) -> list[GoodRun]:
        """The last run of each table with the verdict published or unchanged."""
        return [GoodRun(*row) for row in self._rows(_LAST_GOOD)]

    def published(self) -> list[PublishedRun]:
        """The last published runs of each table, at most TREND_RUNS, oldest first."""
        runs = [
            PublishedRun(registry, table, run_log.place_of(recorded), RunCounts(run_id, at.astimezone(UTC), *counts))
            for registry, table, recorded, run_id, at, *counts in self._rows(_PUBLISHED)
        ]
        return sorted(runs, key=lambda run: (run.registry, run.table, run.place, run.counts.at))

    def gate(self) -> list[GateEvent]:
        """The runs held back by a gate, newest first."""
        return [
            GateEvent(
                run_id, registry, table, at.astimezone(UTC), tuple(json.loads(findings or "[]")), approved_by, note,
                verdict == "published", verdict if verdict in run_log.REFUSALS else "", refused_by, refusal_note,
            )
            for run_id, registry, table, at, verdict, findings, approved_by, note, refused_by, refusal_note
            in self._rows(_GATE)
        ]  # fmt: skip

    def verdicts(self) -> dict[str, int]:
        """Number of runs by verdict, over all tables."""
        return dict(self._rows(_VERDICTS))

    def checks(self, runs: Sequence[str]) -> list[RuleCount]:
        """Counts of every rule in these runs."""
        return [RuleCount(*row) for row in self._rows(_CHECKS, runs=list(runs))]

    def table_checks(self, runs: Sequence[str]) -> list[RuleCount]:
        """Counts of every rule over the whole table, after each of these runs."""
        return [RuleCount(*row) for row in self._rows(_TABLE_CHECKS, runs=list(runs))]

    def relationships(self) -> list[RuleCount]:
        """The newest count of every relationship."""
        return [RuleCount(*row) for row in self._rows(_RELATIONSHIPS)]

    def _rows(self, sql: str, **values: Any) -> list[Any]:
        with lake_errors("reading the run log"):
            return self._connection.execute(sql, values or None).fetchall()


def newest_runs(lake: Lake, registries: Sequence[str]) -> dict[tuple[str, str], NewestRun]:
    """By registry and table: the newest run, and the last good one; the run log is read once."""
    with lake.connect(memory_limit="512MB") as connection:
        run_log.as_view(lake, connection, "runs")
        rows = RunLogViews(connection).newest(registries)
    return {(row.registry, row.table): row for row in rows}


@contextmanager
def open_run_log(lake: Lake) -> Iterator[RunLogViews]:
    """The run log of a lake; views are empty where nothing is recorded yet."""
    with lake.connect() as connection:
        for name in ("runs", "checks"):
            run_log.as_view(lake, connection, name)
        view_table_checks(lake, connection)
        yield RunLogViews(connection)
