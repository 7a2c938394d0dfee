"""Open rejected rows become an extract again: what was received, with its types, without what is out of date."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.model import ExtractPolicy
from include.lake.rejected.append import append_rejected
from include.lake.rejected.replay_source import gather_open, origin_uri
from include.lake.storage.errors import LakeOutdated
from include.lake.storage.lake import Lake
from tests.unit.lake.rejecting import append, close, commit, lives, sync
from tests.unit.lake.staging import FAULTS, PERSON, START, column, contract_table, stage

AN, BINH, CHI = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)
DATED = replace(
    contract_table(column("id", key=1), column("v"), column("seen_at", "TIMESTAMPTZ"), name="dated"),
    extract=ExtractPolicy(cursor=("seen_at",)),
)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def gather(lake: Lake, table=PERSON, *, rule_id: str | None = None, definition_digest: str = ""):
    uri = f"{lake.landing_path(table.registry, table.name, 'again')}/extract.parquet"
    found = gather_open(
        lake, table, run_id="again", extract_uri=uri, definition_digest=definition_digest, rule_id=rule_id
    )
    return found, pq.read_table(uri) if found.columns else None


def origin(lake: Lake, table=PERSON) -> list[tuple[str, int, int | None]]:
    rows = pq.read_table(origin_uri(lake, table, "again")).to_pylist()
    return sorted((r["_of_run"], r["_of_row"], r["_row"]) for r in rows)


def test_the_rows_come_back_in_the_order_in_which_they_were_rejected(lake):
    sync(lake, PERSON, 1, [BINH, AN, CHI], rejected=[0, 2])
    sync(lake, PERSON, 2, [AN], mode="incremental", rejected=[0])
    found, rows = gather(lake)
    assert (found.rows, found.stale) == (3, 0)
    assert found.columns == (("personal_id", "VARCHAR"), ("full_name", "VARCHAR"), ("age", "BIGINT"))
    assert [tuple(row.values()) for row in rows.to_pylist()] == [BINH, CHI, AN]
    assert origin(lake) == [("r1", 0, 0), ("r1", 2, 1), ("r2", 0, 2)]


def test_what_was_received_in_several_types_comes_back_as_text(lake):
    """One type that takes them all would change some: a double has no place for the digits of a decimal."""
    exact, local = Decimal("12345678901234567.89"), dt.datetime(2026, 1, 2, 3)
    for number, amount, seen in (
        (1, pa.array([exact], pa.decimal128(30, 2)), pa.array([local], pa.timestamp("us"))),
        (2, pa.array([0.1]), pa.array([local.replace(tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))),
    ):
        extract = pa.table({"personal_id": [str(number)], "amount": amount, "seen": seen})
        append(lake, PERSON, number, [(str(number), "x", 1)], rejected=[0], mode="incremental", extract=extract)
        commit(lake, PERSON, number, stage(lake, PERSON, f"r{number}", []), mode="incremental")
    _, rows = gather(lake)
    assert sorted(row["amount"] for row in rows.to_pylist()) == ["0.1", "12345678901234567.89"]
    assert sorted(row["seen"] for row in rows.to_pylist()) == ["2026-01-02 03:00:00", "2026-01-02 03:00:00+00"]


def test_every_type_comes_back_as_it_was_received(lake):
    extract = pa.table(
        {
            "personal_id": ["a"],
            "blob": pa.array([b"\x00\xff"]),
            "amount": pa.array([Decimal("-1.50")], pa.decimal128(38, 2)),
            "day": pa.array([dt.date(2026, 1, 2)]),
            "at": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5, 678901)], pa.timestamp("us")),
            "instant": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5)], pa.timestamp("us", tz="UTC")),
            "clock": pa.array([dt.time(3, 4, 5, 6)], pa.time64("us")),
            "ratio": pa.array([0.1 + 0.2]),
            "small": pa.array([1.1], pa.float32()),
            "is_it": pa.array([True]),
            "many": pa.array([["a, 'b'", None, 'c"]']], pa.list_(pa.string())),
            "deep": pa.array([{"x": 1, "Họ tên": " An, 'B' "}]),
            "text": ["  NULL "],
            "nothing": pa.array([None], pa.int32()),
            "_key": ["mine"],
        }
    )
    sync(lake, PERSON, 1, [AN], rejected=[0], extract=extract)
    _, rows = gather(lake)
    assert rows.to_pylist() == extract.to_pylist()
    types = [[str(t).replace("element", "item") for t in table.schema.types] for table in (rows, extract)]
    assert types[0] == types[1]


def test_rows_of_runs_with_other_columns_come_together_by_name(lake):
    first = pa.table({"personal_id": ["a"], "age": pa.array([1], pa.int32()), "old": ["x"]})
    second = pa.table({"Personal_ID": ["b"], "age": pa.array(["two"]), "new": pa.array([b"\x01"])})
    sync(lake, PERSON, 1, [AN], rejected=[0], extract=first)
    sync(lake, PERSON, 2, [BINH], rejected=[0], mode="incremental", extract=second)
    _, rows = gather(lake)
    assert rows.to_pylist() == [
        {"personal_id": "a", "age": "1", "old": "x", "new": None},
        {"personal_id": "b", "age": "two", "old": None, "new": b"\x01"},
    ]


def test_only_the_rows_of_one_rule(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    assert gather(lake, rule_id="population.citizen.age.required")[0].rows == 1
    assert gather(lake, rule_id="population.citizen.other") == (gather(lake, rule_id="x")[0], None)


def test_a_row_is_stale_when_a_newer_version_is_published(lake):
    sync(lake, DATED, 1, [("a", "1", "2026-01-01"), ("b", "1", "2026-01-05"), ("c", "1", None)], rejected=[0, 1, 2])
    late = append(lake, DATED, 2, [("a", "2", "2026-01-02"), ("b", "0", "2026-01-04"), ("c", "2", None)])
    commit(lake, DATED, 2, late)  # killed before it closed, and its staged files are gone
    found, rows = gather(lake, DATED)
    assert (found.rows, found.stale) == (1, 2)
    assert rows["id"].to_pylist() == ["b"]
    assert origin(lake, DATED) == [("r1", 0, None), ("r1", 1, 0), ("r1", 2, None)]


def test_without_a_cursor_the_later_run_counts(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0, 1])
    late = append(lake, PERSON, 2, [AN])
    commit(lake, PERSON, 2, late)
    assert gather(lake)[0].stale == 1
    assert origin(lake) == [("r1", 0, None), ("r1", 1, 0)]


def test_of_two_open_versions_the_newer_one_is_judged(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    late = append(lake, PERSON, 2, [AN, AN], mode="incremental", rejected=[0, 1])
    commit(lake, PERSON, 2, late, mode="incremental")
    assert (gather(lake)[0].rows, origin(lake)) == (2, [("r1", 0, None), ("r2", 0, 0), ("r2", 1, 1)])


def test_what_drifted_stays_marked_until_the_contract_says_otherwise(lake):
    table = replace(PERSON, extract=ExtractPolicy(drift="discard_row"))
    extract = pa.table({"personal_id": ["a"], "_lienthong_drift": [True]})
    staged = append(lake, table, 1, [AN], rejected=[0], extract=extract, table_digest="old")
    commit(lake, table, 1, staged)
    assert gather(lake, table, definition_digest="old")[1].column_names == ["personal_id", "_lienthong_drift"]
    assert gather(lake, table, definition_digest="new")[1].column_names == ["personal_id"]
    assert gather(lake, PERSON, definition_digest="old")[1].column_names == ["personal_id"]


def test_a_replay_closes_what_it_settled(lake):
    sync(lake, PERSON, 1, [AN, BINH, CHI, ("d", "Dũng", 4)], rejected=[0, 1, 2])
    late = append(lake, PERSON, 2, [CHI], mode="incremental")
    commit(lake, PERSON, 2, late, mode="incremental")
    lake.delete_tree(lake.staging_path("population", "citizen", "r2"))
    gather(lake)
    replayed = stage(lake, PERSON, "again", [AN, BINH], rejected=[1])
    reason = {"rule_id": "population.citizen.other", "column": "age", "message": "other"}
    faults = pa.Table.from_pylist([{"_row": 1, "_outcome": "rejected", "_reasons": [reason]}], FAULTS)
    pq.write_table(faults, replayed.faults)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.unit.lake.rejecting.run_name", lambda n: "again")
        commit(lake, PERSON, 3, replayed, mode="replay")
        for _ in range(2):
            assert close(lake, PERSON, 3, replayed, mode="replay") == {"replayed": 1, "superseded": 1}
    assert lives(lake, PERSON) == [
        ("r1", 0, "replayed", "again"),
        ("r1", 1, "open", None),
        ("r1", 2, "superseded", "again"),
    ]
    assert gather(lake, rule_id="population.citizen.other")[0].rows == 1


def test_nothing_is_open(lake):
    assert gather(lake)[0].rows == 0
    sync(lake, PERSON, 1, [AN])
    assert gather(lake)[0].rows == 0


def test_a_replay_of_rows_that_came_again_meanwhile_is_refused(lake):
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    gather(lake)
    again = stage(lake, PERSON, "again", [AN])
    keep = {"run_id": "again", "at": START, "staged": again, "extract_uri": again.extract, "mode": "replay"}
    assert append_rejected(lake, PERSON, **keep) == 0
    sync(lake, PERSON, 2, [("a", "An, newer", 1), BINH])
    with pytest.raises(LakeOutdated, match="replay again"):
        append_rejected(lake, PERSON, **keep)
