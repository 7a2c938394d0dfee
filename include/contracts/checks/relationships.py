"""Check of relationships: they speak of columns that are there, code lists of a day by a date column."""

from __future__ import annotations

from collections.abc import Sequence

from include.contracts.model import Column, Relationship
from include.contracts.yaml_files import ReportProblem


def check_relationships(
    relationships: Sequence[Relationship], columns: Sequence[Column], report: ReportProblem
) -> None:
    """Report columns that are not there, and a `validOn` that is no date column; the place is the table."""
    known = {column.name for column in columns}
    dates = {column.name for column in columns if column.logical_type == "date"}
    for relationship in relationships:
        for name in set(relationship.columns) - known:
            report((), f"a relationship speaks of `{name}`", f"one of: {', '.join(sorted(known))}")
        if relationship.valid_on and relationship.valid_on not in dates:
            message = f"`validOn` names `{relationship.valid_on}`, which is no date column here"
            report((), message, f"one of: {', '.join(sorted(dates)) or 'add a column of `logicalType: date`'}")
