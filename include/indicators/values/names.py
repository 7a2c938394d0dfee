"""Names of the members of dimensions, from the code lists: agencies and provinces."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from include.vietnam import reference_lists

_LISTS = {"agency": "agencies", "province": "provinces"}


def member_names(schemas: Path) -> dict[str, Mapping[str, str]]:
    """For each dimension that has a code list, the name of each code; the newest where a code had several."""
    files = reference_lists(schemas)
    return {dimension: _names(files[name]) for dimension, name in _LISTS.items() if name in files}


def _names(path: Path) -> Mapping[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["valid_from"])
    return {row["code"]: row["name"] for row in rows}
