"""CSV and other delimited text: surveyed as bytes, read with every column as text and every line accounted for."""

from __future__ import annotations

from include.sources.csv.delimited import read_delimited

__all__ = [
    "read_delimited",
]
