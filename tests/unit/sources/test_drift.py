"""Drift: what is found between two shapes of a source, and what a policy makes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.model import DRIFT_FLAG, Column
from include.lake.storage.lake import Lake
from include.sources.access import SourceDrifted, SourceMissing
from include.sources.open_object import ReadRequest
from include.sources.source_schema.column_types import SourceType
from include.sources.source_schema.drift import find_drift
from tests.unit.sources.conftest import Drop
from tests.unit.sources.parts import KEY, UPDATED, VALUE, contract_by, landed, opened, rows

BEFORE = (("k", "INTEGER"), ("u", "TEXT"), ("v", "TEXT"))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a.sqlite"


def test_what_is_found() -> None:
    table = contract_by().tables[0]
    now = (("k", "BIGINT"), ("updated", "TEXT"), ("w", "DATE"))
    before = (("k", "INTEGER"), ("update", "TEXT"), ("v", "TEXT"))
    assert [str(drift) for drift in find_drift(table, before, now)] == [
        "type of 'k' widened: INTEGER became BIGINT",
        "column 'update' (TEXT) is gone, perhaps renamed to 'updated'",
        "column 'v' (TEXT) is gone",
        "new column 'updated' (TEXT)",
        "new column 'w' (DATE)",
    ]
    assert find_drift(table, None, now) == ()
    assert find_drift(table, before, tuple(reversed(before)), is_file=True) == (), "a file's order says nothing"


@pytest.mark.parametrize(
    ("was", "now", "change"),
    [
        ("VARCHAR(12)", "VARCHAR(20)", "widened"),
        ("VARCHAR(12)", "TEXT", "widened"),
        ("TEXT", "VARCHAR(12)", "narrowed"),
        ("SMALLINT", "BIGINT", "widened"),
        ("BIGINT", "INTEGER", "narrowed"),
        ("INTEGER", "NUMERIC(12, 2)", "widened"),
        ("NUMERIC(12, 2)", "NUMERIC(12, 4)", "changed"),
        ("NUMERIC(12, 2)", "NUMERIC(14, 4)", "widened"),
        ("NUMERIC(14, 4)", "NUMERIC(12, 2)", "narrowed"),
        ("NUMERIC(12, 2)", "NUMERIC", "widened"),
        ("DATE", "TIMESTAMP WITHOUT TIME ZONE", "widened"),
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "changed"),
        ("TIMESTAMP(0) WITHOUT TIME ZONE", "DATE", "narrowed"),
        ("INTEGER", "TEXT", "changed"),
        ("REAL", "DOUBLE PRECISION", "widened"),
        ("mood", "public.mood2", "changed"),
    ],
)
def test_what_a_change_of_type_means(was: str, now: str, change: str) -> None:
    assert SourceType.parse(was).change_to(SourceType.parse(now)) == change


@pytest.mark.parametrize(
    ("former", "landed_as", "fitting", "not_fitting"),
    [
        ("VARCHAR(3)", "VARCHAR", ["'abc'", "NULL", "''"], ["'abcd'"]),
        ("SMALLINT", "BIGINT", ["32767", "NULL"], ["32768"]),
        ("NUMERIC(5, 2)", "DECIMAL(9,4)", ["1.5", "999.99"], ["1.2345", "1000"]),
        ("INTEGER", "DOUBLE", ["1.0"], ["1.5", "'nan'::DOUBLE"]),
        ("INTEGER", "VARCHAR", ["'12'"], ["'abc'"]),
        ("DATE", "TIMESTAMP", ["'2026-01-01'::TIMESTAMP"], ["'2026-01-01 10:00'::TIMESTAMP"]),
        ("TEXT", "INTEGER", ["12"], []),
        ("mood", "INTEGER", ["12"], []),
    ],
)
def test_which_values_fit(former: str, landed_as: str, fitting: list[str], not_fitting: list[str]) -> None:
    test = SourceType.parse(former).fits("v", landed_as)
    for expected, values in ((True, fitting), (False, not_fitting)):
        for value in values:
            with duckdb.connect() as duck:
                found = duck.execute(f"SELECT {test} FROM (SELECT CAST({value} AS {landed_as}) AS v)").fetchone()
            assert found == (expected,), value


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE t ADD COLUMN w TEXT", r"new column 'w' \(TEXT\)"),
        ("ALTER TABLE t DROP COLUMN v", r"column 'v' \(TEXT\) is gone"),
        ("ALTER TABLE t RENAME COLUMN v TO v2", r"'v' \(TEXT\) is gone, perhaps renamed to 'v2'"),
        ("DROP TABLE t; CREATE TABLE t (k BIGINT, u TEXT, v TEXT)", "type of 'k' widened: INTEGER became BIGINT"),
        ("DROP TABLE t; CREATE TABLE t (k SMALLINT, u TEXT, v TEXT)", "type of 'k' narrowed: INTEGER became SMALLINT"),
    ],
)
def test_freeze_stops_and_says_what_to_do(
    file: sqlite3.Connection, uri: str, lake: Lake, change: str, told: str
) -> None:
    file.executescript(f"CREATE TABLE t (k INTEGER, u TEXT, v TEXT); {change}")
    with (
        pytest.raises(SourceDrifted, match=f"{told}.*raise its version.*evolve"),
        opened(contract_by(), uri, lake, before=BEFORE),
    ):
        pass


def test_without_a_before_only_what_the_contract_reads_must_be_there(
    file: sqlite3.Connection, uri: str, lake: Lake
) -> None:
    file.execute("CREATE TABLE t (k INTEGER, u TEXT, v TEXT, w TEXT)")
    with opened(contract_by(), uri, lake) as source:
        assert landed(source, lake).drift == ("not in the contract, landed but not published: w",)
    file.execute("ALTER TABLE t DROP COLUMN v")
    with pytest.raises(SourceMissing, match="no column 'v'"), opened(contract_by(drift="evolve"), uri, lake):
        pass


@pytest.mark.parametrize("policy", ["evolve", "discard_value", "discard_row"])
def test_a_column_that_is_gone_is_null_and_still_known(
    file: sqlite3.Connection, uri: str, lake: Lake, policy: str
) -> None:
    file.execute("CREATE TABLE t (k INTEGER, u TEXT)")
    file.execute("INSERT INTO t VALUES (1, '2026-01-01')")
    contract = contract_by(drift=policy)  # type: ignore[arg-type]
    before: tuple[tuple[str, ...], ...] = BEFORE
    for number in range(2):
        with opened(contract, uri, lake, before=before) as source:
            part = landed(source, lake, name=f"part{number}")
            before = source.extract(part, run_id="r1").source_columns
        assert rows(part, "k, u, v") == [("1", "2026-01-01", None)]
        assert "column 'v' (TEXT) is gone" in part.drift
        assert {column[:2] for column in before} == set(BEFORE)


@pytest.mark.parametrize("policy", ["evolve", "discard_value", "discard_row"])
@pytest.mark.parametrize("column", ["k", "u"])
def test_nothing_goes_on_without_key_or_cursor(
    file: sqlite3.Connection, uri: str, lake: Lake, policy: str, column: str
) -> None:
    file.execute(f"CREATE TABLE t (k INTEGER, u TEXT, v TEXT); ALTER TABLE t DROP COLUMN {column}".split(";")[0])
    file.execute(f"ALTER TABLE t DROP COLUMN {column}")
    keyed = Column("k", "k", "integer", "BIGINT", primary_key_position=1)
    contract = contract_by(keyed, UPDATED, VALUE, drift=policy)  # type: ignore[arg-type]
    with pytest.raises(SourceDrifted, match=f"made of {column}"), opened(contract, uri, lake, before=BEFORE):
        pass


def test_a_new_column_under_each_policy(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("CREATE TABLE t (k INTEGER, u TEXT, v TEXT, w TEXT)")
    file.execute("INSERT INTO t VALUES (1, '2026-01-01', 'x', NULL), (2, '2026-01-02', 'y', 'moi')")
    found = {}
    for policy in ("evolve", "discard_value", "discard_row"):
        with opened(contract_by(drift=policy), uri, lake, before=BEFORE) as source:  # type: ignore[arg-type]
            part = landed(source, lake, name=policy)
            known = source.extract(part, run_id="r1").source_columns
        found[policy] = ([name for name, _ in part.columns], [name for name, *_ in known])
    assert found == {
        "evolve": (["k", "u", "v", "w"], ["k", "u", "v", "w"]),
        "discard_value": (["k", "u", "v"], ["k", "u", "v"]),
        "discard_row": (["k", "u", "v", "w", DRIFT_FLAG], ["k", "u", "v"]),
    }
    assert rows(part, f"k, w, {DRIFT_FLAG}") == [("1", None, False), ("2", "moi", True)]


def test_the_flag_comes_with_some_rows_but_not_with_some_columns(
    file: sqlite3.Connection, uri: str, lake: Lake
) -> None:
    file.execute("CREATE TABLE t (k INTEGER, u TEXT, v TEXT, w TEXT)")
    file.execute("INSERT INTO t VALUES (1, '2026-01-01', 'x', NULL), (2, '2026-01-02', 'y', 'moi')")
    with opened(contract_by(drift="discard_row"), uri, lake, before=BEFORE) as source:
        late = landed(source, lake, ReadRequest(since=("2026-01-02",)), "late")
        keys = landed(source, lake, ReadRequest(columns=("k", "u")), "keys")
    assert rows(late, f"k, {DRIFT_FLAG}") == [("2", True)]
    assert [name for name, _ in keys.columns] == ["k", "u"]


def test_a_value_that_no_longer_fits(file: sqlite3.Connection, uri: str, lake: Lake) -> None:
    file.execute("CREATE TABLE t (k INTEGER, u TEXT, v VARCHAR(20))")
    file.execute("INSERT INTO t VALUES (1, '2026-01-01', 'abc'), (2, '2026-01-02', 'abcdef'), (3, NULL, NULL)")
    before = (("k", "INTEGER"), ("u", "TEXT"), ("v", "VARCHAR(3)"))
    with opened(contract_by(drift="discard_value"), uri, lake, before=before) as source:
        assert rows(landed(source, lake), "k, v") == [("1", "abc"), ("2", None), ("3", None)]
    with opened(contract_by(drift="discard_row"), uri, lake, before=before) as source:
        part = landed(source, lake)
        assert rows(part, f"k, v, {DRIFT_FLAG}") == [("1", "abc", False), ("2", "abcdef", True), ("3", None, False)]
        assert source.extract(part, run_id="r1").source_columns == (*before[:2], ("v", "VARCHAR(3)", "", "VARCHAR(20)"))
    with opened(contract_by(drift="evolve"), uri, lake, before=before) as source:
        assert rows(landed(source, lake), "k, v") == [("1", "abc"), ("2", "abcdef"), ("3", None)]


def test_a_drop_drifts_too(drop: Drop) -> None:
    drop.put("a.csv", "k,u,Bimat\n1,2026-01-01,\n2,2026-01-02,x\n")
    before = (("k", "VARCHAR"), ("u", "VARCHAR"), ("v", "VARCHAR"))
    uri = drop.folder.as_uri()
    with (
        pytest.raises(
            SourceDrifted, match="perhaps renamed to the one at position 3; new column at position 3"
        ) as told,
        opened(contract_by(source_name="a.csv"), uri, drop.lake, before=before),
    ):
        pass
    assert "Bimat" not in str(told.value)
    with opened(contract_by(source_name="a.csv", drift="discard_row"), uri, drop.lake, before=before) as source:
        assert rows(landed(source, drop.lake)) == [
            ("1", "2026-01-01", None, None, False),
            ("2", "2026-01-02", "x", None, True),
        ]


def test_of_a_file_only_the_names_that_the_contract_reads_are_told() -> None:
    table = contract_by().tables[0]
    before = (("k", "VARCHAR"), ("u", "VARCHAR"), ("old", "VARCHAR"))
    now = (("Bimat", "VARCHAR"), ("K", "VARCHAR"), ("v", "VARCHAR"), ("old", "VARCHAR"))
    assert [str(drift) for drift in find_drift(table, before, now, is_file=True)] == [
        "column 'k' (VARCHAR) is gone, perhaps renamed to 'K'",
        "column 'u' (VARCHAR) is gone",
        "new column at position 1 (VARCHAR)",
        "new column 'K' (VARCHAR)",
        "new column 'v' (VARCHAR)",
    ]


@pytest.mark.parametrize("policy", ["freeze", "evolve", "discard_value", "discard_row"])
def test_a_drop_that_lost_its_header_is_no_drift(drop: Drop, policy: str) -> None:
    """Even where neither a key nor a cursor would be lost."""
    drop.put("a.csv", "001053123456,2026-01-01,Bimat\n002053123457,2026-01-02,Bimat\n")
    before = (("k", "VARCHAR"), ("u", "VARCHAR"), ("v", "VARCHAR"))
    contract = contract_by(UPDATED, VALUE, source_name="a.csv", cursor=(), drift=policy)  # type: ignore[arg-type]
    with (
        pytest.raises(SourceMissing, match="the first line holds none of the contract's columns") as told,
        opened(contract, drop.folder.as_uri(), drop.lake, before=before),
    ):
        pass
    assert not any(value in str(told.value) for value in ("Bimat", "053", "2026"))


NAME, OTHER_NAME = "Nguyễn Văn An 001099012345", "Trần Thị Bích 002099054321"
DELIVERIES = {
    "a key of an object is gone": ("a.jsonl", f'{{"k":"1","v":"x","{NAME}":"1"}}', '{"k":"1","v":"x"}'),
    "a header is gone": ("a.csv", f"k,{NAME},v\n1,2,x", "k,v\n1,x"),
    "a header became another": ("a.csv", f"k,v,{NAME}\n1,x,2", f"k,v,{OTHER_NAME}\n1,x,2"),
    "a header became one in capitals": ("a.csv", f"k,v,{NAME}\n1,x,2", f"k,v,{NAME.upper()}\n1,x,2"),
}


@pytest.mark.parametrize("policy", ["freeze", "evolve", "discard_value", "discard_row"])
@pytest.mark.parametrize("case", DELIVERIES)
def test_a_name_of_a_drop_that_may_be_a_value_is_not_told_when_it_is_gone(drop: Drop, policy: str, case: str) -> None:
    """Names were hidden in the run that brought them and told by the one that missed them."""
    name, first, second = DELIVERIES[case]
    contract = contract_by(KEY, VALUE, source_name=name, cursor=(), drift=policy)  # type: ignore[arg-type]
    before: Sequence[Sequence[str]] | None = None
    told: list[str] = []
    for number, text in enumerate((first, second, second)):
        drop.put(name, f"{text}\n")
        try:
            with opened(contract, drop.folder.as_uri(), drop.lake, before=before) as source:
                part = landed(source, drop.lake, name=f"part{number}")
                before = source.extract(part, run_id="r1").source_columns
                told += part.drift
        except SourceDrifted as refused:
            told.append(str(refused))
    assert any(" of those known before (VARCHAR) is gone" in note for note in told)
    for value in ("Nguyễn", "NGUYỄN", "Bích", "0012345", "001099", "002099"):
        assert value not in " ".join(told)


def test_a_name_of_a_drop_that_may_be_a_value_is_not_told_when_its_type_changes(drop: Drop) -> None:
    contract = contract_by(KEY, VALUE, source_name="a.parquet", cursor=())
    before: tuple[tuple[str, ...], ...] | None = None
    for value in (1, "một"):
        pq.write_table(pa.table({"k": [1], NAME: [value], "v": ["x"]}), drop.folder / "a.parquet")
        if before is None:
            with opened(contract, drop.folder.as_uri(), drop.lake) as source:
                before = source.columns
    with (
        pytest.raises(SourceDrifted, match="type of the column at position 2 changed: BIGINT became VARCHAR") as told,
        opened(contract, drop.folder.as_uri(), drop.lake, before=before),
    ):
        pass
    assert NAME not in str(told.value)
