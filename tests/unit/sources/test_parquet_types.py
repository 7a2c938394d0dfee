"""Parquet drops: types are kept where the engine carries them exactly; the rest lands as text that says all.

Older tests tried integers, dates and text, which every reader carries.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, localcontext
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.sources.access import DropBroken
from tests.extracts import rows_of, types_of
from tests.unit.sources.conftest import Drop

HANOI = "Asia/Ho_Chi_Minh"
_DAY = dt.date(2024, 1, 31)
_WIDE = pa.decimal256(76, 5)
_STRUCT = pa.struct([("n", pa.decimal128(12, 2)), ("b", pa.binary()), ("at", pa.timestamp("ns", HANOI))])
_INNER = pa.struct([("i", pa.uint64()), ("d", pa.date32()), ("f", pa.float64()), ("t", pa.large_string())])


def _wide(text: str) -> Decimal:
    with localcontext() as context:
        context.prec = 80
        return Decimal(text)


# Arrow type, value as pyarrow takes it, landed DuckDB type, landed value as DuckDB writes it
CASES: list[tuple[pa.DataType, Any, str, str]] = [
    (pa.int8(), -128, "TINYINT", "-128"),
    (pa.uint64(), 2**64 - 1, "UBIGINT", "18446744073709551615"),
    (pa.float16(), 1.5, "FLOAT", "1.5"),
    (pa.bool_(), True, "BOOLEAN", "true"),
    (pa.bool8(), 2, "TINYINT", "2"),
    (pa.decimal128(38, 38), Decimal("0.1"), "DECIMAL(38,38)", ".1" + "0" * 37),
    (pa.decimal32(5, 2), Decimal("1.50"), "DECIMAL(5,2)", "1.50"),
    (pa.decimal256(10, 2), Decimal("1.50"), "DECIMAL(10,2)", "1.50"),
    (pa.decimal256(39, 2), Decimal("1.50"), "VARCHAR", "1.50"),
    (_WIDE, _wide("1" + "0" * 69 + "1.00001"), "VARCHAR", "1" + "0" * 69 + "1.00001"),
    (pa.decimal256(60, 45), Decimal("1E-40"), "VARCHAR", "0." + "0" * 39 + "100000"),
    (pa.date32(), _DAY, "DATE", "2024-01-31"),
    (pa.date64(), _DAY, "DATE", "2024-01-31"),
    (pa.date32(), 2932897, "DATE", "10000-01-01"),
    (pa.timestamp("s"), 1, "TIMESTAMP", "1970-01-01 00:00:01"),
    (pa.timestamp("ms"), 253402300800000, "TIMESTAMP", "10000-01-01 00:00:00"),
    (pa.timestamp("us", "UTC"), 1, "TIMESTAMP WITH TIME ZONE", "1970-01-01 00:00:00.000001+00"),
    (pa.timestamp("ns"), 1577836800000000001, "TIMESTAMP_NS", "2020-01-01 00:00:00.000000001"),
    (pa.timestamp("ns", HANOI), 1577836800000000001, "VARCHAR", "2020-01-01T00:00:00.000000001+00:00"),
    (pa.timestamp("ns", "UTC"), -1, "VARCHAR", "1969-12-31T23:59:59.999999999+00:00"),
    (pa.time32("s"), 1, "TIME", "00:00:01"),
    (pa.time64("us"), 1, "TIME", "00:00:00.000001"),
    (pa.time64("ns"), 2001, "VARCHAR", "00:00:00.000002001"),
    (pa.duration("ns"), -2001, "VARCHAR", "-PT0.000002001S"),
    (pa.duration("s"), 5400, "VARCHAR", "PT5400S"),
    (pa.binary(2), b"\xff\x00", "BLOB", "\\xFF\\x00"),
    (pa.large_string(), "Nguyễn", "VARCHAR", "Nguyễn"),
    (pa.string_view(), "x", "VARCHAR", "x"),
    (pa.dictionary(pa.int8(), pa.string()), "x", "VARCHAR", "x"),
    (pa.list_(pa.decimal128(12, 2)), [Decimal("1.10"), None], "VARCHAR", "[1.10, null]"),
    (pa.list_(pa.int8(), 2), [1, 2], "VARCHAR", "[1, 2]"),
    (pa.large_list(pa.dictionary(pa.int8(), pa.string())), ["x"], "VARCHAR", '["x"]'),
    (
        _STRUCT,
        {"n": Decimal("1.10"), "b": b"\xab", "at": 1},
        "VARCHAR",
        '{"n": 1.10, "b": "\\\\xab", "at": "1970-01-01T00:00:00.000000001+00:00"}',
    ),
    (
        pa.list_(_INNER),
        [{"i": 2**64 - 1, "d": _DAY, "f": float("inf"), "t": 'đ"'}, None],
        "VARCHAR",
        '[{"i": 18446744073709551615, "d": "2024-01-31", "f": "Infinity", "t": "đ\\""}, null]',
    ),
    (pa.map_(pa.string(), pa.bool_()), [("a", True), ("b", None)], "VARCHAR", '{"a": true, "b": null}'),
    (pa.map_(pa.int32(), pa.float64()), [(1, 0.1)], "VARCHAR", '{"1": 0.1}'),
]


def _array(kind: pa.DataType, values: list[Any]) -> pa.Array:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)


@pytest.mark.parametrize(
    ("kind", "value", "landed", "text"), CASES, ids=[f"{n} {case[0]}" for n, case in enumerate(CASES)]
)
def test_every_type_lands_exactly(drop: Drop, kind: pa.DataType, value: Any, landed: str, text: str) -> None:
    pq.write_table(pa.table({"v": _array(kind, [value, None])}), drop.folder / "t.parquet")
    extracted = drop.take("t.parquet", "v")
    assert types_of(extracted) == {"v": landed}
    assert rows_of(extracted, "CAST(v AS VARCHAR)") == [(text,), (None,)]


def test_types_that_only_the_file_names(drop: Drop) -> None:
    with duckdb.connect() as duck:
        duck.execute(
            "COPY (SELECT '00000000-0000-0000-0000-0000000000ab'::UUID AS u, '{\"a\":1.10}'::JSON AS j, "
            f"INTERVAL '1 day 2 hours' AS i, 'b'::ENUM('a', 'b') AS e) TO '{drop.folder}/t.parquet'"
        )
    extracted = drop.take("t.parquet", "u")
    assert set(types_of(extracted).values()) == {"VARCHAR"}
    assert rows_of(extracted) == [("00000000-0000-0000-0000-0000000000ab", '{"a":1.10}', "1 day 02:00:00", "b")]


def test_beside_a_value_that_goes_through_pyarrow_the_others_keep_their_types(drop: Drop) -> None:
    kinds = {
        "o": pa.list_(pa.int8()), "h": pa.float16(), "u": pa.uuid(), "n": pa.null(),
        "d": pa.dictionary(pa.int8(), pa.string()), "b": pa.binary(1), "c": pa.decimal64(9, 2),
        "t": pa.time32("ms"), "s": pa.timestamp("s", HANOI),
    }  # fmt: skip
    values = [[1], 1.5, b"\xab" * 16, None, "x", b"\xff", Decimal("1.50"), 1, 1]
    table = pa.table({name: _array(kind, [value]) for (name, kind), value in zip(kinds.items(), values, strict=True)})
    pq.write_table(table, drop.folder / "t.parquet")
    extracted = drop.take("t.parquet", "o")
    assert types_of(extracted) == {
        "o": "VARCHAR", "h": "FLOAT", "u": "VARCHAR", "n": "VARCHAR", "d": "VARCHAR", "b": "BLOB", "c": "DECIMAL(9,2)",
        "t": "TIME", "s": "TIMESTAMP WITH TIME ZONE",
    }  # fmt: skip
    assert rows_of(extracted, "o, h, u, n, d, b, c, t::VARCHAR, epoch(s)") == [
        ("[1]", 1.5, "-".join(["ab" * 4, "abab", "abab", "abab", "ab" * 6]), None, "x", b"\xff", Decimal("1.50"),
         "00:00:00.001", 1.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("microseconds", "nanoseconds", "landed"),
    [
        ([253402300799999999, -62135596800000000, None], 0, "TIMESTAMP"),
        ([1577836800000000, None], 1, "TIMESTAMP_NS"),
    ],
)
def test_timestamps_of_96_bits(drop: Drop, microseconds: list[int | None], nanoseconds: int, landed: str) -> None:
    stamps = pa.array(microseconds, pa.timestamp("us"))
    if nanoseconds:
        stamps = pa.array([v and v * 1_000 + nanoseconds for v in microseconds], pa.timestamp("ns"))
    path = drop.folder / "t.parquet"
    pq.write_table(pa.table({"v": stamps}), path, use_deprecated_int96_timestamps=True)
    extracted = drop.take("t.parquet", "v")
    assert types_of(extracted) == {"v": landed}
    (found,) = zip(*rows_of(extracted, f"{'epoch_ns' if nanoseconds else 'epoch_us'}(v)"), strict=True)
    assert sorted(found, key=str) == sorted(stamps.cast(pa.int64()).to_pylist(), key=str)


def test_timestamps_of_96_bits_that_no_type_holds(drop: Drop) -> None:
    path = drop.folder / "t.parquet"
    table = pa.table({"v": pa.array([1], pa.timestamp("ns")), "w": pa.array([253402300799999999], pa.timestamp("us"))})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    with pytest.raises(DropBroken, match=r"t\.parquet: .* \(INT96\).* ask the sender to write them as TIMESTAMP"):
        drop.take("t.parquet", "v")


@pytest.mark.parametrize(("kind", "ticks"), [("ms", 2**62), ("us", -(2**63))])
def test_timestamps_beyond_the_engine(drop: Drop, kind: str, ticks: int) -> None:
    pq.write_table(pa.table({"v": pa.array([ticks, 0], pa.timestamp(kind))}), drop.folder / "t.parquet")
    extracted = drop.take("t.parquet", "v")
    (first, second) = rows_of(extracted)
    assert types_of(extracted) == {"v": "VARCHAR"}
    assert first[0].startswith("1970-01-01T00:00:00.000")
    assert str(ticks) in second[0]
    assert "landed as text" in str(extracted.drift)
