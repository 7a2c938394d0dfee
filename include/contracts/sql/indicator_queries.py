"""SQL queries of indicators: SELECT statements over named tables, parsed, checked node by node and generated anew.

They are held to the same two readings as expressions over one row (`sql_text`): what runs is generated from allowed
nodes only, and only if the engine reads the original and the generated text as the same. Tables are named from a list;
there is no way to write a file, a host, a setting, the clock or a table function.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass

from sqlglot import exp

from include.contracts.sql.functions import AGGREGATES, FUNCTIONS
from include.contracts.sql.sql_text import (
    SqlRefused,
    as_engine_reads,
    check_node,
    meaning,
    otherwise,
    understood,
    written,
)

EXACT_AGGREGATES = frozenset({"count", "count_if", "sum", "min", "max", "bool_and", "bool_or", "max_by", "min_by"})
"""Aggregates whose result does not depend on the order of rows, unless two tie for `max_by` or `min_by`."""
PERIOD_FUNCTIONS = frozenset({"period_start", "period_end", "as_of"})
"""Functions that stand for the period asked for: its first day, the day after its last, and the instant looked at."""

WORKING_DAYS, HOLIDAYS_LIST = "working_days", "reference.holidays"
"""Function that counts the working days between two days, and the code list that it reads."""

# What each construct of a query may hold; everything else that the parser knows of it is refused.
_PARTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset({"with_", "expressions", "from_", "joins", "where", "group", "having", "distinct"}),
    exp.Union: frozenset({"with_", "this", "expression", "distinct"}),
    exp.Except: frozenset({"with_", "this", "expression", "distinct"}),
    exp.Intersect: frozenset({"with_", "this", "expression", "distinct"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.From: frozenset({"this"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.Table: frozenset({"this", "db", "alias"}),
    exp.TableAlias: frozenset({"this"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.Where: frozenset({"this"}),
    exp.Having: frozenset({"this"}),
    exp.Group: frozenset({"expressions"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Exists: frozenset({"this"}),
    exp.Filter: frozenset({"this", "expression"}),
    exp.Star: frozenset(),
}
_CLASSES = frozenset({"FUNCTION", "COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "CAST", "CASE",
                      "BETWEEN", "COLLATE", "LAMBDA", "SUBQUERY"})  # fmt: skip
_DAYS_BETWEEN = 2
_REMEDY = "write one SELECT over published tables, e.g. SELECT agency, level FROM procedures.agency_service"


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A query generated anew. `tables` are the tables it reads; in `sql` each is one name, `"registry.table"`."""

    sql: str
    tables: tuple[str, ...]


def checked_query(text: str, tables: Collection[str]) -> CheckedQuery:
    """The query of `text`, which may read the given tables (`registry.table`, `reference.list`) and nothing else.

    Raises:
        SqlRefused: it is not one query of allowed nodes over these tables, or not reproducible unchanged.
    """
    tree = understood(text)
    if not isinstance(tree, exp.Query) or isinstance(tree, exp.Subquery):
        raise SqlRefused("is not a query", _REMEDY)
    for node in tree.walk():
        _check(node)
    given, got = as_engine_reads(text, written(tree))
    if meaning(given, _CLASSES) != meaning(got, _CLASSES):
        raise otherwise()
    return CheckedQuery(*_with_given_names(tree, tables))


def _check(node: exp.Expr) -> None:
    allowed = _PARTS.get(type(node))
    if allowed is not None:
        for part, value in node.args.items():
            if value and part not in allowed:
                raise SqlRefused(f"holds {part.strip('_').upper()} in {type(node).__name__.upper()}", _REMEDY)
        if isinstance(node, exp.Star) and not _is_counted(node):
            raise SqlRefused("holds `*`", "name the columns")
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
            raise SqlRefused("reads a table function", _REMEDY)
    elif isinstance(node, exp.Anonymous) and node.name.lower() in EXACT_AGGREGATES | PERIOD_FUNCTIONS:
        if node.name.lower() == "sum" and any(map(_is_inexact, node.walk())):
            raise SqlRefused(
                "sums numbers that are not exact, so the order of rows counts", "sum whole numbers or DECIMALs"
            )
        if node.name.lower() in PERIOD_FUNCTIONS and node.expressions:
            raise SqlRefused(f"gives `{node.name}` an argument", f"write {node.name}()")
    elif isinstance(node, exp.Anonymous) and node.name.lower() == WORKING_DAYS:
        if len(node.expressions) != _DAYS_BETWEEN:
            raise SqlRefused(f"gives `{WORKING_DAYS}` other than two days", f"write {WORKING_DAYS}(came_on, ended_on)")
    elif isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES - FUNCTIONS:
        listed = ", ".join(sorted(EXACT_AGGREGATES))
        raise SqlRefused(f"calls `{node.name}`, which is no exact aggregate", f"use one of: {listed}")
    elif isinstance(node, exp.Column) and (node.args.get("db") or node.args.get("catalog")):
        raise SqlRefused(f"names `{node.sql()}` with its registry", "give the table a short name: FROM a.b AS b")
    elif isinstance(node, exp.In) and node.args.get("query") and not node.args.get("unnest"):
        return
    else:
        check_node(node)


def _is_inexact(node: exp.Expr) -> bool:
    """Whether a node gives a binary fraction: a division, or a cast to such a type."""
    return isinstance(node, exp.Div) or (isinstance(node, exp.Cast) and node.to.this in exp.DataType.FLOAT_TYPES)


def _is_counted(star: exp.Star) -> bool:
    return isinstance(star.parent, exp.Anonymous) and star.parent.name.lower() == "count"


def _with_given_names(tree: exp.Expr, tables: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The SQL with every table under its full name, and the tables it reads, sorted.

    A step of the query (WITH) gets a name that neither a table nor the engine's catalogue has, so that where the step
    is not in force its name leads nowhere.
    """
    steps = {name: f"step {number}" for number, name in enumerate(sorted(_named_steps(tree)), 1)}
    known = {name.lower(): name for name in tables}
    read = set()
    for table in list(tree.find_all(exp.Table)):
        name = table.name.lower()
        alias = table.alias or table.name
        if table.db:
            full = f"{table.db.lower()}.{name}"
            if full not in known:
                raise _unknown(full, known)
            read.add(known[full])
            name = known[full]
        elif name in steps:
            name = steps[name]
        else:
            raise _unknown(table.name, known)
        renamed = exp.Table(
            this=exp.Identifier(this=name, quoted=True), alias=exp.TableAlias(this=exp.to_identifier(alias))
        )
        table.replace(renamed)
    for cte in tree.find_all(exp.CTE):
        cte.args["alias"].set("this", exp.Identifier(this=steps[cte.alias.lower()], quoted=True))
    if any(call.name.lower() == WORKING_DAYS for call in tree.find_all(exp.Anonymous)):
        if HOLIDAYS_LIST not in known:
            raise SqlRefused(
                f"calls `{WORKING_DAYS}`, and there is no list of days off", f"add {HOLIDAYS_LIST} as a CSV file"
            )
        read.add(HOLIDAYS_LIST)
    if not read:
        raise SqlRefused("reads no published table", _REMEDY)
    return written(tree), tuple(sorted(read))


def _named_steps(tree: exp.Expr) -> set[str]:
    names = [cte.alias.lower() for cte in tree.find_all(exp.CTE)]
    for name in names:
        if names.count(name) > 1:
            raise SqlRefused(f"has two steps called `{name}`", "give each step of WITH a name of its own")
    return set(names)


def _unknown(name: str, known: dict[str, str]) -> SqlRefused:
    near = difflib.get_close_matches(name, known, n=1)
    others = "it may read published tables, code lists and people.index"
    remedy = f"did you mean `{known[near[0]]}`?" if near else others
    return SqlRefused(f"reads `{name}`, which is no published table", remedy)
