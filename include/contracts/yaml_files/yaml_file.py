"""Reading of a YAML file with the line of every key and item."""

from __future__ import annotations

import io
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from include.contracts.yaml_files.problems import ContractError, Problem
from include.contracts.yaml_files.yaml_bounds import MOST_BYTES, Beyond, ensure_within, ensure_written_within

Place = tuple[str | int, ...]
_NAMES = ("name", "id", "server", "property")  # keys that name an item of a list
_TEXTS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


class _Loader(yaml.CSafeLoader):
    """YAML loader that keeps `2025-07-01` as text, as ODCS expects."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class YamlFile:
    """A parsed file: `data` as plain Python, and `line(place)` for the line of `("schema", 0, "name")`."""

    path: Path
    text: str
    data: dict[str, Any]
    root: yaml.Node

    def line(self, place: Iterable[str | int]) -> int:
        """The 1-based line of the deepest existing part of `place`."""
        node, line = self.root, self.root.start_mark.line + 1
        for step in place:
            found = _child(node, step)
            if found is None:
                return line
            line, node = found
        return line

    def problem(self, place: Iterable[str | int], message: str, remedy: str, *, warning: bool = False) -> Problem:
        """A problem at that place, described by names rather than positions where the items have names."""
        place = tuple(place)
        return Problem(
            self.path, self.line(place), self.describe(place), message, remedy, "warning" if warning else "error"
        )

    def describe(self, place: Place) -> str:
        """`schema[citizen].properties[sex].enum` for a place given by positions."""
        words, value = "", self.data
        for step in place:
            try:
                value = value[step]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                value = {}
            if isinstance(step, int):
                names = [value.get(key) for key in _NAMES] if isinstance(value, dict) else []
                name = next(filter(None, names), None)
                words += f"[{name or step + 1}]"
            else:
                words += f".{step}" if words else str(step)
        return words


def read_yaml(path: Path) -> YamlFile:
    """Read a mapping from a YAML file.

    Raises:
        ContractError: the file cannot be read, is not UTF-8, is not YAML, repeats a key or has one that is no text, is
            not a mapping, or exceeds the bounds of yaml_bounds.py.
    """

    def refuse(line: int, message: str, remedy: str) -> ContractError:
        return ContractError([Problem(path, line, "", message, remedy)])

    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise refuse(0, f"has more than {MOST_BYTES:,} bytes", "split it: one registry is one file")
        text = io.StringIO(content.decode("utf-8"), newline=None).read()
    except UnicodeDecodeError as error:
        raise refuse(0, f"is not UTF-8 (byte {error.start})", "save the file as UTF-8") from None
    except OSError as error:
        raise refuse(0, f"cannot be read: {error.strerror}", "check the path and its permissions") from None
    try:
        ensure_written_within(text)
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is not None:
            ensure_within(root)
        data = loader.construct_document(root) if root is not None else None
    except Beyond as found:
        remedy = "no contract needs that: remove it, and write out what is repeated"
        raise refuse(found.line, found.what, remedy) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise refuse(line, f"is not YAML: {error.problem}", "check indentation and quotes near this line") from None
    except yaml.YAMLError as error:
        reason = re.sub(r"\s+", " ", str(error))
        raise refuse(0, f"is not YAML: {reason}", "remove characters that YAML does not allow") from None
    except ValueError:  # a number that Python cannot parse
        raise refuse(0, "holds a number of too many digits", "put long numbers in quotes") from None
    if root is None or not isinstance(data, dict):
        raise refuse(1, "is empty or not a mapping", "begin with `apiVersion:` and `kind:` at the left margin")
    wrong = [
        *((line, f"the key `{key}` stands twice", "keep one of them") for key, line in _repeated_keys(root)),
        *((line, f"the key `{key}` is no text in YAML", "put it in quotes") for key, line in _keys_without_text(root)),
    ]
    if wrong:
        raise ContractError([Problem(path, line, "", message, remedy) for line, message, remedy in wrong])
    return YamlFile(path, text, data, root)


def _child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def _repeated_keys(node: yaml.Node) -> Iterable[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


def _keys_without_text(node: yaml.Node) -> Iterable[tuple[str, int]]:
    """Keys that YAML takes for something else: `no` is false, `1` a number, `~` nothing."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag not in _TEXTS:
                yield str(key.value)[:80], key.start_mark.line + 1
            yield from _keys_without_text(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _keys_without_text(item)
