"""JSON Lines: one object a line, every value as the text that the file has."""

from __future__ import annotations

from include.sources.json_lines.json_table import read_json_lines

__all__ = [
    "read_json_lines",
]
