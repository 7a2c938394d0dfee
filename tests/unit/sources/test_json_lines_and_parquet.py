"""JSON Lines and Parquet drops."""

from __future__ import annotations

import datetime as dt
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.sources import DropBroken, SourceMissing
from tests.extracts import rows_of, types_of
from tests.unit.sources.conftest import Drop


def test_json_values_stay_as_written(drop: Drop) -> None:
    lines = [
        '{"a":"Nguyễn","n":1.10,"b":12345678901234567890123,"o":{"z": [1, 1.5]}}',
        "",
        '{"a":null,"n":true,"c":"\\u0000x"}',
    ]
    drop.put("a.jsonl", "\n".join(lines))
    drop.manifest("a.jsonl", rows=2)
    extracted = drop.take("a.jsonl", "a", "n", "b", "o", "c")
    assert rows_of(extracted, "a, n, b, o, c") == [
        ("Nguyễn", "1.10", "12345678901234567890123", '{"z": [1, 1.5]}', None),
        (None, "true", None, None, "\x00x"),
    ]


def test_json_lines_that_are_no_object(drop: Drop) -> None:
    drop.put("a.ndjson", b'{"a":"bimat"}\n["bimat"]\n{"a":"bimat\n\xff\n')
    with pytest.raises(DropBroken, match=r"a\.ndjson, lines 2, 3, 4: ") as caught:
        drop.take("a.ndjson", "a")
    assert "bimat" not in str(caught.value)


def test_an_empty_json_file_is_an_empty_table(drop: Drop) -> None:
    drop.put("a.jsonl", "")
    extracted = drop.take("a.jsonl", "a", "b")
    assert (extracted.rows, list(types_of(extracted))) == (0, ["a", "b"])


def test_a_json_key_that_is_missing_everywhere(drop: Drop) -> None:
    drop.put("a.jsonl", '{"ten": 1}\n')
    with pytest.raises(SourceMissing, match=r"no column 'tne' \(did you mean the one at position 1\?\)"):
        drop.take("a.jsonl", "tne")


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


def test_files_of_two_formats_are_no_table(drop: Drop) -> None:
    drop.put("t.csv", "a\n1\n")
    drop.put("t.jsonl", json.dumps({"a": 1}))
    with pytest.raises(DropBroken, match="not of one known format"):
        drop.take("t.*", "a")
