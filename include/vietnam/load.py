"""Put the `vn_*` macros and the code lists into a DuckDB connection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import duckdb

FILES_WITHOUT_LISTS = ("text.sql", "dates.sql", "numbers.sql", "identifiers.sql", "agencies.sql")
MACRO_FILES = (*FILES_WITHOUT_LISTS, "units.sql")
WARD_LISTS = {"wards", "ward_changes"}
_DATES = ("valid_from", "valid_until")
_HERE = Path(__file__).parent / "macros"


def register(connection: duckdb.DuckDBPyConnection, schemas_dir: Path, statements: Iterable[str] | None = None) -> None:
    """Create the `vn_*` macros, and one `ref_<list>` per `schemas_dir`/reference/<list>.csv.

    A list keeps its columns as text, except `valid_from` and `valid_until`, which are dates. Without a reference
    folder only the macros are made; the ward macros need the lists `wards` and `ward_changes`. Calling it again
    reads the lists anew.

    Args:
        connection: that gets them.
        schemas_dir: the folder above `reference`.
        statements: only what these may use is made; everything unless given.
    """
    lists, macros = definitions(schemas_dir, statements)
    for name, path in lists.items():
        _load(connection, name, path)
    for sql in macros:
        connection.execute(sql)


def definitions(schemas_dir: Path, statements: Iterable[str] | None = None) -> tuple[dict[str, Path], list[str]]:
    """What `register` makes: the files of the code lists by name, and the statements of the macros, in that order."""
    lists = reference_lists(schemas_dir)
    files = MACRO_FILES if lists.keys() >= WARD_LISTS else FILES_WITHOUT_LISTS
    macros = {name: sql for file in files for name, sql in _macros(file).items()}
    if statements is None:
        return lists, list(macros.values())
    given = " ".join(statements).lower()
    made = _used_macros(macros, given)
    used = " ".join([given, *made]).lower()
    return {name: path for name, path in lists.items() if f"ref_{name.lower()}" in used}, made


def list_relation(name: str) -> str:
    """The table that `register` makes of a code list, quoted."""
    return '"ref_' + name.replace('"', '""') + '"'


def register_macros(connection: duckdb.DuckDBPyConnection, statements: Iterable[str] | None = None) -> None:
    """Create the `vn_*` macros that need no code list; only those that these statements may use, if they are given."""
    macros = {name: sql for file in FILES_WITHOUT_LISTS for name, sql in _macros(file).items()}
    for sql in macros.values() if statements is None else _used_macros(macros, " ".join(statements).lower()):
        connection.execute(sql)


@cache
def _macros(file: str) -> dict[str, str]:
    """The statements of a file by the name of the macro or table that each makes, in the order of the file."""
    statements = [found.query for found in duckdb.extract_statements((_HERE / file).read_text(encoding="utf-8"))]
    return {re.search(r"\bCREATE\b.*?\b(_?vn_\w+)", sql, re.DOTALL)[1].lower(): sql for sql in statements}  # type: ignore[index]


def _used_macros(macros: Mapping[str, str], given: str) -> list[str]:
    """The macros that are named in a text (of small letters), and those named in these, in their order."""
    waiting, used = [given], set[str]()
    while waiting:
        text = waiting.pop()
        for name in [name for name in macros if name not in used and name in text]:
            used.add(name)
            waiting.append(macros[name].lower())
    return [sql for name, sql in macros.items() if name in used]


def reference_lists(schemas_dir: Path) -> dict[str, Path]:
    """Name and file of each code list, by name; empty when there is no reference folder."""
    return {path.stem: path for path in sorted((Path(schemas_dir) / "reference").glob("*.csv"))}


def macro_files() -> list[Path]:
    """The SQL files of the `vn_*` macros, by name."""
    return sorted(_HERE / name for name in MACRO_FILES)


def _load(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    # A table, not a view over the file: contracts join the lists in every run, and a list must not change within one.
    relation = list_relation(name)
    dates = ", ".join(f"TRY_CAST({column} AS DATE) AS {column}" for column in _DATES if column in _header(path))
    connection.execute(
        f"CREATE OR REPLACE TABLE {relation} AS SELECT *{f' REPLACE ({dates})' if dates else ''} "
        "FROM read_csv($path, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')",
        {"path": str(path)},
    )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig") as file:
        return file.readline().strip().split(",")
