"""Hints of a query, by which files are left out: rows wanted, and predicates held against the files' own statistics.

The protocol wants best effort, and clients apply predicate and limit themselves. A file is left out only if no row of
it can meet a predicate: what a hint says otherwise, or what a file does not tell, leaves nothing out. Shared tables
keep no column statistics in their log; the Parquet footers have them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow.parquet as pq

from include.lake.storage import Lake
from include.sharing.delta_sharing.requests import Query
from include.sharing.delta_sharing.snapshot import DataFile, Snapshot

_LONGEST = 10_000
_DEEPEST = 20
_NAME = r'(?:`([^`]+)`|"([^"]+)"|([A-Za-z_]\w*))'
_LITERAL = r"('(?:[^']|'')*'|-?\d{1,18})"
_OPERATOR = r"(<>|<=|>=|=|<|>)"
_COLUMN_FIRST = re.compile(rf"\s*{_NAME}\s*{_OPERATOR}\s*{_LITERAL}\s*")
_LITERAL_FIRST = re.compile(rf"\s*{_LITERAL}\s*{_OPERATOR}\s*{_NAME}\s*")
_NULL = re.compile(rf"\s*{_NAME}\s+IS\s+(NOT\s+)?NULL\s*", re.IGNORECASE)
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}
_OF_JSON = {"equal": "=", "lessThan": "<", "lessThanOrEqual": "<=", "greaterThan": ">", "greaterThanOrEqual": ">="}
_KINDS = {"string": str, "int": int, "long": int, "date": date}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a file tells of one column: least and greatest value (None if all are null), nulls and rows."""

    least: Any
    greatest: Any
    nulls: int
    rows: int


Ranges = Mapping[str, Bounds]
Predicate = Callable[[Ranges], bool]
"""Whether a row of a file with these bounds, by column in lower case, may meet the predicate."""


def wanted_files(lake: Lake, snapshot: Snapshot, query: Query) -> tuple[DataFile, ...]:
    """The files of a snapshot that may hold rows the client wants; the predicates first, then the limit."""
    predicates = [found for hint in query.predicates if (found := of_sql(hint)) is not None]
    if (found := of_json(query.json_predicate)) is not None:
        predicates.append(found)
    files = list(snapshot.files)
    if predicates:
        files = [file for file in files if _may_meet(predicates, bounds(lake, f"{snapshot.uri}/{file.path}"))]
    if query.limit is not None:
        kept, rows = [], 0
        for file in files:
            if rows >= query.limit:
                break
            kept.append(file)
            rows += file.rows
        files = kept
    return tuple(files)


def _may_meet(predicates: Sequence[Predicate], ranges: Ranges) -> bool:
    return all(predicate(ranges) for predicate in predicates)


@lru_cache(maxsize=10_000)
def bounds(lake: Lake, uri: str) -> Ranges:
    """The bounds of a file's columns by its footer, without columns of which a row group has none."""
    with lake.open_input(uri) as file:
        footer = pq.read_metadata(file)
    found: dict[str, Bounds] = {}
    unknown: set[str] = set()
    for group in range(footer.num_row_groups):
        for place in range(footer.num_columns):
            column = footer.row_group(group).column(place)
            name, own = column.path_in_schema.lower(), column.statistics
            if own is None or own.null_count is None or not (own.has_min_max or own.null_count == column.num_values):
                unknown.add(name)
                continue
            least, greatest = (own.min, own.max) if own.has_min_max else (None, None)
            former = found.get(name)
            if former is not None:
                least = min((v for v in (former.least, least) if v is not None), default=None)
                greatest = max((v for v in (former.greatest, greatest) if v is not None), default=None)
            found[name] = Bounds(
                least,
                greatest,
                own.null_count + (former.nulls if former else 0),
                column.num_values + (former.rows if former else 0),
            )
    return {name: value for name, value in found.items() if name not in unknown}


def of_sql(hint: str) -> Predicate | None:
    """The predicate of one SQL hint: a column compared with a text, a whole number or a date, or with null."""
    if len(hint) > _LONGEST:
        return None
    if match := _NULL.fullmatch(hint):
        return _null_check(_name(match.groups()[:3]), is_null=match.group(4) is None)
    if match := _COLUMN_FIRST.fullmatch(hint):
        *names, operator, literal = match.groups()
    elif match := _LITERAL_FIRST.fullmatch(hint):
        literal, operator, *names = match.groups()
        operator = _TURNED[operator]
    else:
        return None
    if literal.startswith("'"):
        return _comparison(_name(names), operator, literal[1:-1].replace("''", "'"), (str, date))
    return _comparison(_name(names), operator, literal, (int,))


def of_json(hint: str) -> Predicate | None:
    """The predicate of a JSON hint; None for what is no JSON, or no predicate of the protocol."""
    if not hint or len(hint) > _LONGEST:
        return None
    try:
        return _of_node(json.loads(hint), _DEEPEST)
    except (ValueError, RecursionError):
        return None


def _of_node(node: object, depth: int) -> Predicate | None:
    if not isinstance(node, dict) or not depth:
        return None
    operation, children = node.get("op"), node.get("children")
    if not isinstance(children, list) or not isinstance(operation, str):
        return None
    if operation in ("and", "or"):
        parts = [_of_node(child, depth - 1) for child in children]
        known = [part for part in parts if part is not None]
        if operation == "and":
            return (lambda ranges: _may_meet(known, ranges)) if known else None
        return (lambda ranges: any(part(ranges) for part in known)) if parts and len(known) == len(parts) else None
    if operation == "not":
        inner = children[0] if len(children) == 1 else None
        if isinstance(inner, dict) and inner.get("op") == "isNull":
            return _of_null(inner.get("children"), is_null=False)
        return None
    if operation == "isNull":
        return _of_null(children, is_null=True)
    if operation in _OF_JSON and len(children) == 2 and all(isinstance(child, dict) for child in children):
        return _of_pair(_OF_JSON[operation], *children)
    return None


def _of_null(children: object, *, is_null: bool) -> Predicate | None:
    column = children[0] if isinstance(children, list) and len(children) == 1 else None
    name = column.get("name") if isinstance(column, dict) and column.get("op") == "column" else None
    return _null_check(name, is_null=is_null) if isinstance(name, str) else None


def _of_pair(operator: str, left: dict[str, Any], right: dict[str, Any]) -> Predicate | None:
    if left.get("op") == "literal":
        left, right, operator = right, left, _TURNED[operator]
    name, value, kind = left.get("name"), right.get("value"), _KINDS.get(str(right.get("valueType")))
    if left.get("op") != "column" or right.get("op") != "literal" or kind is None:
        return None
    if not isinstance(name, str) or not isinstance(value, str) or left.get("valueType") != right.get("valueType"):
        return None
    return _comparison(name, operator, value, (kind,))


def _null_check(name: str, *, is_null: bool) -> Predicate:
    def may_be(ranges: Ranges) -> bool:
        found = ranges.get(name.lower())
        return found is None or (found.nulls > 0 if is_null else found.nulls < found.rows)

    return may_be


def _comparison(name: str, operator: str, literal: str, kinds: tuple[type, ...]) -> Predicate:
    def may_be(ranges: Ranges) -> bool:
        found = ranges.get(name.lower())
        if found is None:
            return True
        if found.least is None:
            return False  # all are null, and null meets no comparison
        value = _as(literal, type(found.least)) if type(found.least) in kinds else None
        if value is None:
            return True
        least, greatest = found.least, found.greatest
        outcomes: dict[str, bool] = {
            "=": least <= value <= greatest,
            "<>": not (least == value == greatest),
            "<": least < value,
            "<=": least <= value,
            ">": greatest > value,
            ">=": greatest >= value,
        }
        return outcomes[operator]

    return may_be


def _as(literal: str, kind: type) -> Any:
    try:
        return date.fromisoformat(literal) if kind is date else kind(literal)
    except ValueError:
        return None


def _name(groups: Sequence[str | None]) -> str:
    return next(group for group in groups if group is not None)
