"""A published table, its change feed and its log are the same whether this machine or workers compare and write."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from benchmarks.executors import executors
from include.cluster import part_sizes
from include.cluster.spark_session import Spark, session
from include.cluster.worker_engine import Part, WorkerEngine, WorkerFault
from include.contracts.model import ExtractPolicy, Table
from include.lake.publishing import publication
from include.lake.publishing.publication import PublishedCommit, publish
from include.lake.storage.errors import LakeKeyBroken
from include.lake.storage.lake import Lake
from include.lake.upsert import suspects, workers
from include.lake.upsert.change_set import Mode, preview
from tests.unit.lake.staging import START, column, contract_table, gone_keys, stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.usefixtures("master", "one_session"),
    pytest.mark.filterwarnings("ignore"),
]

# Texts of two columns that are equal when laid together; numbers and instants that are hard to tell apart.
PAYMENT = contract_table(
    column("office", key=1), column("number", "BIGINT", key=2), column("payer"), column("note"),
    column("amount", "DECIMAL(18,2)"), column("share", "DOUBLE"), column("paid_on", "DATE"),
    column("seen_at", "TIMESTAMP"), column("is_paid", "BOOLEAN"), column("updated_at", "TIMESTAMPTZ"), name="payment",
)  # fmt: skip
RECONCILED = replace(PAYMENT, extract=ExtractPolicy(cursor=("updated_at",), deletes="reconcile"))
SOFT = replace(PAYMENT, extract=ExtractPolicy(cursor=("updated_at",), deletes="none", deleted_when="note = 'gone'"))
KEYLESS = replace(PAYMENT, columns=tuple(replace(c, primary_key_position=None) for c in PAYMENT.columns))
VALUES: dict[str, list[Any]] = {
    "payer": ["", "1", "1:1", "An", "A\0n", "Nguyễn", None],
    "note": ["", "1", "11", ":", "gone", None],
    "amount": [Decimal("0.10"), Decimal("1.00"), Decimal("1234567890123456.78"), None],
    "share": [0.1, 0.1 + 1e-17, 0.30000000000000004, 0.3, -0.0, 0.0, float("inf"), float("nan"), None],
    "paid_on": [date(2026, 1, 2), date(1, 1, 1), None],
    "seen_at": [datetime(2026, 1, 1, 0, 0, 0, us) for us in (0, 999_999)],
    "is_paid": [True, False, None],
    "updated_at": [datetime(2026, 1, 1, 0, 0, 0, us, UTC) for us in (0, 1, 2)],
}


def row(draw: random.Random, number: int) -> list[Any]:
    return [f"P{number % 3}", number, *(draw.choice(values) for values in VALUES.values())]


@dataclass
class Day:
    """What a run has read and judged."""

    rows: list[list[Any]]
    mode: Mode = "full"
    gone: list[tuple[Any, ...]] | None = None
    outcomes: dict[str, set[int]] = field(default_factory=dict)


def next_day(draw: random.Random, before: list[list[Any]], mode: Mode) -> Day:
    """Most rows stay as they were; others change in one value, go, come, are rejected, superseded or warned of."""
    rows = []
    for kept in before:
        fate = draw.random()
        if fate < 0.1:
            at = draw.randrange(2, len(kept))
            rows.append([*kept[:at], draw.choice(list(VALUES.values())[at - 2]), *kept[at + 1 :]])
        elif fate < 0.15:
            rows.append([*kept[:3], "gone", *kept[4:]])
        elif fate < 0.9:
            rows.append(list(kept))
    free = 1 + max(each[1] for each in before)
    rows += [row(draw, number) for number in range(free, free + 30)]
    rows += [list(each) for each in draw.sample(rows, 10)]
    draw.shuffle(rows)
    at_key: dict[tuple[Any, ...], int] = {}
    doubles = {n for n, each in enumerate(rows) if at_key.setdefault(tuple(each[:2]), n) != n}
    left = [n for n in range(len(rows)) if n not in doubles]
    outcomes = {"superseded": doubles, "rejected": set(draw.sample(left, 15)), "warned": set()}
    outcomes["warned"] = set(draw.sample([n for n in left if n not in outcomes["rejected"]], 20))
    gone = [tuple(each[:2]) for each in draw.sample(before, 12)] if mode == "incremental" else None
    return Day(rows, mode, gone, outcomes)


@dataclass
class Pair:
    """Two lakes with the same runs: one published by this machine, one by workers."""

    table: Table
    ours: Lake
    theirs: Lake
    spark: Spark
    runs: int = 0

    def publish(self, day: Day) -> PublishedCommit:
        """Both compare, with the same difference, and publish, with the same commit."""
        self.runs += 1
        found = []
        for lake in (self.ours, self.theirs):
            run_id, spark = f"r{self.runs}", self.spark if lake is self.theirs else None
            staged = stage(lake, self.table, run_id, day.rows, **day.outcomes)
            gone = gone_keys(lake, self.table, run_id, day.gone) if day.gone is not None else None
            how: dict[str, Any] = {"staged": staged, "mode": day.mode, "gone": gone, "spark": spark}
            changes = preview(lake, self.table, **how)
            rows = difference(changes.uri, lake) if changes.uri else []
            at = START + timedelta(days=self.runs)
            commit = publish(lake, self.table, run_id=run_id, at=at, metadata={"contract_version": "1.0.0"}, **how)
            found.append((replace(changes, uri=""), rows, commit))
        assert found[1] == found[0]
        assert published(self.theirs, self.table) == published(self.ours, self.table)
        assert len(published(self.theirs, self.table)["rows"]) == found[1][-1].live_rows
        assert not list(Path(self.theirs.uri).rglob("spark-*")), "no row stays behind"
        return found[1][-1]


def difference(uri: str, lake: Lake) -> list[str]:
    """The rows of a change set; where rows lie in a lake is not compared."""
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        rows = db.execute(f"SELECT * EXCLUDE (_file, _place) FROM read_parquet('{uri}')").fetchall()
    return sorted(repr(each).replace("-0.0", "0.0") for each in rows)


def published(lake: Lake, table: Table) -> dict[str, Any]:
    delta = DeltaTable(lake.registry_table(table.registry, table.name))
    said = [{k: v for k, v in entry.items() if k.startswith("lienthong")} for entry in delta.history()]
    return {
        "rows": lines(delta.to_pyarrow_table()),
        "feed": lines(pa.table(delta.load_cdf(starting_version=0).read_all()).drop_columns(["_commit_timestamp"])),
        "commits": said,
        "settings": (delta.metadata().configuration, delta.schema().to_json()),
    }


def lines(table: pa.Table) -> list[str]:
    """Rows as text. A zero has no sign: it is equal with and without, and a patched file keeps the one it had."""
    return sorted(repr(each).replace("-0.0", "0.0") for each in table.to_pylist())


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_sizes, "FEWEST_ROWS", 100)
    monkeypatch.setattr(workers, "FILE_BYTES", 2_000)
    monkeypatch.setattr(suspects, "_MOST_SUSPECTS", 2)


@pytest.fixture
def spread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What workers were asked for."""
    asked: list[str] = []
    for module in (publication.upsert.delta_merge, suspects):
        given = module.workers
        monkeypatch.setattr(module, "workers", lambda *a, given=given, **k: asked.append(k["doing"]) or given(*a, **k))
    return asked


def pair(master: str, folder: Path, table: Table) -> Pair:
    ours, theirs = (Lake(str(folder / name), scratch=folder / "tmp") for name in ("ours", "theirs"))
    return Pair(table, ours, theirs, Spark(master))


@pytest.mark.parametrize(
    ("table", "merge_rows"), [(RECONCILED, 0), (SOFT, 400_000)], ids=["reconciled-moved", "deleted-when-merged"]
)
def test_days_of_every_mode(
    master: str, table: Table, merge_rows: int, spread: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "MERGE_ROWS", merge_rows)
    draw, lakes = random.Random(merge_rows), pair(master, tmp_path, table)
    rows = [row(draw, number) for number in range(400)]
    first = lakes.publish(Day(rows, outcomes={"rejected": {3, 5}, "warned": {7}}))
    assert first.inserted > 300
    assert spread == ["writing files of population.payment"]
    for mode in ("full", "incremental", "backfill", "replay", "full"):
        spread.clear()
        day = next_day(draw, rows, mode)
        commit = lakes.publish(day)
        assert min(commit.inserted, commit.updated) > 0, mode
        names_deleted = mode == "incremental" or table.extract.deleted_when
        assert bool(commit.deleted) == bool(names_deleted or mode == "full"), mode
        assert commit.retained > 0, mode
        assert spread == ["comparing the rows of population.payment"], mode
        rows = [each for n, each in enumerate(day.rows) if n not in day.outcomes["superseded"]]
    same = lakes.publish(day)
    assert (same.inserted, same.updated, same.deleted) == (0, 0, 0)


def test_a_table_without_a_key_is_replaced_as_a_whole(master: str, spread: list[str], tmp_path: Path) -> None:
    draw, lakes = random.Random(7), pair(master, tmp_path, KEYLESS)
    rows = [row(draw, number) for number in range(300)]
    for day in (Day(rows, outcomes={"rejected": {1}}), Day(rows[:200] + rows[:150], outcomes={"warned": {2}})):
        assert lakes.publish(day).inserted == len(day.rows) - len(day.outcomes.get("rejected", ()))
    lakes.publish(Day(rows[:120], "replay"))
    assert spread == ["writing files of population.payment"] * 3


def test_files_of_workers_have_the_statistics_of_ours(master: str, spread: list[str], tmp_path: Path) -> None:
    """So that readers skip the same files."""
    plain = replace(PAYMENT, columns=tuple(c for c in PAYMENT.columns if c.name in ("office", "number", "updated_at")))
    lakes = pair(master, tmp_path, plain)
    rows = [[f"P{n % 3}", n, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n)] for n in range(1_000)]
    lakes.publish(Day(rows))
    assert spread
    merged = []
    for lake in (lakes.ours, lakes.theirs):
        delta = DeltaTable(lake.registry_table(plain.registry, plain.name))
        stats = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
        assert len(stats) > 1 or lake is lakes.ours
        assert all(one["min.number"] <= one["max.number"] and one["null_count.office"] == 0 for one in stats)
        merged.append((
            sum(one["num_records"] for one in stats),
            min(one["min.number"] for one in stats), max(one["max.number"] for one in stats),
            min(one["min.updated_at"] for one in stats), max(one["max.updated_at"] for one in stats),
        ))  # fmt: skip
    assert merged[0] == merged[1] == (1_000, 0, 999, rows[0][2], rows[-1][2])


def test_an_executor_that_is_killed_while_files_are_written_publishes_nothing_twice(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "FILE_BYTES", 1_000)
    draw, lakes = random.Random(8), pair(master, tmp_path, RECONCILED)
    table = Path(lakes.theirs.registry_table(RECONCILED.registry, RECONCILED.name))
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        """As soon as one file is written, while others are under way."""
        while not killed and not over.wait(0.005):
            if list(table.glob("part-*")):
                for victim in executors()[:1]:
                    victim.kill()
                    killed.append(victim.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    lakes.publish(Day([row(draw, number) for number in range(1_500)]))
    over.set()
    killer.join()
    assert killed


@pytest.mark.parametrize("bad", [["P1", None], ["P1", 1]], ids=["missing", "repeated"])
def test_a_broken_key_is_found_among_all_rows(master: str, bad: list[Any], tmp_path: Path) -> None:
    draw, lakes = random.Random(9), pair(master, tmp_path, RECONCILED)
    rows = [row(draw, number) for number in range(200)]
    lakes.publish(Day(rows))
    said = []
    for lake, spark in ((lakes.ours, None), (lakes.theirs, lakes.spark)):
        staged = stage(lake, RECONCILED, "r2", [*rows, [*bad, *rows[1][2:]]])
        with pytest.raises(LakeKeyBroken) as told:
            preview(lake, RECONCILED, staged, spark=spark)
        said.append(str(told.value))
    assert said[0] == said[1]


def test_this_machine_writes_where_workers_may_not_see_the_lake(master: str, spread: list[str], tmp_path: Path) -> None:
    """Rows are handed over in SPARK_FOLDER, and the workers see nothing of the lake but what they read."""
    draw, lakes = random.Random(10), pair(master, tmp_path, RECONCILED)
    lakes.spark = Spark(master, tmp_path / "shared")
    rows = [row(draw, number) for number in range(200)]
    lakes.publish(Day(rows))
    assert not spread
    lakes.publish(Day(rows[5:]))
    assert spread == ["comparing the rows of population.payment"]
    assert list((tmp_path / "shared").iterdir()) == []


def test_where_most_rows_differ_this_machine_compares_all(
    master: str, spread: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "_MOST_SUSPECTS", 0.25)
    picked: list[str] = []
    given = suspects.join_files
    monkeypatch.setattr(suspects, "join_files", lambda *a: picked.append(a[2]) or given(*a))
    draw, lakes = random.Random(11), pair(master, tmp_path, RECONCILED)
    rows = [row(draw, number) for number in range(200)]
    lakes.publish(Day(rows))
    rows = [[*each[:3], "other", *each[4:]] for each in rows]
    assert lakes.publish(Day(rows)).updated == 200
    assert not picked
    assert lakes.publish(Day(rows[5:])).deleted == 5
    assert picked


@pytest.mark.parametrize(
    ("query", "kind"),
    [("SELECT CAST('Trần Bình' AS INTEGER)", "ConversionException"), ("FROM nowhere", "CatalogException")],
)
def test_of_what_a_workers_engine_says_its_kind_alone_leaves_the_worker(
    master: str, query: str, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with session(Spark(master), doing="trying") as begun:
        engine = WorkerEngine(tmp_path)
        with pytest.raises(WorkerFault) as told:
            engine.groups(begun, [Part(query)], columns="a int", by=["a"], sums=["count(*) AS n"], where="n > 0")
        assert told.value.kind == kind
        with pytest.raises(WorkerFault) as told:
            engine.copy(begun, [Part(query)], options="FORMAT parquet")
        assert told.value.kind == kind
    assert "Trần Bình" not in "".join(capfd.readouterr())
    for log in Path(executors()[0].cwd()).rglob("std*"):
        assert "Trần Bình" not in log.read_text(encoding="utf-8", errors="replace")
