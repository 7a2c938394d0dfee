"""Polling of Airflow until all runs have ended: the stage of each table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from include.embedded.servers import ENDED, AirflowApi

TaskGroup = tuple[str, str]
"""A DAG's id and the id of one of its task groups."""
STEPS = {"extract": "extracting", "assess": "assessing", "gate": "at the gate", "publish": "publishing"}
HELD = "waits for a steward"
_OVERLAP = timedelta(seconds=10)  # between what a look was told and what was committed when it was answered
DONE = frozenset({"published", "unchanged"})


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A failed task, with the path of its log under Airflow's log folder."""

    name: str
    log: str

    @classmethod
    def of(cls, task: Mapping[str, Any], table: str) -> FailedTask:
        """From Airflow's JSON of a task instance."""
        mapped = [f"map_index={task['map_index']}"] if task["map_index"] >= 0 else []
        folders = [f"dag_id={task['dag_id']}", f"run_id={task['dag_run_id']}", f"task_id={task['task_id']}", *mapped]
        name = f"{table or task['dag_id']} {task['task_id'].rpartition('.')[2]}"
        return cls(name, "/".join([*folders, f"attempt={task['try_number']}.log"]))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One poll: the stage of each `registry.table`, (DAG id, state) of every run, and what is still queued."""

    tables: Mapping[str, str]
    runs: Sequence[tuple[str, str]]
    waiting_events: int = 0
    failed: Sequence[FailedTask] = ()

    @property
    def has_ended(self) -> bool:
        """Whether every run ended and no published table is about to trigger another."""
        return not self.waiting_events and all(state in ENDED for _, state in self.runs)

    @property
    def only_stewards_can_go_on(self) -> bool:
        """Whether only gates that wait for a steward are still open."""
        moving = [stage for stage in self.tables.values() if stage not in DONE and not stage.startswith("failed")]
        return bool(moving) and all(stage == HELD for stage in moving)


def stage(steps: Mapping[str, str | None]) -> str:
    """Display name of a table's stage, from the Airflow states of its four tasks."""
    if steps.get("publish") == "success":
        return "published"
    if "skipped" in (steps.get("extract"), steps.get("assess")):
        return "unchanged"
    if steps.get("gate") == "awaiting_input":
        return HELD
    for step, doing in STEPS.items():
        state = steps.get(step)
        if state == "failed":
            return f"failed: {step}"
        if state in ("up_for_retry", "up_for_reschedule"):
            return f"{doing} (tries again)"
        if state == "running" or (state in ("queued", "scheduled", "restarting") and step != "extract"):
            return doing
    begun = [doing for step, doing in STEPS.items() if steps.get(step) == "success"]
    return begun[-1] if begun else "waiting"


class Watch:
    """The runs that began at an instant or after it, looked at again and again.

    Airflow is asked only for the task instances that changed since the last look: to tell hundreds takes seconds of its
    processor, which the tasks need. `tables` (`registry.table`) are those of each group, in the order of its mapped
    tasks.
    """

    def __init__(self, api: AirflowApi, tables: Mapping[TaskGroup, Sequence[str]], since: datetime) -> None:
        self._api, self._tables, self._since, self._seen_until = api, tables, since, since
        self._steps: dict[str, dict[str, str | None]] = {name: {} for names in tables.values() for name in names}
        self._failed: dict[tuple[str | int, ...], FailedTask] = {}

    def look(self, consumers: Sequence[str]) -> Snapshot:
        """What is so now; `consumers` are DAGs whose queued asset events count."""
        began = datetime.now(UTC)
        for task in self._api.task_instances(self._since.isoformat(), (self._seen_until - _OVERLAP).isoformat()):
            self._note(task)
        self._seen_until = began
        runs = [(run["dag_id"], run["state"]) for run in self._api.runs(self._since.isoformat())]
        is_quiet = all(state in ENDED for _, state in runs)
        waiting = sum(self._api.waiting_events(dag_id) for dag_id in consumers) if is_quiet else 0
        tables = {name: stage(states) for name, states in self._steps.items()}
        return Snapshot(tables, runs, waiting, [*self._failed.values()])

    def _note(self, task: Mapping[str, Any]) -> None:
        group, _, step = task["task_id"].rpartition(".")
        names, table = self._tables.get((task["dag_id"], group), ()), ""
        if names and task["map_index"] >= 0:
            table = names[task["map_index"]]
            self._steps[table][step] = task["state"]
        which = tuple(task[name] for name in ("dag_id", "dag_run_id", "task_id", "map_index"))
        self._failed.pop(which, None)  # whoever clears a failed task has it tried again
        if task["state"] == "failed":
            self._failed[which] = FailedTask.of(task, table)


def wait(
    take: Callable[[], Snapshot], show: Callable[[Snapshot], None], *, minutes: float, pause: Callable[[float], None]
) -> Snapshot:
    """Poll until everything ended, only a steward can go on, or the time is over; returns the last snapshot."""
    end = time.monotonic() + minutes * 60
    while True:
        seen = take()
        show(seen)
        if seen.has_ended or seen.only_stewards_can_go_on or time.monotonic() > end:
            # Airflow triggers the runs of an asset a moment after the run that published it has ended.
            pause(3)
            again = take()
            show(again)
            if again.has_ended or again.only_stewards_can_go_on or time.monotonic() > end:
                return again
        pause(2)
