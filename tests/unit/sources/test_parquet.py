"""Parquet drops: names, several files of one table, and files that cannot be read."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.sources.access import DropBroken, SourceError
from include.sources.parquet import parquet_file, wide_files
from tests.extracts import rows_of, types_of
from tests.unit.sources.conftest import Drop


def test_names_with_dots_stay_apart_from_members(drop: Drop) -> None:
    table = pa.table({"a.b": [1], "a": pa.array([{"b": 2}]), 'c"d': [3], "te\u0302n ": [4], "_row": [5]})
    pq.write_table(table, drop.folder / "t.parquet")
    extracted = drop.take("t.parquet", "a.b", "t\u00ean")
    assert list(types_of(extracted)) == ["a.b", "a", 'c"d', "t\u00ean", "_row_2"]
    assert rows_of(extracted) == [(1, '{"b": 2}', 3, 4, 5)]


@pytest.mark.parametrize("names", [["a", "a"], ["a", "A"], ["h\u00f2a", "ho\u0300a"], ["a", " a"]])
def test_names_that_are_one(drop: Drop, names: list[str]) -> None:
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names), drop.folder / "t.parquet")
    with pytest.raises(DropBroken, match=r"t\.parquet: it gives 2 columns \(positions 1, 2\) a name that others have"):
        drop.take("t.parquet", "a")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())), "a map holds a key twice"),
        (pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"]), "column 1 holds structs with two"),
    ],
)
def test_nested_values_with_a_name_twice(drop: Drop, value: pa.Array, told: str) -> None:
    pq.write_table(pa.table({"a": value}), drop.folder / "t.parquet")
    with pytest.raises(DropBroken, match=rf"t\.parquet: {told}.*ask the sender"):
        drop.take("t.parquet", "a")


def test_a_file_without_rows(drop: Drop) -> None:
    pq.write_table(
        pa.table({"a": pa.array([], pa.list_(pa.int8())), "b": pa.array([], pa.int8())}), drop.folder / "t.parquet"
    )
    extracted = drop.take("t.parquet", "a")
    assert (extracted.rows, types_of(extracted)) == (0, {"a": "VARCHAR", "b": "TINYINT"})


def _decimal(precision: int, scale: int) -> pa.DataType:
    return pa.decimal128(precision, scale)


@pytest.mark.parametrize(
    ("one", "other", "landed"),
    [
        (pa.int8(), pa.int64(), "BIGINT"),
        (pa.uint8(), pa.uint32(), "UINTEGER"),
        (pa.uint64(), pa.int64(), "DECIMAL(20,0)"),
        (_decimal(10, 2), _decimal(12, 4), "DECIMAL(12,4)"),
        (_decimal(10, 2), pa.int32(), "DECIMAL(12,2)"),
        (pa.float32(), pa.float64(), "DOUBLE"),
        (pa.null(), pa.int64(), "BIGINT"),
        (pa.string(), pa.null(), "VARCHAR"),
        (pa.large_string(), pa.dictionary(pa.int8(), pa.string()), "VARCHAR"),
        (pa.timestamp("ms"), pa.timestamp("us"), "TIMESTAMP"),
        (pa.list_(pa.int8()), pa.list_(pa.int64()), "VARCHAR"),
    ],
)
def test_files_whose_types_fit_together(drop: Drop, one: pa.DataType, other: pa.DataType, landed: str) -> None:
    for number, kind in enumerate((one, other, one)):
        pq.write_table(pa.table({"k": [number], "a": pa.array([None], kind)}), drop.folder / f"t_{number}.parquet")
    extracted = drop.take("t_*.parquet", "a")
    assert (extracted.rows, types_of(extracted)["a"]) == (3, landed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.int64(), pa.string()),
        (pa.int64(), pa.float64()),
        (_decimal(38, 0), _decimal(38, 10)),
        (pa.date32(), pa.timestamp("us")),
        (pa.timestamp("us"), pa.timestamp("us", "UTC")),
    ],
)
def test_files_must_agree(drop: Drop, one: pa.DataType, other: pa.DataType) -> None:
    for number, kind in enumerate((one, one, other)):
        pq.write_table(pa.table({"k": [number], "a": pa.array([None], kind)}), drop.folder / f"t_{number}.parquet")
    with pytest.raises(DropBroken, match=r"t_2\.parquet and t_0\.parquet differ in a \(column or type\)"):
        drop.take("t_*.parquet", "a")


def test_files_with_other_columns(drop: Drop) -> None:
    pq.write_table(pa.table({"a": [1]}), drop.folder / "t_1.parquet")
    pq.write_table(pa.table({"a": [1], "b": [1]}), drop.folder / "t_2.parquet")
    with pytest.raises(DropBroken, match=r"t_2\.parquet and t_1\.parquet differ in 1 column \(position 2\) of"):
        drop.take("t_*.parquet", "a")


def test_files_with_other_columns_are_told_without_names_that_may_be_values(drop: Drop) -> None:
    for number, (name, value) in enumerate((("Nguyễn Văn An", 1), ("Trần Thị Bích", 1), ("Trần Thị Bích", "x"))):
        pq.write_table(pa.table({"a": [1], name: [value]}), drop.folder / f"t_{number}.parquet")
    places = r"1 column \(position 2\) of t_1\.parquet, 1 column \(position 2\) of t_0\.parquet \(column"
    with pytest.raises(DropBroken, match=places) as told:
        drop.take("t_[01].parquet", "a")
    with pytest.raises(DropBroken, match=r"differ in 1 column \(position 2\) of t_2\.parquet \(column") as of_type:
        drop.take("t_[12].parquet", "a")
    assert not any(name in f"{told.value} {of_type.value}" for name in ("Nguyễn", "Bích"))


@pytest.mark.parametrize("cells", [1, 7, 100])
def test_a_file_of_more_columns_than_memory_takes(drop: Drop, monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    names = ["a.b", "a", "n", "d", "ma", "at"]
    table = pa.table(
        [
            pa.array(range(10)),
            pa.array([{"b": n} for n in range(10)]),
            pa.nulls(10),
            pa.array(["x", "y"] * 5).dictionary_encode(),
            pa.array([f"{n:03}" for n in range(10)]),
            pa.array(range(10), pa.timestamp("us", "UTC")),
        ],
        names,
    )
    pq.write_table(table, drop.folder / "t.parquet", row_group_size=4)
    as_ever = drop.take("t.parquet", "ma")
    monkeypatch.setattr(parquet_file, "MOST_COLUMNS", 5)
    monkeypatch.setattr(parquet_file, "_MIN_ROWS", 3)
    monkeypatch.setattr(parquet_file, "_MAX_ROWS", 3)
    monkeypatch.setattr(wide_files, "_CELLS", cells)
    found = drop.take("t.parquet", "ma")
    assert (rows_of(found), types_of(found), found.digest) == (rows_of(as_ever), types_of(as_ever), as_ever.digest)


def test_a_scratch_folder_that_is_full(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    pq.write_table(pa.table({"a": [1], "b": [1]}), drop.folder / "t.parquet")
    monkeypatch.setattr(parquet_file, "MOST_COLUMNS", 1)
    monkeypatch.setattr(wide_files.pa.ipc, "new_stream", full)
    with pytest.raises(SourceError, match=r"while writing to the scratch folder: .*LIENTHONG_TMP.* is full"):
        drop.take("t.parquet", "a")


def test_a_file_that_is_cut_off(drop: Drop) -> None:
    drop.put("a.parquet", b"PAR1 and then nothing")
    with pytest.raises(DropBroken, match="not a whole Parquet file"):
        drop.take("a.parquet", "a")


@pytest.mark.parametrize("kind", [pa.string(), pa.list_(pa.string())])
def test_a_damaged_page(drop: Drop, kind: pa.DataType) -> None:
    path = drop.folder / "a.parquet"
    values: list[Any] = [str(n) * 50 for n in range(5000)]
    array = pa.array([[v] for v in values] if pa.types.is_list(kind) else values, kind)
    pq.write_table(pa.table({"a": array}), path, compression="zstd", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[100:2000] = b"\xee" * 1900
    path.write_bytes(bytes(content))
    with pytest.raises(DropBroken, match=r"a\.parquet: a page of the Parquet file is damaged, in column 1"):
        drop.take("a.parquet", "a")


@pytest.mark.parametrize("is_footer_plain", [False, True])
def test_an_encrypted_file(drop: Drop, is_footer_plain: bool) -> None:
    _encrypt(drop.folder / "a.parquet", is_footer_plain=is_footer_plain)
    with pytest.raises(DropBroken, match=r"a\.parquet is encrypted, .*ask the sender to deliver it without encryption"):
        drop.take("a.parquet", "a")


def _encrypt(path: Path, *, is_footer_plain: bool) -> None:
    from pyarrow.parquet import encryption

    class Plain(encryption.KmsClient):
        def wrap_key(self, key_bytes: bytes, _: str) -> bytes:
            return key_bytes.hex().encode()

        def unwrap_key(self, wrapped_key: bytes, _: str) -> bytes:
            return bytes.fromhex(wrapped_key.decode())

    settings = encryption.EncryptionConfiguration("k", column_keys={"c": ["a"]}, plaintext_footer=is_footer_plain)
    factory = encryption.CryptoFactory(lambda _: Plain())
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    table = pa.table({"a": [1], "b": [2]})
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
