"""Row filters by the clock of Viet Nam.

An agreement's days, the year of a protection and the day of an instant in a row filter are those of one clock. The
lake's sessions run in UTC, by which instants are written, so the filter itself says the zone: what is compared with an
instant becomes an instant there, and an instant that is cast or goes into a function becomes its local time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from sqlglot import exp

from include.contracts.sql import understood, written
from include.contracts.words import HANOI

_COMPARING = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In, exp.Add,
    exp.Sub,
)  # fmt: skip
_KEEPING = (exp.Paren, exp.And, exp.Or, exp.Not, exp.Is)
_OFFSET = re.compile(r"[-+A-Za-z]")  # behind the day and the letter T


class InstantInTuple(ValueError):
    """A filter compares several values at once, an instant among them."""


def by_hanoi(predicate: str, instants: Collection[str]) -> str:
    """The predicate, for a session of any time zone, as a session of Viet Nam would take it.

    `instants`: names of the columns of type TIMESTAMPTZ, in lower case. Raises InstantInTuple.
    """
    tree = exp.Paren(this=understood(predicate))
    known: set[int] = set()
    before = written(tree.this)
    for node in reversed([*tree.walk(bfs=False)]):
        if _is_instant(node, instants, known):
            known.add(id(node))
        within = [child for child in _operands(node) if id(child) in known]
        if isinstance(node, exp.Tuple) and within:
            raise InstantInTuple
        if isinstance(node, exp.Cast) and _is_to_instant(node):
            if not within:
                known.add(id(_as_instant(node, node.this)))
        elif isinstance(node, _COMPARING) or _is_coalesce(node):
            for child in _operands(node) if within else ():
                if id(child) not in known:
                    _as_instant(child, child)
        elif not isinstance(node, _KEEPING):
            for child in within:
                child.replace(_in_hanoi(child))
    after = written(tree.this)
    return predicate if after == before else after


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    return (child for child in node.iter_expressions() if not isinstance(child, exp.DataType))


def _is_instant(node: exp.Expr, instants: Collection[str], known: set[int]) -> bool:
    if isinstance(node, exp.Column):
        return node.name.lower() in instants
    if isinstance(node, exp.Paren) or _is_coalesce(node):
        return any(id(child) in known for child in _operands(node))
    return isinstance(node, exp.Cast) and _is_to_instant(node)


def _is_to_instant(node: exp.Cast) -> bool:
    return bool(node.to.this == exp.DataType.Type.TIMESTAMPTZ)


def _is_coalesce(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == "coalesce"


def _as_instant(node: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Put the instant of a value, which is a day, a local time or a text, in the node's place."""
    if isinstance(value, exp.Null):
        return node
    if isinstance(value, exp.Literal) and value.is_string and _OFFSET.search(value.name[11:]):
        found: exp.Expr = exp.Cast(this=value.copy(), to=exp.DataType.build("TIMESTAMPTZ"))
    else:
        found = _in_hanoi(exp.Cast(this=value.copy(), to=exp.DataType.build("TIMESTAMP", dialect="duckdb")))
    node.replace(found)
    return found


def _in_hanoi(value: exp.Expr) -> exp.Expr:
    """The local time of an instant, or the instant of a local time."""
    return exp.Paren(this=exp.AtTimeZone(this=value.copy(), zone=exp.Literal.string(HANOI.key)))
