"""Size bounds of YAML files, checked before parsing, against YAML bombs."""

from __future__ import annotations

import yaml

# The largest contracts have a few thousand columns of some ten lines each. A few hundred bytes of aliases can stand for
# billions of items, and deep nesting exhausts the stack of recursive code.
MOST_BYTES, MOST_ITEMS, DEEPEST = 16 * 1024**2, 500_000, 64
_TOO_MANY = f"has more than {MOST_ITEMS:,} items, or one within itself, with what its aliases (*name) stand for"
_TOO_DEEP = f"is nested deeper than {DEEPEST} levels, with what its aliases (*name) stand for"


class Beyond(Exception):
    """The file exceeds a bound at `line`; `what` names it."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


def ensure_written_within(text: str) -> None:
    """Check the bounds on the file's parse events, before a tree is built."""
    depth = 0
    for items, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise Beyond(line, _TOO_DEEP)
        if items > MOST_ITEMS:
            raise Beyond(line, _TOO_MANY)


def ensure_within(root: yaml.Node) -> None:
    """Check the bounds on the tree, each node counted as often as aliases repeat it.

    Aliases share nodes, so the time is linear in the file's size.
    """
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: yaml.Node, above: int) -> tuple[int, int]:
        """Number of items and levels of the subtree."""
        if id(node) not in measured:
            line = node.start_mark.line + 1
            if above > DEEPEST:
                raise Beyond(line, _TOO_DEEP)
            below = [measure(part, above + 1) for part in _parts(node)]
            items = 1 + sum(found for found, _ in below)
            levels = 1 + max((found for _, found in below), default=0)
            if items > MOST_ITEMS:
                raise Beyond(line, _TOO_MANY)
            if levels > DEEPEST:
                raise Beyond(line, _TOO_DEEP)
            measured[id(node)] = items, levels
        return measured[id(node)]

    measure(root, 0)


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
