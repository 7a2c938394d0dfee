"""Hold a parsed file against the Open Data Contract Standard's own JSON schema (v3.2.0)."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError

from include.contracts.problems import Problem
from include.contracts.yaml_file import YamlFile

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
    """Every key the standard knows, to propose the right one for a misspelt one."""

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
    if file.data.get("apiVersion") not in (None, API_VERSION):
        return [
            file.problem(
                ("apiVersion",),
                f"apiVersion {file.data['apiVersion']} is not read here",
                f"write the contract in ODCS {API_VERSION}",
            )
        ]
    found: dict[tuple[object, ...], Problem] = {}
    for error in _validator().iter_errors(file.data):
        for leaf in _leaves(error):
            if leaf.validator == "unevaluatedProperties" and not _unknown(leaf):
                continue  # an echo: the key is known, and another error at this place says what is wrong
            place = tuple(leaf.absolute_path)
            message, remedy = _explain(leaf)
            found.setdefault((place, message), file.problem(place, message, remedy))
    return sorted(found.values(), key=lambda p: p.line)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors that name the mistake: for `anyOf`/`oneOf`, those of the branch that came furthest."""
    if not error.context:
        yield error
        return
    furthest = max(len(e.absolute_path) for e in error.context)
    if furthest == len(error.absolute_path):
        yield error
        return
    for inner in error.context:
        if len(inner.absolute_path) == furthest:
            yield from _leaves(inner)


def _explain(error: ValidationError) -> tuple[str, str]:
    rule, value = error.validator, error.validator_value
    if rule == "required":
        missing = [name for name in value if name not in error.instance]
        return f"lacks {', '.join(f'`{m}`' for m in missing)}", "add it (ODCS requires it here)"
    if rule in ("additionalProperties", "unevaluatedProperties"):
        unknown = _unknown(error)
        near = [m for name in unknown for m in difflib.get_close_matches(name, _words(), n=1)]
        hint = f"did you mean `{near[0]}`?" if near else "remove it, or put it under `customProperties`"
        return f"has no place for {', '.join(f'`{u}`' for u in unknown) or 'this key'} in ODCS", hint
    if rule == "enum":
        near = difflib.get_close_matches(str(error.instance), [str(v) for v in value], n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(str(v) for v in value)}"
        return f"`{error.instance}` is not a word of ODCS here", hint
    if rule == "type":
        return f"must be {value}, not {type(error.instance).__name__}", "quote text, and give lists as `- item`"
    if rule in ("oneOf", "anyOf"):
        if (isinstance(error.instance, dict) and "metric" in error.instance) or "mustBe" in str(value)[:200]:
            return "needs exactly one comparison", "add one of mustBe, mustBeLessThan, mustBeBetween, ..."
        return "fits none of the forms ODCS allows here", "see the standard, section of this key"
    if rule == "pattern":
        return f"`{error.instance}` has not the form {value}", "write it in that form"
    return error.message[:200], "see the Open Data Contract Standard v3.2"


def _unknown(error: ValidationError) -> list[str]:
    """The keys ODCS does not know, out of jsonschema's "... ('qualtiy', 'metric' were unexpected)"."""
    quoted = error.message[error.message.rfind("(") :].split("'")[1::2]
    return [name for name in quoted if name not in _words()]
