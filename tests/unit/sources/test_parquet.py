"""Parquet drops: types are kept where the engine carries them exactly; the rest lands as text."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.sources import DropBroken
from tests.extracts import rows_of, types_of
from tests.unit.sources.conftest import Drop


def test_parquet_types_are_kept(drop: Drop) -> None:
    table = pa.table({"a": [1, 2], "d": [dt.date(2024, 1, 1), None], "s": ["x", "y"]})
    pq.write_table(table, drop.folder / "t_1.parquet")
    pq.write_table(table.slice(0, 1), drop.folder / "t_2.parquet")
    extracted = drop.take("t_*.parquet", "a", "d")
    assert types_of(extracted) == {"a": "BIGINT", "d": "DATE", "s": "VARCHAR"}
    assert extracted.rows == 3


def test_parquet_files_must_agree(drop: Drop) -> None:
    pq.write_table(pa.table({"a": [1]}), drop.folder / "t_1.parquet")
    pq.write_table(pa.table({"a": ["x"]}), drop.folder / "t_2.parquet")
    with pytest.raises(DropBroken, match=r"t_2\.parquet and t_1\.parquet differ in a"):
        drop.take("t_*.parquet", "a")


def test_parquet_that_is_cut_off(drop: Drop) -> None:
    drop.put("a.parquet", b"PAR1 and then nothing")
    with pytest.raises(DropBroken, match="not a whole Parquet file"):
        drop.take("a.parquet", "a")


def test_parquet_with_a_damaged_page(drop: Drop) -> None:
    path = drop.folder / "a.parquet"
    pq.write_table(pa.table({"a": [str(n) * 50 for n in range(5000)]}), path, compression="zstd", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[100:2000] = b"\xee" * 1900
    path.write_bytes(bytes(content))
    with pytest.raises(DropBroken, match=r"a\.parquet: a page of the Parquet file cannot be read"):
        drop.take("a.parquet", "a")
