"""One vectorised pass from the extract, as the source wrote it, to the contract's names and types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from include import vietnam
from include.contracts.expressions import inputs, may_lose
from include.contracts.model import DRIFT_FLAG, Column, Table
from include.lake.engine import literal, quote, scan
from include.lake.errors import lake_errors
from include.quality.conversions import conversion, refusal
from include.quality.errors import DATA_ERRORS, ConformError, QualityError, run, why_unbound

ROW = "_row"
UNREADABLE = "_unreadable"
DRIFT = "_drift"
_FILE_ROW = "_lienthong_file_row"
_BLANK = r"\s\x0B\p{Z}\x{85}\x{200B}\x{FEFF}"  # as `vn_text` has it
_NOT_BLANK, _AROUND = f"[^{_BLANK}]", f"^[{_BLANK}]+|[{_BLANK}]+$"


def register(connection: duckdb.DuckDBPyConnection, schemas_dir: Path, statements: Iterable[str]) -> None:
    """Make the macros and code lists known to the connection, if any of the statements may speak of them (0.4 s)."""
    if any("vn_" in sql.lower() or "ref_" in sql.lower() for sql in statements):
        vietnam.register(connection, schemas_dir)


def has_drift(connection: duckdb.DuckDBPyConnection, extract_uri: str) -> bool:
    """Whether the extract marks rows that do not fit the source's known layout."""
    with lake_errors("reading an extract"):
        described = connection.execute(f"DESCRIBE FROM {scan(extract_uri)}").fetchall()
    return any(name == DRIFT_FLAG for name, *_ in described)


def parquet_to(uri: str) -> str:
    """What COPY is told of a file in the run's folder, which is read a dozen times and then deleted.

    Measured on 5 M rows: dictionaries of near-unique columns cost a quarter of the pass and save no space; the
    encodings of version 2 take 0.85 of the time to write, 0.7 to read.
    """
    compression = "zstd, COMPRESSION_LEVEL 1" if uri.startswith("s3://") else "lz4"
    return f"{literal(uri)} (FORMAT parquet, PARQUET_VERSION V2, COMPRESSION {compression}, DICTIONARY_SIZE_LIMIT 4000)"


@dataclass(frozen=True, slots=True)
class _Source:
    """The extract as SQL: `sql` selects its columns (NUL made visible) and each row's number in the file."""

    sql: str
    types: dict[str, str]

    def has(self, column: str) -> bool:
        return column.lower() in self.types


def conform(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    *,
    extract_uri: str,
    conformed_uri: str,
    judgement: Sequence[str] = (),
    blame: Callable[[str], QualityError | None] = lambda relation: None,
) -> int:
    """Write conformed.parquet and return the number of rows.

    It has the contract's columns in the contract's order, `_row` (BIGINT, the row's number in the extract, from 0),
    `_unreadable` (VARCHAR[], the columns whose source value is there but could not be read; NULL in a row without) and,
    if the extract marks rows that do not fit the source's known layout, `_drift` (BOOLEAN).

    Args:
        connection: from `Lake.connect`, with the macros of `include.vietnam` registered.
        table: the contract's table.
        extract_uri: the extract's Parquet file.
        conformed_uri: where to write.
        judgement: SQL of further columns over those, made in the same pass.
        blame: what is wrong with the judgement when the pass fails over the given relation.

    Raises:
        ConformError: a column cannot be made; says which, and the remedy.
        LakeError: the lake failed.
    """
    source = _source(connection, table, extract_uri)
    types = _types(connection, table, source)
    if refused := [why for kind, c in zip(types, table.columns, strict=True) if (why := refusal(kind, c))]:
        raise ConformError(f"{table.qualified_name}: {'; '.join(refused)}")
    connection.execute((Path(__file__).parent / "numbers.sql").read_text(encoding="utf-8"))
    sql = _statement(table, source, types)
    run(
        connection,
        f"COPY (SELECT {', '.join(['*', *judgement])} FROM ({sql})) TO {parquet_to(conformed_uri)}",
        doing=f"conforming {table.qualified_name}",
        blame=lambda: _blame(connection, table, source) or blame(f"({sql})"),
    )
    with lake_errors("counting conformed rows"):
        counts = connection.execute(
            f"SELECT (SELECT count(*) FROM {scan(extract_uri)}), (SELECT count(*) FROM {scan(conformed_uri)})"
        ).fetchone()
    extracted, conformed = counts or (0, 0)
    if extracted != conformed:
        raise ConformError(
            f"{table.qualified_name}: {extracted:,} rows became {conformed:,}: a transformLogic yields several rows or "
            "aggregates (unnest, max, ...): write an expression that gives one value per row"
        )
    return int(conformed)


def _source(connection: duckdb.DuckDBPyConnection, table: Table, extract_uri: str) -> _Source:
    with lake_errors(f"reading the extract of {table.qualified_name}"):
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan(extract_uri)}").fetchall()
    names = [row[0] for row in described]
    if "file_row_number" in (name.lower() for name in names):
        raise ConformError(
            f"{table.qualified_name}: the source has a column named file_row_number, which the engine keeps for "
            "itself: let a view in the source rename it"
        )
    # nfc_normalize and others end a text at its first NUL. U+FFFD instead keeps the rest, and is itself a fault.
    columns = [
        f"CASE WHEN contains({quote(name)}, chr(0)) THEN replace({quote(name)}, chr(0), chr(65533)) "
        f"ELSE {quote(name)} END AS {quote(name)}"
        if kind == "VARCHAR"
        else quote(name)
        for name, kind, *_ in described
    ]
    relation = f"read_parquet({literal(extract_uri)}, file_row_number = true, hive_partitioning = false)"
    sql = f"SELECT {', '.join([*columns, f'file_row_number AS {_FILE_ROW}'])} FROM {relation}"
    return _Source(sql, {name.lower(): kind for name, kind, *_ in described})


def _types(connection: duckdb.DuckDBPyConnection, table: Table, source: _Source) -> list[str]:
    """The type each column's value has before it is cast; binds every expression, so mistakes show here."""
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


def _describe(connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], source: _Source) -> list[str]:
    values = ", ".join(_value(column) for column in columns)
    return [row[1] for row in connection.execute(f"DESCRIBE SELECT {values} FROM ({source.sql}) AS source").fetchall()]


def _value(column: Column) -> str:
    # On its own lines, so that a comment at the expression's end does not swallow the bracket.
    return f"(\n{column.expression}\n)" if column.expression else f"source.{quote(column.source_name)}"


def _statement(table: Table, source: _Source, types: Sequence[str]) -> str:
    """Four layers, so that each expression stands, and runs, once: value, parsed, published, and what was lost.

    Values have internal names (`_v0`, ...) until they are published, else an expression could take another column's
    published name for a source column. Only a NULL is looked into further, so a clean table pays nothing for it.
    """
    columns = list(enumerate(table.columns))
    laws = [conversion(types[i], c) for i, c in columns]
    raw = _raw_columns(table, source)
    values = [f"{_value(c)} AS _v{i}" for i, c in columns]
    given = [f"source.{quote(name)} AS {alias}" for name, alias in raw.items()]
    empty = [f"coalesce((\n{c.empty_when}\n), false) AS _e{i}" for i, c in columns if c.empty_when]
    parses = [laws[i].parse(f"_v{i}", types[i], c) for i, c in columns]
    parsed = [f"{sql} AS _p{i}" for i, (sql, _) in enumerate(parses)]
    published = [
        f"{_unless_empty(laws[i].finish(f'_p{i}', parses[i][1], c), i, c, source, raw)} AS {quote(c.name)}"
        for i, c in columns
    ]
    unreadable = _unreadable([(c, _is_lost(i, c, source, raw)) for i, c in columns if may_lose(c)])
    names = [quote(c.name) for c in table.columns]
    last = [*names, f"CAST({_FILE_ROW} AS BIGINT) AS {ROW}", f"{unreadable} AS {UNREADABLE}"]
    kept = [*raw.values(), *(f"_e{i}" for i, c in columns if c.empty_when), _FILE_ROW]
    if source.has(DRIFT_FLAG):
        last.append(f"coalesce({DRIFT_FLAG}, false) AS {DRIFT}")
        kept.append(DRIFT_FLAG)
    passed = [_FILE_ROW, *([DRIFT_FLAG] if source.has(DRIFT_FLAG) else [])]
    sql = f"SELECT {', '.join([*values, *given, *empty, *passed])} FROM ({source.sql}) AS source"
    for layer in (parsed, published):
        sql = f"SELECT {', '.join([*layer, *kept])} FROM ({sql})"
    return f"SELECT {', '.join(last)} FROM ({sql})"


def _raw_columns(table: Table, source: _Source) -> dict[str, str]:
    """The source columns that are looked at again where nothing is published of them, and their internal names."""
    looked_at = (name.lower() for c in table.columns if may_lose(c) or c.empty_values for name in inputs(c))
    return {name: f"_g{i}" for i, name in enumerate(dict.fromkeys(looked_at)) if source.has(name)}


def _unless_empty(published: str, index: int, column: Column, source: _Source, raw: dict[str, str]) -> str:
    """SQL of the published value; NULL where the contract says that the inputs mean that none was given."""
    tests = [f"_e{index}"] if column.empty_when else []
    if column.empty_values:
        given = [_is_given(raw[name.lower()], column, source.types[name.lower()]) for name in _present(column, source)]
        tests.append(f"NOT coalesce({' OR '.join(given)}, false)")
    return f"CASE WHEN NOT ({' OR '.join(tests)}) THEN {published} END" if tests else published


def _present(column: Column, source: _Source) -> list[str]:
    return [name for name in inputs(column) if source.has(name)]


def _unreadable(tests: Sequence[tuple[Column, str]]) -> str:
    """SQL of the names of the columns whose value was lost."""
    if not tests:
        return "NULL::VARCHAR[]"
    listed = ", ".join(f"CASE WHEN {test} THEN {literal(c.name)} END" for c, test in tests)
    some_null = " OR ".join(_is_nothing(c) for c, _ in tests)
    return f"CASE WHEN {some_null} THEN nullif(list_filter([{listed}], lambda name: name IS NOT NULL), []) END"


def _is_lost(index: int, column: Column, source: _Source, raw: dict[str, str]) -> str:
    """SQL: whether the source gave a value (blanks are none) of which nothing is published."""
    given = [_is_given(raw[name.lower()], column, source.types[name.lower()]) for name in _present(column, source)]
    lost = f"{_is_nothing(column)} AND ({' OR '.join(given) or 'false'})"
    return f"{lost} AND NOT _e{index}" if column.empty_when else lost


def _is_nothing(column: Column) -> str:
    name = quote(column.name)
    return f"({name} IS NULL OR {name} = '')" if column.sql_type == "VARCHAR" else f"{name} IS NULL"


def _is_given(raw: str, column: Column, landed_type: str) -> str:
    """SQL: whether a source column holds a value: not blank, and none of those that the contract calls empty."""
    text = raw if landed_type == "VARCHAR" else f"CAST({raw} AS VARCHAR)"
    given = f"regexp_matches({raw}, {literal(_NOT_BLANK)})" if landed_type == "VARCHAR" else f"{raw} IS NOT NULL"
    if not column.empty_values:
        return given
    trimmed = f"regexp_replace({text}, {literal(_AROUND)}, '', 'g')"
    return f"({given} AND {trimmed} NOT IN ({', '.join(literal(value) for value in column.empty_values)}))"


def _blame(connection: duckdb.DuckDBPyConnection, table: Table, source: _Source) -> QualityError | None:
    """The column whose expression raises on some row; expressions that cast with TRY_CAST never do."""
    for column in table.columns:
        if not column.expression:
            continue
        try:
            values = f"SELECT {_value(column)} AS value FROM ({source.sql}) AS source"
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
