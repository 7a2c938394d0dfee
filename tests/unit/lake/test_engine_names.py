"""A column may have a name that the engine has a use for: its rows are found by its values all the same.

Older tests had such columns in no condition: DuckDB applied one on `filename` to the file's path, and found no row.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from include.lake.delta import TableSchema, published_rows, view_of
from include.lake.storage import Lake
from tests.repeats import held_by

NAMES = ["filename", "FileName", "file_row_number", "file_index", "rowid", "hash", "name"]
VALUES = {"VARCHAR": ["a", "b", "c"], "BIGINT": [1, 2, 3]}


FILES = ["one file", "two files, the name in one of them"]
MORE = held_by("unit/lake/test_engine_names.py::test_rows_are_found_by_the_value_of_a_column")
# Of each name both kinds, by turns with its path and without, in one file and in two; all combinations are tried later.
QUICK = {
    (name, kind, n % 2 == k, FILES[(n // 2 + k) % 2]) for n, name in enumerate(NAMES) for k, kind in enumerate(VALUES)
}
ALL = product(NAMES, VALUES, [True, False], FILES)


@pytest.mark.parametrize(
    ("name", "kind", "with_file", "files"), [pytest.param(*one, marks=() if one in QUICK else MORE) for one in ALL]
)
def test_rows_are_found_by_the_value_of_a_column(
    name: str, kind: str, with_file: bool, files: str, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    uri = lake.path("registry", "any", "table")
    rows = pa.table({"number": range(3), name: VALUES[kind]})
    if files != "one file":
        write_deltalake(uri, pa.table({"number": [9]}))
    write_deltalake(uri, rows, mode="append", schema_mode="merge")
    table, wanted = DeltaTable(uri), VALUES[kind][1]
    schema = TableSchema((("number", "BIGINT"), (name, kind)), ("number",))
    with lake.connect() as connection:
        view_of(connection, "viewed", table, table.file_uris(), with_file=with_file)
        selected = published_rows(connection, schema, table.file_uris(), with_file=with_file)
        for relation in ("viewed", f"({selected})"):
            for condition in (f'"{name}" = $1', f'"{name}" IN ($1)', f'"{name}" >= $1 AND number < 2'):
                found = connection.execute(f"SELECT number FROM {relation} WHERE {condition}", [wanted]).fetchall()
                assert found == [(1,)], (relation, condition)
            if with_file:
                paths = connection.execute(f"SELECT DISTINCT _file FROM {relation}").fetchall()
                assert {path for (path,) in paths} == set(table.file_uris())
