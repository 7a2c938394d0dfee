"""Parts of a PostgreSQL table: past a cursor, of given keys, of some columns; all of one state."""

from __future__ import annotations

import datetime as dt
import threading
from datetime import timedelta

import psycopg
import pytest

from include.contracts.model import Column
from include.lake.storage.lake import Lake
from include.sources.access import SourceError
from include.sources.databases import postgres as reader
from include.sources.open_object import ReadRequest
from tests.repeats import repeats
from tests.unit.sources.parts import HANOI, KEY, UPDATED, VALUE, contract_by, keys, landed, opened, rows

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


def made(pg: psycopg.Connection, kind: str, *values: str | None) -> None:
    """Table t: k from 1 on, u as given."""
    pg.execute(f"CREATE TABLE t (k int PRIMARY KEY, u {kind}, v text)")
    with pg.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, 'x')", list(enumerate(values, start=1)))


def test_a_timestamp_with_ties_late_rows_and_none(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    made(pg, "timestamp", "2026-01-01 10:00", "2026-01-01 11:30", "2026-01-01 12:00", "2026-01-01 12:00:00.5", None)
    contract = contract_by()
    assert keys(contract, postgres, lake, "2026-01-01 12:00:00") == [3, 4, 5]
    assert keys(contract, postgres, lake, "2026-01-01 12:00:00.5") == [4, 5]
    assert keys(contract, postgres, lake, "2026-01-01 12:00:00", lag=HOUR) == [2, 3, 4, 5]
    assert keys(contract, postgres, lake, "2026-01-01 12:00:00", until=("2026-01-01 12:00:00.5",)) == [3, 5]
    assert keys(contract, postgres, lake, "2026-01-01 05:00:00+00") == [3, 4, 5], "as published, in UTC"


@pytest.mark.parametrize("kind", ["date", "text", "char(30)", "varchar(10)"])
@pytest.mark.parametrize(("options", "found"), [(HANOI, [3, 4]), ({}, [2, 3, 4]), ({"defaultTimezone": "UTC"}, [3])])
def test_a_stretch_of_time_has_every_day_of_which_it_has_a_part(
    pg: psycopg.Connection, postgres: str, lake: Lake, kind: str, options: dict[str, str], found: list[int]
) -> None:
    made(pg, kind, *(f"2026-03-{day:02}" for day in range(1, 7)))
    moved = Column("updated_at", "u", "date", "DATE", options=options)
    since, until = "2026-03-03T07:00+07:00", "2026-03-04T07:00+07:00"
    assert keys(contract_by(KEY, moved, VALUE), postgres, lake, since, until=(until,)) == found


def test_the_cursor_comes_back_and_finds_itself(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    made(pg, "timestamptz", "2026-01-01 10:00+07", "2026-01-01 12:00:00.25+07", "infinity", None)
    contract = contract_by()
    with opened(contract, postgres, lake) as source:
        cursor = landed(source, lake).cursor
        assert cursor == ("2026-01-01 05:00:00.25+00",)
        assert source.can_select(contract.tables[0], cursor) == ""
    assert keys(contract, postgres, lake, *cursor) == [2, 3, 4]
    assert keys(contract, postgres, lake, "2026-01-01 12:00:00.25") == [2, 3, 4], (
        "without offset: in the contract's zone"
    )


@pytest.mark.parametrize(
    ("kind", "values", "since", "lag", "found"),
    [
        ("date", ["2026-01-01", "2026-01-02", "2026-01-03"], "2026-01-03", HOUR, [2, 3]),
        ("date", ["2026-01-01", "2026-01-02", "2026-01-03"], "2026-01-03", timedelta(0), [3]),
        ("bigint", ["1", "9", "10", None], "9", HOUR, [2, 3, 4]),
        ("numeric(20,3)", ["1", "9.5", "10", None], "9.5", HOUR, [2, 3, 4]),
        ("text", ["2026-01-01T10:00:00", "2026-01-01 12:00", "2026-01-02", "02/01/2026", "?", None],
         "2026-01-01T12:00:00", timedelta(0), [2, 3, 4, 5, 6]),
        ("text", ["2026-01-01T04:00:00Z", "2026-01-01T05:00:00Z", "2026-01-01T12:00:00+07:00"],
         "2026-01-01T12:00:00", timedelta(0), [1, 2, 3]),
        ("text", ["2025-12-31T12:00:00Z", "2026-01-01T05:00:00Z"], "2026-01-01T12:00:00", timedelta(0), [2]),
    ],
)  # fmt: skip
def test_cursors_of_every_kind(
    pg: psycopg.Connection,
    postgres: str,
    lake: Lake,
    kind: str,
    values: list[str | None],
    since: str,
    lag: timedelta,
    found: list[int],
) -> None:
    made(pg, kind, *values)
    published = {"date": "DATE", "bigint": "BIGINT", "numeric(20,3)": "DECIMAL(20,3)"}.get(kind, "TIMESTAMPTZ")
    cursor = Column("updated_at", "u", "timestamp", published, options=HANOI)
    assert keys(contract_by(KEY, cursor), postgres, lake, since, lag=lag) == found


def test_a_composite_cursor(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    made(pg, "timestamp", "2026-01-01 10:00", "2026-01-01 10:00", "2026-01-01 10:00", "2026-01-01 11:00", None)
    contract = contract_by(cursor=("updated_at", "k"))
    with opened(contract, postgres, lake) as source:
        assert landed(source, lake).cursor == ("2026-01-01 11:00:00", "4")
    since = ("2026-01-01 10:00:00", "2")
    assert keys(contract, postgres, lake, *since) == [2, 3, 4, 5]
    assert keys(contract, postgres, lake, *since, lag=timedelta(minutes=1)) == [1, 2, 3, 4, 5]
    assert keys(contract, postgres, lake, *since, until=("2026-01-01 11:00:00", "4")) == [2, 3, 5]
    assert keys(contract, postgres, lake, since[0], until=("2026-01-01 11:00:00",)) == [1, 2, 3, 5]
    by_text = contract_by(KEY, UPDATED, VALUE, cursor=("updated_at", "v"))
    assert keys(by_text, postgres, lake, since[0], "y") == [1, 2, 3, 4, 5], "text is sorted differently everywhere"


def test_why_a_cursor_cannot_be_used(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TABLE t (k int, u jsonb, v text, d date)")
    told = {}
    for name, column in {
        "no order": Column("c", "u", "string", "VARCHAR"),
        "two columns": Column("c", "", "string", "VARCHAR", expression="v || d"),
        "text as number": Column("c", "v", "integer", "BIGINT"),
    }.items():
        with opened(contract_by(KEY, column, cursor=["c"]), postgres, lake) as source:
            told[name] = source.can_select(contract_by(KEY, column, cursor=["c"]).tables[0])
    assert told == {
        "no order": "the source column u (JSONB) has no order that the cursor could follow",
        "two columns": "the cursor column c is made of 2 source columns",
        "text as number": "the source column v (TEXT) has no order that the cursor could follow",
    }
    dated = contract_by(KEY, Column("c", "d", "date", "DATE"), cursor=["c"])
    with opened(dated, postgres, lake) as source:
        assert "is no value of the source column d" in source.can_select(dated.tables[0], ("?",))
        with pytest.raises(SourceError, match="--full"):
            landed(source, lake, ReadRequest(since=("?",)))


def test_an_expression_over_one_column(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    made(pg, "timestamp", "2026-01-01 10:00", "2026-01-01 12:00")
    cursor = Column("updated_at", "u", "timestamp", "TIMESTAMP", expression="date_trunc('second', \"u\")")
    assert keys(contract_by(KEY, cursor), postgres, lake, "2026-01-01 12:00:00") == [2]


def test_rows_of_given_keys_come_once_with_those_past_the_cursor(
    pg: psycopg.Connection, postgres: str, lake: Lake
) -> None:
    made(pg, "timestamp", "2026-01-01 10:00", "2026-01-01 10:00", "2026-01-01 12:00", None)
    contract = contract_by()
    wanted = {"keys": ((1,), (3,), (4,), (1,), (99,))}
    assert keys(contract, postgres, lake, "2026-01-01 12:00:00", **wanted) == [1, 3, 4]
    assert keys(contract, postgres, lake, **wanted) == [1, 3, 4]
    assert keys(contract, postgres, lake, keys=tuple((n,) for n in range(2, 60_000))) == [2, 3, 4]


def test_keys_of_every_type(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TYPE mood AS ENUM ('vui', 'buồn'); CREATE DOMAIN ward AS varchar(5)")
    kinds = {
        "text": "O'Neil \\ 100%% :a", "uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "date": "2026-01-31",
        "timestamp": "2026-01-31 05:06:07.123456", "timestamptz": "2026-01-31 05:06:07+07", "numeric(9,2)": "1.50",
        "numeric": "12345678901234567890.5", "boolean": "t", "bytea": "\\x00ff", "mood": "buồn", "ward": "00001",
        "char(5)": "ab", "bigint": "9223372036854775807", "double precision": "0.1", "inet": "10.0.0.1",
    }  # fmt: skip
    for number, (kind, value) in enumerate(kinds.items()):
        pg.execute(f"CREATE TABLE t{number} (k {kind}, w varchar(5), v text)")
        pg.execute(f"INSERT INTO t{number} VALUES (%s, '00001', 'x'), (NULL, '00002', 'y'), (NULL, NULL, 'z')", [value])
        first = Column("k", "k", "string", "VARCHAR", primary_key_position=1)
        second = Column("w", "w", "string", "VARCHAR", primary_key_position=2)
        for columns in ((first, VALUE), (first, second, VALUE))[number % 2 : repeats(number % 2 + 1, 2)]:
            contract = contract_by(*columns, source_name=f"t{number}", cursor=())
            with opened(contract, postgres, lake) as source:
                names = tuple(c.source_name for c in columns if c.primary_key_position)
                (key,) = rows(landed(source, lake, ReadRequest(columns=names)), ", ".join(names))[:1]
                assert rows(landed(source, lake, ReadRequest(keys=(key, key)), "again"), "v") == [("x",)], kind


@pytest.mark.parametrize("pages", [1, 10_000_000])
def test_all_parts_are_of_one_state(
    pg: psycopg.Connection, postgres: str, lake: Lake, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """Another session moves every row between the reading of the keys and that of the rows."""
    monkeypatch.setattr(reader, "PAGES_WORTH_SCANNING", pages)
    pg.execute(
        "CREATE TABLE t AS SELECT i AS k, timestamp '2026-01-01' AS u, i::text AS v FROM generate_series(1, 50000) i"
    )
    with opened(contract_by(), postgres, lake) as source:
        only_keys = landed(source, lake, ReadRequest(columns=("k", "u")), "keys")
        pg.execute(
            "UPDATE t SET u = '2026-01-02'; DELETE FROM t WHERE k = 1; INSERT INTO t VALUES (0, '2026-01-02', 'new')"
        )
        late = landed(source, lake, ReadRequest(since=("2026-01-01 00:00:01",)), "late")
        some = landed(source, lake, ReadRequest(since=("2026-01-01 00:00:01",), keys=((0,), (1,))), "some")
        whole = landed(source, lake, ReadRequest(), "whole")
    assert only_keys.columns == (("k", "INTEGER"), ("u", "TIMESTAMP"))
    assert (only_keys.rows, late.rows, rows(some, "k, v"), whole.rows) == (50_000, 0, [(1, "1")], 50_000)
    assert only_keys.via == ("scan over 2 connections" if pages == 1 else "select")
    assert whole.cursor == ("2026-01-01 00:00:00",)
    assert late.cursor is None


def test_nobody_waits_for_a_reader_and_it_waits_for_nobody_long(
    pg: psycopg.Connection, postgres: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.sources.access import SourceUnavailable

    monkeypatch.setattr(reader, "LOCK_SECONDS", 0.3)
    made(pg, "timestamp", "2026-01-01")
    with opened(contract_by(), postgres, lake):
        pg.execute("SET lock_timeout = '1s'; UPDATE t SET v = 'y'; DELETE FROM t; INSERT INTO t VALUES (1, now(), 'x')")
    held = threading.Event()
    done = threading.Event()

    def alter() -> None:
        with psycopg.connect(postgres) as other:
            other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            held.set()
            done.wait(10)

    thread = threading.Thread(target=alter)
    thread.start()
    held.wait(10)
    try:
        with pytest.raises(SourceUnavailable), opened(contract_by(), postgres, lake) as source:
            landed(source, lake)
    finally:
        done.set()
        thread.join()


def test_the_record_tells_how_it_was_read(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    made(pg, "timestamp", "2026-01-01 10:00")
    contract = contract_by(statementTimeoutSeconds=60, connectionLimit=2)
    with opened(contract, postgres, lake) as source:
        part = landed(source, lake, ReadRequest(since=("2026-01-01 10:00:00",)))
        extracted = source.extract(part, run_id="r1", mode="incremental")
    assert type(extracted).from_dict(extracted.to_dict()) == extracted
    assert (extracted.mode, extracted.since, extracted.cursor) == (
        "incremental",
        ("2026-01-01 10:00:00",),
        ("2026-01-01 10:00:00",),
    )
    assert [column[:2] for column in extracted.source_columns] == [
        ("k", "INTEGER"), ("u", "TIMESTAMP WITHOUT TIME ZONE"), ("v", "TEXT")
    ]  # fmt: skip
    assert [column[2].rpartition(".")[2] for column in extracted.source_columns] == ["1", "2", "3"]
    assert (extracted.source, extracted.via) == ("postgresql", "select")
    assert extracted.protection == (
        "read only, all parts in one state; waits at most 10 s for a lock; at most 60 s a statement; "
        "at most 2 connections"
    )
    assert dt.datetime.fromisoformat(extracted.snapshot_at).tzinfo is not None
