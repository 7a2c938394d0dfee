"""Violation predicates of written rules: SQL over the published columns, TRUE where a row breaks the rule."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from include.contracts.model import Column, RuleArguments
from include.contracts.sql import SqlRefused, check_where, text_literal, understood, written


class RuleError(ValueError):
    """A rule cannot be evaluated as written. `remedy` says what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


def quote(name: str) -> str:
    """A column name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A constant of a contract as a SQL literal."""
    if isinstance(value, bool) or value is None:
        return str(value).upper() if value is not None else "NULL"
    if isinstance(value, int | float):
        return repr(value)
    return text_literal(str(value))


def violation_of_metric(metric: str, arguments: RuleArguments, column: str) -> str:
    """Violation predicate of `nullValues`, `missingValues` or `invalidValues` of a column."""
    name = quote(column)
    if metric == "nullValues":
        return f"{name} IS NULL"
    if metric == "missingValues":
        values = arguments.get("missingValues")
        if not isinstance(values, list) or not values:
            raise RuleError("`missingValues` lists no values", "add `arguments: {missingValues: [null, '', 'N/A']}`")
        listed = ", ".join(literal(v) for v in values if v is not None)
        parts = ([f"{name} IN ({listed})"] if listed else []) + ([f"{name} IS NULL"] if None in values else [])
        return " OR ".join(parts)
    pattern, values = arguments.get("pattern"), arguments.get("validValues")
    if unknown := set(arguments) - {"pattern", "validValues"}:
        raise RuleError(f"`invalidValues` knows no argument `{min(unknown)}`", "use `pattern` or `validValues`")
    if not pattern and not values:
        raise RuleError(
            "`invalidValues` says not what is valid", "add `arguments: {pattern: ...}` or `{validValues: [...]}`"
        )
    parts = []
    if pattern:
        parts.append(f"NOT regexp_matches(CAST({name} AS VARCHAR), {literal(pattern)})")
    if values:
        parts.append(f"{name} NOT IN ({', '.join(literal(v) for v in values)})")
    return " OR ".join(parts)


def violation_of_query(query: str, columns: Sequence[Column]) -> tuple[str, str, tuple[str, ...]]:
    """The WHERE of `SELECT COUNT(*) FROM {object} WHERE ...`: for the split, the whole query, and its columns.

    Both are generated from the parsed tree, every name quoted.
    """
    remedy = "write `SELECT COUNT(*) FROM {object} WHERE <what is wrong with a row>`"
    text = query.replace("{object}", "object_")
    try:
        tree = understood(text)
    except SqlRefused as refused:
        raise RuleError(str(refused), remedy if str(refused) == "is not SQL" else refused.remedy) from None
    counted = isinstance(tree, exp.Select) and [e.unalias() for e in tree.expressions]
    plain = (
        counted
        and len(counted) == 1
        and isinstance(counted[0], exp.Anonymous)
        and counted[0].name.lower() == "count"
        and [type(argument) for argument in counted[0].expressions] == [exp.Star]
        and not [
            key
            for key, value in tree.args.items()
            if value and key not in ("expressions", "from_", "from", "where", "kind")
        ]
        and len(list(tree.find_all(exp.Select))) == 1
        and not list(tree.find_all(exp.Window))
    )
    source = tree.find(exp.Table)
    where = tree.args.get("where")
    if not plain or source is None or source.name != "object_" or where is None:
        raise RuleError("is not a plain SELECT COUNT(*) over {object}", remedy)
    try:
        check_where(text, tree)
    except SqlRefused as refused:
        raise RuleError(str(refused), refused.remedy) from None
    bound = {parameter.name.lower() for found in tree.find_all(exp.Lambda) for parameter in found.expressions}
    named: dict[str, Column] = {}
    by_case = {column.name.lower(): column for column in columns}
    for node in list(where.find_all(exp.Column)):
        if node.name.lower() in bound:
            continue
        if node.name.lower() not in by_case:
            raise RuleError(
                f"speaks of `{node.name}`, which is not a column here",
                f"one of: {', '.join(sorted(c.name for c in columns))}",
            )
        column = by_case[node.name.lower()]
        named[column.name] = column
        node.replace(exp.column(column.name, quoted=True))
    meant = written(where.this)
    for node in list(where.find_all(exp.Column)):
        if node.name in named and _is_day_of(node, named[node.name]):
            node.replace(_in_utc(node.copy()))
    return written(where.this), meant, tuple(named)


def _is_day_of(node: exp.Column, column: Column) -> bool:
    """Whether the expression is CAST(column AS DATE) of an instant."""
    cast = node.parent
    return isinstance(cast, exp.Cast) and cast.is_type(exp.DataType.Type.DATE) and column.sql_type == "TIMESTAMPTZ"


def _in_utc(column: exp.Expr) -> exp.Expr:
    """The instant as a UTC timestamp, the engine's zone: without the calendar library, in a tenth of the time."""
    return exp.Anonymous(this="make_timestamp", expressions=[exp.Anonymous(this="epoch_us", expressions=[column])])
