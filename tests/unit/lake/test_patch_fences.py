"""What a patch is checked against before its commit, what happens where a check fails, and how it is turned off."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from include.lake.file_patch import Original
from include.lake.storage.errors import LakeError, LakeFull, LakeSchemaConflict, LakeUnreachable
from include.lake.storage.lake import Lake
from include.lake.upsert import file_rewrite
from include.lake.upsert.cdf_commit import ensure_writable
from tests.unit.lake.staging import PERSON, content, run

TABLE = "registry/population/citizen"
ROWS = [(f"k{n}", f"name {n}", n) for n in range(20)]
AFTER = sorted([("k3", "Ba", 3), *(row for row in ROWS if row[0] != "k3")], key=repr)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = lake_of(tmp_path)
    run(lake, PERSON, 1, ROWS)
    return lake


def lake_of(folder: Path, **environ: str) -> Lake:
    return Lake.from_environment(
        {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "scratch"), **environ}
    )


def change(lake: Lake, number: int = 2) -> None:
    run(lake, PERSON, number, [("k3", "Ba", 3)], mode="incremental", merge_rows=0)


def parquet_files(lake: Lake) -> set[str]:
    folder = Path(lake.path(TABLE))
    return {str(path) for path in folder.rglob("*.parquet") if "_change_data" not in path.parts}


def patched_by(monkeypatch: pytest.MonkeyPatch, spoil) -> None:
    """Spoil each patched file once it is closed."""
    patch = file_rewrite.patch

    def then_spoilt(original, file, rows, out):
        laid = patch(original, file, rows, out)
        spoil(laid)
        return laid

    monkeypatch.setattr(file_rewrite, "patch", then_spoilt)


@pytest.mark.parametrize("place", [5, 300, -9, -40])
def test_a_file_that_storage_gives_back_otherwise_is_not_committed(lake, monkeypatch, caplog, place):
    """A single bit, of a chunk or of the footer; the table has the rows all the same, written by DuckDB."""
    caplog.set_level(logging.INFO, "include.lake.upsert")
    before = parquet_files(lake)

    def spoil(laid) -> None:
        (path,) = parquet_files(lake) - before
        data = bytearray(Path(path).read_bytes())
        data[place] ^= 1
        Path(path).write_bytes(data)

    patched_by(monkeypatch, spoil)
    change(lake)
    assert content(lake, PERSON) == AFTER
    assert "is not patched, but rewritten" in caplog.text
    assert parquet_files(lake) == before | set(lake.table(TABLE).file_uris()), "the spoilt file is gone"


@pytest.mark.parametrize(("at", "value"), [("rows", 19), ("checksum", 1), ("size", 1)])
def test_a_file_is_compared_with_what_was_laid_into_it(lake, monkeypatch, caplog, at, value):
    caplog.set_level(logging.INFO, "include.lake.upsert")

    def spoil(laid) -> None:
        _, chunks = laid.laid[0]
        if at == "rows":
            laid.laid[0] = (value, chunks)
        elif at == "checksum":
            chunks[0] = (value, chunks[0][1])
        else:
            laid.size = value

    patched_by(monkeypatch, spoil)
    change(lake)
    assert content(lake, PERSON) == AFTER
    assert "is not patched, but rewritten" in caplog.text


def test_values_that_are_encoded_otherwise_are_not_committed(lake, monkeypatch, caplog):
    """The encoder loses a row's value without an error."""
    caplog.set_level(logging.INFO, "include.lake.upsert")
    write = pq.write_table

    def careless(table, sink, **options):
        name = table.column_names.index("full_name") if "full_name" in table.column_names and len(table) else None
        if name is not None:
            texts = pa.array([None, *table["full_name"].to_pylist()[1:]], pa.string())
            table = table.set_column(name, "full_name", texts.cast(table["full_name"].type))
        write(table, sink, **options)

    monkeypatch.setattr(pq, "write_table", careless)
    change(lake)
    assert content(lake, PERSON) == AFTER
    assert "is not patched, but rewritten by DuckDB: values" in caplog.text


def test_rows_are_changed_only_where_they_are_as_they_were_compared(lake, monkeypatch, caplog):
    """A place that belongs to another row is found before the row is overwritten."""
    caplog.set_level(logging.INFO, "include.lake.upsert")
    patch = file_rewrite.patch

    def elsewhere(original, file, rows, out):
        table = rows.read_all()
        place = table.column_names.index("_place")
        moved = table.set_column(place, "_place", pa.array([7], table["_place"].type))
        return patch(original, file, moved.to_reader(), out)

    monkeypatch.setattr(file_rewrite, "patch", elsewhere)
    change(lake)
    assert content(lake, PERSON) == AFTER
    assert "is not patched, but rewritten by DuckDB: values" in caplog.text


@pytest.mark.parametrize(
    ("door", "code", "failure"),
    [("open_output", errno.ENOSPC, LakeFull), ("open_input", errno.ECONNREFUSED, LakeUnreachable)],
)
def test_a_fault_of_storage_goes_up_and_nothing_is_committed(lake, monkeypatch, door, code, failure):
    """A full disk is no reason to write more."""

    class Broken:
        closed = True

        def fail(self, *given: object) -> None:
            raise OSError(code, "while reading or writing")

        write = read_at = size = close = fail

        def __enter__(self) -> Broken:
            return self

        def __exit__(self, *given: object) -> None:
            """Closed."""

    monkeypatch.setattr(Lake, door, lambda *_: Broken())
    monkeypatch.setattr(file_rewrite, "_staying", None)
    with pytest.raises(failure):
        change(lake)
    assert lake.table(TABLE).version() == 0


def test_a_disk_that_is_really_full(lake, monkeypatch):
    monkeypatch.setattr(Lake, "open_output", lambda *_: pa.OSFile("/dev/full", "wb"))
    monkeypatch.setattr(file_rewrite, "_staying", None)
    with pytest.raises(LakeFull, match="make room"):
        change(lake)
    assert lake.table(TABLE).version() == 0


def test_all_footers_are_read_before_anything_is_written(lake, monkeypatch):
    run(lake, PERSON, 2, [(f"m{n}", "more", n) for n in range(20)], mode="incremental", merge_rows=0)
    events = []
    read, patch = Original.read_from, file_rewrite.patch
    monkeypatch.setattr(Original, "read_from", lambda file, rows: events.append("read") or read(file, rows=rows))
    monkeypatch.setattr(file_rewrite, "patch", lambda *given: events.append("patch") or patch(*given))
    run(lake, PERSON, 3, [("k3", "Ba", 3), ("m3", "Ba", 3)], mode="incremental", merge_rows=0)
    assert events == ["read", "read", "patch", "patch"]


def test_a_table_that_others_partitioned_is_left_alone(tmp_path):
    write_deltalake(str(tmp_path), pa.table({"k": ["a"], "p": [1]}), partition_by=["p"])
    with pytest.raises(LakeSchemaConflict, match="partitions by p"):
        ensure_writable(DeltaTable(str(tmp_path)))


def test_the_switch_has_all_files_rewritten_by_the_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(file_rewrite, "patch", None)
    monkeypatch.setattr(Original, "read_from", None)
    lake = lake_of(tmp_path, LIENTHONG_PATCH_FILES="off")
    run(lake, PERSON, 1, ROWS)
    run(lake, PERSON, 2, [("k3", "Ba", 3)], mode="incremental", gone=[("k5",)], merge_rows=0)
    assert content(lake, PERSON) == [row for row in AFTER if row[0] != "k5"]


def test_the_switch_is_on_or_off(tmp_path):
    assert lake_of(tmp_path, LIENTHONG_PATCH_FILES="on").patches_files
    assert lake_of(tmp_path, LIENTHONG_PATCH_FILES="").patches_files
    with pytest.raises(LakeError, match="on or off"):
        lake_of(tmp_path, LIENTHONG_PATCH_FILES="no")
