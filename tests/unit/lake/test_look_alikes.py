"""Rejected rows that look alike: none is taken for another by a part of a key, a name, a number or an older version.

Older tests had keys of which all or nothing could be read, one row of each, and columns with names of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from include.contracts.model import ExtractPolicy, Table
from include.lake.rejected.open_rejections import open_rejections_of
from include.lake.rejected.repeats import count_repeats, only_repeats_open_rejections
from include.lake.rejected.replay_source import gather_open
from include.lake.storage.lake import Lake
from tests.repeats import held_by
from tests.unit.lake.rejecting import append, close, commit, kept, lives, sync
from tests.unit.lake.staging import column, contract_table, stage

HOUSE = contract_table(column("province", "BIGINT", key=1), column("number", "BIGINT", key=2), column("name"))
BY_DAY = ExtractPolicy(cursor=("day",))
DATED = replace(contract_table(column("id", "BIGINT", key=1), column("day", "DATE"), column("name")), extract=BY_DAY)
AN, BINH, CHI = (1, "2026-01-01", "An"), (None, "2026-01-01", "Bình"), (None, "2026-01-01", "Chi")


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def received(
    lake: Lake, table: Table, number: int, rows: list[Any], cells: dict[str, list[Any]], mode: str = "full", **of: Any
) -> dict[str, int]:
    """A run whose source has these columns and cells."""
    staged = append(lake, table, number, rows, extract=pa.table(cells), mode=mode, **of)
    commit(lake, table, number, staged, mode=mode)
    return close(lake, table, number, staged, mode=mode)


def gathered(lake: Lake, table: Table) -> tuple[int, int]:
    uri = f"{lake.landing_path(table.registry, table.name, 'again')}/extract.parquet"
    found = gather_open(lake, table, run_id="again", extract_uri=uri, definition_digest="")
    return found.rows, found.stale


def test_a_part_of_a_key_is_no_key(lake):
    def houses(*numbers: str) -> dict[str, list[str]]:
        return {"province": ["79"] * len(numbers), "number": list(numbers), "name": ["x"] * len(numbers)}

    received(lake, HOUSE, 1, [(79, 1, "x"), (79, None, "x")], houses("1", "12A"), rejected=[1])
    assert received(lake, HOUSE, 2, [(79, None, "x")], houses("7B"), mode="incremental", rejected=[0]) == {}
    assert lives(lake, HOUSE) == [("r1", 1, "open", None), ("r2", 0, "open", None)]
    first, second = kept(lake, HOUSE)
    assert first["_since"] < second["_since"], "another house has a story of its own"
    assert gathered(lake, HOUSE) == (2, 0)
    again = received(lake, HOUSE, 3, [(79, None, "x")], houses("12A"), mode="incremental", rejected=[0])
    assert again == {"superseded": 1}
    assert lives(lake, HOUSE)[0] == ("r1", 1, "superseded", "r3")


@pytest.mark.parametrize(
    ("rows", "rejected", "repeats"),
    [
        ([AN, BINH], [1], 1),
        ([AN, CHI], [1], 0),  # another row
        ([AN, BINH, CHI], [1, 2], 1),
        ([AN, BINH, BINH], [1, 2], 1),
    ],
)
@pytest.mark.parametrize("is_composite", [False, True])
def test_a_row_without_a_readable_key_repeats_only_itself(lake, rows, rejected, repeats, is_composite):
    table, before = DATED, ()
    if is_composite:
        table, before = contract_table(column("province", "BIGINT", key=1), *DATED.columns), (79,)
        key = [replace(c, primary_key_position=2) if c.name == "id" else c for c in table.columns]
        table = replace(table, columns=tuple(key), extract=BY_DAY)
    sync(lake, table, 1, [before + AN, before + BINH], rejected=[1])
    staged = stage(lake, table, "r2", [before + row for row in rows], rejected=rejected)
    assert count_repeats(lake, table, staged, extract_uri=staged.extract) == repeats
    only_repeats = only_repeats_open_rejections(
        lake, table, run_id="r2", mode="incremental", staged=staged, extract_uri=staged.extract
    )
    assert only_repeats is (repeats == len(rejected))


def test_a_column_that_came_since_makes_a_row_without_a_key_another_one(lake):
    sync(lake, DATED, 1, [AN, BINH], rejected=[1])
    staged = stage(lake, DATED, "r2", [BINH], rejected=[0])
    for cells, repeats in ({"note": [None]}, 1), ({"note": ["x"]}, 0):
        columns = {"id": [None], "day": [pa.scalar("2026-01-01").as_py()], "name": ["Bình"], **cells}
        pa.parquet.write_table(pa.table(columns), staged.extract)
        assert count_repeats(lake, DATED, staged, extract_uri=staged.extract) == repeats


def test_an_older_version_in_a_window_supersedes_no_newer_one(lake):
    old, new = (1, "2026-01-01", "old"), (1, "2026-01-05", "new")
    sync(lake, DATED, 1, [old])
    sync(lake, DATED, 2, [new], mode="incremental", rejected=[0])
    assert sync(lake, DATED, 3, [old], mode="backfill") == {}
    assert lives(lake, DATED) == [("r2", 0, "open", None)]
    assert sync(lake, DATED, 4, [new], mode="backfill") == {"superseded": 1}


@pytest.mark.parametrize(
    "names", [["_place", "place", "_file", "_lake_row", "_has_key", "filename", "r", "k0"], ["_LAKE_ROW"]]
)
def test_source_columns_may_have_names_of_ours(lake, names):
    table = contract_table(column("id", key=1), column("v"))
    rows = [("a", "x"), ("b", "y")]
    received(lake, table, 1, rows, {"id": ["a", "b"]} | {n: [f"x {n}", f"y {n}"] for n in names}, rejected=[1])
    with open_rejections_of(lake, table) as opened:
        assert len(opened.connection.execute("FROM opened").fetchall()) == 1
    uri = f"{lake.landing_path(table.registry, table.name, 'again')}/extract.parquet"
    assert gathered(lake, table) == (1, 0)
    assert pa.parquet.read_table(uri).to_pylist() == [{"id": "b"} | {n: f"y {n}" for n in names}]
    again = {"id": ["b"]} | {n: ["z"] for n in names}
    assert received(lake, table, 2, [("b", "z")], again, "incremental") == {"superseded": 1}


@pytest.mark.parametrize("name", ["place", "k0", "c0", "is_stale", "version"])
def test_a_published_column_of_any_name_makes_no_rejected_row_stale(lake, name):
    table = contract_table(column("id", key=1), column(name, "BIGINT"))
    received(lake, table, 1, [("a", 1), ("b", 900)], {"id": ["a", "b"], "noi": ["1", "900"]})
    received(lake, table, 2, [("b", 901)], {"id": ["b"], "noi": ["901"]}, "incremental", rejected=[0])
    assert gathered(lake, table) == (1, 0)


def test_a_key_of_another_contract_makes_no_row_stale(lake):
    sync(lake, contract_table(column("id", key=1), column("code")), 1, [("a", "A"), ("b", "B")], rejected=[1])
    sync(lake, contract_table(column("id", key=1), column("code")), 2, [("c", "C")], mode="incremental", rejected=[0])
    assert gathered(lake, contract_table(column("id"), column("code", key=1))) == (2, 0)


OF_MORE_NAMES = held_by("unit/lake/test_look_alikes.py::test_a_long_number_as_key_is_found_again")


@pytest.mark.parametrize(
    ("name", "sql_type", "key"),
    [
        pytest.param("id", "DECIMAL(20,2)", "123456789012345678.12", marks=OF_MORE_NAMES),
        pytest.param("id", "DECIMAL(38,0)", "-" + "9" * 38, marks=OF_MORE_NAMES),
        ("mã", "DECIMAL(20,2)", "123456789012345678.12"),
        pytest.param("mã", "DECIMAL(38,0)", "-" + "9" * 38, marks=OF_MORE_NAMES),
        pytest.param("a+b", "DECIMAL(20,2)", "123456789012345678.12", marks=OF_MORE_NAMES),
        ("a+b", "DECIMAL(38,0)", "-" + "9" * 38),
    ],
)
def test_a_long_number_as_key_is_found_again(lake, sql_type, key, name):
    table = contract_table(column("t", key=1), column(name, sql_type, key=2), column("v"))
    text = f'{{"{name}":1,"{name}":2'  # a text that looks like the JSON of a key
    sync(lake, table, 1, [(text, "1", "x"), (text, key, "y")], rejected=[1])
    assert sync(lake, table, 2, [(text, "1", "y")], mode="incremental") == {}
    assert sync(lake, table, 3, [(text, key, "y")], mode="incremental") == {"superseded": 1}
