"""Expectation suites of a contract's rules, built from the contract's metrics, never from the split's predicates.

Importing this module imports Great Expectations (some three seconds): `assess` does so when it needs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from include.contracts.model import Bound, Column, Rule, RuleArguments, Table
from include.lake.storage import literal, quote
from include.quality.conversion import INTEGER_TYPES, ROW
from include.quality.split import (
    ACCEPTED,
    BESIDE,
    CANDIDATES,
    CONFORMED,
    ELSEWHERE,
    KEPT,
    PRESENT,
    WHOLE,
    judges_deleted,
)

VIEWS = (CONFORMED, PRESENT, KEPT, CANDIDATES, ACCEPTED, WHOLE)
VIEW_OF = {"row": CONFORMED, "set": CANDIDATES, "table": WHOLE}
COUNT_CHECK = "rows"
_EXACT_IN_FLOAT = 2**53


class CountedRowsExpectation(gxe.UnexpectedRowsExpectation):  # type: ignore[misc]  # GX is not typed for us
    """GX's expectation that a query returns no rows, counting only: the original also fetches 200 rows of data."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: dict[str, Any] | None = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        count = metrics["unexpected_rows_query.row_count"]
        return {"success": count == 0, "result": {"observed_value": count}}


def expectations(
    table: Table, *, extracted: int, accepted: int, has_beside: bool = False
) -> dict[str, list[Expectation]]:
    """Expectations by view of `assess`, each with its rule's id in `meta`.

    Besides the contract's rules: the views have as many rows as the split counted. With a published context (view
    `beside`), no candidate may have the unique value of one of its rows.
    """
    built: dict[str, list[Expectation]] = {view: [] for view in VIEWS}
    joined = table.value_rules if has_beside else ()
    for rule in table.rules:
        is_joined = rule in joined
        view = KEPT if rule.rule_id == table.key_rule_id else VIEW_OF[rule.scope]
        if rule.scope == "row" and not judges_deleted(rule, table):
            view = PRESENT
        built[view].append(_described(_unique_beside(rule.columns) if is_joined else expectation(rule, table), rule))
    for view, rows in ((CONFORMED, extracted), (ACCEPTED, accepted)):
        check = gxe.ExpectTableRowCountToEqual(value=rows)
        built[view].append(_own(check, table, f"{view}.{COUNT_CHECK}", "No row is lost or doubled"))
    return built


def expectation(rule: Rule, table: Table) -> Expectation:
    """The expectation of one rule, whose unexpected count is the rule's number of violations."""
    given = rule.arguments
    if rule.metric == "rowCount":
        return gxe.ExpectTableRowCountToBeBetween(**_row_count(rule.bound))
    if rule.metric == "sql":
        return _query(where_of(rule.query))
    if rule.rule_id == table.key_rule_id:
        return _repeated(rule.columns)
    if rule.rule_id == table.server_rule_id:
        return _published_elsewhere(rule.columns)
    if rule.metric in ("unique", "duplicateValues"):
        return _unique(rule.columns)
    column = table.column(rule.columns[0])
    name = quote(column.name)
    match rule.metric:
        case "required" | "nullValues":
            return gxe.ExpectColumnValuesToNotBeNull(column=column.name)
        case "enum":
            return gxe.ExpectColumnValuesToBeInSet(column=column.name, value_set=given["validValues"])
        case "minLength":
            return gxe.ExpectColumnValueLengthsToBeBetween(column=column.name, min_value=given["value"])
        case "maxLength":
            return gxe.ExpectColumnValueLengthsToBeBetween(column=column.name, max_value=given["value"])
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return _between(column, rule.metric, given["value"])
        case "pattern":
            return _query(f"NOT regexp_matches({name}, {literal(given['pattern'])})")
        case "controlCharacters":
            return _query(f"regexp_matches({name}, {literal(given['pattern'])})")
        case "multipleOf":
            return _query(f"{name} % {_sql(given['value'])} <> 0")
        case "unreadable":
            return _query(f"list_contains(_unreadable, {literal(column.name)})")
        case "reference":
            code, listed = quote(given["listColumn"]), quote(f"ref_{given['list']}")
            if not (day := given.get("validOn")):
                return _query(f"{name} NOT IN (SELECT DISTINCT {code} FROM {listed} WHERE {code} IS NOT NULL)")
            # A column of the table may have the name of one of the list's, so those get reserved names.
            entries = f"SELECT {code} AS _code, valid_from AS _from, valid_until AS _until FROM {listed}"
            periods = "coalesce(_from, DATE '0001-01-01') AND coalesce(_until, DATE '9999-12-31')"
            on = f"coalesce({quote(day)} BETWEEN {periods}, true)"
            return _query(f"{name} NOT IN (SELECT _code FROM ({entries}) WHERE _code IS NOT NULL AND {on})")
        case "missingValues":
            return _missing(column, given["missingValues"])
        case "invalidValues":
            return _invalid(column, given)
    raise ValueError(f"rule {rule.rule_id}: the metric {rule.metric} has no expectation")


def where_of(query: str) -> str:
    """The condition of the contract's query `SELECT COUNT(*) FROM {object} WHERE ...`."""
    return query.removeprefix("SELECT COUNT(*) FROM {object} WHERE ")


def _query(condition: str) -> CountedRowsExpectation:
    # GX formats the query (braces) and SQLAlchemy finds :parameters in it.
    escaped = condition.replace("{", "{{").replace("}", "}}").replace(":", r"\:")
    query = f"SELECT 1 AS violation FROM {{batch}} WHERE {escaped}"
    return CountedRowsExpectation(unexpected_rows_query=query)


def _unique(columns: Sequence[str]) -> Expectation:
    if len(columns) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=columns[0])
    return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(columns), ignore_row_if="any_value_is_missing")


def _repeated(columns: Sequence[str], *, also: str = "") -> Expectation:
    """Expectation counting rows whose value another row of the batch has; GX's for several columns joins all rows."""
    listed = ", ".join(quote(name) for name in columns)
    repeated = f"SELECT {listed} FROM {{batch}} GROUP BY ALL HAVING count(*) > 1"
    query = f"SELECT {ROW} FROM {{batch}} SEMI JOIN ({repeated}) USING ({listed}){also}"
    return CountedRowsExpectation(unexpected_rows_query=query)


def _unique_beside(columns: Sequence[str]) -> Expectation:
    """Expectation counting each row whose value another row of the batch or of the published context has."""
    listed = ", ".join(quote(name) for name in columns)
    return _repeated(columns, also=f" UNION SELECT {ROW} FROM {{batch}} JOIN {BESIDE} USING ({listed})")


def _published_elsewhere(columns: Sequence[str]) -> Expectation:
    """Expectation counting rows whose key another server has published."""
    listed = ", ".join(quote(name) for name in columns)
    query = f"SELECT {ROW} FROM {{batch}} JOIN (SELECT DISTINCT {listed} FROM {ELSEWHERE}) USING ({listed})"
    return CountedRowsExpectation(unexpected_rows_query=query)


def _between(column: Column, metric: str, value: Any) -> Expectation:
    if _compares_as_float(value, column.sql_type):
        side = "min" if metric.lower().endswith("minimum") else "max"
        strict = metric.startswith("exclusive")
        return gxe.ExpectColumnValuesToBeBetween(
            column=column.name, **{f"{side}_value": value, f"strict_{side}": strict}
        )
    wrong = {"minimum": "<", "maximum": ">", "exclusiveMinimum": "<=", "exclusiveMaximum": ">="}[metric]
    return _query(f"{quote(column.name)} {wrong} CAST({_sql(value)} AS {column.sql_type})")


def _compares_as_float(value: Any, sql_type: str) -> bool:
    """Whether comparing with the bound is exact when GX binds it as a 64-bit float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if decimal := re.fullmatch(r"DECIMAL\(\d+,(\d+)\)", sql_type):
        steps = Decimal(str(value)).scaleb(int(decimal[1]))
        return steps == steps.to_integral_value() and abs(steps) < _EXACT_IN_FLOAT
    return sql_type == "DOUBLE" or (sql_type in INTEGER_TYPES and abs(value) < _EXACT_IN_FLOAT)


def _missing(column: Column, values: Sequence[Any]) -> Expectation:
    given = [value for value in values if value is not None]
    if not given:
        return gxe.ExpectColumnValuesToNotBeNull(column=column.name)
    if None not in values:
        return gxe.ExpectColumnValuesToNotBeInSet(column=column.name, value_set=given)
    name = quote(column.name)
    return _query(f"{name} IS NULL OR {name} IN ({', '.join(_sql(value) for value in given)})")


def _invalid(column: Column, given: RuleArguments) -> Expectation:
    pattern, values = given.get("pattern"), given.get("validValues")
    if not pattern:
        return gxe.ExpectColumnValuesToBeInSet(column=column.name, value_set=list(values or []))
    name = quote(column.name)
    conditions = [f"NOT regexp_matches(CAST({name} AS VARCHAR), {literal(pattern)})"]
    if values:
        conditions.append(f"{name} NOT IN ({', '.join(_sql(value) for value in values)})")
    return _query(" OR ".join(conditions))


def _row_count(bound: Bound | None) -> dict[str, int | None]:
    if bound is None or bound.operator in ("!=", "not between"):
        return {"min_value": 0}
    low, high = bound.value if isinstance(bound.value, tuple) else (bound.value, bound.value)
    smallest = {">": int(low) + 1, ">=": int(low), "=": int(low), "between": int(low)}.get(bound.operator)
    largest = {"<": int(high) - 1, "<=": int(high), "=": int(high), "between": int(high)}.get(bound.operator)
    return {"min_value": smallest, "max_value": largest}


def _sql(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return repr(value) if isinstance(value, int | float) else literal(str(value))


def _described(built: Expectation, rule: Rule) -> Expectation:
    law = f" ({rule.legal_source})" if rule.legal_source else ""
    built.severity = "critical" if rule.severity == "error" else "warning"
    doubt = "Warning only: " if rule.severity == "warning" else ""
    return _named(built, rule.rule_id, f"{doubt}{rule.description}{law}", rule.dimension, rule.scope)


def _own(built: Expectation, table: Table, name: str, description: str) -> Expectation:
    return _named(built, f"{table.qualified_name}.{name}", description, "consistency", "table")


def _named(built: Expectation, rule_id: str, description: str, dimension: str, scope: str) -> Expectation:
    built.meta = {"rule_id": rule_id, "dimension": dimension, "scope": scope}
    built.description = f"{description.rstrip('.')}. {rule_id}"
    return built
