"""Put the `vn_*` macros and the code lists into a DuckDB connection."""

from __future__ import annotations

from pathlib import Path

import duckdb

FILES_WITHOUT_LISTS = ("text.sql", "dates.sql", "numbers.sql", "identifiers.sql")
MACRO_FILES = (*FILES_WITHOUT_LISTS, "units.sql")
WARD_LISTS = {"wards", "ward_changes"}
_DATES = ("valid_from", "valid_until")
_HERE = Path(__file__).parent / "macros"


def register(connection: duckdb.DuckDBPyConnection, schemas_dir: Path) -> None:
    """Create every `vn_*` macro, and one `ref_<list>` per `schemas_dir`/reference/<list>.csv.

    A list keeps its columns as text, except `valid_from` and `valid_until`, which are dates. Without a reference
    folder only the macros are made; the ward macros need the lists `wards` and `ward_changes`. Calling it again
    reads the lists anew.
    """
    register_macros(connection)
    lists = reference_lists(schemas_dir)
    for name, path in lists.items():
        _load(connection, name, path)
    if lists.keys() >= WARD_LISTS:
        _run(connection, "units.sql")


def register_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the `vn_*` macros that need no code list."""
    for name in FILES_WITHOUT_LISTS:
        _run(connection, name)


def reference_lists(schemas_dir: Path) -> dict[str, Path]:
    """Name and file of each code list, by name; empty when there is no reference folder."""
    return {path.stem: path for path in sorted((Path(schemas_dir) / "reference").glob("*.csv"))}


def _run(connection: duckdb.DuckDBPyConnection, file: str) -> None:
    connection.execute((_HERE / file).read_text(encoding="utf-8"))


def macro_files() -> list[Path]:
    """The SQL files of the `vn_*` macros, by name."""
    return sorted(_HERE / name for name in MACRO_FILES)


def _load(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    # A table, not a view over the file: contracts join the lists in every run, and a list must not change within one.
    relation = '"ref_' + name.replace('"', '""') + '"'
    dates = ", ".join(f"TRY_CAST({column} AS DATE) AS {column}" for column in _DATES if column in _header(path))
    connection.execute(
        f"CREATE OR REPLACE TABLE {relation} AS SELECT *{f' REPLACE ({dates})' if dates else ''} "
        "FROM read_csv($path, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')",
        {"path": str(path)},
    )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig") as file:
        return file.readline().strip().split(",")
