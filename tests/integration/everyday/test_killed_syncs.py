"""All or nothing over a whole sync: SIGKILL at random instants, go on with the run, and nobody can tell (invariant 3).

`KILL_SEED` in the environment asks for other instants.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from deltalake import DeltaTable

from include.audit.verification.verify_lake import verify
from include.lake.run_log import log_tables
from include.pipelines.context import PipelineContext
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.integration.everyday.sync_worker import sync
from tests.integration.lake.weed import S3
from tests.repeats import held_by, repeats

KILLS = repeats(6, 60)
SEED = int(os.environ.get("KILL_SEED", "4"))
ROOT = Path(__file__).parents[3]
FIRST, SECOND = "20260301T000000Z-00000001", "20260302T000000Z-00000002"


OWN = "integration/everyday/test_killed_syncs.py::test_nobody_can_tell_that_a_sync_was_killed"


@pytest.mark.parametrize("store", ["local", pytest.param("s3", marks=held_by(OWN))])
def test_nobody_can_tell_that_a_sync_was_killed(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A first load and an increment, undisturbed once, then killed and gone on with, in lake after lake.

    Every other lake is published as great tables are, which nobody can tell either.
    """
    rng = random.Random(SEED)
    server: S3 | None = request.getfixturevalue("s3") if store == "s3" else None
    sources = two_days(tmp_path)

    def live(name: str, wanted: int, *, is_patched: bool = False) -> tuple[PipelineContext, list[float], int]:
        environ = server.environ(f"{name}-{SEED}") if server else {}
        order = {"folder": str(tmp_path / name), "environ": environ, "is_full": False, "is_patched": is_patched}
        took, killed = [], 0
        for number, (run_id, uri) in enumerate(sources.items()):
            this = {**order, "uri": uri, "run_id": run_id}
            if wanted:
                killed += kill_until_done(this, usual[number], rng)
            result = sync(this)
            assert result["verdict"] == "published", result
            took.append(result["seconds"])
        return context_of(tmp_path / name, uri, **environ), took, killed

    usual: list[float] = []
    calm, usual, _ = live("calm", 0)
    expected = everything(calm)
    kills, lives = 0, 0
    while kills < KILLS // 2 or lives < 2:
        context, _, killed = live(f"life-{lives}", KILLS, is_patched=lives % 2 == 0)
        kills, lives = kills + killed, lives + 1
        assert everything(context) == expected, f"seed {SEED}, lake {lives}"
        found = verify(context.lake)
        assert found.ok, found.why
        shutil.rmtree(tmp_path / f"life-{lives - 1}", ignore_errors=True)


def two_days(folder: Path) -> dict[str, str]:
    """The source on two days, as two SQLite files: URI by the run that reads it."""
    first, second = folder / "first.db", folder / "second.db"
    source = PaymentSource(f"sqlite:///{first}", seed=SEED, rows=2_000)
    source.spoil(40)
    shutil.copyfile(first, second)
    source.engine = sa.create_engine(f"sqlite:///{second}", poolclass=sa.NullPool)
    for _ in range(3):
        source.live_day()
    source.delete(20)
    return {FIRST: f"sqlite:///{first}", SECOND: f"sqlite:///{second}"}


def kill_until_done(order: dict[str, Any], seconds: float, rng: random.Random) -> int:
    """Kill one run at random instants, and go on with it, until it ends before its instant comes; how often."""
    killed = 0
    while True:
        result = sync(order, kill_after=rng.uniform(0, seconds))
        if not result["killed"]:
            assert result["verdict"] == "published", result
            return killed
        killed += 1


def everything(context: PipelineContext) -> dict[str, Any]:
    """All that a ministry or an auditor can read of the two runs, but for instants and file names."""
    lake = context.lake
    options = lake.storage_options()
    published = DeltaTable(lake.registry_table("payments", "payment"), storage_options=options)
    rejected = DeltaTable(lake.rejected_table("payments", "payment"), storage_options=options)
    feed = published.load_cdf(starting_version=0).read_all()
    feed_rows = sorted(
        (row["_run_id"], row["_change_type"], row["number"], str(row["amount_vnd"]))
        for row in pa.table(feed).to_pylist()
    )
    runs = [row for row in log_tables.read(lake, "runs").to_pylist() if row["verdict"] == "published"]
    return {
        "rows": sorted(map(str, published.to_pyarrow_table().to_pylist())),
        "feed": feed_rows,
        "rejected": sorted(
            str({name: row[name] for name in ("_run_id", "_row", "_status", "_reasons", "_key", "_life", "_closed_by")})
            for row in rejected.to_pyarrow_table().to_pylist()
        ),
        "runs": sorted(
            (r["run_id"], r["extracted"], r["accepted"], r["rejected"], r["deleted"], r["mode"]) for r in runs
        ),
        "checks": sorted(
            (r["run_id"], r["rule_id"], r["violations"], r["gx_violations"])
            for r in log_tables.read(lake, "checks").to_pylist()
        ),
        "cursor": published.history(1)[0].get("lienthong.cursor"),
    }
