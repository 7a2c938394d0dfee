"""Checks of a table's primary key and cursor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from open_data_contract_standard.model import SchemaProperty
from pydantic import TypeAdapter

from include.contracts.model import POSITION, Column, ExtractPolicy, RowsFromList
from include.contracts.rules import columns_read
from include.contracts.yaml_files import ReportProblem

_BEGINS_WITH_YEAR = re.compile(r"\^\(?(?:\?:)?(?:\\d|\[0-9\]|\[\\d\]|[12]|\[12\])")
_ISO = TypeAdapter(timedelta)
LATE_ROWS_REMEDY = (
    "let `lag` be at least as long as the longest transaction of the source, or use `deletes: reconcile`, or run "
    "`--full` every week"
)
_LONG_ENOUGH = timedelta(days=1)  # longest transaction assumed at a source
_ORDERED = ("integer", "number", "date", "timestamp")


def check_key(
    columns: Sequence[Column], written: Sequence[SchemaProperty], extract: ExtractPolicy, report: ReportProblem
) -> None:
    """Report what makes the key ambiguous or useless; places are within the table."""
    positions: dict[int, str] = {}
    keys = [prop for prop in written if prop.primaryKey]
    are_given = [bool(prop.primaryKeyPosition and prop.primaryKeyPosition > 0) for prop in keys]
    for index, (column, prop) in enumerate(zip(columns, written, strict=True)):
        place = ("properties", index, "primaryKeyPosition")
        if prop.primaryKeyPosition and prop.primaryKeyPosition > 0 and not prop.primaryKey:
            report(place, "`primaryKeyPosition` stands without `primaryKey`", "add `primaryKey: true`, or leave it out")
        if column.primary_key_position is None:
            continue
        first = positions.setdefault(column.primary_key_position, column.name)
        if first != column.name and all(are_given):
            message = f"`{first}` has the same place {column.primary_key_position} in the key"
            report(place, message, "count the key's columns: 1, 2, ...")
        _check_key_column(column, prop, index, report)
    if any(are_given) and not all(are_given):
        index = next(i for i, prop in enumerate(written) if prop.primaryKey and not (prop.primaryKeyPosition or 0) > 0)
        report(
            ("properties", index, "primaryKey"), "only some columns of the key have a place in it", "give all a place"
        )
    if not keys:
        why = "every run reads the whole table, and two rows of one thing are not seen"
        if extract.cursor:
            why = "so the cursor is of no use: every run reads the whole table"
        remedy = "write `primaryKey: true` under the columns that tell one row from another"
        report((), f"has no primary key: {why}", remedy, warning=True)


def check_cursor(columns: Sequence[Column], extract: ExtractPolicy, report: ReportProblem) -> None:
    """Report cursor columns without an order, or not in order of time; places are within `extract`."""
    by_name = {column.name: column for column in columns}
    place = ("cursor",)
    if unseen := late_rows_unseen(columns, extract):
        report(("deletes",), unseen, LATE_ROWS_REMEDY, warning=True)
    for position, name in enumerate(extract.cursor):
        column = by_name.get(name)
        if column is None:
            continue
        kind = column.logical_type
        if kind not in (*_ORDERED, "string"):
            report(place, f"the cursor `{name}` is a {kind}, which has no order", f"one of: {', '.join(_ORDERED)}")
        elif kind == "string" and position == 0 and not _is_in_order(column):
            report(
                place,
                f"the cursor `{name}` is a text, and the order of text need not be that of time (31/01 is after 01/02)",
                "publish it as `timestamp` (by `format` or transformLogic), or hold it to a pattern that begins with "
                r"the year: '^\d{4}-\d\d-\d\d'",
            )
        read = columns_read(column)
        if len(read) != 1:
            remedy = "name a column that is one column of the source"
            report(
                place,
                f"the cursor `{name}` is made of {len(read)} source columns",
                f"every run reads all: {remedy}",
                warning=True,
            )
        elif not column.is_required:
            remedy = (
                "rows without it are read in every run, and lose against any other of their key: add `required: true`"
            )
            report(place, f"the cursor `{name}` may be empty", remedy, warning=True)


def check_rows_from_list(
    listed: RowsFromList | None, columns: Sequence[Column], extract: ExtractPolicy, report: ReportProblem
) -> None:
    """Report a table of list entries that cannot be kept as it stands; places are within the table."""
    keys = [column for column in columns if column.primary_key_position is not None]
    if listed is None:
        return
    if extract.cursor:
        remedy = "leave the cursor out: such a table is read whole, so that an entry that left a list leaves the lake"
        report((), "`rowsFromList` has a cursor", remedy)
    if keys and not any(POSITION in columns_read(column) for column in keys):
        remedy = f"give the key a column with `transformLogic: '\"{POSITION}\"'`"
        report((), "the entries of one list have one key, so that one of them would remain", remedy)


def late_rows_unseen(columns: Sequence[Column], extract: ExtractPolicy) -> str:
    """Warning on changes that reading past the cursor misses without comparing keys, with the remedy; empty if none."""
    has_key = any(column.primary_key_position is not None for column in columns)
    if extract.deletes == "reconcile" or extract.reads_change_log or not extract.cursor or not has_key:
        return ""
    if extract.lag >= _LONG_ENOUGH:
        return ""
    lag = _ISO.dump_python(extract.lag, mode="json")
    return (
        f"with `deletes: {extract.deletes}` a row that is committed later than the lag ({lag}) after its cursor was "
        "set, as by a long transaction, is not found until a `--full` run"
    )


def _check_key_column(column: Column, prop: SchemaProperty, index: int, report: ReportProblem) -> None:
    place = ("properties", index)
    if not columns_read(column):
        remedy = "let its transformLogic read what tells one row from another at the source"
        report(
            (*place, "transformLogic"), f"the key `{column.name}` is the same in every row: it reads no column", remedy
        )
    if column.sql_type in ("DOUBLE", "FLOAT"):
        remedy = "state its digits, e.g. `physicalType: decimal(18,2)`, or publish it as string"
        report((*place, "logicalType"), f"the key `{column.name}` is a number without precision", remedy)
    if prop.required is False:
        report(
            (*place, "required"), f"the key `{column.name}` cannot be optional", "leave `required` out", warning=True
        )
    if column.logical_type in ("object", "array"):
        remedy = "two texts may mean one thing: publish what tells it as string or integer"
        report((*place, "logicalType"), f"the key `{column.name}` is JSON", remedy, warning=True)
    elif column.logical_type == "string" and not _is_held_to_a_form(column, prop):
        remedy = (
            "add `logicalTypeOptions: {pattern: ...}`, so that a key with a slip is rejected, not taken for another"
        )
        report(place, f"the key `{column.name}` is any text", remedy, warning=True)


def _is_held_to_a_form(column: Column, prop: SchemaProperty) -> bool:
    rules = [q for q in prop.quality or [] if q.metric == "invalidValues" or q.type == "sql"]
    return bool({"pattern", "maxLength", "format"} & column.options.keys() or prop.enum or prop.relationships or rules)


def _is_in_order(column: Column) -> bool:
    return bool(_BEGINS_WITH_YEAR.match(str(column.options.get("pattern", ""))))
