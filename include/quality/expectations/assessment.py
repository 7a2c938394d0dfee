"""Assessment: Great Expectations counts the rules' violations on the split's rows; both counts must agree.

GX works on the lake's own DuckDB (spilling, memory limit, S3 and all) over views: `conformed` (every extracted row),
`present` (those that the source does not call deleted), `kept` (the newest good row of each key), `candidates` (of
these the present ones), `accepted`, and `whole` (the accepted that are present, and the published context).
Its results are reduced to counts before anything is written: by default they contain values.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import duckdb

from include.contracts.model import Table
from include.lake.storage import Lake, lake_errors, literal, restrict_access, scan
from include.quality.conversion import ROW, register
from include.quality.errors import EvaluationsDisagree, RuleUnusable
from include.quality.expectations.gx import import_gx
from include.quality.split import (
    ACCEPTED,
    CANDIDATES,
    CONFORMED,
    KEPT,
    PRESENT,
    SplitResult,
    is_deleted,
    view_beside,
    view_elsewhere,
    view_whole,
    with_drift_rule,
)

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

_ONE_AT_A_TIME = threading.Lock()  # GX keeps its current project in a global
_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_FIGURES = (
    "element_count",
    "missing_count",
    "missing_percent",
    "observed_value",
    "unexpected_count",
    "unexpected_percent",
    "unexpected_percent_nonmissing",
    "unexpected_percent_total",
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Result of Great Expectations: violations by rule id, and the URIs of its results."""

    counts: dict[str, int]
    results: str
    data_docs: str
    seconds: float


def assess(table: Table, split: SplitResult, *, lake: Lake, run_id: str, schemas_dir: Path) -> Assessment:
    """Evaluate the rules on the split's rows by Great Expectations and compare its counts with the split's.

    The results go to `audit/gx/<registry>/<table>/run=<run_id>.json`, a page for people to `audit/data_docs/`; both
    hold counts only.

    Args:
        table: the contract's table.
        split: the result of `conform_and_split`; its files must still exist.
        lake: the lake with these files.
        run_id: the run.
        schemas_dir: the folder with `reference/`, for code lists.

    Raises:
        EvaluationsDisagree: the two count a rule differently; the results are written nevertheless.
        RuleUnusable: GX could not evaluate a rule.
        LakeError: the lake failed.
    """
    started = perf_counter()
    import_gx()
    if len(split.counts) > len(table.rules):  # the split adds the drift rule
        table = with_drift_rule(table)
    with _ONE_AT_A_TIME, lake.connect() as connection, lake_errors(f"assessing {table.qualified_name}"):
        register(connection, schemas_dir, (rule.violation for rule in table.rules))
        context_files = [uri for uri in (split.beside, split.elsewhere) if uri]
        restrict_access(connection, reads=[split.staged.conformed, split.staged.faults, *context_files])
        _create_views(connection, table, split)
        result = _validate(connection, table, split, run_id)
    counts = _counts(result)
    from include.quality.expectations import data_docs

    results_uri = lake.path("audit", "gx", table.registry, table.name, f"run={run_id}.json")
    lake.write_text(results_uri, json.dumps(result.to_json_dict(), ensure_ascii=False, indent=1))
    page_uri = data_docs.write(lake, table, result)
    _compare(table, split, counts)
    split_rules = {count.rule_id for count in split.counts}
    return Assessment(
        {rule_id: count for rule_id, count in counts.items() if rule_id in split_rules},
        results_uri,
        page_uri,
        perf_counter() - started,
    )


def _create_views(connection: duckdb.DuckDBPyConnection, table: Table, split: SplitResult) -> None:
    """Create the views of the module docstring; rows deleted, superseded or failing a row rule are no candidates."""
    of_sets = [literal(rule.rule_id) for rule in table.rules if rule.scope == "set"] or ["NULL"]
    not_candidates = (
        f"SELECT {ROW} FROM {scan(split.staged.faults)} WHERE _reasons[1].rule_id NOT IN ({', '.join(of_sets)})"
    )
    if of_sets == ["NULL"]:
        not_candidates = f"SELECT {ROW} FROM {scan(split.staged.faults)}"
    conformed = scan(split.staged.conformed)
    connection.execute(f"CREATE VIEW {CONFORMED} AS SELECT * FROM {conformed}")
    connection.execute(f"CREATE VIEW {PRESENT} AS SELECT * FROM {conformed} WHERE NOT {is_deleted(table)}")
    connection.execute(f"CREATE VIEW {KEPT} AS SELECT * FROM {CONFORMED} ANTI JOIN ({not_candidates}) USING ({ROW})")
    connection.execute(f"CREATE VIEW {CANDIDATES} AS SELECT * FROM {KEPT} WHERE NOT {is_deleted(table)}")
    faults = f"SELECT {ROW} FROM {scan(split.staged.faults)}"
    connection.execute(f"CREATE VIEW {ACCEPTED} AS SELECT * FROM {conformed} ANTI JOIN ({faults}) USING ({ROW})")
    view_beside(connection, table, split.beside)
    view_elsewhere(connection, table, split.elsewhere)
    view_whole(connection, table)


def _validate(
    connection: duckdb.DuckDBPyConnection, table: Table, split: SplitResult, run_id: str
) -> ExpectationSuiteValidationResult:
    """Validation result over the views, reduced to counts."""
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    from include.quality.expectations.suite import expectations

    in_memory = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    quiet = {"globally": False, "metric_calculations": False}
    config = DataContextConfig(store_backend_defaults=in_memory, analytics_enabled=False, progress_bars=quiet)
    context = gx.get_context(mode="ephemeral", project_config=config)
    # It would write the whole project as YAML after each of a dozen steps, into memory: a tenth of a small sync's time.
    context.variables.save = lambda: None
    results = []
    with _gx_source(context, connection) as source:
        views = expectations(table, extracted=split.extracted, accepted=split.accepted, has_beside=bool(split.beside))
        for view, expected in views.items():
            if not expected:
                continue
            suite = gx.ExpectationSuite(name=f"{table.qualified_name}.{view}", expectations=expected)
            batch = source.add_table_asset(view, table_name=view).add_batch_definition_whole_table(view).get_batch()
            results += batch.validate(suite, result_format=_RESULT_FORMAT).results
    for one in results:
        _keep_figures(table, one)
    met = sum(bool(one.success) for one in results)
    return ExpectationSuiteValidationResult(
        success=met == len(results),
        results=results,
        suite_name=table.qualified_name,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results) if results else 100.0,
        },
        meta={"run_id": {"run_name": run_id}, "great_expectations_version": gx.__version__},
    )


@contextmanager
def _gx_source(context: Any, connection: duckdb.DuckDBPyConnection) -> Iterator[Any]:
    """A GX SQL data source over an open DuckDB connection, by SQLAlchemy's `creator`."""
    from duckdb_sqlalchemy import ConnectionWrapper
    from sqlalchemy import event
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    source = context.data_sources.add_sql(
        "lake",
        connection_string="duckdb:///:memory:",
        kwargs={"creator": lambda: ConnectionWrapper(connection.cursor())},
        create_temp_table=False,
    )
    engine = source.get_execution_engine().engine

    def buffer(_1: Any, cursor: Any, _3: Any, _4: Any, execution: Any, _6: Any) -> None:
        # GX closes the connection before it fetches; its results here are counts and column lists.
        if cursor.description:
            execution.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor, initial_buffer=cursor.fetchall())

    event.listen(engine, "after_cursor_execute", buffer)
    try:
        yield source
    finally:
        event.remove(engine, "after_cursor_execute", buffer)
        engine.dispose()


def _keep_figures(table: Table, result: Any) -> None:
    """Remove everything but counts from one result, also an engine's error text.

    Raises:
        RuleUnusable: the expectation could not be evaluated.
    """
    rule_id = result.expectation_config.meta["rule_id"]
    kept_counts = {
        name: value for name, value in result.result.items() if name in _FIGURES and isinstance(value, int | float)
    }
    if not kept_counts:
        raise RuleUnusable(
            f"Great Expectations could not evaluate {rule_id}: check that its values fit the column's type in the "
            f"contract of {table.qualified_name}"
        )
    result.result = {**kept_counts, "partial_unexpected_list": []}
    result.exception_info = {"raised_exception": False, "exception_traceback": None, "exception_message": None}


def _counts(result: ExpectationSuiteValidationResult) -> dict[str, int]:
    """Violations by rule id; 0 for an expectation on a view without rows, for which GX gives no count."""
    counts = {}
    for one in result.results:
        kept_counts = one.result
        count = kept_counts.get("unexpected_count", kept_counts.get("observed_value", 0))
        counts[one.expectation_config.meta["rule_id"]] = int(count)
    return counts


def _compare(table: Table, split: SplitResult, counts: Mapping[str, int]) -> None:
    expected = {count.rule_id: count.violations for count in split.counts}
    expected[f"{table.qualified_name}.conformed.rows"] = split.extracted
    expected[f"{table.qualified_name}.accepted.rows"] = split.accepted
    different = [
        f"{rule_id} (split {count:,}, Great Expectations {counts[rule_id]:,})"
        for rule_id, count in expected.items()
        if counts[rule_id] != count
    ]
    if different:
        raise EvaluationsDisagree(
            f"{table.qualified_name}: two independent evaluations disagree on {'; '.join(different)}: nothing was "
            "published; look at how the rule is written (casts, NULLs), and report it as a defect if it is plain"
        )
