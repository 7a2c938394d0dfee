"""DuckDB SELECTs of a run's accepted rows and of a table's published rows, from which every publisher is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from include.contracts.model import Table
from include.lake.delta.sql_views import FILE, rows_of_files
from include.lake.delta.table_schema import LAKE_COLUMNS, RUN_ID, WARNINGS, TableSchema
from include.lake.storage import Lake, lake_errors, literal, quote, scan

PLACE = "_place"
_DUCKDB_PLACE = "file_row_number"
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_BITS_PER_ROW = 64  # sparser keys take less memory as hashes


@dataclass(frozen=True, slots=True)
class StagedFiles:
    """URIs of the three files that the split writes to the run's staging folder.

    `conformed`: the contract's columns, `_row`, `_unreadable` and the masks of broken row rules (`_m0`, ...), every
    extracted row. `faults`: `_row`, `_outcome` (`rejected` or `superseded`), `_reasons` (list of rule_id, column,
    message), only rows that are not accepted. `warnings`: `_row`, `_warnings` (list of rule ids), only accepted rows
    with a warning.
    """

    conformed: str
    faults: str
    warnings: str

    @classmethod
    def below(cls, folder: str) -> StagedFiles:
        """The files in a run's staging folder."""
        return cls(*(f"{folder}/{name}.parquet" for name in ("conformed", "faults", "warnings")))

    @property
    def uris(self) -> tuple[str, str, str]:
        """All three."""
        return self.conformed, self.faults, self.warnings


def stage_nothing(lake: Lake, table: Table, folder: str) -> StagedFiles:
    """The staged files of a delivery without a row, in a run's staging folder."""
    columns = "".join(f", CAST(NULL AS {column.sql_type}) AS {quote(column.name)}" for column in table.columns)
    reasons = 'CAST(NULL AS STRUCT(rule_id VARCHAR, "column" VARCHAR, message VARCHAR)[]) AS _reasons'
    staged = StagedFiles.below(folder)
    contents = {
        staged.conformed: f"CAST(0 AS BIGINT) AS _row, CAST(NULL AS VARCHAR[]) AS _unreadable{columns}",
        staged.faults: f"CAST(0 AS BIGINT) AS _row, '' AS _outcome, {reasons}",
        staged.warnings: f"CAST(0 AS BIGINT) AS _row, CAST(NULL AS VARCHAR[]) AS {WARNINGS}",
    }
    lake.make_folder(folder)
    with lake.connect() as connection, lake_errors("staging a delivery without a row"):
        for uri, selected in contents.items():
            connection.execute(f"COPY (SELECT {selected} WHERE false) TO {literal(uri)} (FORMAT parquet)")
    return staged


def staged_rows(uri: str, part: range | None = None) -> str:
    """Relation of a staged file's rows; `part`: only those whose `_row` is one of these numbers."""
    within = f" WHERE _row >= {part.start} AND _row < {part.stop}" if part is not None else ""
    return f"(FROM {scan(uri)}{within})"


def accepted_rows(
    table_schema: TableSchema, staged: StagedFiles, *, deleted_when: str = "", part: range | None = None
) -> str:
    """SELECT of the accepted rows: contract columns and `_warnings`, without rows for which `deleted_when` holds.

    `part`: only the rows with these numbers in the extract.
    """
    columns = ", ".join(
        f"CAST(c.{quote(name)} AS {sql_type}) AS {quote(name)}" for name, sql_type in table_schema.columns
    )
    rows = (
        f"SELECT {columns}, w.{WARNINGS} FROM {staged_rows(staged.conformed, part)} c "
        f"ANTI JOIN {staged_rows(staged.faults, part)} f ON c._row = f._row "
        f"LEFT JOIN {staged_rows(staged.warnings, part)} w ON c._row = w._row"
    )
    return f"SELECT * FROM ({rows}) WHERE ({deleted_when}) IS NOT TRUE" if deleted_when else rows


def published_rows(
    connection: duckdb.DuckDBPyConnection, table_schema: TableSchema, files: Sequence[str], *, with_file: bool = True
) -> str:
    """SELECT of a table's rows with every column of the schema (null where no file has it yet), `_file` and `_place`.

    `_file` is the row's file and `_place` its number in it; NULL if a table column has DuckDB's name for it.
    """
    columns = [*table_schema.columns, *LAKE_COLUMNS, *table_schema.dropped]
    has_place = with_file and not any(name.lower() == _DUCKDB_PLACE for name, _ in columns)
    place = _DUCKDB_PLACE if has_place else "CAST(NULL AS BIGINT)"
    file = f", {FILE}, {place} AS {PLACE}" if with_file else ""
    empty = f", '' AS {FILE}, 0::BIGINT AS {PLACE}" if with_file else ""
    if not files:
        nulls = ", ".join(f"CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in columns)
        return f"SELECT {nulls}{empty} WHERE false"
    options = f"hive_partitioning = false, file_row_number = {str(has_place).lower()}"
    source = rows_of_files(files, [name for name, _ in columns], options, with_file=with_file)
    present = {row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
    select = ", ".join(
        f"CAST({quote(name) if name in present else 'NULL'} AS {sql_type}) AS {quote(name)}"
        for name, sql_type in columns
    )
    return f"SELECT {select}{file} FROM {source}"


def run_variable(run_id: str) -> str:
    """Statement that sets the DuckDB variable with the writing run's id, which the SELECTs below read."""
    return f"SET VARIABLE run_id = {literal(run_id)}"


def without_warnings(query: str) -> str:
    """SELECT of the rows without `_warnings`, for files in which no row has one: readers see NULL.

    On 20,000,000 rows of 11 columns the column would take a tenth of the writing time.
    """
    return f"SELECT * EXCLUDE ({WARNINGS}) FROM ({query})"


def as_published(table_schema: TableSchema, rows: str) -> str:
    """SELECT of rows (contract columns and `_warnings`) as the run writes them."""
    nulls = "".join(f", CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in table_schema.dropped)
    return f"SELECT {listed(table_schema.names)}, getvariable('run_id') AS {RUN_ID}, {WARNINGS}{nulls} FROM ({rows})"


def listed(names: Sequence[str]) -> str:
    """Column names, quoted, with commas between."""
    return ", ".join(quote(name) for name in names)


def all_differ(connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> bool:
    """Whether these key columns are certainly not null and unique, as far as a cheap check can tell.

    Covers a single dense integer column, with one bit per value: a tenth of the time that hashing takes.
    """
    if len(columns) != 1:
        return False
    column = quote(columns[0])
    kind = connection.execute(f"DESCRIBE SELECT {column} FROM {relation}").fetchall()[0][1]
    if kind not in _INTEGERS:
        return False
    rows, keys, low, high = connection.execute(
        f"SELECT count(*), count({column}), min({column}), max({column}) FROM {relation}"
    ).fetchall()[0]
    if not rows or rows != keys or high - low >= _BITS_PER_ROW * rows:
        return False
    bits = f"bit_count(bitstring_agg({column}, CAST({low} AS {kind}), CAST({high} AS {kind})))"
    return bool(connection.execute(f"SELECT {bits} = {rows} FROM {relation}").fetchall()[0][0])
