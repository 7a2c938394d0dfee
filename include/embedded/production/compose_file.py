"""Reader of docker-compose.yaml, the single definition of production and of the stack without containers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<rule>:?[-?])(?P<word>[^}]*))?\})"
)


class SettingMissing(ValueError):
    """A required variable of the compose file has no value."""


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Substitute values for `${NAME}`, `${NAME:-default}` or `${NAME:?what to do}`; `$$` is a dollar.

    Raises:
        SettingMissing: a `${NAME:?...}` without a value; with what to do.
    """

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        given = values.get(found["name"], "")
        if given or not found["rule"]:
            return given
        if found["rule"].endswith("?"):
            raise SettingMissing(f"{found['name']} is not set: {found['word']}")
        return str(found["word"])

    return _VARIABLE.sub(value, text)


def variables(node: Any) -> dict[str, set[str]]:
    """Every variable used in the texts of a YAML tree, with its operators (`:?`, `:-` or none)."""
    found: dict[str, set[str]] = {}
    for text in _texts(node):
        for match in _VARIABLE.finditer(text):
            if match["name"]:
                found.setdefault(match["name"], set()).add(match["rule"] or "")
    return found


def load(path: Path, values: Mapping[str, str]) -> dict[str, Any]:
    """The compose file with anchors resolved and variables substituted.

    Raises:
        SettingMissing: a value is missing; with what to do.
    """
    filled = _filled(yaml.safe_load(path.read_text(encoding="utf-8")), values)
    assert isinstance(filled, dict)  # noqa: S101 - a compose file is a mapping
    return filled


def _filled(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(inside, values) for key, inside in node.items()}
    if isinstance(node, list):
        return [_filled(inside, values) for inside in node]
    return interpolate(node, values) if isinstance(node, str) else node


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for inside in node.values() for text in _texts(inside)]
    if isinstance(node, list):
        return [text for inside in node for text in _texts(inside)]
    return [node] if isinstance(node, str) else []
