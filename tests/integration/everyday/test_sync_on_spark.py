"""A whole sync with `ENGINE=spark`: what two workers make of registries is what DuckDB makes, full and day by day."""

from __future__ import annotations

import dataclasses
import json
import random
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from benchmarks.executors import executors
from include.audit.verification import verify
from include.cli import app
from include.cluster import part_sizes
from include.cluster.spark_session import ClusterUnreachable, _Shared
from include.lake.storage.lake import Lake
from include.lake.upsert import delta_merge, suspects, workers
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.conftest import SyncedCountry
from tests.integration.everyday import test_killed_syncs as killed_syncs
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.integration.everyday.sync_worker import sync
from tests.integration.everyday.test_killed_syncs import kill_until_done, two_days
from tests.integration.lake.weed import S3
from tests.repeats import repeats

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.usefixtures("master", "one_session"),
    pytest.mark.filterwarnings("ignore"),
]

# What tells one run from another that did the same: when, how long, by which engine, and digests over these.
APART = frozenset({
    "started_at", "seconds", "engine", "snapshot_at", "at", "bound", "recorded", "ledger_head", "timestamp",
    "_commit_timestamp", "_rejected_at", "_closed_at", "_since", "bytes",
})  # fmt: skip
ENGINE = "spark: ENGINE asks for it"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_sizes, "FEWEST_ROWS", 100)
    monkeypatch.setattr(workers, "FILE_BYTES", 4_000)


def on_spark(context: PipelineContext, master: str, lake: Path) -> PipelineContext:
    """The same sources and contracts, with the engine of the cluster and a lake of its own."""
    environ = {**context.environ, "LAKE_URI": str(lake), "ENGINE": "spark", "SPARK_MASTER": master}
    return dataclasses.replace(context, lake=Lake.from_environment(environ), environ=environ)


def rows(table: pa.Table, *, without: frozenset[str] = APART) -> list[str]:
    kept = table.drop_columns([name for name in table.column_names if name in without])
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in kept.to_pylist())


def everything(lake: Lake, registry: str) -> dict[str, Any]:
    """Published rows, change feeds, commit metadata, rejected rows and the run log of a registry."""
    found: dict[str, Any] = {}
    for zone in ("registry", "rejected"):
        for uri in (uri for uri in lake.list(lake.path(zone, registry)) if not uri.endswith(".yaml")):
            table, name = lake.table(uri), uri.removeprefix(lake.uri)
            found[name] = rows(table.to_pyarrow_table())
            if zone == "registry":
                found[f"{name} changes"] = rows(pa.table(table.load_cdf(starting_version=0).read_all()))
                said = [{k: v for k, v in entry.items() if k.startswith("lienthong")} for entry in table.history()]
                found[f"{name} commits"] = [
                    {k: v for k, v in entry.items() if k.rpartition(".")[2] not in APART} for entry in said
                ]
    for name in ("runs", "checks", "table_checks"):
        log = lake.table(lake.audit_table(name)).to_pyarrow_table()
        found[name] = rows(log.filter(pa.compute.equal(log["registry"], registry)), without=APART | {"table_id"})
    return found


def engines(lake: Lake) -> set[str | None]:
    log = lake.table(lake.audit_table("runs")).to_pyarrow_table()
    return {row["engine"] for row in log.to_pylist() if row["verdict"] in ("published", "held")}


@pytest.mark.parametrize("registry", ["population", "land", "insurance", "finance"])
def test_a_registry_of_the_country_is_the_same_by_both_engines(
    master: str, country: SyncedCountry, registry: str, tmp_path: Path
) -> None:
    """Four sources: PostgreSQL, MariaDB or SQLite, and dropped files; those with a gate are held by both."""
    run_id, approval = "20260401T000000Z-00000000", Approval("Lê Thu", "the first load")
    spark = on_spark(country.context, master, tmp_path / "spark")
    ours = dataclasses.replace(
        spark,
        lake=dataclasses.replace(spark.lake, uri=str(tmp_path / "duckdb")),
        environ={**spark.environ, "ENGINE": ""},
    )
    results = []
    for context in (ours, spark):
        done = sync_registry(registry, run_id=run_id, context=context)
        if done.verdict == "held":
            done = sync_registry(registry, run_id=run_id, context=context, approval=approval)
        results.append(done)
    assert {result.verdict for result in results[1].tables} == {"published"}, results[1]
    assert engines(spark.lake) == {ENGINE}
    assert engines(ours.lake) == {"duckdb: ENGINE does not ask for another"}
    theirs, expected = everything(spark.lake, registry), everything(ours.lake, registry)
    assert theirs.keys() == expected.keys()
    for name in expected:
        assert theirs[name] == expected[name], name
    assert any(name.startswith("/rejected") for name in expected)


def test_a_great_table_goes_to_the_cluster_and_the_small_ones_beside_it_do_not(
    master: str, country: SyncedCountry, tmp_path: Path
) -> None:
    spark = on_spark(country.context, master, tmp_path / "spark")
    least = max(table["extracted"] for table in country.runs["population"]["tables"])
    spark = dataclasses.replace(spark, environ={**spark.environ, "ENGINE": "auto", "SPARK_FROM_ROWS": str(least)})
    done = sync_registry("population", run_id="20260401T000000Z-00000000", context=spark)
    judged_by = {table.table: (table.extracted, table.to_dict()["engine"]) for table in done.tables}
    assert {engine for _, engine in judged_by.values()} == {
        f"spark: at least {least:,} rows were read", f"duckdb: fewer than {least:,} rows were read (SPARK_FROM_ROWS)",
    }  # fmt: skip
    for rows, engine in judged_by.values():
        assert engine.startswith("spark") is (rows >= least)


def test_days_of_changes_are_the_same_by_both_engines(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for module in (delta_merge, suspects):
        monkeypatch.setattr(
            module, "workers", lambda *a, doing, **k: asked.append(doing) or workers.workers(*a, doing=doing, **k)
        )
    source = PaymentSource(f"sqlite:///{tmp_path}/payments.db", seed=5, rows=400)
    ours = context_of(tmp_path, source.uri)
    spark = on_spark(ours, master, tmp_path / "spark")
    modes = set()
    for day in range(1, 6):
        for context in (ours, spark):
            run_id = f"2026030{day}T000000Z-00000000"
            (result,) = sync_registry("payments", run_id=run_id, is_full=day == 5, context=context).tables
            assert result.verdict in ("published", "unchanged"), result
        modes.add(result.mode)
        source.live_day()
    assert {"full", "incremental"} <= modes
    assert (asked[0], asked[-1]) == ("writing files of payments.payment", "comparing the rows of payments.payment")
    assert everything(spark.lake, "payments") == everything(ours.lake, "payments")


def test_days_on_s3_are_the_same_by_both_engines(master: str, s3: S3, tmp_path: Path) -> None:
    """Rows are handed over in a folder that holds nothing afterwards; workers need neither the store nor its keys."""
    source = PaymentSource(f"sqlite:///{tmp_path}/payments.db", seed=7, rows=400)
    ours = context_of(tmp_path, source.uri)
    folder = tmp_path / "handed-over"
    folder.mkdir()
    environ = {**ours.environ, **s3.environ("spark"), "ENGINE": "spark", "SPARK_MASTER": master}
    spark = dataclasses.replace(
        ours, lake=Lake.from_environment(environ), environ={**environ, "SPARK_FOLDER": str(folder)}
    )
    for day in range(1, 5):
        for context in (ours, spark):
            run_id = f"2026030{day}T000000Z-00000000"
            (result,) = sync_registry("payments", run_id=run_id, is_full=day == 4, context=context).tables
            assert result.verdict in ("published", "unchanged"), result
        source.live_day()
    assert engines(spark.lake) == {ENGINE}
    assert everything(spark.lake, "payments") == everything(ours.lake, "payments")
    assert verify(spark.lake, with_files=True).ok
    assert not list(folder.iterdir())


def test_an_executor_that_is_killed_changes_nothing(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt that was begun leaves a file of its own at most, and only those that came back are read."""
    source = PaymentSource(f"sqlite:///{tmp_path}/payments.db", seed=6, rows=3_000)
    ours = context_of(tmp_path, source.uri)
    spark = on_spark(ours, master, tmp_path / "spark")
    monkeypatch.setattr(part_sizes, "_PARTS_PER_CORE", 15)
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        """As soon as a part is written, while others are under way."""
        while not over.wait(0.005):
            with suppress(OSError, psutil.Error):  # of what ends while it is looked at
                if not killed and list((tmp_path / "spark").rglob("part-*.parquet")):
                    for victim in executors()[:1]:
                        victim.kill()
                        killed.append(victim.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    results = [
        sync_registry("payments", run_id="20260301T000000Z-00000000", context=context).tables[0]
        for context in (ours, spark)
    ]
    over.set()
    killer.join()
    assert killed
    assert [result.verdict for result in results] == ["published", "published"], results
    assert everything(spark.lake, "payments") == everything(ours.lake, "payments")


def test_a_driver_that_is_killed_at_any_instant_is_followed_by_one_that_ends_the_run(
    master: str, tmp_path: Path
) -> None:
    """Two days of a source, undisturbed by DuckDB, then with drivers that are killed: nobody can tell."""
    _Shared.end()  # until then, all cores of the cluster are this process's
    rng, runs = random.Random(9), two_days(tmp_path)

    def order(name: str, run_id: str, **environ: str) -> dict[str, Any]:
        given = {"folder": str(tmp_path / name), "environ": environ, "is_full": False, "is_patched": False}
        return {**given, "uri": runs[run_id], "run_id": run_id}

    for run_id in runs:
        assert sync(order("calm", run_id))["verdict"] == "published"
    expected = killed_syncs.everything(context_of(tmp_path / "calm", "sqlite://"))
    on_cluster = {"ENGINE": "spark", "SPARK_MASTER": master}
    usual = max(sync(order("undisturbed", run_id, **on_cluster))["seconds"] for run_id in runs)
    kills, lives = 0, 0
    while kills < repeats(4, 20):
        for run_id in runs:
            # A driver takes most of its time to start, again each time: some are left to end.
            kills += kill_until_done(order(f"life-{lives}", run_id, **on_cluster), seconds=1.5 * usual, rng=rng)
        context = context_of(tmp_path / f"life-{lives}", "sqlite://")
        assert killed_syncs.everything(context) == expected
        assert engines(context.lake) == {ENGINE}
        found = verify(context.lake)
        assert found.ok, found.why
        lives += 1


def test_the_command_says_which_engine_it_was(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = PaymentSource(f"sqlite:///{tmp_path}/payments.db", seed=7, rows=150)
    context = on_spark(context_of(tmp_path, source.uri), master, tmp_path / "spark")
    for name, value in {**context.environ, "SCHEMAS_DIR": str(context.schemas)}.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["sync", "payments", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert [(table["verdict"], table["engine"]) for table in said["tables"]] == [("published", ENGINE)]
    assert "Trần Bình" not in done.output + "".join(capfd.readouterr())


def test_a_cluster_that_is_away_publishes_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    source = PaymentSource(f"sqlite:///{tmp_path}/payments.db", seed=8, rows=20)
    context = on_spark(context_of(tmp_path, source.uri), "spark://127.0.0.1:1", tmp_path / "spark")
    (failed,) = sync_registry("payments", run_id="20260301T000000Z-00000000", context=context).tables
    assert (failed.verdict, failed.error_type) == ("failed", ClusterUnreachable.__name__)
    assert "no Spark master answers at 127.0.0.1:1: check SPARK_MASTER" in failed.error
    assert not context.lake.is_table(context.lake.registry_table("payments", "payment"))
    # The same run goes on where it was stopped, by the other engine.
    other = dataclasses.replace(context, environ={**context.environ, "ENGINE": "duckdb"})
    (done,) = sync_registry("payments", run_id="20260301T000000Z-00000000", context=other).tables
    assert done.verdict == "published"


def test_an_engine_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path) -> None:
    source = PaymentSource(f"sqlite:///{tmp_path}/payments.db", seed=9, rows=5)
    context = on_spark(context_of(tmp_path, source.uri), "", tmp_path / "spark")
    with pytest.raises(Misuse, match="SPARK_MASTER"):
        sync_registry("payments", run_id="20260301T000000Z-00000000", context=context)
    assert not Path(context.lake.uri).exists()
