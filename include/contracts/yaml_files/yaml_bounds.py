"""How much a YAML file may hold, told before anything is made of it: a bomb stops its own file and nothing else."""

from __future__ import annotations

import yaml

# The greatest contracts have a few thousand columns of some ten lines each. What is beyond is no contract but a bomb: a
# few hundred bytes of aliases stand for billions of items, and nesting exhausts the stack of whoever walks it.
MOST_BYTES, MOST_ITEMS, DEEPEST = 16 * 1024**2, 500_000, 64
_TOO_MANY = f"has more than {MOST_ITEMS:,} items, or one within itself, with what its aliases (*name) stand for"
_TOO_DEEP = f"is nested deeper than {DEEPEST} levels, with what its aliases (*name) stand for"


class Beyond(Exception):
    """At `line`, the file goes beyond what is read; `what` says how."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


def ensure_written_within(text: str) -> None:
    """See that the file is within bounds as it is written, from its events: no tree is built yet."""
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
    """See that the tree is within bounds, each part counted as often as aliases repeat it.

    Nodes are shared by their aliases, so that this takes as long as the file is, whatever it stands for.
    """
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: yaml.Node, above: int) -> tuple[int, int]:
        """Items and levels of the part of the tree that begins here."""
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
