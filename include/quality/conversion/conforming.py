"""Conforming: one vectorised pass from the extract to the contract's column names and types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from include import vietnam
from include.contracts.model import DRIFT_FLAG, Column, Table
from include.lake.storage import Lake, lake_errors, literal, quote, scan
from include.quality.conversion.conform_sql import FILE_ROW, SourceSql, statement, value_of
from include.quality.conversion.conversions import refusal
from include.quality.errors import DATA_ERRORS, ConformError, QualityError, run, why_unbound

_KEYS_MEMORY = "900MB"


def register(connection: duckdb.DuckDBPyConnection, schemas_dir: Path, statements: Iterable[str]) -> None:
    """Register those macros and code lists with the connection that the statements may use."""
    vietnam.register(connection, schemas_dir, statements)


def expressions(table: Table) -> list[str]:
    """The SQL by which the rows of a table are conformed."""
    found = [sql for column in table.columns for sql in (column.expression, column.empty_when) if sql]
    return [*found, table.extract.deleted_when] if table.extract.deleted_when else found


def has_drift(connection: duckdb.DuckDBPyConnection, extract_uri: str) -> bool:
    """Whether the extract marks rows that do not fit the source's former schema."""
    with lake_errors("reading an extract"):
        described = connection.execute(f"DESCRIBE FROM {scan(extract_uri)}").fetchall()
    return any(name == DRIFT_FLAG for name, *_ in described)


def parquet_to(uri: str) -> str:
    """COPY options of a file in the run's folder, which is read a dozen times and then deleted.

    Measured on 5 M rows: dictionaries of near-unique columns cost a quarter of the pass and save no space; the
    encodings of version 2 take 0.85 of the time to write, 0.7 to read.
    """
    return f"{literal(uri)} ({parquet_options(uri)})"


def parquet_options(uri: str) -> str:
    """The options alone, for a file that will lie there."""
    compression = "zstd, COMPRESSION_LEVEL 1" if uri.startswith("s3://") else "lz4"
    return f"FORMAT parquet, PARQUET_VERSION V2, COMPRESSION {compression}, DICTIONARY_SIZE_LIMIT 4000"


@dataclass(frozen=True, slots=True)
class ConformPass:
    """The pass over one extract, by expressions that bind.

    Its rows have the contract's columns in the contract's order, `_row` (BIGINT, the row's number in the extract, from
    0), `_unreadable` (VARCHAR[], the columns whose source value is there but could not be read; NULL in a row without),
    `_raw_key` (UBIGINT, a hash of the key as received; NULL if that is the published one) and, if the extract marks
    rows that do not fit the source's former schema, `_drift` (BOOLEAN); then the `judgement`, SQL of further columns
    over those. `judged` finds the error in the judgement if the pass fails over the given relation.
    """

    table: Table
    extract_uri: str
    source: SourceSql
    types: tuple[str, ...]
    judgement: tuple[str, ...]
    judged: Callable[[str], QualityError | None]

    def query(self, rows: range | None = None) -> str:
        """SELECT of the rows; `rows`: only those with these numbers in the extract."""
        return f"SELECT {', '.join(['*', *self.judgement])} FROM ({self._unjudged(rows)})"

    def blame(self, connection: duckdb.DuckDBPyConnection) -> QualityError | None:
        """The error of whatever makes the pass fail."""
        return _blame(connection, self.table, self.source) or self.judged(f"({self._unjudged()})")

    def ensure_whole(self, connection: duckdb.DuckDBPyConnection, conformed_uri: str) -> int:
        """The number of rows written.

        Raises:
            ConformError: it is not that of the extract.
        """
        with lake_errors("counting conformed rows"):
            counts = connection.execute(
                f"SELECT (SELECT count(*) FROM {scan(self.extract_uri)}), (SELECT count(*) FROM {scan(conformed_uri)})"
            ).fetchone()
        extracted, conformed = counts or (0, 0)
        if extracted != conformed:
            raise ConformError(
                f"{self.table.qualified_name}: {extracted:,} rows became {conformed:,}: a transformLogic yields "
                "several rows or aggregates (unnest, max, ...): write an expression that gives one value per row"
            )
        return int(conformed)

    def _unjudged(self, rows: range | None = None) -> str:
        return statement(self.table, self.source if rows is None else self.source.only(rows), self.types)


def prepare_pass(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    *,
    extract_uri: str,
    judgement: Sequence[str] = (),
    blame: Callable[[str], QualityError | None] = lambda relation: None,
) -> ConformPass:
    """Bind the contract's expressions to an extract, of which only the schema is read.

    Args:
        connection: from `Lake.connect`, with the macros of `include.vietnam` registered.
        table: the contract's table.
        extract_uri: the extract's Parquet file.
        judgement: SQL of further columns, computed in the same pass.
        blame: finds the error in the judgement if the pass fails over the given relation.

    Raises:
        ConformError: a column cannot be computed; names it and the remedy.
        LakeError: the lake failed.
    """
    connection.execute(number_macros())
    source = _source(connection, table, extract_uri)
    types = _types(connection, table, source)
    if refused := [why for kind, c in zip(types, table.columns, strict=True) if (why := refusal(kind, c))]:
        raise ConformError(f"{table.qualified_name}: {'; '.join(refused)}")
    return ConformPass(table, extract_uri, source, tuple(types), tuple(judgement), blame)


def number_macros() -> str:
    """The statements of the macros by which conversions read numbers."""
    return (Path(__file__).parent / "numbers.sql").read_text(encoding="utf-8")


def conform(connection: duckdb.DuckDBPyConnection, conforming: ConformPass, conformed_uri: str) -> int:
    """Write conformed.parquet, the rows of the pass; returns how many.

    Raises:
        ConformError: an expression fails on a row; names its column and the remedy.
        LakeError: the lake failed.
    """
    run(
        connection,
        f"COPY ({conforming.query()}) TO {parquet_to(conformed_uri)}",
        doing=f"conforming {conforming.table.qualified_name}",
        blame=lambda: conforming.blame(connection),
    )
    return conforming.ensure_whole(connection, conformed_uri)


def conform_keys(
    lake: Lake, table: Table, schemas_dir: Path, names: Collection[str], extract_uri: str, uri: str
) -> str:
    """Write the columns `names` and `_row` of every row of an extract, as the contract makes them; returns `uri`.

    Raises:
        ConformError: an expression fails on a row, or the extract lacks a column that it needs.
        LakeError: the lake failed.
    """
    keyed = replace(table, columns=tuple(column for column in table.columns if column.name in names), rules=())
    with lake.connect(memory_limit=_KEYS_MEMORY) as connection:
        register(connection, schemas_dir, expressions(keyed))
        conform(connection, prepare_pass(connection, keyed, extract_uri=extract_uri), uri)
    return uri


def _source(connection: duckdb.DuckDBPyConnection, table: Table, extract_uri: str) -> SourceSql:
    with lake_errors(f"reading the extract of {table.qualified_name}"):
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan(extract_uri)}").fetchall()
    names = [row[0] for row in described]
    if "file_row_number" in (name.lower() for name in names):
        raise ConformError(
            f"{table.qualified_name}: the source has a column named file_row_number, which the engine keeps for "
            "itself: let a view in the source rename it"
        )
    # nfc_normalize and others truncate a text at a NUL. U+FFFD instead keeps the rest, and is itself a fault.
    columns = [
        f"CASE WHEN contains({quote(name)}, chr(0)) THEN replace({quote(name)}, chr(0), chr(65533)) "
        f"ELSE {quote(name)} END AS {quote(name)}"
        if kind == "VARCHAR"
        else quote(name)
        for name, kind, *_ in described
    ]
    relation = f"read_parquet({literal(extract_uri)}, file_row_number = true, hive_partitioning = false)"
    sql = f"SELECT {', '.join([*columns, f'file_row_number AS {FILE_ROW}'])} FROM {relation}"
    return SourceSql(sql, {name.lower(): kind for name, kind, *_ in described})


def _types(connection: duckdb.DuckDBPyConnection, table: Table, source: SourceSql) -> list[str]:
    """The type of each column's value before conversion; binds every expression, so errors in one show here."""
    for column in table.columns:
        if not column.expression and not source.has(column.source_name):
            raise ConformError(
                f"{table.qualified_name}: column {column.name} reads {column.source_name!r}, which the extract does "
                "not have: correct physicalName, or add transformLogic"
            )
    with lake_errors(f"reading the extract of {table.qualified_name}"):
        try:
            types = _describe(connection, table.columns, source)
            if len(types) == len(table.columns):
                return types
        except (duckdb.ProgrammingError, duckdb.NotSupportedError, *DATA_ERRORS):
            pass
        for column in table.columns:
            try:
                count = len(_describe(connection, [column], source))
            except (duckdb.ProgrammingError, duckdb.NotSupportedError, *DATA_ERRORS) as error:
                reason = why_unbound(error)
                raise _unusable(table, column, f"{reason}: correct it, source names in double quotes") from None
            if count != 1:
                raise _unusable(table, column, "it gives more than one column: write one expression")
    raise ConformError(f"{table.qualified_name}: its transformLogic aggregates rows: write one value per row")


def _describe(connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], source: SourceSql) -> list[str]:
    values = ", ".join(value_of(column) for column in columns)
    return [row[1] for row in connection.execute(f"DESCRIBE SELECT {values} FROM ({source.sql}) AS source").fetchall()]


def _blame(connection: duckdb.DuckDBPyConnection, table: Table, source: SourceSql) -> QualityError | None:
    """ConformError naming the column whose expression raises on a row; TRY_CAST never does."""
    for column in table.columns:
        if not column.expression:
            continue
        try:
            values = f"SELECT {value_of(column)} AS value FROM ({source.sql}) AS source"
            connection.execute(f"SELECT count(value) FROM ({values})")
        except DATA_ERRORS:
            return _unusable(
                table,
                column,
                "it stops on a value it cannot read: use TRY_CAST and try_strptime, which give NULL, so that the row "
                "is rejected with its reason instead",
            )
        except duckdb.Error:
            return None
    return None


def _unusable(table: Table, column: Column, why: str) -> ConformError:
    return ConformError(f"{table.qualified_name}: the transformLogic of column {column.name} cannot be used: {why}")
