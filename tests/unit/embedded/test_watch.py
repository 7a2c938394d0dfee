"""What the demo makes of Airflow's task states, and when it thinks that everything has ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from include.embedded.demo.watch import HELD, FailedTask, Snapshot, Watch, stage, wait
from include.embedded.servers import AirflowApi

STAGES = [
    ({}, "waiting"),
    ({"extract": None, "assess": None}, "waiting"),
    ({"extract": "scheduled"}, "waiting"),
    ({"extract": "running"}, "extracting"),
    ({"extract": "up_for_retry"}, "extracting (tries again)"),
    ({"extract": "failed", "assess": "upstream_failed", "publish": "upstream_failed"}, "failed: extract"),
    ({"extract": "skipped", "assess": "skipped", "publish": "skipped"}, "unchanged"),
    ({"extract": "success", "assess": "skipped", "gate": "skipped", "publish": "skipped"}, "unchanged"),
    ({"extract": "success"}, "extracting"),
    ({"extract": "success", "assess": "running"}, "assessing"),
    ({"extract": "success", "assess": "success", "gate": "awaiting_input"}, HELD),
    ({"extract": "success", "assess": "success", "gate": "failed", "publish": "upstream_failed"}, "failed: gate"),
    ({"extract": "success", "assess": "success", "gate": "success", "publish": "queued"}, "publishing"),
    ({"extract": "success", "assess": "success", "gate": "skipped", "publish": "queued"}, "publishing"),
    ({"extract": "success", "assess": "success", "gate": "skipped", "publish": "success"}, "published"),
    ({"extract": "success", "assess": "success", "gate": "success", "publish": "success"}, "published"),
]


@pytest.mark.parametrize(("steps", "expected"), STAGES)
def test_a_stage_is_told_in_a_persons_words(steps, expected):
    assert stage(steps) == expected


def snapshot(stages: Mapping[str, str], *states: str, waiting_events: int = 0) -> Snapshot:
    return Snapshot(stages, [(f"dag_{n}", state) for n, state in enumerate(states)], waiting_events)


def test_it_has_ended_when_every_run_ended_and_no_event_waits():
    done = {"land.parcel": "published"}
    assert snapshot(done, "success", "failed").has_ended
    assert not snapshot(done, "success", "running").has_ended
    assert not snapshot(done, "success", waiting_events=1).has_ended


def test_only_a_steward_can_go_on_when_nothing_else_moves():
    held = {"a.x": HELD, "a.y": "published", "b.z": "failed: assess"}
    assert snapshot(held, "running").only_stewards_can_go_on
    assert not snapshot(held | {"c.w": "assessing"}, "running").only_stewards_can_go_on
    assert not snapshot({"a.y": "published"}, "success").only_stewards_can_go_on


def test_waiting_looks_again_before_it_believes_the_end():
    # The run behind an asset is made a moment after the publishing run has ended.
    looks = [
        snapshot({"a.x": "publishing"}, "running"),
        snapshot({"a.x": "published"}, "success"),
        snapshot({"a.x": "published"}, "success", "queued"),
        snapshot({"a.x": "published"}, "success", "success"),
        snapshot({"a.x": "published"}, "success", "success"),
    ]
    remaining, shown, pauses = iter(looks), [], []
    assert wait(lambda: next(remaining), shown.append, minutes=1, pause=pauses.append) is looks[-1]
    assert shown == looks
    assert len(pauses) == 4


TABLES = {
    ("sync_land", "sync_table"): ["land.parcel", "land.ownership"],
    ("sync_dossiers", "dossiers_38.sync_table"): ["dossiers.dossier@dossiers-38"],
}


class Airflow:
    """Answers as the API does: with the task instances that changed since the instant it is asked about."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.asked_since: list[datetime] = []
        self.changed = [
            task("sync_land", "prepare", -1, "success"),
            task("sync_land", "sync_table.extract", 0, "success"),
            task("sync_land", "sync_table.assess", 0, "running"),
            task("sync_land", "sync_table.extract", 1, "failed"),
            task("sync_dossiers", "dossiers_38.sync_table.publish", 0, "success"),
            task("sync_dossiers", "dossiers_40.sync_table.extract", 0, "skipped"),
            task("report_quality", "report", -1, "failed"),
        ]

    def task_instances(self, since: str, changed_since: str) -> list[dict[str, Any]]:
        self.asked_since.append(datetime.fromisoformat(changed_since))
        return self.changed

    def runs(self, since: str) -> list[dict[str, Any]]:
        return [{"dag_id": "sync_land", "state": self.state}]

    def waiting_events(self, dag_id: str) -> int:
        return 2


def task(dag: str, name: str, index: int, state: str) -> dict[str, Any]:
    named = {"dag_id": dag, "dag_run_id": "r", "task_id": name, "map_index": index, "try_number": 2}
    return named | {"state": state}


def watched(airflow: Airflow) -> Watch:
    return Watch(cast("AirflowApi", airflow), TABLES, datetime(2026, 1, 31, tzinfo=UTC))


def test_a_look_names_each_table_by_its_place_in_the_contract():
    seen = watched(Airflow("running")).look(["report_quality"])
    assert seen.tables == {"land.parcel": "assessing", "land.ownership": "failed: extract"} | {
        "dossiers.dossier@dossiers-38": "published"
    }
    assert seen.runs == [("sync_land", "running")]
    assert seen.failed == [
        FailedTask(
            "land.ownership extract",
            "dag_id=sync_land/run_id=r/task_id=sync_table.extract/map_index=1/attempt=2.log",
        ),
        FailedTask("report_quality report", "dag_id=report_quality/run_id=r/task_id=report/attempt=2.log"),
    ]


def test_a_look_asks_only_for_what_changed_and_knows_the_rest():
    airflow = Airflow("running")
    watch = watched(airflow)
    watch.look([])
    airflow.changed = [task("sync_land", "sync_table.extract", 1, "running")]
    seen = watch.look([])
    assert seen.tables["land.parcel"] == "assessing"
    assert seen.tables["land.ownership"] == "extracting"
    assert [failed.name for failed in seen.failed] == ["report_quality report"]
    first, second = airflow.asked_since
    assert first < datetime(2026, 1, 31, tzinfo=UTC)
    assert timedelta(0) < datetime.now(UTC) - second < timedelta(seconds=30)


def test_when_all_runs_ended_a_look_asks_for_events_that_will_start_another():
    assert watched(Airflow("success")).look(["report_quality"]).waiting_events == 2
    assert watched(Airflow("running")).look(["report_quality"]).waiting_events == 0
