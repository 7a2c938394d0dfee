"""SQLite: any value in any column, in and out."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from include.lake.storage.lake import Lake
from include.sources.access import SourceDenied, SourceError, SourceMissing, SourceUnavailable
from tests.extracts import contract_of, rows_of, take, types_of


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a.sqlite"


def test_values_of_any_type_in_any_column(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("CREATE TABLE t (k INTEGER, a TEXT, n INTEGER, r REAL, m NUMERIC, b BLOB, d DATE)")
    file.execute("INSERT INTO t VALUES (1, 'Nguyễn', 5, 0.1, 12.50, x'00ff41', '2024-01-01')")
    file.execute("INSERT INTO t VALUES (2, 'a' || char(0) || 'b', 'abc', 0.30000000000000004, 1e300, 'txt', 20240101)")
    file.execute("INSERT INTO t VALUES (3, '', 9223372036854775807, 'x', '0012', NULL, '')")
    extracted = take(contract_of("t", ["a"]), uri, lake)
    assert rows_of(extracted) == [
        ("1", "Nguyễn", "5", "0.1", "12.5", "\\x00ff41", "2024-01-01"),
        ("2", "a\x00b", "abc", "0.30000000000000004", "1e+300", "txt", "20240101"),
        ("3", "", "9223372036854775807", "x", "12", None, ""),
    ]
    assert set(types_of(extracted).values()) == {"VARCHAR"}
    assert extracted.source == "sqlite"


def test_text_that_is_not_utf_8_lands_as_hex_and_is_noted(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("CREATE TABLE t (a TEXT)")
    file.execute("INSERT INTO t VALUES ('Bình'), (CAST(x'42ec6e68' AS TEXT))")
    extracted = take(contract_of("t", ["a"]), uri, lake)
    assert rows_of(extracted) == [("Bình",), ("\\x42ec6e68",)]
    assert any("not UTF-8" in note for note in extracted.drift)


def test_an_empty_table(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("CREATE TABLE t (a TEXT)")
    extracted = take(contract_of("t", ["a"]), uri, lake)
    assert (extracted.rows, rows_of(extracted)) == (0, [])


def test_a_view_and_odd_names(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("""CREATE TABLE "bảng 'x"";--" ("họ tên" TEXT, "select" TEXT, "a:b%c" TEXT)""")
    file.execute("""INSERT INTO "bảng 'x"";--" VALUES ('x', 'y', 'z')""")
    extracted = take(contract_of("bảng 'x\";--", ["họ tên", "select", "a:b%c"]), uri, lake)
    assert rows_of(extracted) == [("x", "y", "z")]
    file.execute("CREATE VIEW v AS SELECT 1 AS one")
    assert rows_of(take(contract_of("v", ["one"]), uri, lake)) == [("1",)]


def test_missing_table_and_column(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("CREATE TABLE nguoi_tham_gia (ho_ten TEXT)")
    with pytest.raises(SourceMissing, match=r"no table or view 'nguoi_tham_ga'.*did you mean 'nguoi_tham_gia'"):
        take(contract_of("nguoi_tham_ga", ["ho_ten"]), uri, lake)
    with pytest.raises(SourceMissing, match=r"no column 'hoten' \(did you mean 'ho_ten'\?\)"):
        take(contract_of("nguoi_tham_gia", ["hoten"]), uri, lake)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, lake: Lake) -> None:
    with pytest.raises(SourceUnavailable, match="no SQLite file where AIRFLOW_CONN_SOURCE points"):
        take(contract_of("t", ["a"]), f"sqlite:///{tmp_path}/b.sqlite", lake)
    assert not (tmp_path / "b.sqlite").exists()


def test_what_is_no_sqlite_file(tmp_path: Path, lake: Lake) -> None:
    (tmp_path / "b.sqlite").write_text("MST,TEN\n1,bimat\n" * 100)
    with pytest.raises(SourceError, match="is no SQLite database"):
        take(contract_of("t", ["a"]), f"sqlite:///{tmp_path}/b.sqlite", lake)
    with pytest.raises(SourceDenied, match="cannot be read"):
        take(contract_of("t", ["a"]), f"sqlite:///{tmp_path}", lake)


@pytest.mark.slow
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_one_state_of_the_file_while_somebody_writes(
    file: sqlite3.Connection, uri: str, lake: Lake, tmp_path: Path, journal: str
) -> None:
    """The writer keeps the sum at zero in every transaction; a mixture of states would show another sum."""
    file.execute(f"PRAGMA journal_mode = {journal}")
    file.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
    file.execute("BEGIN")
    file.executemany("INSERT INTO t VALUES (?, 0)", [(n,) for n in range(200_000)])
    file.execute("COMMIT")
    file.close()
    # In a process of its own: two SQLite libraries in one process would drop each other's locks.
    program = (
        "import sqlite3, sys, time\n"
        "w = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)\n"
        "while True:\n"
        "    for sql in ('BEGIN IMMEDIATE', 'UPDATE t SET v = v + 1 WHERE k < 10',\n"
        "                'UPDATE t SET v = v - 1 WHERE k >= 199990', 'COMMIT'):\n"
        "        w.execute(sql)\n"
        "    time.sleep(0.02)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "a.sqlite")])
    try:
        for _ in range(3):
            extracted = take(contract_of("t", ["k", "v"]), uri, lake)
            assert rows_of(extracted, "sum(v::INT), count(*)") == [(0, 200_000)]
    finally:
        writer.kill()
        writer.wait()
