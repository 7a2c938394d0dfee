"""What every value of SQLite lands as, whatever column it is in and however the file is encoded.

Older tests had few numbers with a point, and never asked for a row by such a key.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from include.contracts.model import Column
from include.lake.storage.lake import Lake
from include.sources.open_object import ReadRequest
from tests.extracts import contract_of, rows_of, take
from tests.repeats import repeats
from tests.unit.sources.parts import contract_by, landed, opened

# value as SQL, what lands
VALUES = [
    ("15.0", "15.0"),
    ("1e15", "1000000000000000.0"),
    ("9007199254740991.0", "9007199254740991.0"),
    ("123456789012345680000.0", "1.2345678901234568e+20"),
    ("2.675", "2.675"),
    ("0.1", "0.1"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("5e-324", "5e-324"),
    ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("9e999", "inf"),
    ("-9e999", "-inf"),
    ("9223372036854775807", "9223372036854775807"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("x'4142E9FF'", "\\x4142e9ff"),
    ("x''", "\\x"),
    ("'15'", "15"),
    ("'\\x41'", "\\x41"),
    ("'a' || char(0) || 'b'", "a\x00b"),
    ("char(1) || 'r1'", "\x01r1"),
    ("char(1)", "\x01"),
    ("'Nguyễn 😀'", "Nguyễn 😀"),
    ("''", ""),
    ("NULL", None),
]


@pytest.fixture(params=["UTF-8", "UTF-16le", "UTF-16be"])
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA encoding = '{request.param}'")
        yield connection


@pytest.mark.parametrize("kind", ["", "BLOB"])
def test_values(file: sqlite3.Connection, tmp_path: Path, lake: Lake, kind: str) -> None:
    file.execute(f"CREATE TABLE t (k INTEGER, a {kind})")
    file.execute(f"INSERT INTO t VALUES {', '.join(f'({n}, {value})' for n, (value, _) in enumerate(VALUES))}")
    extracted = take(contract_of("t", ["a"]), f"sqlite:///{tmp_path}/a.sqlite", lake)
    found = {int(k): a for k, a in rows_of(extracted, "k, a")}
    assert [found[n] for n in range(len(VALUES))] == [text for _, text in VALUES]


def test_beside_text_that_is_not_utf_8_all_values_are_the_same(tmp_path: Path, lake: Lake) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as file:
        file.execute("CREATE TABLE t (k INTEGER, a)")
        file.execute(f"INSERT INTO t VALUES {', '.join(f'({n}, {value})' for n, (value, _) in enumerate(VALUES))}")
        file.execute("INSERT INTO t VALUES (99, CAST(x'42ec6e68' AS TEXT))")
    extracted = take(contract_of("t", ["a"]), f"sqlite:///{tmp_path}/a.sqlite", lake)
    found = {int(k): a for k, a in rows_of(extracted, "k, a")}
    assert [found[n] for n in range(len(VALUES))] == [text for _, text in VALUES]
    assert found[99] == "\\x42ec6e68"


@pytest.mark.parametrize("more", [False, True])
def test_rows_by_keys_of_every_type(tmp_path: Path, lake: Lake, more: bool) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as file:
        file.execute("CREATE TABLE t (k, v)")
        file.execute(f"INSERT INTO t VALUES {', '.join(f'({value}, {n})' for n, (value, _) in enumerate(VALUES))}")
    columns = [Column("k", "k", "string", "VARCHAR", primary_key_position=1)]
    columns += [Column("v", "v", "string", "VARCHAR", primary_key_position=2)] if more else []
    contract = contract_by(*columns, cursor=())
    with opened(contract, f"sqlite:///{tmp_path}/a.sqlite", lake) as source:
        for n, (value, text) in enumerate(VALUES):
            key = (text, str(n)) if more else (text,)
            assert landed(source, lake, ReadRequest(keys=(key,)), f"part{n}").rows >= 1, value


def test_a_wide_table_with_long_names(tmp_path: Path, lake: Lake) -> None:
    """In a long run as many as SQLite lets a table have."""
    wide = repeats(700, 2000)  # the time grows with the square
    names = [f"cot_du_lieu_co_ten_rat_dai_cua_so_dang_ky_quoc_gia_so_{n}" for n in range(wide)]
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as file:
        file.execute(f"CREATE TABLE t ({', '.join(names)})")
        file.executemany(
            f"INSERT INTO t VALUES ({', '.join('?' * wide)})", [[f"{r} {n}" for n in range(wide)] for r in range(9)]
        )
    extracted = take(contract_of("t", names[:1]), f"sqlite:///{tmp_path}/a.sqlite", lake)
    assert (extracted.rows, len(extracted.columns)) == (9, wide)
    assert rows_of(extracted, names[-1])[0] == (f"0 {wide - 1}",)
