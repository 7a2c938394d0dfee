"""SQL statement that conforms an extract: values by contract type, unreadable columns, and the raw key's hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.contracts.model import DRIFT_FLAG, Column, Table
from include.contracts.rules import columns_read, inputs, may_lose
from include.lake.storage import literal, quote
from include.quality.conversion.conversions import conversion
from include.quality.conversion.exact_casts import with_exact_casts
from include.quality.conversion.numbers import INTEGER_TYPES

ROW = "_row"
UNREADABLE = "_unreadable"
RAW_KEY = "_raw_key"
DRIFT = "_drift"
FILE_ROW = "_lienthong_file_row"
_BLANK = r"\s\x0B\p{Z}\x{85}\x{200B}\x{FEFF}"  # as in `vn_text`
_NOT_BLANK, _AROUND = f"[^{_BLANK}]", f"^[{_BLANK}]+|[{_BLANK}]+$"


@dataclass(frozen=True, slots=True)
class SourceSql:
    """SQL source of the extract: its columns (NUL made visible) and each row's number in the file."""

    sql: str
    types: dict[str, str]

    def has(self, column: str) -> bool:
        return column.lower() in self.types

    def only(self, rows: range) -> SourceSql:
        """The rows with these numbers: other row groups of the file are not read."""
        within = f"file_row_number >= {rows.start} AND file_row_number < {rows.stop}"
        return SourceSql(f"{self.sql} WHERE {within}", self.types)


def value_of(column: Column) -> str:
    """SQL of a column's value before conversion: its expression, or its source column."""
    if not column.expression:
        return f"source.{quote(column.source_name)}"
    # On its own lines, so that a comment at the expression's end does not hide the bracket.
    return f"(\n{with_exact_casts(column.expression)}\n)"


def statement(table: Table, source: SourceSql, types: Sequence[str]) -> str:
    """Four nested SELECTs, each expression evaluated once: value, parsed, published, unreadable.

    Values have internal names (`_v0`, ...) before the published layer, else an expression could take another column's
    published name for a source column. Only NULLs are examined for loss, so a clean table pays nothing for it.
    """
    columns = list(enumerate(table.columns))
    laws = [conversion(types[i], c) for i, c in columns]
    raw = _raw_columns(table, source)
    values = [f"{value_of(c)} AS _v{i}" for i, c in columns]
    given = [f"source.{quote(name)} AS {alias}" for name, alias in raw.items()]
    empty = [f"coalesce((\n{with_exact_casts(c.empty_when)}\n), false) AS _e{i}" for i, c in columns if c.empty_when]
    parses = [laws[i].parse(f"_v{i}", types[i], c) for i, c in columns]
    parsed = [f"{sql} AS _p{i}" for i, (sql, _) in enumerate(parses)]
    published = [
        f"{_unless_empty(laws[i].finish(f'_p{i}', parses[i][1], c), i, c, source, raw)} AS {quote(c.name)}"
        for i, c in columns
    ]
    unreadable = _unreadable([(c, _is_lost(i, c, source, raw)) for i, c in columns if may_lose(c)])
    names = [quote(c.name) for c in table.columns]
    last = [*names, f"CAST({FILE_ROW} AS BIGINT) AS {ROW}", f"{unreadable} AS {UNREADABLE}"]
    last.append(f"{_raw_key(table, source, raw)} AS {RAW_KEY}")
    kept = [*raw.values(), *(f"_e{i}" for i, c in columns if c.empty_when), FILE_ROW]
    if source.has(DRIFT_FLAG):
        last.append(f"coalesce({DRIFT_FLAG}, false) AS {DRIFT}")
        kept.append(DRIFT_FLAG)
    passed = [FILE_ROW, *([DRIFT_FLAG] if source.has(DRIFT_FLAG) else [])]
    sql = f"SELECT {', '.join([*values, *given, *empty, *passed])} FROM ({source.sql}) AS source"
    for layer in (parsed, published):
        sql = f"SELECT {', '.join([*layer, *kept])} FROM ({sql})"
    return f"SELECT {', '.join(last)} FROM ({sql})"


def _raw_columns(table: Table, source: SourceSql) -> dict[str, str]:
    """Internal names of the source columns needed to tell a lost value from an absent one."""
    keys = (name.lower() for key in table.primary_key for name in columns_read(table.column(key)))
    lost = (name.lower() for c in table.columns if may_lose(c) or c.empty_values for name in inputs(c))
    looked_at = (*keys, *lost)
    return {name: f"_g{i}" for i, name in enumerate(dict.fromkeys(looked_at)) if source.has(name)}


def _raw_key(table: Table, source: SourceSql, raw: dict[str, str]) -> str:
    """SQL of a hash of the key's source columns; NULL where they equal the published key exactly."""
    parts: list[str] = []
    same: list[str] = []
    for column in map(table.column, table.primary_key):
        given = [name.lower() for name in columns_read(column) if source.has(name)]
        parts += [raw[name] for name in given]
        if len(given) != 1:
            same.append("false")
        elif column.expression or source.types[given[0]] not in INTEGER_TYPES or column.sql_type not in INTEGER_TYPES:
            same.append(f"CAST({raw[given[0]]} AS VARCHAR) IS NOT DISTINCT FROM CAST({quote(column.name)} AS VARCHAR)")
    if not parts or not same:
        return "NULL::UBIGINT"
    return f"CASE WHEN {' AND '.join(same)} THEN NULL ELSE hash({', '.join(parts)}) END"


def _unless_empty(published: str, index: int, column: Column, source: SourceSql, raw: dict[str, str]) -> str:
    """SQL of the published value; NULL where the contract declares the inputs as "not given"."""
    tests = [f"_e{index}"] if column.empty_when else []
    if column.empty_values:
        given = [_is_given(raw[name.lower()], column, source.types[name.lower()]) for name in _present(column, source)]
        tests.append(f"NOT coalesce({' OR '.join(given)}, false)")
    return f"CASE WHEN NOT ({' OR '.join(tests)}) THEN {published} END" if tests else published


def _present(column: Column, source: SourceSql) -> list[str]:
    return [name for name in inputs(column) if source.has(name)]


def _unreadable(tests: Sequence[tuple[Column, str]]) -> str:
    """SQL list of the columns whose value was lost."""
    if not tests:
        return "NULL::VARCHAR[]"
    listed = ", ".join(f"CASE WHEN {test} THEN {literal(c.name)} END" for c, test in tests)
    some_null = " OR ".join(_is_nothing(c) for c, _ in tests)
    return f"CASE WHEN {some_null} THEN nullif(list_filter([{listed}], lambda name: name IS NOT NULL), []) END"


def _is_lost(index: int, column: Column, source: SourceSql, raw: dict[str, str]) -> str:
    """SQL condition: the source gave a value (blanks are none) that could not be published."""
    given = [_is_given(raw[name.lower()], column, source.types[name.lower()]) for name in _present(column, source)]
    lost = f"{_is_nothing(column)} AND ({' OR '.join(given) or 'false'})"
    return f"{lost} AND NOT _e{index}" if column.empty_when else lost


def _is_nothing(column: Column) -> str:
    name = quote(column.name)
    return f"({name} IS NULL OR {name} = '')" if column.sql_type == "VARCHAR" else f"{name} IS NULL"


def _is_given(raw: str, column: Column, landed_type: str) -> str:
    """SQL condition: a source column holds a value that is not blank and not one the contract declares empty."""
    text = raw if landed_type == "VARCHAR" else f"CAST({raw} AS VARCHAR)"
    given = f"regexp_matches({raw}, {literal(_NOT_BLANK)})" if landed_type == "VARCHAR" else f"{raw} IS NOT NULL"
    if not column.empty_values:
        return given
    trimmed = f"regexp_replace({text}, {literal(_AROUND)}, '', 'g')"
    return f"({given} AND {trimmed} NOT IN ({', '.join(literal(value) for value in column.empty_values)}))"
