"""Analysis of a column's SQL expression (`transformLogic`): the source columns it reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from include.contracts.model import Column
from include.contracts.sql import PlainDuckDB

# Functions that are null only for a blank value, so that no value can be lost by them.
_KEEPS_ALL = {"vn_text", "vn_name", "vn_digits", "vn_mst", "vn_agency", "upper", "lower"}


def columns_read(column: Column) -> tuple[str, ...]:
    """Names of the source columns of a published column; excludes names inside sub-queries and lambdas."""
    if not column.expression:
        return (column.source_name or column.name,)
    tree = _tree(column.expression)
    if tree is None:
        return (column.source_name,) if column.source_name else ()
    return tuple(dict.fromkeys(found.name for found in _columns(tree)))


def inputs(column: Column) -> tuple[str, ...]:
    """Source columns whose values are published, without those in conditions only.

    In `CASE WHEN "loai" = '1' THEN "ten" END` that is `ten`. If an expression has only conditions
    (`CASE WHEN "gioi_tinh" = '1' THEN 'male' END`), their columns count.
    """
    if not column.expression:
        return columns_read(column)
    tree = _tree(column.expression)
    if tree is None:
        return columns_read(column)
    values = tuple(dict.fromkeys(found.name for found in _columns(tree) if not _is_in_condition(found)))
    return values or columns_read(column)


def may_lose(column: Column) -> bool:
    """Whether a given value may fail to convert, which is then a fault.

    Text published unchanged cannot fail, nor what reads no column; a derived column's input is published by another.
    """
    if column.is_derived or not inputs(column):
        return False
    if column.sql_type != "VARCHAR" or column.logical_type in ("time", "object", "array"):
        return True
    if not column.expression:
        return False
    tree = _tree(column.expression)
    return tree is None or not _keeps_all(tree)


@lru_cache(maxsize=4096)
def _tree(expression: str) -> exp.Expr | None:
    try:
        return sqlglot.parse_one(expression, dialect=PlainDuckDB)
    except SqlglotError:
        return None


def _columns(tree: exp.Expr) -> Iterator[exp.Column]:
    bound = {parameter.name.lower() for found in tree.find_all(exp.Lambda) for parameter in found.expressions}
    for found in tree.find_all(exp.Column, bfs=False):
        if found.name.lower() not in bound and found.find_ancestor(exp.Select) is None:
            yield found


def _is_in_condition(found: exp.Expr) -> bool:
    """Whether a column occurs in the WHEN of a CASE or the condition of an `if`."""
    node: exp.Expr | None = found
    while node is not None and node.parent is not None:
        over = node.parent
        if isinstance(over, exp.If) and node.arg_key == "this":
            return True
        if isinstance(over, exp.Anonymous) and over.name.lower() == "if" and node is over.expressions[0]:
            return True
        node = node.parent
    return False


def _keeps_all(tree: exp.Expr) -> bool:
    if isinstance(tree, exp.Column):
        return True
    if isinstance(tree, exp.Paren):
        return _keeps_all(tree.this)
    name = tree.name if isinstance(tree, exp.Anonymous) else tree.key
    given = tree.expressions if isinstance(tree, exp.Anonymous) else [tree.this]
    return name.lower() in _KEEPS_ALL and len(given) == 1 and _keeps_all(given[0])
