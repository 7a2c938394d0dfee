"""Validation of a parsed file by the Open Data Contract Standard's JSON schema (v3.2.0)."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any

from jsonschema_rs import Draft201909Validator, ValidationError

from include.contracts.yaml_files import Problem, YamlFile

API_VERSION = "v3.2.0"


@cache
def _schema() -> dict[str, Any]:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _validator() -> Draft201909Validator:
    return Draft201909Validator(_schema())


@cache
def _words() -> frozenset[str]:
    """All keys of the standard, to propose the right one for a misspelt one."""

    def keys(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("properties"), dict):
                yield from node["properties"]
            for value in node.values():
                yield from keys(value)
        elif isinstance(node, list):
            for value in node:
                yield from keys(value)

    return frozenset(keys(_schema()))


def standard_problems(file: YamlFile) -> list[Problem]:
    """Every place where the file is not ODCS v3.2, in the order of the file."""
    version = file.data.get("apiVersion")
    if version not in (None, API_VERSION):
        remedy = f"write the contract in ODCS {API_VERSION}"
        return [file.problem(("apiVersion",), f"apiVersion {version} is not read here", remedy)]
    return _told(file, _explain)


def misplaced_words(file: YamlFile) -> list[Problem]:
    """Standard keys at places where they have no effect; possibly a consequence of another mistake."""
    return _told(file, _explain_misplaced)


def _told(file: YamlFile, explain: Callable[[ValidationError], tuple[str, str] | None]) -> list[Problem]:
    found: dict[tuple[object, ...], Problem] = {}
    for error in _validator().iter_errors(file.data):
        for leaf in _leaves(error):
            explained = explain(leaf)
            if explained is not None:
                place = (*leaf.instance_path, *_unexpected(leaf)[:1])
                found.setdefault((place, explained), file.problem(place, *explained))
    return sorted(found.values(), key=lambda p: p.line)


def _explain_misplaced(error: ValidationError) -> tuple[str, str] | None:
    """Remedy for a standard key at a place where it has no effect."""
    kind: Any = error.kind
    place = tuple(error.instance_path)
    if type(kind).__name__.rpartition("_")[2] not in ("AdditionalProperties", "UnevaluatedProperties"):
        return None
    # Servers are checked in policies.py; options of a type with the column.
    if place[:1] != ("schema",) or "logicalTypeOptions" in place:
        return None
    words = ", ".join(f"`{name}`" for name in kind.unexpected)
    options = set(kind.unexpected) & _option_words()
    remedy = f"put `{min(options)}` under `logicalTypeOptions`" if options else "put it where ODCS has it"
    return f"has no place for {words} here", remedy


@cache
def _option_words() -> frozenset[str]:
    """All options of logical types."""

    def options(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            inner = (node.get("properties") or {}).get("logicalTypeOptions") if "properties" in node else None
            if isinstance(inner, dict):
                yield from inner.get("properties") or {}
            for value in node.values():
                yield from options(value)
        elif isinstance(node, list):
            for value in node:
                yield from options(value)

    return frozenset(options(_schema()))


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The most specific errors: of alternatives, those of the branch that matched furthest."""
    branches = getattr(error.kind, "context", None) or []
    inner = [e for branch in branches for e in branch]
    furthest = max((len(e.instance_path) for e in inner), default=0)
    if furthest <= len(error.instance_path):
        yield error
        return
    for leaf in inner:
        if len(leaf.instance_path) == furthest:
            yield from _leaves(leaf)


def _logical_types() -> list[str]:
    """The supported logical types."""
    known = _schema()["$defs"]["SchemaBaseProperty"]["properties"]["logicalType"]["enum"]
    return [name for name in known if name not in ("map", "vector")]


def _unexpected(error: ValidationError) -> list[str]:
    """The unexpected keys, those unknown to the standard first."""
    return sorted(getattr(error.kind, "unexpected", []), key=lambda name: name in _words())


def _explain(error: ValidationError) -> tuple[str, str] | None:
    """Message and remedy of an error; None for a consequence of another one."""
    kind: Any = error.kind
    value = error.instance
    match type(kind).__name__.rpartition("_")[2]:
        case "Required" if kind.property in ("map", "dimensions") and isinstance(value, dict):
            # For a column without type the schema requires the properties of a map or a vector.
            if value.get("logicalType") or kind.property == "dimensions":
                return "a map or vector is not published here", "publish it as `object` or `array` (JSON text)"
            return "states no `logicalType`", f"add it, one of: {', '.join(_logical_types())}"
        case "Required":
            return f"lacks `{kind.property}`", "add it (ODCS requires it here)"
        case "AdditionalProperties" | "UnevaluatedProperties":
            unknown = [name for name in kind.unexpected if name not in _words()]
            if not unknown:
                return None
            near = difflib.get_close_matches(unknown[0], _words(), n=1)
            hint = f"did you mean `{near[0]}`?" if near else "remove it, or put it under `customProperties`"
            return f"has no place for {', '.join(f'`{u}`' for u in unknown)} in ODCS", hint
        case "Enum":
            options = [str(option) for option in kind.options]
            near = difflib.get_close_matches(str(value), options, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(options)}"
            return f"`{value}` is not a word of ODCS here", hint
        case "Type":
            expected = " or ".join(str(t) for t in kind.types)
            return f"must be {expected}, not {type(value).__name__}", "quote text, and give lists as `- item`"
        case "OneOfNotValid" | "OneOfMultipleValid" if isinstance(value, dict) and {"metric", "query"} & set(value):
            return "needs exactly one comparison", "add one of mustBe, mustBeLessThan, mustBeBetween, ..."
        case "Pattern":
            return f"`{value}` has not the form {kind.pattern}", "write it in that form"
        case _ if error.instance_path[-1:] == ["to"]:
            remedy = "write `table.column`, `registry.table.column` or `reference.list.code`"
            return f"`{value}` names no column", remedy
        case _:
            return "is not as ODCS wants it here", "see this key in the Open Data Contract Standard v3.2"
