"""Rows that an engine collects into a list or a text come in any order, unless the SQL says in which.

Where such a list is published, another order would be a change of a row in which nothing changed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLLECTS = re.compile(r"(?<![\w.])(list|array_agg|string_agg|group_concat|first|last)\(", re.IGNORECASE)
A_SET = re.compile(r"\s*DISTINCT\b", re.IGNORECASE)  # read as a set: its order is nobody's
SORTED_LATER = "list_sort(list_distinct(flatten("


def sql_of(path: Path) -> Iterator[str]:
    """The texts of a file, what an f-string fills in as `{}`; of SQL files the whole file."""
    if path.suffix == ".sql":
        yield path.read_text(encoding="utf-8")
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def unordered(sql: str) -> list[str]:
    """The calls that collect rows without saying in which order."""
    found = []
    for call in COLLECTS.finditer(sql):
        depth, end = 1, call.end()
        while depth and end < len(sql):
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        inside = sql[call.end() : end]
        sorted_later = sql[: call.start()].endswith(SORTED_LATER)
        if not depth and not sorted_later and not A_SET.match(inside) and "ORDER BY" not in inside.upper():
            found.append(sql[call.start() : end])
    return found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT flatten(list(_warnings)) FROM x", ["list(_warnings)"]),
        ("SELECT list(item ORDER BY rule), string_agg(a, ',')", ["string_agg(a, ',')"]),
        ("SELECT list(DISTINCT a), list_distinct(b), list_has_any(c, d)", []),
        ("SELECT list_sort(list_distinct(flatten(list(a))))", []),
        ("SELECT first(coalesce(a, b)), last(a ORDER BY b)", ["first(coalesce(a, b))"]),
    ],
)
def test_a_list_without_an_order_is_found(sql: str, found: list[str]) -> None:
    assert unordered(sql) == found


def test_every_list_of_rows_has_an_order() -> None:
    files = [path for room in ("include", "plugins", "dags") for path in (ROOT / room).rglob("*.*")]
    told = {
        str(path.relative_to(ROOT)): calls
        for path in files
        if path.suffix in {".py", ".sql"} and (calls := [c for sql in sql_of(path) for c in unordered(sql)])
    }
    assert not told
