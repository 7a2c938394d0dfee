"""Aggregates of `audit/runs` and `audit/checks` by SQL, cheap with thousands of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from include.lake import run_log
from include.lake.run_log import view_table_checks
from include.lake.storage import Lake, lake_errors

TREND_RUNS = 60
"""Number of published runs in a table's trend."""

FIGURES = (
    "extracted", "accepted", "rejected", "superseded", "deleted", "retained", "inserted", "updated", "live_rows",
    "bytes",
)  # fmt: skip

Row = dict[str, Any]

_ORDER = "recorded DESC NULLS LAST, started_at DESC, run_id DESC"  # recording order, not workers' clocks
_NEWEST = f'PARTITION BY registry, "table" ORDER BY {_ORDER}'

_LATEST = f"""
    SELECT run_id, registry, "table", verdict, started_at, seconds, error_type, error, refused_by, drift,
           count(DISTINCT run_id) OVER (PARTITION BY registry, "table") AS runs
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
    SELECT run_id, registry, "table", recorded, started_at, seconds, contract_version, source, version, approved_by,
           {", ".join(f"coalesce({name}, 0)::BIGINT AS {name}" for name in FIGURES)}
    FROM runs WHERE verdict = 'published'
    QUALIFY row_number() OVER ({_NEWEST}) <= {TREND_RUNS}
"""

_GATE = """
    SELECT run_id, registry, "table", min(started_at) AS started_at,
           max(recorded) AS recorded,
           arg_max(verdict, CASE verdict WHEN 'published' THEN 2 WHEN 'held' THEN 0 ELSE 1 END) AS verdict,
           arg_max(findings, verdict = 'held') AS findings, coalesce(max(approved_by), '') AS approved_by,
           coalesce(max(approval_note), '') AS approval_note, coalesce(max(refused_by), '') AS refused_by,
           coalesce(max(refusal_note), '') AS refusal_note
    FROM runs WHERE (findings IS NOT NULL AND findings <> '[]') OR approved_by <> ''
    GROUP BY run_id, registry, "table"
    ORDER BY recorded DESC NULLS LAST, started_at DESC, run_id DESC, registry, "table" LIMIT $limit
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
    SELECT run_id, registry, "table", table_id, version, published_rows, open_rows,
           rule_id, metric, scope, severity, dimension, "rows", violations, "at"
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

    def latest(self) -> list[Row]:
        """The last run of each table, whatever its verdict, and the number of its runs."""
        return self._rows(_LATEST)

    def newest(self, registries: Sequence[str]) -> list[Row]:
        """Of each table of these registries: its newest run's verdict and notes, and its last good run."""
        return self._rows(_NEWEST_RUNS, registries=list(registries))

    def last_good(self) -> list[Row]:
        """The last run of each table with the verdict published or unchanged."""
        return self._rows(_LAST_GOOD)

    def published(self) -> list[Row]:
        """The last published runs of each table, at most TREND_RUNS, oldest first."""
        return sorted(
            self._rows(_PUBLISHED),
            key=lambda row: (row["registry"], row["table"], run_log.place_of(row), row["started_at"]),
        )

    def gate(self, limit: int) -> list[Row]:
        """The newest runs held back by a gate or approved by a steward."""
        return self._rows(_GATE, limit=limit)

    def verdicts(self) -> dict[str, int]:
        """Number of runs by verdict, over all tables."""
        return {row["verdict"]: row["times"] for row in self._rows(_VERDICTS)}

    def checks(self, runs: Sequence[str]) -> list[Row]:
        """Counts of every rule in these runs."""
        return self._rows(_CHECKS, runs=list(runs))

    def table_checks(self, runs: Sequence[str]) -> list[Row]:
        """Counts of every rule over the whole table, after each of these runs."""
        return self._rows(_TABLE_CHECKS, runs=list(runs))

    def relationships(self) -> list[Row]:
        """The newest count of every relationship."""
        return self._rows(_RELATIONSHIPS)

    def _rows(self, sql: str, **values: Any) -> list[Row]:
        with lake_errors("reading the run log"):
            cursor = self._connection.execute(sql, values or None)
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def newest_runs(lake: Lake, registries: Sequence[str]) -> dict[tuple[str, str], Row]:
    """By registry and table: the newest run's verdict and notes, and its last good run; the run log is read once."""
    with lake.connect(memory_limit="512MB") as connection:
        run_log.as_view(lake, connection, "runs")
        rows = RunLogViews(connection).newest(registries)
    return {(row["registry"], row["table"]): row for row in rows}


@contextmanager
def open_run_log(lake: Lake) -> Iterator[RunLogViews]:
    """The run log of a lake; views are empty where nothing is recorded yet."""
    with lake.connect() as connection:
        for name in ("runs", "checks"):
            run_log.as_view(lake, connection, name)
        view_table_checks(lake, connection)
        yield RunLogViews(connection)
