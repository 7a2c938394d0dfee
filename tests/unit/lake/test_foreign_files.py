"""Files of other writers are patched where they are understood, and else rewritten; either way the rows are right."""

from __future__ import annotations

import base64
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from deltalake import BloomFilterProperties, ColumnProperties, DeltaTable, WriterProperties, write_deltalake

from include.lake.file_patch.parquet_footer import read_footer, row_groups, standing_alone
from include.lake.storage.errors import LakeDamaged, LakeError
from tests.repeats import held_by, repeats
from tests.unit.lake.foreign_files import NAMES, PATH, ROWS, TABLE, Row, by_arrow, by_duckdb, lake_with
from tests.unit.lake.staging import run

OURS: dict[str, Any] = {"compression": "zstd", "row_group_size": 7, "store_decimal_as_integer": True}


def arrow(**options: Any) -> Callable[[pa.Table], bytes]:
    def rewrite(rows: pa.Table) -> bytes:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, **{**OURS, **options})
        return sink.getvalue().to_pybytes()

    return rewrite


def encoded(**encodings: str) -> Callable[[pa.Table], bytes]:
    return arrow(use_dictionary=False, column_encoding=encodings)


def changed(change: Callable[[pa.Table], pa.Table], **options: Any) -> Callable[[pa.Table], bytes]:
    return lambda rows: arrow(**options)(change(rows))


def cast(name: str, kind: pa.DataType, **options: Any) -> Callable[[pa.Table], bytes]:
    return changed(lambda rows: rows.set_column(NAMES.index(name), name, rows[name].cast(kind)), **options)


def with_column(name: str, values: pa.Array) -> Callable[[pa.Table], bytes]:
    return changed(lambda rows: rows.append_column(name, values))


def by_engine(options: str) -> Callable[[pa.Table], bytes]:
    def rewrite(rows: pa.Table) -> bytes:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("rows", rows)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "rows.parquet"
                connection.execute(f"COPY (FROM rows) TO '{path}' (FORMAT parquet, {options})")
                return path.read_bytes()

    return rewrite


def by_delta_rs(properties: WriterProperties) -> Callable[[pa.Table], bytes]:
    def rewrite(rows: pa.Table) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            write_deltalake(folder, rows, writer_properties=properties)
            (uri,) = DeltaTable(folder).file_uris()
            return Path(uri.removeprefix("file://")).read_bytes()

    return rewrite


def lying(change: Callable[[Any], None], group: int = 1, column: int = 1) -> Callable[[pa.Table], bytes]:
    """A file of which the footer says something else of a chunk."""

    def rewrite(rows: pa.Table) -> bytes:
        content = arrow(compression="none", use_dictionary=False)(rows)
        length = int.from_bytes(content[-8:-4], "little")
        footer = read_footer(pa.BufferReader(content))
        change(footer if column < 0 else row_groups(footer)[group][column].meta)
        return content[: -8 - length] + standing_alone(footer)[4:]

    return rewrite


def sets(field: int, value: Any) -> Callable[[Any], None]:
    def change(struct: Any) -> None:
        struct[field] = (struct[field][0], value)

    return change


def sets_bound(field: int, value: bytes) -> Callable[[Any], None]:
    return lambda meta: sets(field, value)(meta[12][1])


class Kms(pe.KmsClient):
    """Wraps keys in nothing."""

    def __init__(self, config: pe.KmsConnectionConfig) -> None:
        pe.KmsClient.__init__(self)

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


def encrypted(*, plaintext_footer: bool) -> Callable[[pa.Table], bytes]:
    config = pe.EncryptionConfiguration(
        footer_key="footer", column_keys={"n": ["n", "x"]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(Kms)

    def rewrite(rows: pa.Table) -> bytes:
        properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
        return arrow(encryption_properties=properties)(rows)

    return rewrite


PATCHED: dict[str, Callable[[pa.Table], bytes]] = {
    **{f"codec {c}": arrow(compression=c) for c in ("none", "snappy", "gzip", "brotli", "lz4", "zstd")},
    **{f"page version {v}": arrow(data_page_version=v, data_page_size=16) for v in ("1.0", "2.0")},
    "format 1.0": arrow(version="1.0"),
    "format 2.4": arrow(version="2.4"),
    "no dictionary": arrow(use_dictionary=False),
    "a dictionary that is given up": arrow(dictionary_pagesize_limit=8),
    "a page index": arrow(write_page_index=True, data_page_size=16),
    "page checksums": arrow(write_page_checksum=True),
    "a bloom filter": arrow(bloom_filter_options={"k": True, "t": True}),
    "no statistics": arrow(write_statistics=False),
    "Arrow's own schema": arrow(store_schema=True),
    "sorted": arrow(sorting_columns=[pq.SortingColumn(0)]),
    "plain": encoded(k="PLAIN", n="PLAIN", t="PLAIN"),
    "delta": encoded(
        k="DELTA_BYTE_ARRAY", n="DELTA_BINARY_PACKED", d="DELTA_BINARY_PACKED", t="DELTA_LENGTH_BYTE_ARRAY"
    ),
    "split streams": encoded(x="BYTE_STREAM_SPLIT", yes="RLE"),
    "engine, version 1": by_engine("PARQUET_VERSION V1, ROW_GROUP_SIZE 7"),
    "engine, version 2": by_engine("PARQUET_VERSION V2, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 1"),
    "engine, lz4": by_engine("COMPRESSION lz4_raw"),
    "delta-rs": by_delta_rs(WriterProperties(compression="ZSTD", max_row_group_size=7)),
    "delta-rs, page statistics and bloom filters": by_delta_rs(
        WriterProperties(
            default_column_properties=ColumnProperties(
                statistics_enabled="PAGE", bloom_filter_properties=BloomFilterProperties(True, 0.01, 20)
            )
        )
    ),
    "delta-rs, short statistics": by_delta_rs(WriterProperties(statistics_truncate_length=1)),
}
ENCRYPTED = {
    "columns": encrypted(plaintext_footer=True),
    "footer": encrypted(plaintext_footer=False),
}
# By the ids of fields in parquet.thrift; a chunk of "n" unless said otherwise.
LYING: dict[str, Callable[[pa.Table], bytes]] = {
    "a type": lying(sets(1, 5)),
    "an encoding that is not there": lying(sets(2, (8, [7]))),
    "an unknown encoding": lying(sets(2, (8, [99]))),
    "a codec": lying(sets(4, 1)),
    "an unknown codec": lying(sets(4, 99)),
    "LZO": lying(sets(4, 3)),
    "fewer values": lying(sets(5, 3)),
    "a size": lying(sets(7, 11)),
    "a place": lying(sets(9, 4)),
    "a place before the file": lying(sets(9, -4)),
    "a place behind the file": lying(sets(9, 2**40)),
    "a name": lying(sets(3, (11, [b"other"]))),
    "a greater minimum": lying(sets_bound(6, (9).to_bytes(8, "little"))),
    "a lesser maximum": lying(sets_bound(5, (9).to_bytes(8, "little"))),
    "a short bound": lying(sets_bound(5, b"12")),
    "a bound that is no text": lying(sets_bound(5, b"\xff"), column=8),
    "nulls": lying(sets_bound(3, 5)),
    "sizes": lying(lambda meta: meta.update({16: (12, {3: (15, (10, [1, 2, 3, 4]))})})),
    "rows": lying(sets(3, 19), column=-1),
    "no row groups": lying(lambda footer: footer.pop(4), column=-1),
    "other columns": lying(lambda footer: footer[2][1][1].pop(), column=-1),
    "a field of a later format": lying(lambda footer: footer.update({20: (8, 1)}), column=-1),
}
REWRITTEN: dict[str, Callable[[pa.Table], bytes]] = {
    "nanoseconds of the first kind": cast("at", pa.timestamp("ns"), use_deprecated_int96_timestamps=True),
    "decimals of bytes": arrow(store_decimal_as_integer=False),
    "milliseconds": cast("at", pa.timestamp("ms", tz="UTC")),
    "a wider integer": cast("small", pa.int64()),
    "a shorter decimal": cast("amount", pa.decimal128(9, 2)),
    "a text of bytes": cast("t", pa.binary()),
    "a nested column": with_column("more", pa.array([{"a": [1]}] * len(ROWS))),
    "a map": with_column("more", pa.array([[("a", 1)]] * len(ROWS), pa.map_(pa.string(), pa.int64()))),
}


# Rows that change, and keys that leave. In files of row groups of seven rows, the last one is not touched.
CHANGES: dict[str, tuple[list[Row], list[Row]]] = {
    "no row leaves": ([(*ROWS[2][:-2], False, "other"), ("k03", *[None] * 8), ("k09", *ROWS[5][1:])], []),
    "a row leaves": ([(*ROWS[2][:-2], False, "other")], [("k03",), ("k12",)]),
}


def after(rows: list[Row], changed_rows: list[Row], gone: list[Row]) -> list[Row]:
    by_key = {row[0]: row for row in rows} | {row[0]: row for row in changed_rows}
    return sorted((row for key, row in by_key.items() if (key,) not in gone), key=repr)


@pytest.fixture
def reasons(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "include.lake.upsert")
    return lambda: [r.getMessage() for r in caplog.records if "is not patched" in r.getMessage()]


# Of each kind of file one change, by turns; both in a long run.
KINDS = (*PATCHED, *REWRITTEN)
BY_TURNS = [(what, [*CHANGES][n % 2]) for n, what in enumerate(KINDS)]
OTHERS = [(what, [*CHANGES][1 - n % 2]) for n, what in enumerate(KINDS)]


# Of each way to write a file one kind.
TELLING = {
    "codec snappy", "page version 2.0", "a dictionary that is given up", "a page index", "a bloom filter",
    "no statistics", "split streams", "engine, version 1", "delta-rs", "nanoseconds of the first kind",
    "decimals of bytes", "a wider integer", "a nested column",
}  # fmt: skip
MORE = held_by("unit/lake/test_foreign_files.py::test_the_rows_are_right_whoever_wrote_the_file")


@pytest.mark.parametrize(
    ("what", "change"),
    [
        pytest.param(*one, marks=() if one[0] in TELLING else MORE)
        for one in (BY_TURNS + OTHERS)[: repeats(1, 2) * len(KINDS)]
    ],
)
def test_the_rows_are_right_whoever_wrote_the_file(tmp_path, reasons, what, change):
    lake = lake_with(tmp_path, (PATCHED | REWRITTEN)[what])
    rows, gone = CHANGES[change]
    run(lake, TABLE, 2, rows, mode="incremental", gone=gone, merge_rows=0)
    expected = after(ROWS, rows, gone)
    assert by_arrow(lake) == expected
    assert by_duckdb(lake.table(PATH).file_uris()) == expected
    assert len(reasons()) == (what in REWRITTEN)


# Of lies about one field, or about one side of a bound, one; the others are tried later.
ALIKE = {
    "an encoding that is not there", "an unknown codec", "LZO", "a place before the file",
    "a lesser maximum", "a short bound",
}  # fmt: skip
MORE_LIES = held_by("unit/lake/test_foreign_files.py::test_a_footer_that_lies_is_left_to_the_engine")


@pytest.mark.parametrize("what", [pytest.param(what, marks=MORE_LIES if what in ALIKE else ()) for what in LYING])
def test_a_footer_that_lies_is_left_to_the_engine(tmp_path, what):
    """It publishes what it reads, or nothing; the process ends in neither."""
    lake = lake_with(tmp_path, LYING[what])
    rows, gone = CHANGES["a row leaves"]
    try:
        was = by_duckdb(lake.table(PATH).file_uris())
        run(lake, TABLE, 2, rows, mode="incremental", gone=gone, merge_rows=0)
    except (LakeError, duckdb.Error):
        assert lake.table(PATH).version() == 0
    else:
        assert by_arrow(lake) == by_duckdb(lake.table(PATH).file_uris()) == after(was, rows, gone)


@pytest.mark.parametrize("what", ENCRYPTED)
def test_a_file_that_no_engine_can_read_is_an_error_that_names_the_remedy(tmp_path, what):
    lake = lake_with(tmp_path, ENCRYPTED[what])
    with pytest.raises(LakeDamaged, match="put the file back from a backup"):
        run(lake, TABLE, 2, [], mode="incremental", gone=[("k03",)], merge_rows=0)
    assert lake.table(PATH).version() == 0
