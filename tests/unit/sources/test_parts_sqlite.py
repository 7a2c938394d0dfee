"""Parts of an SQLite table, where any column may hold any value; through the scanner, and as any other database."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.contracts.model import Column
from include.lake.storage.lake import Lake
from include.sources.access import SourceError
from include.sources.access.connection import Connection
from include.sources.open_object import ReadRequest
from tests.extracts import VARIABLE
from tests.repeats import held_by
from tests.unit.sources.conftest import Drop
from tests.unit.sources.parts import KEY, UPDATED, VALUE, contract_by, keys, landed, opened, rows


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as connection:
        yield connection


@pytest.fixture(params=["scanner", "sqlalchemy"])
def uri(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    path = f"{tmp_path}/a.sqlite"
    if request.param == "sqlalchemy":
        unknown = Connection(VARIABLE, "sqlalchemy", sa.engine.make_url(f"sqlite+pysqlite:///{path}"))
        monkeypatch.setattr(
            sys.modules["include.sources.landing.openers"], "connect", lambda contract, environ: unknown
        )
    return f"sqlite:///{path}"


def made(file: sqlite3.Connection, kind: str, *values: object) -> None:
    file.execute(f"CREATE TABLE t (k INTEGER, u {kind}, v TEXT)")
    file.execute("BEGIN")
    file.executemany("INSERT INTO t VALUES (?, ?, 'x')", list(enumerate(values, start=1)))
    file.execute("COMMIT")


def test_text_dates(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    made(file, "TEXT", "2026-01-01 10:00:00", "2026-01-01 11:30:00", "2026-01-01T12:00:00", "2026-01-02", None, "?")
    contract = contract_by()
    with opened(contract, uri, lake) as source:
        cursor = landed(source, lake).cursor
    assert cursor == ("2026-01-02",)
    assert keys(contract, uri, lake, "2026-01-01 12:00:00") in ([3, 4, 5, 6], ["3", "4", "5", "6"])
    assert len(keys(contract, uri, lake, "2026-01-01 12:00:00", lag=timedelta(hours=1))) == 5
    assert len(keys(contract, uri, lake, *cursor)) == 3


def test_integers(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    made(file, "INTEGER", 1, 9, 10, 100, None)
    contract = contract_by(KEY, Column("updated_at", "u", "integer", "BIGINT"), VALUE)
    with opened(contract, uri, lake) as source:
        assert landed(source, lake).cursor == ("100",)
    assert [int(k) for k in keys(contract, uri, lake, "10", lag=timedelta(hours=1))] == [3, 4, 5]


TEXTS = ["DATETIME", "TIMESTAMP", "DATE", "TEXT", "VARCHAR(30)"]


LATER = [
    ("2025-05-01T20:00:00Z", ["2025-05-01T22:00:00Z", "2025-05-01T23:30:00Z"]),
    ("2025-05-01 10:00:00+00:00", ["2025-05-01 12:00:00+00:00"]),
    ("2025-05-01 10:00:00Z", ["2025-05-01 12:00:00Z", "2025-05-01 12:00:00Z "]),
    ("2025-05-01 10:00", ["2025-05-01 10:30", "2025-05-01T10:01"]),
    ("2025-05-01T10:00:00", ["2025-05-01 10:00:00", "2025-05-01 10:30"]),
    ("2025-05-01 10:00:00", ["2025-04-30 23:00-05", "2025-04-30T23:00:00-0500", "2025-04-30 23:00:00 -05:00"]),
]
OF_MORE_KINDS = held_by("unit/sources/test_parts_sqlite.py::test_a_later_row_is_read_however_its_moment_is_written")


# Of each way of writing two kinds of columns, by turns.
@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
@pytest.mark.parametrize(
    ("first", "later", "kind"),
    [
        pytest.param(*ways, kind, marks=() if (number - n) % 5 in (0, 2) else OF_MORE_KINDS)
        for number, ways in enumerate(LATER)
        for n, kind in enumerate(TEXTS)
    ],
)
def test_a_later_row_is_read_however_its_moment_is_written(
    file: sqlite3.Connection, uri: str, lake: Lake, kind: str, first: str, later: list[str]
) -> None:
    made(file, kind, first)
    contract = contract_by()
    with opened(contract, uri, lake) as source:
        cursor = landed(source, lake).cursor
    assert cursor == (first,)
    file.executemany("INSERT INTO t VALUES (?, ?, 'x')", list(enumerate(later, start=10)))
    wanted = [str(key) for key in range(10, 10 + len(later))]
    for lag in (timedelta(0), timedelta(hours=1)):
        found = keys(contract, uri, lake, *cursor, lag=lag)
        assert [key for key in found if key != "1"] == wanted


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
@pytest.mark.parametrize("kind", TEXTS)
def test_a_stretch_of_time_has_its_rows_however_their_moments_are_written(
    file: sqlite3.Connection, uri: str, lake: Lake, kind: str
) -> None:
    inside = ["2025-05-01T08:00:00", "2025-05-01 11:59", "2025-05-01T04:59:00Z", "2025-05-01 12:00:00.25"]
    made(file, kind, *inside, "2025-05-01T14:00:00", "2025-05-01 06:00")
    until = ("2025-05-01T12:00:00.500000+07:00",)
    with opened(contract_by(), uri, lake) as source:
        part = landed(source, lake, ReadRequest(since=("2025-05-01T07:00:00+07:00",), until=until))
    assert [row[0] for row in rows(part, "k")] == ["1", "2", "3", "4"]


NIGHT = ("2026-03-02T02:45+07:00", "2026-03-03T02:45+07:00")  # a nightly run's stretch, in Viet Nam


@pytest.mark.parametrize("kind", ["DATE", "TEXT"])
@pytest.mark.parametrize(
    ("zone", "since", "until", "days"),
    [
        ("Asia/Ho_Chi_Minh", *NIGHT, "02 03"),
        ("Asia/Ho_Chi_Minh", "2026-03-02T08:00+07:00", "2026-03-02T20:00+07:00", "02"),
        ("Asia/Ho_Chi_Minh", "2026-03-02T00:00+07:00", "2026-03-03T00:00+07:00", "02"),
        ("Asia/Ho_Chi_Minh", "2026-03-01T17:00Z", "2026-03-02T17:00Z", "02"),
        ("UTC", *NIGHT, "01 02"),
        ("", *NIGHT, "28 01 02 03"),
        ("", "2026-03-02T00:00Z", "2026-03-03T00:00Z", "01 02 03"),
    ],
)
def test_a_stretch_of_time_has_every_day_of_which_it_has_a_part(
    file: sqlite3.Connection, uri: str, lake: Lake, kind: str, zone: str, since: str, until: str, days: str
) -> None:
    of_all = ["2026-02-27", "2026-02-28", *(f"2026-03-{day:02}" for day in range(1, 7))]
    made(file, kind, *of_all)
    moved = Column("updated_at", "u", "date", "DATE", options={"defaultTimezone": zone} if zone else {})
    with opened(contract_by(KEY, moved, VALUE), uri, lake) as source:
        part = landed(source, lake, ReadRequest(since=(since,), until=(until,)))
    assert [str(row[0])[8:10] for row in rows(part, "u")] == days.split()


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
@pytest.mark.parametrize("kind", TEXTS)
def test_a_day_among_moments_is_read_with_any_part_of_it(
    file: sqlite3.Connection, uri: str, lake: Lake, kind: str
) -> None:
    made(file, kind, "2026-03-01", "2026-03-02", "2026-03-02 ", "2026-03-02 07:59", "2026-03-02 08:00", "2026-03-03")
    since, until = "2026-03-02T08:00+07:00", "2026-03-02T20:00+07:00"
    with opened(contract_by(), uri, lake) as source:
        part = landed(source, lake, ReadRequest(since=(since,), until=(until,)))
    assert [row[0] for row in rows(part, "k")] == ["2", "3", "5"]
    assert keys(contract_by(), uri, lake, "2026-03-02 12:00") == ["2", "3", "6"]


@pytest.mark.parametrize("kind", ["DATETIME", "TEXT"])
@pytest.mark.parametrize(("zone", "wanted"), [("Asia/Ho_Chi_Minh", [2, 3]), ("", [1, 2, 3, 4])])
def test_a_stretch_of_a_clock_that_is_not_known_is_a_day_longer_on_both_sides(
    file: sqlite3.Connection, uri: str, lake: Lake, kind: str, zone: str, wanted: list[int]
) -> None:
    times = ["02-28 18:00", "03-01 20:00", "03-02 02:44", "03-02 03:00", "03-04 00:00"]
    made(file, kind, *(f"2026-{time}:00.000000" for time in times))
    options = {"defaultTimezone": zone} if zone else {}
    contract = contract_by(KEY, Column("updated_at", "u", "timestamp", "TIMESTAMP", options=options), VALUE)
    with opened(contract, uri, lake) as source:
        asked = ReadRequest(since=("2026-03-01T02:45+07:00",), until=("2026-03-02T02:45+07:00",))
        part = landed(source, lake, asked)
    assert [int(row[0]) for row in rows(part, "k")] == wanted


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
@pytest.mark.parametrize("kind", TEXTS)
def test_what_the_next_read_brings_is_told_however_moments_are_written(
    file: sqlite3.Connection, uri: str, lake: Lake, kind: str
) -> None:
    made(file, kind, "2025-05-01T20:00:00Z", "2025-05-01T19:59:00Z", "2025-04-01T20:00:00Z")
    contract = contract_by()
    with opened(contract, uri, lake) as source:
        whole = landed(source, lake)
    with opened(contract, uri, lake) as source:
        assert whole.cursor
        assert landed(source, lake, ReadRequest(since=whole.cursor), "next").digest == whole.next_digest


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
@pytest.mark.parametrize("kind", ["DATETIME", "TIMESTAMP", "DATE", "TEXT", "NUMERIC", "INTEGER"])
def test_values_that_are_not_of_the_columns_kind_are_always_read(
    file: sqlite3.Connection, uri: str, lake: Lake, kind: str
) -> None:
    is_number = kind in {"NUMERIC", "INTEGER"}
    low, high = (5, 50) if is_number else ("2025-01-01", "2026-01-02")
    made(file, kind, low, high, "rác", b"x", None)
    cursor = Column("updated_at", "u", "integer", "BIGINT") if is_number else UPDATED
    contract = contract_by(KEY, cursor, VALUE)
    assert keys(contract, uri, lake, "10" if is_number else "2026-01-01") == ["2", "3", "4", "5"]
    with opened(contract, uri, lake) as source:
        assert landed(source, lake).cursor == (str(high),)


def test_given_keys(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("CREATE TABLE t (k INTEGER, w VARCHAR(9), u TEXT, v TEXT)")
    file.execute("BEGIN")
    file.executemany("INSERT INTO t VALUES (?, ?, ?, 'x')", [(n, f"w'{n % 2}", "2026-01-01") for n in range(3_000)])
    file.execute("COMMIT")
    by_two = (KEY, Column("w", "w", "string", "VARCHAR", primary_key_position=2), UPDATED, VALUE)
    for columns in ((KEY, UPDATED, VALUE), by_two):
        contract = contract_by(*columns)
        names = tuple(c.source_name for c in columns if c.primary_key_position)
        with opened(contract, uri, lake) as source:
            found = rows(landed(source, lake, ReadRequest(columns=names)), ", ".join(names))
            some = tuple(found[: 600 if len(names) == 1 else 300])
            part = landed(source, lake, ReadRequest(since=("2026-02-01",), keys=some), "some")
        assert rows(part, ", ".join(names)) == sorted(some)


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
def test_more_keys_than_one_statement_takes(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    made(file, "TEXT", *["2026-01-01"] * 20_000)
    some = tuple((str(n),) for n in range(1, 15_001))
    assert len(keys(contract_by(), uri, lake, "2026-02-01", keys=some)) == 15_000


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
def test_keys_of_any_value(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    for number, kind in enumerate(("TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", "DATE", "")):
        file.execute(f"CREATE TABLE t{number} (k {kind}, v TEXT)")
        values = ["a'b", 5, 0.1, 1e300, "0012", b"\x00\xff", "2026-01-01"]
        file.executemany(f"INSERT INTO t{number} VALUES (?, ?)", [(value, repr(value)) for value in values])
        contract = contract_by(KEY, VALUE, source_name=f"t{number}", cursor=())
        with opened(contract, uri, lake) as source:
            found = rows(landed(source, lake), "k, v")
            for key, value in found:
                part = landed(source, lake, ReadRequest(keys=((key,),)), "one")
                assert (key, value) in rows(part, "k, v"), (kind, key)


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
def test_all_parts_are_of_one_state(file: sqlite3.Connection, uri: str, lake: Lake, tmp_path: Path) -> None:
    """The writer is a process of its own: two SQLite libraries in one would drop each other's locks."""
    import subprocess

    file.execute("PRAGMA journal_mode = wal")
    made(file, "TEXT", *["2026-01-01"] * 1_000)
    file.close()
    change = "UPDATE t SET u = '2026-02-01'"
    program = "import sqlite3, sys; w = sqlite3.connect(sys.argv[1]); w.execute(sys.argv[2]); w.commit()"
    with opened(contract_by(), uri, lake) as source:
        before = landed(source, lake, ReadRequest(columns=("k", "u")), "keys")
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.sqlite"), change], check=True)
        after = landed(source, lake, ReadRequest(since=("2026-01-15",)), "late")
    assert (before.rows, after.rows) == (1_000, 0)
    assert len(keys(contract_by(), uri, lake, "2026-01-15")) == 1_000


@pytest.mark.parametrize("uri", ["scanner"], indirect=True)
def test_text_that_is_not_utf_8(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    made(file, "TEXT", "2026-01-01", "2026-01-03", "2026-01-04")
    file.execute("UPDATE t SET v = CAST(x'42ec6e68' AS TEXT) WHERE k = 3")
    with opened(contract_by(), uri, lake) as source:
        part = landed(source, lake, ReadRequest(since=("2026-01-03",), keys=(("1",),)))
        assert rows(part, "k, v") == [("1", "x"), ("2", "x"), ("3", "\\x42ec6e68")]
        assert landed(source, lake, ReadRequest(columns=("k",)), "again").rows == 3


def test_a_drop_is_read_whole_and_once(drop: Drop) -> None:
    drop.put("a.csv", "k,u,v\n1,2026-01-01,x\n2,2026-01-02,y\n")
    contract = contract_by(source_name="a.csv")
    with opened(contract, drop.folder.as_uri(), drop.lake) as source:
        assert source.can_select(contract.tables[0]) == "a file drop is always read whole"
        with pytest.raises(SourceError, match="only be read whole"):
            landed(source, drop.lake, ReadRequest(since=("2026-01-02",)))
        part = landed(source, drop.lake)
        with pytest.raises(SourceError, match="and once"):
            landed(source, drop.lake)
    assert (part.rows, part.cursor) == (2, ("2026-01-02",))
