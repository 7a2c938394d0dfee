"""Former rows outlive the table's own versions: what was published at an instant is read as a copy kept outside."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from include.contracts.model import Column, Table
from include.lake.row_history import (
    expire_history,
    extend_history,
    has_history,
    history_at,
    history_facts,
    history_view,
)
from include.lake.storage import Lake, LakeTableMissing

TABLE = Table(
    "shop",
    "customer",
    "khach",
    (Column("code", "ma", "string", "VARCHAR", primary_key_position=1), Column("town", "noi", "string", "VARCHAR")),
    (),
    history=timedelta(days=3650),
)
FEED = {"delta.enableChangeDataFeed": "true"}
RUN = CommitProperties(custom_metadata={"lienthong.run_id": "r"})


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def now() -> datetime:
    time.sleep(0.01)  # commits are dated by the millisecond
    at = datetime.now(UTC)
    time.sleep(0.01)
    return at


def first(lake: Lake, **rows: str) -> DeltaTable:
    uri = lake.registry_table("shop", "customer")
    data = pa.table({"code": pa.array(rows), "town": pa.array(rows.values(), pa.string())})
    write_deltalake(uri, data, configuration=FEED, commit_properties=RUN)
    return DeltaTable(uri)


def change(lake: Lake, *, gone: str = "", **rows: str) -> None:
    table = lake.table(lake.registry_table("shop", "customer"))
    coming = pa.table({"code": pa.array(rows, pa.string()), "town": pa.array(rows.values(), pa.string())})
    merge = table.merge(coming, "s.code = t.code", source_alias="s", target_alias="t", commit_properties=RUN)
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
    if gone:
        table.delete(f"code = '{gone}'", commit_properties=RUN)


def copy(lake: Lake) -> dict[str, str]:
    rows = lake.table(lake.registry_table("shop", "customer")).to_pyarrow_table().to_pylist()
    return {row["code"]: row["town"] for row in rows}


def read(lake: Lake, at: datetime) -> dict[str, str]:
    with lake.connect() as connection:
        history_at(lake, connection, "past", TABLE, at)
        return dict(connection.execute("SELECT code, town FROM past").fetchall())


def days_of_a_table(lake: Lake) -> list[tuple[datetime, dict[str, str]]]:
    """A few days, with a copy of the table kept outside after each."""
    kept = []
    first(lake, a="Huế", b="Vinh")
    extend_history(lake, TABLE, run_id="1")
    kept.append((now(), copy(lake)))
    change(lake, a="Đà Nẵng", c="Cần Thơ")
    extend_history(lake, TABLE, run_id="2")
    kept.append((now(), copy(lake)))
    change(lake, gone="b", d="Huế")
    kept.append((now(), copy(lake)))
    change(lake, b="Vinh")  # comes back; recorded with the day before
    extend_history(lake, TABLE, run_id="3")
    kept.append((now(), copy(lake)))
    return kept


def test_each_day_is_read_as_its_copy_when_the_tables_own_files_are_gone(lake):
    kept = days_of_a_table(lake)
    table = lake.table(lake.registry_table("shop", "customer"))
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert [read(lake, at) for at, _ in kept] == [rows for _, rows in kept]
    assert len({str(rows) for _, rows in kept}) == 4


def test_rows_have_the_time_in_which_they_were_published(lake):
    days_of_a_table(lake)
    with lake.connect() as connection:
        history_view(connection, "all", TABLE, lake.table("history/shop/customer"))
        rows = connection.execute(
            'SELECT code, town, valid_until IS NULL FROM "all" ORDER BY code, valid_from'
        ).fetchall()
        overlaps = connection.execute('SELECT count(*) FROM "all" WHERE valid_until <= valid_from').fetchall()
    assert rows == [
        ("a", "Huế", False), ("a", "Đà Nẵng", True), ("b", "Vinh", False), ("b", "Vinh", True), ("c", "Cần Thơ", True),
        ("d", "Huế", True),
    ]  # fmt: skip
    assert overlaps == [(0,)]


def test_nothing_new_adds_nothing_and_a_version_goes_in_once(lake):
    days_of_a_table(lake)
    before = history_facts(lake, TABLE)
    assert extend_history(lake, TABLE, run_id="4") == 0
    assert history_facts(lake, TABLE) == before
    assert before.changes == 7
    assert before.bytes > 0


def test_a_history_that_begins_later_begins_with_the_whole_table(lake):
    first(lake, a="Huế", b="Vinh")
    change(lake, c="Cần Thơ")
    early = datetime.now(UTC) - timedelta(days=400)
    assert extend_history(lake, TABLE, run_id="1") == 3
    assert read(lake, now()) == copy(lake)
    with pytest.raises(LakeTableMissing, match="begins after"):
        read(lake, early)


def test_a_new_column_is_empty_in_former_rows(lake):
    table = first(lake, a="Huế")
    extend_history(lake, TABLE, run_id="1")
    at = now()
    more = pa.table({"code": ["b"], "town": ["Vinh"], "phone": ["1"]})
    write_deltalake(table, more, mode="append", schema_mode="merge", commit_properties=RUN)
    extend_history(lake, TABLE, run_id="2")
    assert read(lake, at) == {"a": "Huế"}
    assert read(lake, now()) == {"a": "Huế", "b": "Vinh"}


def test_what_is_past_its_time_is_removed_and_what_stands_stays(lake):
    kept = days_of_a_table(lake)
    second, _ = kept[1]
    assert expire_history(lake, TABLE, before=second) == 1  # the first town of `a`
    assert [read(lake, at) for at, _ in kept[1:]] == [rows for _, rows in kept[1:]]
    assert expire_history(lake, TABLE, before=second) == 0
    assert extend_history(lake, TABLE, run_id="5") == 0


def test_a_table_without_history_has_none(lake):
    assert not has_history(lake, TABLE)
    assert history_facts(lake, TABLE) is None


def test_a_slice_is_read_apart_and_its_history_is_the_tables(lake):
    uri = lake.registry_table("shop", "customer")
    rows = pa.table({"code": ["a", "b"], "town": ["Huế", "Vinh"], "_server": ["shop-01", "shop-38"]})
    write_deltalake(uri, rows, partition_by=["_server"], configuration=FEED, commit_properties=RUN)
    one = replace(TABLE, name="customer@shop-38")
    assert extend_history(lake, one, run_id="1") == 2
    assert extend_history(lake, TABLE, run_id="2") == 0
    with lake.connect() as connection:
        history_at(lake, connection, "past", one, now())
        assert connection.execute("SELECT code, town, _server FROM past").fetchall() == [("b", "Vinh", "shop-38")]
