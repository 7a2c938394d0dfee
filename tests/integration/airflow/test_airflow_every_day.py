"""A scheduler's every day: a backfill over dates, tasks and a scheduler that are killed, a source that is closed.

A registry for each story. The stories run side by side, and the scheduler is killed amid all of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest
from deltalake import DeltaTable

from include.audit.verification.verify_lake import verify
from include.embedded.servers import airflow
from tests.integration.airflow.everyday_registries import REGISTRIES, write_contract
from tests.integration.airflow.house import House
from tests.integration.everyday.ledger_source import DAY_ONE, PAYMENTS, PaymentSource
from tests.repeats import held_by

pytestmark = [pytest.mark.slow, pytest.mark.live_scheduler]

FIRST_DATE, LAST_DATE = "2026-03-02T00:00:00+07:00", "2026-03-04T12:00:00+07:00"
STRETCHES = (DAY_ONE, DAY_ONE + timedelta(days=1), DAY_ONE + timedelta(days=2))


@dataclass
class EverydayHouse(House):
    """Besides: the sources, and what was seen while the stories went on."""

    sources: dict[str, PaymentSource] = field(default_factory=dict)
    cursor: str = ""
    seen: dict[str, Any] = field(default_factory=dict)

    def task(self, registry: str, step: str) -> dict[str, Any]:
        """What Airflow says of a step in the first run of a registry."""
        tasks = self.tasks(f"sync_{registry}", "first")
        return next((t for t in tasks if t["task_id"] == f"sync_table.{step}"), {})

    def left(self, registry: str, dag_run_id: str) -> list[dict[str, Any]]:
        """The rows that a DAG run left in `audit/runs`, as they came."""
        mark = sha256(f"sync_{registry} {dag_run_id}".encode()).hexdigest()[:8]
        return [record for record in self.records(registry) if record["run_id"].endswith(mark)]

    def pool(self, name: str) -> dict[str, Any]:
        return self.api._call("GET", f"/api/v2/pools/{name}")

    def commits(self, registry: str) -> list[dict[str, Any]]:
        """The commits of a registry's table, the last one first."""
        return DeltaTable(self.lake.registry_table(registry, "payment")).history()

    def published(self, registry: str) -> list[tuple[Any, ...]]:
        rows = DeltaTable(self.lake.registry_table(registry, "payment")).to_pyarrow_table().to_pylist()
        return sorted(
            (row["number"], row["payer"], row["amount_vnd"], row["updated_at"].replace(tzinfo=None)) for row in rows
        )


@pytest.fixture(scope="module")
def house(live: House, payment_sources: dict[str, PaymentSource]) -> EverydayHouse:
    told = EverydayHouse(
        live.site, live.api, live.connections, live.metadata, began="2020-01-01T00:00:00Z", sources=payment_sources
    )
    tell(told)
    return told


def tell(house: EverydayHouse) -> None:
    """Let every story happen."""
    dags = {f"sync_{registry}" for registry in REGISTRIES}
    house.until(lambda: dags <= {dag["dag_id"] for dag in house.api.dags()})
    for dag_id in dags:
        house.api.unpause(dag_id)
    for registry in ("struck", "refused"):
        house.start(registry, "first")
    dated = {"dag_run_id": "first", "logical_date": f"{STRETCHES[0]:%Y-%m-%d}T19:00:00Z"}  # 02:00 of the next morning
    house.api._call("POST", "/api/v2/dags/sync_calendar/dagRuns", json=dated)
    house.seen["killed"] = soon(lambda: kill_task_process(house))
    house.seen["opens_at"] = open_again_soon(house.site.root)
    house.start("closed", "first")
    house.seen["closed"] = soon(lambda: waiting_for_hours(house))
    house.until(lambda: house.has_ended(("sync_calendar", "first")))
    backfill(house)
    house.start("downed", "first")
    soon(lambda: house.task("downed", "assess").get("state") not in (None, "scheduled", "queued"))
    house.seen["downed"] = house.run_state("sync_downed", "first")
    kill_scheduler(house)
    house.until(lambda: house.have_ended(dags))


def open_again_soon(root: Path) -> datetime:
    """Close a source until a whole minute that is 45 s away or more."""
    opens_at = (datetime.now(UTC) + timedelta(seconds=105)).replace(second=0, microsecond=0)
    hours = f"{opens_at:%H:%M}-{opens_at + timedelta(hours=8):%H:%M}"
    write_contract(root, "closed", allowedHours=hours, timezone="UTC")
    return opens_at


def soon(look: Callable[[], Any], seconds: float = 120) -> Any:
    """What `look` finds, looked for often."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.25)
    return found


def kill_task_process(house: EverydayHouse) -> int:
    """SIGKILL of the process of the extract that reads slowly; 0 while there is none."""
    task = house.task("struck", "extract")
    if task.get("state") != "running" or not task["pid"]:
        return 0
    with suppress(psutil.NoSuchProcess):  # it has ended just now
        process = psutil.Process(task["pid"])
        assert scheduler(house) in process.parents()
        process.kill()
        return process.pid
    return 0


def scheduler(house: EverydayHouse) -> psutil.Process:
    """The process that all tasks descend from."""
    return psutil.Process(json.loads((house.site.var / "run" / "airflow-scheduler.pid").read_text())["pid"])


def waiting_for_hours(house: EverydayHouse) -> dict[str, Any]:
    """The extract of the closed source, and its pool, as they are while it waits; empty before."""
    task = house.task("closed", "extract")
    return {**task, "pool": house.pool("source_closed_db")} if task.get("state") == "up_for_reschedule" else {}


def kill_scheduler(house: EverydayHouse) -> None:
    """SIGKILL of the scheduler with all that it started, and a start like `make up` does it."""
    family = [scheduler(house), *scheduler(house).children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)
    airflow.launch_airflow(house.site, house.connections)


def backfill(house: EverydayHouse) -> None:
    """Change rows of the first and the third stretch behind the cursor's back, and read the three dates again."""
    source, house.cursor = house.sources["calendar"], house.commits("calendar")[0]["lienthong.cursor"]
    with source.engine.begin() as connection:
        for day, payer in ((STRETCHES[0], "Đỗ Muộn"), (STRETCHES[2], "Hồ Trễ")):
            late = PAYMENTS.c.ngay_cap_nhat == day
            connection.execute(PAYMENTS.update().where(late), {"nguoi_nop": payer})
    source.clock = STRETCHES[2]
    source.insert(1)
    body = {"dag_id": "sync_calendar", "from_date": FIRST_DATE, "to_date": LAST_DATE, "reprocess_behavior": "completed"}
    house.api._call("POST", "/api/v2/backfills", json=body)


@held_by("integration/everyday/test_every_day.py::test_a_stretch_of_time_is_read_again_without_moving_the_cursor")
def test_each_date_of_a_backfill_reads_its_own_stretch(house: EverydayHouse) -> None:
    runs = [run for run in house.api.runs(house.began) if run["run_type"] == "backfill"]
    assert [run["state"] for run in runs] == ["success"] * 3
    dates = [run["dag_run_id"] for run in sorted(runs, key=lambda run: run["logical_date"])]
    (_, first), (second,), (third,) = (house.left("calendar", date) for date in dates)
    assert (first["mode"], first["extracted"], first["inserted"], first["updated"]) == ("backfill", 50, 0, 50)
    assert second["mode"] == "unchanged"
    assert (third["mode"], third["extracted"], third["inserted"], third["updated"]) == ("backfill", 11, 1, 10)


@held_by("dags/test_plugins.py::test_a_cleared_run_and_a_backfill_are_named_by_when_they_began")
def test_a_date_that_had_run_is_read_anew_in_a_run_of_its_own(house: EverydayHouse) -> None:
    before, again = house.left("calendar", "first")
    assert (before["mode"], again["mode"]) == ("full", "backfill")
    assert before["run_id"] < again["run_id"]


@held_by("integration/everyday/test_every_day.py::test_a_stretch_of_time_is_read_again_without_moving_the_cursor")
def test_a_backfill_does_not_move_the_cursor(house: EverydayHouse) -> None:
    assert [commit["lienthong.mode"] for commit in house.commits("calendar")].count("backfill") == 2
    assert {commit["lienthong.cursor"] for commit in house.commits("calendar")} == {house.cursor}
    assert house.published("calendar") == house.sources["calendar"].content()


@held_by("integration/everyday/test_killed_syncs.py::test_nobody_can_tell_that_a_sync_was_killed")
def test_a_sync_whose_task_was_killed_ends_by_itself(house: EverydayHouse) -> None:
    assert house.seen["killed"]
    assert house.run_state("sync_struck", "first") == "success"
    assert house.task("struck", "extract")["try_number"] >= 2
    assert [record["verdict"] for record in house.records("struck")] == ["published"]
    assert house.published("struck") == house.sources["struck"].content()


@held_by("integration/everyday/test_killed_syncs.py::test_nobody_can_tell_that_a_sync_was_killed")
def test_a_sync_whose_scheduler_was_killed_ends_by_itself(house: EverydayHouse) -> None:
    assert house.seen["downed"] == "running"
    assert house.run_state("sync_downed", "first") == "success"
    assert [record["verdict"] for record in house.records("downed")] == ["published"]
    assert len(house.commits("downed")) == 1
    assert house.published("downed") == house.sources["downed"].content()


@held_by("unit/sources/test_load_limits.py::test_outside_its_hours_nothing_is_asked_of_the_source")
def test_a_closed_source_is_waited_for_without_a_slot(house: EverydayHouse) -> None:
    waited = house.seen["closed"]
    assert (waited["pool"]["occupied_slots"], waited["try_number"]) == (0, 1)
    assert house.run_state("sync_closed", "first") == "success"
    assert datetime.fromisoformat(house.task("closed", "extract")["start_date"]) >= house.seen["opens_at"]
    assert [record["verdict"] for record in house.records("closed")] == ["published"]


@held_by("dags/test_plugins.py::test_an_extract_that_failed_for_good_is_on_record")
def test_a_step_that_failed_for_good_is_on_record(house: EverydayHouse) -> None:
    assert house.run_state("sync_refused", "first") == "failed"
    (record,) = house.records("refused")
    assert (record["verdict"], record["error_type"]) == ("failed", "SourceMissing")
    assert house.left("refused", "first") == [record]


@held_by("dags/test_plugins.py::test_the_slots_of_a_source_are_those_of_its_server")
def test_the_slots_of_a_server_are_those_of_its_contract(house: EverydayHouse) -> None:
    slots = house.api.pools()
    assert (slots["source_struck_db"], slots["source_downed_db"], slots["lake_struck"]) == (3, 2, 1)


@held_by("integration/test_verify_everything.py::test_an_untouched_lake_is_whole")
def test_the_ledger_is_whole(house: EverydayHouse) -> None:
    # A run of another story may be between its commit and its entry just now.
    house.until(lambda: verify(house.lake).discrepancies == (), 30)
