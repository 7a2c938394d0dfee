"""Reading of delivered Parquet files: types that DuckDB carries exactly are kept, the others land as text.

A file is read by DuckDB. One with a column that DuckDB would change (nanoseconds of an instant, decimals over 38
digits, nested values), or with more columns than its memory takes, is read through pyarrow instead, which is slower
and converts such columns to text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from include.contracts.model import Table
from include.lake.storage import literal, quote
from include.sources.access import DropBroken, SourceError
from include.sources.deliveries import Delivery, check_rows
from include.sources.open_object import Reading
from include.sources.parquet.parquet_file import ParquetFile, open_parquet
from include.sources.parquet.parquet_types import common, engine_sql
from include.sources.source_schema import counted, judge_columns, needed

_VIEW = "parquet_rows_{}"


@dataclass(frozen=True, slots=True)
class _Scan:
    """Scan of one file: `columns` of `relation`, with DuckDB types by name. Without `path`, by pyarrow."""

    file: ParquetFile
    path: str
    relation: str
    columns: str
    types: dict[str, str]


def read_parquet(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open Parquet files, which together are one table, for reading.

    Raises:
        DropBroken: a file cannot be opened, or the files' columns or types do not match.
    """
    drift = delivery.notes
    files = [open_parquet(copy) for copy in delivery.copies]
    for file in files:
        check_rows(delivery.entry(file.copy), file.rows)
        drift += judge_columns(delivery.table, file.names, file.copy.name)
    file_names = ", ".join(file.copy.name for file in files)

    def scans(*, as_text: bool) -> list[_Scan]:
        return [_scan(duck, n, file, as_text=as_text) for n, file in enumerate(files)]

    def check(rows: int) -> tuple[str, ...]:
        stated = sum(file.rows for file in files)
        if rows != stated:
            raise DropBroken(
                f"{file_names}: {stated} rows by the footer, {rows} in the pages: ask the sender to deliver again"
            )
        return ()

    def explain(error: BaseException) -> SourceError | None:
        if not isinstance(error, duckdb.Error) or str(error).startswith("IO Error: Could not write"):
            return None
        failures = [failure for file in files for failure in file.failures]
        return failures[0] if failures else next(filter(None, (file.damage() for file in files)), None)

    chosen = scans(as_text=False)
    return Reading(
        _united(delivery.table, chosen),
        tuple(dict.fromkeys(drift)),
        explain,
        check,
        plain=lambda _: _united(delivery.table, scans(as_text=True)),
        plain_note="timestamps that the engine cannot carry: landed as text",
        threads=None if all(scan.path for scan in chosen) else 1,
    )


def _scan(duck: duckdb.DuckDBPyConnection, number: int, file: ParquetFile, *, as_text: bool) -> _Scan:
    """Scan of one file. `as_text`: by pyarrow whatever the types, with timestamps as text."""
    if not as_text and file.int96_unit != "ns" and not file.is_wide:
        path = literal(str(file.copy.path))
        found = _types(duck, f"read_parquet([{path}], hive_partitioning = false)")
        casts = [engine_sql(field.type, found.get(field.name, "")) for field in file.fields]
        if None not in casts:
            columns = zip(file.fields, casts, file.names, strict=True)
            listed = ", ".join(f"{quote(field.name)}{cast} AS {quote(name)}" for field, cast, name in columns)
            kinds = ["VARCHAR" if cast else found[f.name] for f, cast in zip(file.fields, casts, strict=True)]
            return _Scan(file, path, "", listed, dict(zip(file.names, kinds, strict=True)))
    view = quote(_VIEW.format(number))
    duck.register(_VIEW.format(number), file.batches(as_text=as_text))
    return _Scan(file, "", view, ", ".join(map(quote, file.names)), _types(duck, view))


def _types(duck: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """DuckDB types by name; empty if it cannot read the file."""
    try:
        return {str(row[0]): str(row[1]) for row in duck.execute(f"DESCRIBE FROM {relation}").fetchall()}
    except duckdb.Error:
        return {}


def _united(table: Table, scans: Sequence[_Scan]) -> str:
    """One query over all files; those with the same columns and types share a scan."""
    kinds = _common_types(table, scans)
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[str]] = {}
    for scan in scans:
        groups.setdefault((scan.relation, scan.columns, tuple(scan.types.items())), []).append(scan.path)
    parts = []
    for (relation, columns, types), paths in groups.items():
        source = relation or f"read_parquet([{', '.join(paths)}], hive_partitioning = false)"
        casts = ", ".join(
            quote(name) if kinds[name] == kind else f"CAST({quote(name)} AS {kinds[name]}) AS {quote(name)}"
            for name, kind in types
        )
        parts.append(f"SELECT {casts} FROM (SELECT {columns} FROM {source})")
    return " UNION ALL BY NAME ".join(parts)


def _common_types(table: Table, scans: Sequence[_Scan]) -> dict[str, str]:
    """DuckDB type of each column that holds its values from every file."""
    first, *others = scans
    for other in others:
        _refuse(table, first, other, set(first.types) ^ set(other.types))
    kinds: dict[str, str] = {}
    for name in first.types:
        stated = [scan for scan in scans if name not in scan.file.untyped]
        kind = common({scan.types[name] for scan in stated} or {"VARCHAR"})
        if kind is None:
            pairs = (scan for scan in stated if common({stated[0].types[name], scan.types[name]}) is None)
            unlike = next(pairs, stated[-1])
            _refuse(table, stated[0], unlike, {name})
        kinds[name] = kind or ""
    return kinds


def _refuse(table: Table, first: _Scan, other: _Scan, differing: set[str]) -> None:
    """Raise DropBroken if columns differ, by their position if the contract does not read them: names may be values."""
    if differing:
        read = {name.lower() for name in needed(table)}
        told = sorted(name for name in differing if name.lower() in read)
        for scan, names in ((other, differing), (first, differing - other.types.keys())):
            places = [n for n, name in enumerate(scan.types, start=1) if name in names and name.lower() not in read]
            told += [f"{counted(places)} of {scan.file.copy.name}"] if places else []
        raise DropBroken(
            f"{other.file.copy.name} and {first.file.copy.name} differ in {', '.join(told)} (column or type): files of "
            "one table must agree; ask the sender to write them alike"
        )
