"""The page on conversions: the law as the code has it, and examples that are run when the page is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from include.contracts.model import Column, TypeOptions
from include.quality import conversion

_ZONE: TypeOptions = {"defaultTimezone": "Asia/Ho_Chi_Minh"}
_TARGETS: dict[conversion.Target, str] = {
    "string": "`string`",
    "integer": "`integer`",
    "decimal": "`number` with precision (`physicalType: decimal(18,2)`)",
    "float": "`number` without precision",
    "boolean": "`boolean`",
    "date": "`date`",
    "timestamp": "`timestamp`",
    "local timestamp": "`timestamp` with `timezone: false`",
    "time": "`time`",
    "object": "`object`",
    "array": "`array`",
}
_EXAMPLES: tuple[tuple[str, str, str, TypeOptions], ...] = (
    ("'1.555'", "number", "DECIMAL(10,2)", {}),
    ("1.555::DECIMAL(12,3)", "number", "DECIMAL(10,2)", {}),
    ("1.550::DECIMAL(12,3)", "number", "DECIMAL(10,2)", {}),
    ("2.675::DOUBLE", "number", "DECIMAL(10,2)", {}),
    ("'1.5e3'", "number", "DECIMAL(10,2)", {}),
    ("9007199254740993::BIGINT", "number", "DOUBLE", {}),
    ("'123456789.123456789'", "number", "DOUBLE", {}),
    ("'0.1'", "number", "DOUBLE", {}),
    ("'12.0'", "integer", "BIGINT", {}),
    ("'1e3'", "integer", "BIGINT", {}),
    ("2.5::DOUBLE", "integer", "BIGINT", {}),
    ("2::TINYINT", "boolean", "BOOLEAN", {}),
    ("'TRUE'", "boolean", "BOOLEAN", {}),
    ("'yes'", "boolean", "BOOLEAN", {}),
    ("'2020-01-31'", "date", "DATE", {}),
    ("'2020-01-31 BC'", "date", "DATE", {}),
    ("'20240-01-31'", "date", "DATE", {}),
    ("'31/01/2020'", "date", "DATE", {"format": "dd/MM/yyyy"}),
    ("'2020-01-31T20:00:00Z'", "date", "DATE", _ZONE),
    ("TIMESTAMPTZ '2020-01-31 20:00:00+00'", "date", "DATE", _ZONE),
    ("'2020-01-31 20:00:00'", "timestamp", "TIMESTAMPTZ", _ZONE),
    ("'2020-01-31 20:00:00'", "timestamp", "TIMESTAMPTZ", {}),
    ("'2020-01-31T20:00:00.1234567Z'", "timestamp", "TIMESTAMPTZ", {}),
    ("TIMESTAMP '1959-12-31 23:30:00'", "timestamp", "TIMESTAMPTZ", _ZONE),
    ("'24:00'", "time", "VARCHAR", {}),
    ("'[1, NaN]'", "array", "VARCHAR", {}),
    ("unhex('4142E9FF')", "string", "VARCHAR", {}),
)


def page() -> Iterator[str]:
    """The lines of docs/reference/conversions.md."""
    yield "# Conversions"
    yield ""
    yield (
        "A value is published if, written back in the source's type, it equals what was received. Else its row is "
        "rejected by the rule `<column>.unreadable`, or the run is refused before a row is judged, with the remedy. It "
        "is the same for every source. `include/quality/conversion/conversions.py` holds the table that this page and "
        "the conform step are made of; `lienthong check --source` tells before a sync where a source does "
        "not fit its contract."
    )
    yield ""
    yield "Years are 0001 to 9999. Blanks around a number or a moment are no part of it. Blank text is no value. What a"
    yield "`transformLogic` makes empty of a value that is there is rejected too, unless the contract calls that input"
    yield "empty ([how](../../schemas/README.md))."
    yield ""
    yield from _sources()
    for target, name in _TARGETS.items():
        yield from _target(target, name)
    yield from _examples()


def _sources() -> Iterator[str]:
    yield from ("## What the types of sources are to the law", "", "| source type | family | |", "| --- | --- | --- |")
    for types, family, how in conversion.SOURCE_TYPES:
        yield f"| {types} | {family} | {how} |"
    yield ""


def _target(target: conversion.Target, name: str) -> Iterator[str]:
    laws = conversion.LAW[target]
    yield from (f"## To {name}", "", "| from | published; all else is rejected |", "| --- | --- |")
    for family, law in laws.items():
        yield f"| {family} | {law.says} |"
    families = {family for _, family, _ in conversion.SOURCE_TYPES}
    if never := sorted(families - laws.keys()):
        yield f"| {', '.join(never)} | never |"
    yield ""


def _examples() -> Iterator[str]:
    yield from ("## Examples", "", "Run by the code when this page was written.", "")
    yield from ("| received | contract | published |", "| --- | --- | --- |")
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute((Path(conversion.__file__).parent / "numbers.sql").read_text(encoding="utf-8"))
        for value, logical_type, sql_type, options in _EXAMPLES:
            column = Column("published", "received", logical_type, sql_type, options=options)
            landed = engine.execute(f"DESCRIBE SELECT {value} AS v").fetchall()[0][1]
            found = engine.execute(
                f"SELECT CAST(({conversion.converted(value, landed, column)}) AS VARCHAR)"
            ).fetchall()[0][0]
            stated = "".join(f", {key}: {text}" for key, text in options.items())
            published = "rejected" if found is None else f"`{found}`"
            yield f"| `{value}` | {logical_type} ({sql_type}{stated}) | {published} |"
