"""Exact casts: replaces the casts in a contract's expressions by those of the conversion table.

The engine reads `1.5` as the integer 2, `1.555` as 1.56, `2020-01-31 BC` and `epoch` as days, `yes` as true: in
`TRY_CAST("ngay" AS DATE)` a value would change silently. Here a cast of text, and one that narrows a source column,
gives the value exactly or NULL, so that the row is rejected. Casts of computed numbers round, as in any SQL. To a type
that the table does not have (TIME, TIMESTAMP_S, lists), text is cast only if it is written as the engine writes it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import duckdb

from include.lake.storage import literal
from include.quality.conversion import moments, numbers

_VALUE = "_lienthong_value"
_TEXT = f"CAST({_VALUE} AS VARCHAR)"
_AS_TEXT = "CAST(_lienthong_cast AS VARCHAR)"
_NEVER_CHANGE = ("VARCHAR", "BLOB", "UUID", "INTERVAL", "UNBOUND")  # UNBOUND: JSON
_WHOLE_TYPES = (*numbers.INTEGER_TYPES, "UHUGEINT")
_WHOLE_NUMBER = r"[+-]?[0-9]+(?:\.0*)?|-?[0-9](?:\.[0-9]+)?e\+[0-9]+|true|false"
Node = dict[str, Any]


@lru_cache(maxsize=4096)
def with_exact_casts(expression: str) -> str:
    """The expression with exact casts, as the engine's own parser reads and writes it.

    Unchanged if it has none or cannot be parsed.
    """
    if "cast" not in expression.lower() and "::" not in expression:
        return expression
    tree = _tree(f"SELECT (\n{expression}\n)")
    if tree is None:
        return expression
    selected = tree["statements"][0]["node"]["select_list"]
    changed = [_exact(node) for node in selected]
    if changed == selected:
        return expression
    tree["statements"][0]["node"]["select_list"] = changed
    return str(_ask("SELECT json_deserialize_sql(CAST($given AS JSON))", json.dumps(tree))).removeprefix("SELECT ")


def _exact(node: Any) -> Any:
    if isinstance(node, list):
        return [_exact(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {name: _exact(part) for name, part in node.items()}
    if node.get("class") != "CAST" or node["child"]["class"] == "CONSTANT":
        return node
    read = _reading(_type_name(node["cast_type"]), is_column=node["child"]["class"] == "COLUMN_REF")
    return node if read is None else _filled(_template(read), cast=node, value=node["child"])


def _type_name(cast_type: Node) -> str:
    info = cast_type.get("type_info") or {}
    return f"DECIMAL({info['width']},{info['scale']})" if cast_type["id"] == "DECIMAL" else str(cast_type["id"])


def _reading(to_type: str, *, is_column: bool) -> str | None:
    """SQL of `_lienthong_value` converted to the type; `_lienthong_cast` is the engine's cast of it."""
    if to_type in _NEVER_CHANGE:
        return None
    of_text = _of_text(to_type)
    if of_text is None:
        same = f"CASE WHEN {_AS_TEXT} = {_TEXT} THEN _lienthong_cast END"
        of_text, is_text = same, f"contains(typeof({_VALUE}), 'VARCHAR')"  # also a list of texts
    else:
        is_text = f"typeof({_VALUE}) = 'VARCHAR'"
    otherwise = "_lienthong_cast"
    if is_column and to_type in _WHOLE_TYPES:
        fits = f"regexp_full_match({_TEXT}, {literal(_WHOLE_NUMBER)})"
        otherwise = f"CASE WHEN {fits} THEN {otherwise} END"
    elif is_column and to_type.startswith("DECIMAL"):
        otherwise = of_text
    elif is_column and to_type in ("DOUBLE", "FLOAT"):
        held = "'BOOLEAN', 'FLOAT', 'DOUBLE'" if to_type == "DOUBLE" else "'BOOLEAN', 'FLOAT'"
        otherwise = f"CASE WHEN typeof({_VALUE}) IN ({held}) THEN {otherwise} ELSE {of_text} END"
    elif is_column and to_type == "BOOLEAN":
        otherwise = f"CASE WHEN {_TEXT} = 'true' THEN true WHEN {_TEXT} = 'false' THEN false ELSE {of_text} END"
    elif is_column and to_type.startswith("TIMESTAMP"):
        local = to_type.removesuffix(" WITH TIME ZONE")  # an instant keeps the digits that a local time keeps
        is_local = f"typeof({_VALUE}) IN ('TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS')"
        cut = f"{is_local} AND CAST(TRY_CAST({_VALUE} AS {local}) AS VARCHAR) <> {_TEXT}"
        otherwise = f"CASE WHEN {cut} THEN NULL ELSE {otherwise} END"
    return f"CASE WHEN {is_text} THEN {of_text} ELSE {otherwise} END"


def _of_text(to_type: str) -> str | None:
    if to_type in _WHOLE_TYPES:
        return numbers.whole_of_text(_TEXT, to_type)
    if to_type.startswith("DECIMAL"):
        return numbers.decimal_of_text(_TEXT, to_type)
    if to_type in ("DOUBLE", "FLOAT"):
        return numbers.float_of_text(_TEXT, to_type)
    if to_type == "BOOLEAN":
        return numbers.boolean_of_text(_TEXT)
    return moments.cast_of_text(_TEXT, to_type)


def _filled(template: Any, *, cast: Node, value: Node) -> Any:
    if isinstance(template, list):
        return [_filled(part, cast=cast, value=value) for part in template]
    if not isinstance(template, dict):
        return template
    if template.get("class") == "COLUMN_REF":
        return {_VALUE: value, "_lienthong_cast": {**cast, "try_cast": True}}.get(template["column_names"][0], template)
    return {name: _filled(part, cast=cast, value=value) for name, part in template.items()}


@lru_cache(maxsize=256)
def _template(sql: str) -> Node:
    tree = _tree(f"SELECT {sql}")
    if tree is None:
        raise ValueError("a template of a cast is no SQL")
    node: Node = tree["statements"][0]["node"]["select_list"][0]
    return node


def _tree(statement: str) -> Node | None:
    tree: Node = json.loads(str(_ask("SELECT json_serialize_sql(CAST($given AS VARCHAR))", statement)))
    return None if tree["error"] or len(tree["statements"]) != 1 else tree


def _ask(sql: str, given: str) -> Any:
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.execute(sql, {"given": given}).fetchall()[0][0]
