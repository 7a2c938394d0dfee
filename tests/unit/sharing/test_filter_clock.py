"""The clock of a row filter: what a session of Viet Nam would find, a session of any zone finds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from include.contracts.model import Column, Table
from include.contracts.sql import rewritten
from include.lake.storage.lake import Lake
from include.sharing.agreements.agreement import Agreement
from include.sharing.products.row_filter import FilterRefused, compile_filter
from include.sharing.products.share import share_agreement

from .conftest import AGREEMENT, AT, contract, write_published

Agree = Callable[..., Agreement]

PLACE = Table(
    "reg", "place", "p",
    (
        Column("made_at", "m", "timestamp", "TIMESTAMPTZ"),
        Column("seen_at", "s", "timestamp", "TIMESTAMPTZ"),
        Column("local_at", "l", "timestamp", "TIMESTAMP"),
        Column("day", "d", "date", "DATE"),
        Column("text", "t", "string", "VARCHAR"),
    ),
    (),
)  # fmt: skip
ROWS = """(
    SELECT to_timestamp(1767182400 + 3600 * hour) AS made_at, to_timestamp(1767193200 + 900 * hour) AS seen_at,
           TIMESTAMP '2025-12-31 12:00:00' + INTERVAL (hour) HOUR AS local_at,
           DATE '2025-12-31' + CAST(hour % 3 AS INTEGER) AS day,
           strftime(TIMESTAMP '2025-12-31 12:00:00' + INTERVAL (hour) HOUR, '%Y-%m-%d %H:%M:%S') AS text
    FROM range(-40, 40) AS hours(hour) UNION ALL SELECT NULL, NULL, NULL, NULL, NULL)"""
FILTERS = [
    "year(made_at) = 2026",
    "month(coalesce(made_at, day)) = 1",
    "date(made_at) = day",
    "made_at >= DATE '2026-01-01'",
    "DATE '2026-01-01' <= (made_at)",
    "made_at >= TIMESTAMP '2026-01-01 00:00:00'",
    "made_at >= TIMESTAMPTZ '2026-01-01 00:00:00'",
    "made_at >= TIMESTAMPTZ '2026-01-01 00:00:00+07'",
    "made_at >= CAST('2026-01-01T00:00:00Z' AS TIMESTAMPTZ)",
    "made_at >= '2026-01-01'",
    "made_at >= '2026-01-01 00:00:00+00'",
    "made_at IN ('2026-01-01', DATE '2026-01-02', '2026-01-01 00:00:00Z')",
    "NOT (made_at BETWEEN DATE '2026-01-01' AND TIMESTAMP '2026-01-01 12:00:00')",
    "made_at BETWEEN day AND seen_at",
    "made_at > local_at OR seen_at = local_at",
    "made_at IS DISTINCT FROM local_at",
    "made_at IS NOT DISTINCT FROM CAST(NULL AS TIMESTAMPTZ)",
    "made_at IS NULL OR made_at = NULL",
    "CAST(made_at AS DATE) >= DATE '2026-01-01'",
    "CAST(seen_at AS TIMESTAMP) > local_at",
    "CAST(CAST(day AS TIMESTAMPTZ) AS DATE) = day AND CAST(local_at AS TIMESTAMPTZ) < made_at",
    "CAST(made_at AS TIMESTAMPTZ) >= CAST(day AS TIMESTAMPTZ)",
    "substr(CAST(made_at AS VARCHAR), 1, 10) = '2026-01-01'",
    "coalesce(made_at, DATE '2026-01-01') < coalesce(seen_at, local_at, day)",
    "year(seen_at) = 2026 AND NOT made_at < DATE '2026-01-01' OR day = DATE '2026-01-01' AND text > '2026-01-01'",
]


@cache
def session(zone: str) -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect()
    duck.execute(f"SET TimeZone = '{zone}'")
    return duck


def found(predicate: str, zone: str) -> list[tuple[object, ...]]:
    columns = "epoch(made_at), epoch(seen_at), epoch(local_at), day"
    return session(zone).execute(f"SELECT {columns} FROM {ROWS} WHERE ({predicate}) ORDER BY ALL").fetchall()


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_finds_in_any_session_what_it_finds_in_viet_nam(text: str) -> None:
    meant = found(rewritten(text), "Asia/Ho_Chi_Minh")
    assert 0 < len(meant) < 81
    for zone in ("UTC", "Asia/Ho_Chi_Minh", "America/New_York"):
        assert found(compile_filter(text, PLACE), zone) == meant


def test_a_filter_without_instants_stays_as_it_is() -> None:
    text = '"day" >= CAST(\'2026-01-01\' AS DATE) AND "made_at" IS NOT NULL AND "seen_at" = "made_at"'
    assert compile_filter(text, PLACE) == text


def test_an_instant_among_several_values_is_refused() -> None:
    with pytest.raises(FilterRefused, match="write one comparison for each"):
        compile_filter("(made_at, day) = (DATE '2026-01-01', DATE '2026-01-01')", PLACE)


def test_rows_of_a_year_are_those_that_the_protection_shows_as_of_it(lake: Lake, agree: Agree) -> None:
    made = Table(
        "population", "made", "m",
        (Column("id", "i", "string", "VARCHAR", primary_key_position=1), PLACE.columns[0], PLACE.columns[1]), (),
    )  # fmt: skip
    instants = [datetime(2025, 12, 31, hour, tzinfo=UTC) for hour in (16, 17, 20)]
    write_published(lake, made, [(f"{at:%H}", at, at) for at in instants])
    products = """products:
  - name: made
    table: population.made
    rows: year(made_at) = 2026 AND seen_at >= DATE '2026-01-01'
    columns:
      - {name: id, protection: none}
      - {name: made_at, protection: year}
      - {name: seen_at, protection: none}
"""
    agreement = agree(text=AGREEMENT[: AGREEMENT.index("products:")] + products)
    share_agreement(agreement, {"population": contract(made)}, lake=lake, at=AT, run_id="r1", key=None)
    found = pa.table(DeltaTable(f"{lake.uri}/shared/nso/made").to_pyarrow_table()).to_pylist()
    assert sorted(tuple(row.values()) for row in found) == [("17", 2026, instants[1]), ("20", 2026, instants[2])]
