"""Registering the macros: with and without lists, again, and with values of every type."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from include.vietnam import register
from include.vietnam.load import macro_files
from tests.repeats import held_by

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
MACROS = (
    *("text", "name", "fold", "tone_fold", "is_legacy_encoded", "name_is_legacy_encoded", "digits", "sex"),
    *("cccd_birth_year", "cccd_sex", "mst"),
    *("mst_is_valid", "number", "int", "date", "date_precision", "timestamp", "month", "ward_current"),
    "ward_candidates",
)
VALUES = (
    "NULL",
    "TRUE",
    "12::TINYINT",
    "-7",
    "9223372036854775807",
    "170141183460469231731687303715884105727::HUGEINT",
    "12.50",
    "1.5::FLOAT",
    "1e300::DOUBLE",
    "'nan'::DOUBLE",
    "'-inf'::DOUBLE",
    "DATE '2024-02-29'",
    "DATE 'infinity'",
    "TIMESTAMP '2024-02-29 10:00:00.5'",
    "TIME '10:00'",
    "INTERVAL 1 DAY",
    "'\\x00\\xFF'::BLOB",
    "[1, NULL]",
    "{'a': 'x'}",
    "MAP {'a': 1}",
    "uuid()",
    "'Nam'::ENUM ('Nam', 'Nữ')",
    "''",
    "chr(0)",
    "repeat('9', 400)",
    "repeat('hòa ', 5000)",
)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        register(opened, SCHEMAS)
        yield opened


@pytest.mark.parametrize("column", ["code", "candidates", "w", "code_", "s", "t", "new_code", "part"])
def test_an_argument_is_a_column_of_the_caller_whatever_it_is_called(
    db: duckdb.DuckDBPyConnection, column: str
) -> None:
    known, unknown = "00004", "99999"
    row = f"(SELECT unnest(['{known}', '{unknown}']) AS \"{column}\")"
    for macro, value in (("ward_current", "{}"), ("ward_candidates", "{}[1]")):
        called = value.format(f'vn_{macro}("{column}")')
        where = db.execute(f'FROM {row} WHERE {called} IS NOT DISTINCT FROM "{column}"').fetchall()
        selected = db.execute(f"SELECT {called} FROM {row} ORDER BY ALL").fetchall()
        assert (where, selected) == ([(known,)], [(known,), (None,)])


@pytest.mark.parametrize("macro", MACROS)
def test_a_macro_takes_any_type_and_never_raises(db: duckdb.DuckDBPyConnection, macro: str) -> None:
    for value in VALUES:
        db.execute(f"SELECT vn_{macro}(v) FROM (SELECT {value} AS v FROM range(3))").fetchall()


@held_by("unit/vietnam/test_register.py::test_a_macro_takes_any_type_and_never_raises")
@pytest.mark.parametrize("macro", MACROS)
def test_a_macro_takes_a_constant_of_any_type_and_never_raises(db: duckdb.DuckDBPyConnection, macro: str) -> None:
    for value in VALUES:
        db.execute(f"SELECT vn_{macro}({value})").fetchall()


@pytest.mark.parametrize("macro", [macro for macro in MACROS if "legacy" not in macro])
def test_nothing_gives_nothing(db: duckdb.DuckDBPyConnection, macro: str) -> None:
    assert db.execute(f"SELECT vn_{macro}(NULL), vn_{macro}('  ')").fetchone() == (None, None)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("vn_number(1.234)", "1.2340000000"),  # a number is a number: its dot is no thousands dot
        ("vn_number(1.234::DOUBLE)", "1.2340000000"),
        ("vn_number('1.234')", "1234.0000000000"),
        ("vn_number(0.123456789012::DECIMAL(20,12))", None),
        ("vn_number('0,12345678901')", None),
        ("vn_number(1e17::DOUBLE)", "100000000000000000.0000000000"),
        ("vn_int(1.000000000001::DOUBLE)", None),
        ("vn_int(1.00000000001::DECIMAL(20,11))", None),
        ("vn_int(1e16::DOUBLE)", None),
        ("vn_int(12.5::DOUBLE)", None),
        ("vn_int(-3::DOUBLE)", "-3"),
        ("vn_date(TIMESTAMP '2024-02-29 10:00:00')", "2024-02-29"),
        ("vn_timestamp(DATE '2024-02-29')", "2024-02-29"),
        ("vn_timestamp(TIMESTAMPTZ '2024-02-29 20:00:00+00')", "2024-02-29 20:00:00+00"),
        ("vn_month(DATE '2024-02-01')", "2024-02-01"),
        ("vn_sex(2)", "female"),
        ("vn_digits(1090012345)", "1090012345"),
        ("vn_digits(1090012345.0::DOUBLE)", "1090012345.0"),  # kept as it came, for a rule to reject
    ],
)
def test_values_that_are_not_text(db: duckdb.DuckDBPyConnection, expression: str, value: str | None) -> None:
    assert db.execute(f"SELECT CAST({expression} AS VARCHAR)").fetchone() == (value,)


@pytest.mark.parametrize(
    ("macro", "type_"),
    [
        ("date", "DATE"),
        ("timestamp", "VARCHAR"),
        ("month", "DATE"),
        ("number", "DECIMAL(28,10)"),
        ("int", "BIGINT"),
        ("cccd_birth_year", "INTEGER"),
        ("mst_is_valid", "BOOLEAN"),
        ("is_legacy_encoded", "BOOLEAN"),
        ("ward_current", "VARCHAR"),
        ("ward_candidates", "VARCHAR[]"),
        ("text", "VARCHAR"),
    ],
)
def test_what_a_macro_returns(db: duckdb.DuckDBPyConnection, macro: str, type_: str) -> None:
    for value in ("v", "NULL"):
        assert db.execute(f"SELECT typeof(vn_{macro}({value})) FROM (SELECT 'x' AS v)").fetchone() == (type_,)


@pytest.mark.parametrize("macro", ["ward_current", "ward_candidates"])
def test_wards_are_looked_up_by_one_hash_join(db: duckdb.DuckDBPyConnection, macro: str) -> None:
    rows = "(SELECT lpad(range::VARCHAR, 5, '0') AS v FROM range(1000))"
    plan = db.execute(f"EXPLAIN SELECT vn_{macro}(v) FROM {rows}").fetchall()[0][1]
    assert "HASH_JOIN" in plan
    assert "NESTED_LOOP" not in plan
    assert "CROSS_PRODUCT" not in plan


def test_no_other_macro_has_a_subquery() -> None:
    for path in macro_files():
        code = "\n".join(line.split("--")[0] for line in path.read_text(encoding="utf-8").splitlines())
        assert path.stem == "units" or "SELECT" not in code


def test_lists_keep_text_and_have_dates(db: duckdb.DuckDBPyConnection) -> None:
    columns = dict(db.execute("SELECT column_name, column_type FROM (DESCRIBE ref_wards)").fetchall())
    assert set(columns) == {"code", "name", "kind", "province_code", "district_code", "valid_from", "valid_until"}
    assert {columns.pop("valid_from"), columns.pop("valid_until")} == {"DATE"}
    assert set(columns.values()) == {"VARCHAR"}


def test_a_folder_without_lists_gives_the_macros_alone(tmp_path: Path) -> None:
    with duckdb.connect() as db:
        register(db, tmp_path)
        assert db.execute("SELECT vn_name('Ðặng')").fetchone() == ("Đặng",)
        assert db.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
        with pytest.raises(duckdb.CatalogException):
            db.execute("SELECT vn_ward_current('00001')")


def test_registering_again_reads_the_lists_anew(tmp_path: Path) -> None:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "sex.csv").write_text("code,name,valid_from,valid_until\n1,Nam,2020-01-01,\n", encoding="utf-8")
    with duckdb.connect() as db:
        register(db, tmp_path)
        (folder / "sex.csv").write_text("code,name,valid_from,valid_until\n2,Nữ,2020-01-01,\n", encoding="utf-8")
        register(db, tmp_path)
        assert db.execute("SELECT code, name FROM ref_sex").fetchall() == [("2", "Nữ")]


def test_a_path_with_quotes_and_signs_of_a_glob(tmp_path: Path) -> None:
    folder = tmp_path / "o'clock [1]"
    shutil.copytree(SCHEMAS / "reference", folder / "reference")
    with duckdb.connect() as db:
        register(db, folder)
        assert db.execute("SELECT count(*) FROM ref_sex").fetchone() == (3,)


def test_macros_and_lists_are_seen_by_the_cursors_of_a_connection(db: duckdb.DuckDBPyConnection) -> None:
    with db.cursor() as cursor:
        assert cursor.execute("SELECT vn_ward_current(code) FROM ref_ward_changes AS c(code) LIMIT 1").fetchone()


def test_statements_may_come_once() -> None:
    """What they use is made: macros, lists, and what these use; nothing else."""
    with duckdb.connect() as connection:
        register(connection, SCHEMAS, (sql for sql in ("SELECT vn_text(a) FROM ref_sex",)))
        made = "SELECT table_name FROM duckdb_tables() UNION ALL SELECT function_name FROM duckdb_functions() WHERE "
        names = {name for (name,) in connection.execute(f"{made} function_name LIKE '%vn_%'").fetchall()}
        assert {"ref_sex", "vn_text"} <= names
        assert not {"ref_wards", "vn_name"} & names
        assert connection.execute("SELECT vn_text(code) = code FROM ref_sex LIMIT 1").fetchone() == (True,)
