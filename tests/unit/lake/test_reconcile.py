"""The source's keys against the lake's. A table of the source goes in; what is gone and what strays comes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from include.contracts.model import ExtractPolicy, Rule
from include.lake.incremental.reconciliation import reconcile
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import column, contract_table, run

DAY = datetime(2026, 1, 1)
TABLE = replace(
    contract_table(column("k", key=1), column("v"), column("updated_at", "TIMESTAMP")),
    extract=ExtractPolicy(cursor=("updated_at",)),
)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def day(number: int | None) -> datetime | None:
    return None if number is None else DAY + timedelta(days=number - 1)


def compared(lake: Lake, source: list[tuple], *, table=TABLE) -> tuple[list, list]:
    """Source rows are (key, day), perhaps with a mark of the key as received; gives keys that are gone, and strays."""
    folder = lake.path("staging/reconcile")
    lake.make_folder(folder)
    uri = f"{folder}/keys.parquet"
    rows = [
        {"k": k, "updated_at": day(d), "_row": n, "_raw_key": (*raw, None)[0]} for n, (k, d, *raw) in enumerate(source)
    ]
    kinds = {"k": pa.string(), "updated_at": pa.timestamp("us"), "_row": pa.int64(), "_raw_key": pa.uint64()}
    schema = pa.schema(kinds.items())
    pq.write_table(pa.Table.from_pylist(rows, schema), uri)
    found = reconcile(lake, table, conformed_keys=uri, folder=folder)
    gone = pq.read_table(found.gone_uri).column("k").to_pylist()
    missed_changes = [source[n] for n in pq.read_table(found.missed_changes_uri).column("_row").to_pylist()]
    assert (found.gone, found.missed_changes) == (len(gone), len(missed_changes))
    return sorted(gone), sorted(missed_changes, key=repr)


def publish(lake: Lake, *rows: tuple) -> None:
    run(lake, TABLE, 1, [(k, "x", day(d)) for k, d in rows])


def reject(lake: Lake, *rows: tuple[str, str | None, str], run_id: str = "r1", rule: str = "v.required") -> None:
    """(`_key`, `_cursor`, `_life`) of rejected rows, and which rule they broke."""
    names = ("_key", "_cursor", "_life")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
    table = table.append_column("_run_id", pa.array([run_id] * len(rows)))
    table = table.append_column("_status", pa.array(["rejected"] * len(rows)))
    table = table.append_column("_reasons", pa.array([[{"rule_id": rule}]] * len(rows)))
    write_deltalake(lake.rejected_table("population", "citizen"), table, mode="append", partition_by=["_run_id"])


def test_a_table_that_was_never_published(lake):
    assert reconcile(lake, TABLE, conformed_keys="x", folder="y") is None


def test_nothing_to_find(lake):
    publish(lake, ("a", 1), ("b", 5))
    assert compared(lake, [("b", 5), ("a", 1)]) == ([], [])


def test_what_the_source_no_longer_has_is_gone(lake):
    publish(lake, ("a", 1), ("b", 5))
    assert compared(lake, [("a", 1)]) == (["b"], [])
    assert compared(lake, []) == (["a", "b"], [])


def test_new_rows_and_rows_without_a_cursor_stray(lake):
    publish(lake, ("a", 1))
    assert compared(lake, [("a", 7), ("new", 8), ("undated", None)]) == (
        [], [("a", 7), ("new", 8), ("undated", None)],
    )  # fmt: skip


def test_late_rows_and_rows_of_a_clock_that_ran_backwards_stray(lake):
    publish(lake, ("a", 5), ("b", 5))
    assert compared(lake, [("a", 3), ("b", 5), ("late", 2)]) == ([], [("a", 3), ("late", 2)])


def test_a_row_with_another_key_is_gone_and_strays(lake):
    publish(lake, ("a", 1), ("b", 5))
    assert compared(lake, [("A", 1), ("b", 5)]) == (["a"], [("A", 1)])


def test_an_open_rejected_row_is_known_and_a_closed_one_is_not(lake):
    publish(lake, ("a", 5))
    key, cursor = '{"k":"%s"}', '{"updated_at":"2026-01-0%d 00:00:00"}'
    reject(lake, (key % "bad", cursor % 3, "open"), (key % "old", cursor % 3, "withdrawn"))
    source = [("a", 5), ("bad", 3), ("old", 3)]
    assert compared(lake, source) == ([], [("old", 3)])
    assert compared(lake, [("a", 5), ("bad", 4)]) == ([], [("bad", 4)]), "it was corrected, under an old date"


def test_rows_whose_key_cannot_be_read_are_known_by_their_cursor(lake):
    publish(lake, ("a", 5))
    reject(lake, (None, '{"updated_at":"2026-01-03 00:00:00"}', "open"))
    assert compared(lake, [("a", 5), (None, 3), (None, 4)]) == ([], [(None, 4)])


def test_rows_that_a_run_rejected_and_never_committed_are_not_known(lake):
    publish(lake, ("a", 5))
    reject(lake, ('{"k":"bad"}', '{"updated_at":"2026-01-03 00:00:00"}', "open"), run_id="killed")
    assert compared(lake, [("a", 5), ("bad", 3)]) == ([], [("bad", 3)])


def test_older_versions_of_a_known_row_do_not_stray(lake):
    publish(lake, ("a", 5))
    reject(lake, ('{"k":"bad"}', '{"updated_at":"2026-01-04 00:00:00"}', "open"), rule="v.unique")
    source = [("a", 5), ("a", 2), ("bad", 4), ("bad", 3)]
    unique = Rule("v.unique", "citizen", ("v",), "unique", "set", "error", "uniqueness", "", "")
    clashing = replace(TABLE, rules=(unique,))
    assert compared(lake, source, table=clashing) == ([], [])
    assert compared(lake, source) == ([], [("bad", 3)]), "a row that breaks a rule by itself supersedes none"
    assert compared(lake, [("a", 2), ("a", 3)]) == (["bad"], [("a", 2), ("a", 3)]), "the published version is not there"


def test_rejected_rows_of_an_earlier_layout_tell_nothing(lake):
    publish(lake, ("a", 5))
    rows = pa.table({"_key": ['{"k":"bad"}'], "_run_id": ["r1"]})
    write_deltalake(lake.rejected_table("population", "citizen"), rows, partition_by=["_run_id"])
    assert compared(lake, [("a", 5), ("bad", 3)]) == ([], [("bad", 3)])


def test_a_composite_cursor_and_a_table_without_one(lake):
    publish(lake, ("a", 5), ("b", 5))
    both = replace(TABLE, extract=ExtractPolicy(cursor=("updated_at", "k")))
    assert compared(lake, [("a", 5), ("aa", 5), ("c", 5)], table=both) == (["b"], [("aa", 5), ("c", 5)])
    none = replace(TABLE, extract=ExtractPolicy())
    assert compared(lake, [("a", 9), ("c", 5)], table=none) == (["b"], [("c", 5)])


def test_with_a_stray_go_the_rows_whose_keys_are_published_as_its_own(lake):
    """Only so is the clash seen; a version of the same key as received goes without."""
    publish(lake, ("a", 1), ("b", 1))
    assert compared(lake, [("a", 1, 7), ("a", 2), ("b", 1)]) == ([], [("a", 1, 7), ("a", 2)])
    assert compared(lake, [("a", 1, 7), ("a", 2, 7), ("b", 1)]) == ([], [("a", 2, 7)])
    assert compared(lake, [("a", 1, 7), ("b", 1)]) == ([], [])


def test_a_row_without_a_key_that_came_beside_one_of_its_day_is_read(lake):
    publish(lake, ("a", 1))
    reject(lake, (None, '{"updated_at":"2026-01-01 00:00:00"}', "open"))
    assert compared(lake, [("a", 1), (None, 1)]) == ([], [])
    assert compared(lake, [("a", 1), (None, 1), (None, 1)]) == ([None], [(None, 1), (None, 1)])
