"""Reader of CSV and other delimited text: every column as text, every line either a row or an error."""

from __future__ import annotations

from include.sources.csv.delimited import read_delimited

__all__ = [
    "read_delimited",
]
