"""A patched file says what it should, whoever wrote the original and whatever changes; all else of it is a copy."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, WriterProperties, write_deltalake
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.lake.file_patch.column_patch import IS_NEW, LEAVES, PLACE, WAS, Original, patch
from include.lake.file_patch.not_patchable import NotPatchable
from include.lake.file_patch.parquet_footer import read_footer, row_groups
from include.lake.file_patch.patch_verification import read_back
from include.lake.storage.duckdb_engine import PARQUET
from tests.repeats import repeats

pytestmark = pytest.mark.slow

UTC = dt.UTC
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("small", pa.int16()),
        ("big", pa.int64()),
        ("share", pa.float64()),
        ("cents", pa.decimal128(18, 2)),
        ("huge", pa.decimal128(38, 0)),
        ("yes", pa.bool_()),
        ("day", pa.date32()),
        ("instant", pa.timestamp("us", tz="UTC")),
        ("local", pa.timestamp("us")),
        ("bytes", pa.binary()),
        ('a.b "c"', pa.string()),
        ("a", pa.string()),
        ("nothing", pa.string()),
        ("words", pa.list_(pa.string())),
    ]
)
TYPES = {field.name: field.type for field in SCHEMA}
TEXT = st.sampled_from(["", "An", "Ân", "Nguyễn Thị " * 30, "\x00", "'"])
DAYS = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
INSTANTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "key": TEXT,
    "small": st.integers(-(2**15), 2**15 - 1),
    "big": st.integers(-(2**63), 2**63 - 1),
    "share": st.floats(allow_nan=False),
    "cents": st.integers(-(10**17), 10**17).map(lambda n: Decimal(n).scaleb(-2)),
    "huge": st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    "yes": st.booleans(),
    "day": DAYS,
    "instant": INSTANTS.map(lambda at: at.replace(tzinfo=UTC)),
    "local": INSTANTS,
    "bytes": st.binary(max_size=5),
    'a.b "c"': TEXT,
    "a": TEXT,
    "nothing": st.none(),
    "words": st.lists(st.none() | TEXT, max_size=3),
}
# Made once: to make a strategy costs more than to draw from it.
OR_NONE = {name: st.none() | values for name, values in VALUES.items()}
ROWS = st.lists(st.fixed_dictionaries(OR_NONE), min_size=1, max_size=12)
NAMES = st.lists(st.sampled_from(SCHEMA.names), unique=True, min_size=1)
WRITERS = ("duckdb", "delta-rs", "arrow", "arrow, plain", "arrow, old")


def written(writer: str, table: pa.Table, group_rows: int, folder: Path) -> Path:
    path = folder / "original.parquet"
    if writer == "duckdb":
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("rows", table)
            connection.execute(f"COPY (FROM rows) TO '{path}' ({PARQUET}, ROW_GROUP_SIZE {group_rows})")
    elif writer == "delta-rs":
        properties = WriterProperties(compression="ZSTD", max_row_group_size=group_rows)
        write_deltalake(str(folder / "delta"), table, writer_properties=properties)
        (uri,) = DeltaTable(str(folder / "delta")).file_uris()
        path = Path(uri.removeprefix("file://"))
    else:
        options: dict[str, Any] = {
            "arrow": {"write_page_index": True, "data_page_size": 64, "sorting_columns": [pq.SortingColumn(0)]},
            "arrow, plain": {"use_dictionary": False, "compression": "none", "store_schema": False},
            "arrow, old": {"version": "1.0", "compression": "snappy", "use_dictionary": ["key", "a"]},
        }[writer]
        pq.write_table(table, path, row_group_size=group_rows, **options)
    return path


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, int, list[dict[str, Any]], dict[int, dict[str, Any] | None], list[str]]:
    """A writer, rows of a row group, rows; by place what a row becomes (None: it leaves); which columns may change."""
    rows = draw(ROWS)
    names = draw(NAMES)
    becomes = st.none() | st.fixed_dictionaries({name: OR_NONE[name] for name in names})
    changes = draw(st.dictionaries(st.integers(0, len(rows) - 1), becomes))
    return draw(st.sampled_from(WRITERS)), draw(st.integers(1, 6)), rows, changes, names


NOBODY = dict.fromkeys(SCHEMA.names)


@settings(max_examples=repeats(25, 400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
@example(("delta-rs", 2, [{**NOBODY, "key": key} for key in "abc"], {0: None, 2: {"words": ["x"]}}, ["words"]))
@example(("duckdb", 2, [{**NOBODY, "key": key} for key in "abcd"], {0: None, 1: None, 3: {"key": "d"}}, ["key"]))
def test_a_patched_file_holds_the_rows_as_they_are_now(case):
    writer, group_rows, rows, changes, names = case
    expected = [
        row | (changes.get(place, {}) or {}) for place, row in enumerate(rows) if changes.get(place, {}) is not None
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = written(writer, pa.Table.from_pylist(rows, SCHEMA), group_rows, Path(folder))
        content = path.read_bytes()
        try:
            patched = patched_by(content, rows, changes, names)
        except NotPatchable:
            assert writer.startswith("arrow")
            return
        (Path(folder) / "patched.parquet").write_bytes(patched)
        found = pq.read_table(pa.BufferReader(patched))
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            same = connection.execute(f"FROM read_parquet('{folder}/patched.parquet')").to_arrow_table()
    assert found.cast(SCHEMA).to_pylist() == expected
    assert same.cast(SCHEMA).to_pylist() == expected
    if None not in changes.values():
        assert untouched(patched, names) == untouched(pa.py_buffer(content), names)


@settings(max_examples=repeats(20, 400), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.integers(0, 9), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4))
def test_a_damaged_file_is_patched_rightly_or_not_at_all(case, cut, damage):
    """In half of the cases it is the footer; in a few the file ends too early. Arrow says what is in such a file."""
    writer, group_rows, rows, changes, names = case
    with tempfile.TemporaryDirectory() as folder:
        path = written(writer, pa.Table.from_pylist(rows, SCHEMA), group_rows, Path(folder))
        content = bytearray(path.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    start, end = (footer, len(content)) if cut % 2 else (4, footer)
    for place, value in damage:
        content[start + int(place * (end - start - 1))] = value
    damaged = bytes(content[: -len(content) // 3] if cut == 0 else content)
    try:
        said = pq.read_table(pa.BufferReader(damaged)).cast(SCHEMA).to_pylist()
    except Exception:
        said = None
    try:
        patched = patched_by(damaged, rows, changes, names)
    except NotPatchable:
        return
    if said is not None:
        expected = [
            row | (changes.get(place) or {}) for place, row in enumerate(said) if changes.get(place, {}) is not None
        ]
        assert pq.read_table(pa.BufferReader(patched)).cast(SCHEMA).to_pylist() == expected


def patched_by(
    content: bytes, rows: list[dict[str, Any]], changes: dict[int, dict[str, Any] | None], names: list[str]
) -> pa.Buffer:
    """The patched file, read back."""
    file = pa.BufferReader(content)
    original = Original.read_from(file, rows=len(rows))
    original.ensure_takes(TYPES, names, leaves=None in changes.values())
    with tempfile.NamedTemporaryFile() as out:
        sink = pa.OSFile(out.name, "wb")
        laid = patch(original, file, changed_rows(rows, changes, names).to_reader(max_chunksize=2), sink)
        patched = pa.py_buffer(Path(out.name).read_bytes())
    assert read_back(pa.BufferReader(patched), laid).num_rows == len(rows) - list(changes.values()).count(None)
    return patched


def changed_rows(rows: list[dict[str, Any]], changes: dict[int, dict[str, Any] | None], names: list[str]) -> pa.Table:
    places = sorted(changes)
    columns = {
        PLACE: pa.array(places, pa.int64()),
        LEAVES: pa.array([changes[place] is None for place in places], pa.bool_()),
    }
    for name in names:
        new = [(changes[place] or {}).get(name) for place in places]
        columns[name] = pa.array(new, SCHEMA.field(name).type)
        is_new = [value != rows[place][name] for place, value in zip(places, new, strict=True)]
        columns[IS_NEW + name] = pa.array(is_new, pa.bool_())
        columns[WAS + name] = pa.array([rows[place][name] for place in places], SCHEMA.field(name).type)
    return pa.table(columns)


def untouched(file: pa.Buffer, names: list[str]) -> list[list[bytes]]:
    """The pages of the columns that may not change, in every row group."""
    reader = pa.BufferReader(file)
    groups = row_groups(read_footer(reader))
    return [[bytes(reader.read_at(c.size, c.start)) for c in group if c.path[0] not in names] for group in groups]


def test_all_that_our_own_writers_write_can_be_patched():
    """Else the test above would test nothing."""
    rows = [dict.fromkeys(SCHEMA.names) | {"key": "a", "big": 1, "cents": Decimal("1.00")}]
    for writer in ("duckdb", "delta-rs"):
        with tempfile.TemporaryDirectory() as folder:
            path = written(writer, pa.Table.from_pylist(rows, SCHEMA), 5, Path(folder))
            original = Original.read_from(pa.OSFile(str(path)), rows=len(rows))
            original.ensure_takes(TYPES, SCHEMA.names, leaves=True)
