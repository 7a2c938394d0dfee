"""Workers whose clocks are 400 days ahead or behind: every run publishes what is new, and the next one too.

Older tests had one clock for all runs, so nobody saw that runs were put in order by it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.audit.report_data.figures import open_run_log
from include.audit.report_data.run_history import runs_of
from include.lake.delta.commit_metadata import last_commit
from include.pipelines.context import PipelineContext, new_run_id
from include.pipelines.rejected.replaying import replay
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.registry_sync import sync_registry
from include.pipelines.sync.resumable_runs import resumable_run
from include.pipelines.upkeep.versions import restore_step
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.integration.everyday.test_day_after_day import published
from tests.integration.everyday.test_every_day import rewrite
from tests.repeats import held_by, repeats

AHEAD, BEHIND, RIGHT = 400, -400, 0


@dataclass(frozen=True)
class Worker(PipelineContext):
    """A context whose clock is wrong by some days."""

    days_off: int = 0

    def now(self) -> datetime:
        return super().now() + timedelta(days=self.days_off)


ORDERS = list(itertools.permutations([AHEAD, BEHIND, RIGHT]))
OWN = "integration/everyday/test_wrong_clocks.py"
OTHER_ORDERS = held_by(f"{OWN}::test_every_run_publishes_what_is_new_whatever_clocks_say")


def worker(context: PipelineContext, days_off: int) -> Worker:
    return Worker(context.lake, context.schemas, context.environ, days_off)


def sync(context: Worker, **how: Any) -> dict[str, Any]:
    (facts,) = sync_registry("payments", run_id=new_run_id(context.now()), context=context, **how).tables
    return facts.to_dict()


@pytest.mark.parametrize(
    ("order", "deletes"),
    [  # where no keys are compared, nothing but the cursor finds what is new
        (ORDERS[0], "none"),
        *(pytest.param(order, "none", marks=OTHER_ORDERS) for order in ORDERS[1:]),
        *(pytest.param(order, "reconcile", marks=OTHER_ORDERS) for order in ORDERS),
    ],
    ids=str,
)
def test_every_run_publishes_what_is_new_whatever_clocks_say(
    order: tuple[int, ...], deletes: str, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=20), context_of(tmp_path, uri)
    rewrite(context, "deletes: reconcile", f"deletes: {deletes}")
    for number, days_off in enumerate([*order, RIGHT, *order, RIGHT][: repeats(6, 8)]):
        source.clock += timedelta(days=1)
        source.insert(3)
        source.update(3)
        facts = sync(worker(context, days_off), is_full=number >= len(order) and days_off == BEHIND)
        assert facts["verdict"] == "published", (number, days_off, facts)
        assert published(context) == source.content(), (number, days_off, facts["mode"])
        assert ("400 days ahead" in facts["why"]) == (days_off == AHEAD)


@pytest.mark.parametrize(
    "days_off",
    [
        AHEAD,
        pytest.param(
            BEHIND, marks=held_by(f"{OWN}::test_a_replay_and_a_restore_under_a_wrong_clock_hold_nothing_back")
        ),
    ],
)
def test_a_replay_and_a_restore_under_a_wrong_clock_hold_nothing_back(days_off: int, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=20), context_of(tmp_path, uri)
    assert sync(worker(context, RIGHT))["verdict"] == "published"
    source.spoil(2)
    source.insert(2)
    assert sync(worker(context, days_off))["verdict"] == "published"
    rewrite(context, "{minimum: 0}", "{minimum: -5}")
    wrong = worker(context, days_off)
    (replayed,) = replay(wrong, "payments", run_id=new_run_id(wrong.now())).tables
    assert (replayed.verdict, replayed.inserted + replayed.updated) == ("published", 2)
    restored = restore_step(
        "payments", "payment", new_run_id(wrong.now()), version=0, approval=Approval("Lê Thu", "tried"), context=wrong
    )
    assert (restored.verdict, len(published(context))) == ("published", 20)
    for number in range(2):
        facts = sync(worker(context, RIGHT), is_full=bool(number))
        assert facts["verdict"] == ("published" if number == 0 else facts["verdict"]), facts
        assert len(published(context)) == 22
        assert (
            facts["same_as_run" if facts["verdict"] == "unchanged" else "run_id"]
            == last_commit(context.lake, context.table("payments", "payment")[1]).run_id
        )
        source.clock += timedelta(days=1)


def test_a_cursor_that_a_clock_ahead_believed_is_not_believed_by_the_next(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=20), context_of(tmp_path, uri)
    rewrite(context, "deletes: reconcile", "deletes: none")
    right = source.clock
    source.clock = worker(context, 300).now().replace(tzinfo=None)
    source.insert(1)  # a wrong year
    source.clock = right
    assert sync(worker(context, AHEAD))["verdict"] == "published"
    source.insert(1)
    facts = sync(worker(context, RIGHT))
    assert (facts["mode"], "in the future" in facts["why"], len(published(context))) == ("full", True, 22)
    source.insert(1)
    assert (sync(worker(context, RIGHT))["mode"], len(published(context))) == ("incremental", 23)


def test_the_run_to_go_on_with_is_the_last_not_the_one_dated_last(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=20), context_of(tmp_path, uri)
    assert sync(worker(context, AHEAD))["verdict"] == "published"
    source.delete(19)
    held = sync(worker(context, RIGHT))
    assert held["verdict"] == "held"
    assert resumable_run(context, "payments") == held["run_id"]


@pytest.mark.parametrize(
    "days_off", [AHEAD, pytest.param(BEHIND, marks=held_by(f"{OWN}::test_pages_name_the_run_that_came_last"))]
)
def test_pages_name_the_run_that_came_last(days_off: int, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=20), context_of(tmp_path, uri)
    came = []
    for off in (RIGHT, days_off, RIGHT):
        source.clock += timedelta(days=1)
        source.insert(1)
        came.append(sync(worker(context, off))["run_id"])
    assert [run.run_id for run in runs_of(context.lake, "payments", "payment", limit=9).runs] == came[::-1]
    with open_run_log(context.lake) as told:
        assert [run.attempt.run_id for run in told.latest()] == came[-1:]
        assert [run.counts.run_id for run in told.published()] == came
