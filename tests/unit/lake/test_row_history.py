"""Former rows outlive the table's own versions: what was published at an instant is read as a copy kept outside."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Field, write_deltalake

from include.contracts.model import Column, Table
from include.lake.delta import VersionGone, open_version, version_at
from include.lake.row_history import (
    expire_history,
    extend_history,
    has_history,
    history_at,
    history_facts,
    history_view,
)
from include.lake.storage import Lake, LakeError

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


def times(lake: Lake) -> list[tuple[str, str, datetime, datetime | None]]:
    with lake.connect() as connection:
        history_view(connection, "all", TABLE, lake.table("history/shop/customer"))
        return connection.execute(
            'SELECT code, town, valid_from, valid_until FROM "all" ORDER BY code, valid_from'
        ).fetchall()


def remove_former_files(lake: Lake) -> None:
    table = lake.table(lake.registry_table("shop", "customer"))
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    for file in Path(lake.registry_table("shop", "customer")).glob("_change_data/*"):
        file.unlink()


def date_commit(lake: Lake, version: int, milliseconds: int) -> None:
    log = Path(lake.registry_table("shop", "customer")) / "_delta_log" / f"{version:020d}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "commitInfo" in action:
            action["commitInfo"]["timestamp"] = milliseconds
    log.write_text("".join(json.dumps(action) + "\n" for action in actions))


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
    remove_former_files(lake)
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


@pytest.mark.parametrize("own", ["valid_from", "valid_until", "Valid_Until", "_until_", "dates"])
def test_a_column_of_the_tables_own_takes_no_rows_and_no_times_away(lake, own):
    uri = lake.registry_table("shop", "customer")
    day = datetime(2020, 1, 1, tzinfo=UTC)
    rows = pa.table({"code": ["a", "b"], own: pa.array([day, None], pa.timestamp("us", tz="UTC"))})
    write_deltalake(uri, rows, configuration=FEED, commit_properties=RUN)
    extend_history(lake, TABLE, run_id="1")
    since = history_facts(lake, TABLE).since
    with lake.connect() as connection:
        history_view(connection, "all", TABLE, lake.table("history/shop/customer"))
        found = connection.execute('SELECT code, valid_from, valid_until FROM "all" ORDER BY code').fetchall()
    assert found == [("a", since, None), ("b", since, None)]


def test_a_table_may_have_columns_called_as_what_a_history_is_made_with(lake):
    names = ["dated", "stamp", "feed", "fed", "commits", "kept", "published", "standing", "changes", "left_over"]

    def table(**values: str) -> pa.Table:
        of_column = {name: [f"{value} {name}" for value in values.values()] for name in names}
        return pa.table({"code": list(values), **of_column})

    def rows() -> dict[str, list[str]]:
        with lake.connect() as connection:
            history_at(lake, connection, "past", TABLE, now())
            found = connection.execute(f"SELECT code, {', '.join(names)} FROM past").fetchall()
            return {code: list(values) for code, *values in found}

    def whole(**values: str) -> dict[str, list[str]]:
        return {code: [f"{value} {name}" for name in names] for code, value in values.items()}

    uri = lake.registry_table("shop", "customer")
    write_deltalake(uri, table(a="1", b="2"), configuration=FEED, commit_properties=RUN)
    assert extend_history(lake, TABLE, run_id="1") == 2
    merge = lake.table(uri).merge(
        table(a="3"), "s.code = t.code", source_alias="s", target_alias="t", commit_properties=RUN
    )
    merge.when_matched_update_all().execute()
    assert extend_history(lake, TABLE, run_id="2") == 1
    assert rows() == whole(a="3", b="2")
    shutil.rmtree(uri)
    write_deltalake(uri, table(a="4"), configuration=FEED, commit_properties=RUN)
    assert extend_history(lake, TABLE, run_id="3") == 3  # two leave in the gap, one comes
    assert rows() == whole(a="4")
    assert expire_history(lake, TABLE, before=now()) == 5


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
    with pytest.raises(VersionGone, match="begins after"):
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


def test_a_day_of_which_rows_are_removed_is_refused(lake):
    kept = days_of_a_table(lake)
    (first_day, _), (second, rows) = kept[:2]
    assert expire_history(lake, TABLE, before=second) == 1
    assert history_facts(lake, TABLE).since == second
    assert read(lake, second) == rows
    with pytest.raises(VersionGone, match="begins after"):
        read(lake, first_day)


def test_clocks_that_differ_make_no_state_that_never_was(lake):
    began = 1_790_000_000_000
    first(lake, a="Huế", b="Huế")
    date_commit(lake, 0, began)
    extend_history(lake, TABLE, run_id="1")
    change(lake, a="Vinh")
    change(lake, b="Vinh")
    date_commit(lake, 1, began + 5000)
    date_commit(lake, 2, began + 3000)
    extend_history(lake, TABLE, run_id="2")
    for seconds, rows in ((4, {"a": "Huế", "b": "Huế"}), (5, {"a": "Vinh", "b": "Vinh"})):
        at = datetime.fromtimestamp(began / 1000 + seconds, UTC)
        version = open_version(lake, TABLE, version_at(lake, TABLE, at)).to_pyarrow_table().to_pylist()
        assert read(lake, at) == rows == {row["code"]: row["town"] for row in version}
    change(lake, a="Huế")  # recorded apart, by a clock that is behind
    date_commit(lake, 3, began + 4500)
    extend_history(lake, TABLE, run_id="3")
    assert read(lake, datetime.fromtimestamp(began / 1000 + 4.8, UTC)) == {"a": "Huế", "b": "Huế"}
    assert read(lake, now()) == {"a": "Huế", "b": "Vinh"}


def test_a_time_in_which_no_history_was_kept_is_a_gap_and_the_history_goes_on(lake):
    first(lake, a="Huế", b="Vinh", c="Vinh")
    extend_history(lake, TABLE, run_id="1")
    known = datetime.fromtimestamp(lake.table("registry/shop/customer").history(1)[0]["timestamp"] / 1000, UTC)
    unknown = now()
    change(lake, gone="b", a="Đà Nẵng", d="Huế")
    change(lake, a="Cần Thơ")
    remove_former_files(lake)
    with pytest.raises(VersionGone, match="ends at"):
        read(lake, now())
    assert extend_history(lake, TABLE, run_id="2") == 4  # `a` and `b` leave, `a` and `d` come
    assert read(lake, known) == {"a": "Huế", "b": "Vinh", "c": "Vinh"}
    assert read(lake, now()) == copy(lake) == {"a": "Cần Thơ", "c": "Vinh", "d": "Huế"}
    with pytest.raises(VersionGone, match="was not kept from"):
        read(lake, unknown)
    left = {code: until for code, _, start, until in times(lake) if start <= known}
    assert left["a"] <= unknown
    assert left["b"] <= unknown
    assert left["c"] is None
    change(lake, c="Huế")
    change(lake, c="Đà Nẵng")
    remove_former_files(lake)
    assert extend_history(lake, TABLE, run_id="3") == 2
    assert read(lake, now()) == copy(lake)
    with pytest.raises(VersionGone, match="was not kept from"):
        read(lake, unknown)


def test_a_change_feed_that_is_there_and_broken_is_an_error_and_no_gap(lake):
    first(lake, a="Huế")
    extend_history(lake, TABLE, run_id="1")
    before = set(lake.table("registry/shop/customer").file_uris())
    change(lake, a="Vinh")
    feed = Path(lake.registry_table("shop", "customer")).glob("_change_data/*")
    for file in {*map(Path, before), *feed}:
        file.write_bytes(b"no Parquet")
    with pytest.raises(LakeError):
        extend_history(lake, TABLE, run_id="2")
    assert history_facts(lake, TABLE).changes == 1


def test_a_table_that_is_made_anew_goes_on_where_the_former_ended(lake):
    first(lake, a="Huế", b="Vinh")
    change(lake, a="Đà Nẵng")
    change(lake, a="Cần Thơ")
    extend_history(lake, TABLE, run_id="1")
    former, kept = now(), copy(lake)
    shutil.rmtree(lake.registry_table("shop", "customer"))
    first(lake, a="Huế")
    extend_history(lake, TABLE, run_id="2")
    assert read(lake, now()) == {"a": "Huế"}
    change(lake, a="Vinh")
    extend_history(lake, TABLE, run_id="3")
    assert read(lake, now()) == copy(lake) == {"a": "Vinh"}
    assert [(code, town) for code, town, _, until in times(lake) if until is None] == [("a", "Vinh")]
    with pytest.raises(VersionGone, match="was not kept from"):
        read(lake, former)
    assert kept == {"a": "Cần Thơ", "b": "Vinh"}


@pytest.mark.parametrize("change_of", ["type", "key"])
def test_another_type_or_key_begins_a_part_and_former_days_stay_as_they_were(lake, change_of):
    """A column that is new, one of another type, another key: each day is read as the copy that was kept outside."""

    def rows_at(at: datetime, table: Table = TABLE) -> list[dict[str, object]]:
        with lake.connect() as connection:
            history_at(lake, connection, "past", table, at)
            return connection.execute("FROM past ORDER BY ALL").to_arrow_table().to_pylist()

    def copy_of() -> list[dict[str, object]]:
        return lake.table(uri).to_pyarrow_table().sort_by("code").to_pylist()

    uri, kept = lake.registry_table("shop", "customer"), []
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=400)
    first(lake, a="7", b="8")
    date_commit(lake, 0, int(began.timestamp() * 1000))
    published = lake.table(uri)
    extend_history(lake, TABLE, run_id="1")
    kept += [(began, copy_of()), (began + timedelta(days=399), copy_of())]
    published.alter.add_columns([Field("phone", "string")], commit_properties=RUN)
    write_deltalake(uri, pa.table({"code": ["c"], "town": ["9"], "phone": ["1"]}), mode="append", commit_properties=RUN)
    extend_history(lake, TABLE, run_id="2")
    kept.append((datetime.fromtimestamp(lake.table(uri).history(1)[0]["timestamp"] / 1000, UTC), copy_of()))
    unknown = now()
    shutil.rmtree(uri)
    branch = Column("branch", "chi", "string", "VARCHAR", primary_key_position=2)
    table = replace(TABLE, columns=(*TABLE.columns, branch)) if change_of == "key" else TABLE
    towns = {"town": [7, 8]} if change_of == "type" else {"town": ["7", "8"], "branch": ["1", "2"]}
    again = pa.table({"code": ["a", "b" if change_of == "type" else "a"], **towns})
    write_deltalake(uri, again, configuration=FEED, commit_properties=RUN)
    assert extend_history(lake, table, run_id="3") == 2
    kept.append((now(), copy_of()))
    assert [rows_at(at, table) for at, _ in kept] == [rows for _, rows in kept]
    with pytest.raises(VersionGone, match="made anew"):
        rows_at(unknown, table)
    assert history_facts(lake, table).changes == 5
    former, _ = kept[1]
    assert expire_history(lake, table, before=began) == 0
    assert expire_history(lake, table, before=datetime.now(UTC)) == 3  # what the former table held has left
    assert rows_at(now(), table) == kept[-1][1]
    with pytest.raises(VersionGone):
        rows_at(former, table)


def test_an_empty_table_has_a_history_too(lake):
    first(lake)
    assert extend_history(lake, TABLE, run_id="1") == 0
    assert history_facts(lake, TABLE).changes == 0
    assert read(lake, now()) == {}


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
