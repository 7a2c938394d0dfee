"""Expansion of the `vn_*` macros in a query, for engines that do not have them."""

from __future__ import annotations

import re
from functools import cache

import duckdb
from sqlglot import exp

from include.contracts.sql import understood, written
from include.vietnam.load import register_macros

_DEFINITIONS = """SELECT function_name, parameters, macro_definition FROM duckdb_functions()
    WHERE function_type = 'macro' AND regexp_matches(function_name, '^_?vn_')"""
# DuckDB writes a lambda in brackets, which the parser does not take.
_BRACKETED_LAMBDA = re.compile(r"\((lambda \w+: \w+\(\w+\))\)")


def expand_macros(query: str) -> str:
    """The query, which may read `{object}`, with the body of every macro in place of its call."""
    if "vn_" not in query:
        return query
    tree = understood(query.replace("{object}", "object_"))
    while any(call.name in _macros() for call in tree.find_all(exp.Anonymous)):
        tree = tree.transform(_expanded)
    return written(tree).replace('"object_"', "{object}")


def _expanded(node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Anonymous) or node.name not in _macros():
        return node
    names, body = _macros()[node.name]
    given = dict(zip(names, node.expressions, strict=True))
    return exp.paren(
        understood(body).transform(
            lambda inner: given[inner.name].copy() if isinstance(inner, exp.Column) and inner.name in given else inner
        )
    )


@cache
def _macros() -> dict[str, tuple[list[str], str]]:
    """Parameters and body of each macro that needs no code list, by name."""
    with duckdb.connect() as connection:
        register_macros(connection)
        found = connection.execute(_DEFINITIONS).fetchall()
    return {name: (names, _BRACKETED_LAMBDA.sub(r"\1", body)) for name, names, body in found}
