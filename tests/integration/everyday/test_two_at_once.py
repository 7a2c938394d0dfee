"""Two syncs of one table at the same time, and a sync beside maintenance and readers: nothing is lost or doubled."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from include.audit.verification.verify_lake import verify
from include.lake.delta.commit_metadata import last_commit
from include.lake.run_log import log_tables
from include.pipelines.step_results import Assessed, Extracted, Skipped
from include.pipelines.sync.assess_and_publish_steps import assess_step, publish_step
from include.pipelines.sync.extraction import extract_step
from include.pipelines.upkeep.maintenance import maintain_lake
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.integration.everyday.sync_worker import sync
from tests.integration.everyday.test_day_after_day import published, replayed_from_the_change_feed
from tests.repeats import repeats

DAYS = repeats(2, 4)


def test_two_syncs_and_maintenance_leave_what_one_sync_would(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=8, rows=500), context_of(tmp_path, uri)
    order = {"folder": str(tmp_path), "uri": uri, "environ": {}, "is_full": False, "is_patched": True}
    seen: list[int] = []
    for day in range(DAYS):
        answers: list[dict[str, Any]] = []

        def run(number: int, day: int = day, answers: list[dict[str, Any]] = answers) -> None:
            answers.append(sync({**order, "run_id": f"202603{day + 1:02}T00000{number}Z-0000000{number}"}))

        threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            if day:
                maintain_lake(context, at=context.now())
                seen.append(len(published(context)))
            threads[0].join(0.05)
        assert {answer["verdict"] for answer in answers} <= {"published", "unchanged"}, answers
        sound = {row[0]: row for row in source.content()}
        now = {row[0]: row for row in published(context)}
        assert now == sound
        source.clock = source.clock.replace(day=source.clock.day + 1)
        for change in (source.update, source.delete, source.insert, source.give_another_number):
            change(20)
    assert replayed_from_the_change_feed(context) == published(context)
    assert verify(context.lake).ok
    assert min(seen) > 400  # a reader never saw half a table
    runs = [row for row in log_tables.read(context.lake, "runs").to_pylist() if row["verdict"] == "published"]
    assert len({row["version"] for row in runs}) == len(runs)
    assert last_commit(context.lake, context.table("payments", "payment")[1]) is not None


@pytest.mark.parametrize("last_to_write", ["first", "second"])
def test_a_page_that_both_write_is_bound_by_who_wrote_it_last(tmp_path: Path, last_to_write: str) -> None:
    """The pages of a table's rules are written when a run is assessed, and bound when it is over, in either order."""
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=8, rows=50), context_of(tmp_path, uri)
    runs = []
    for run_id in ("first", "second"):
        extracted = extract_step("payments", "payment", run_id, context=context)
        assert isinstance(extracted, Extracted)
        runs.append(extracted)
        source.insert(5)
    assessed = {}
    for extracted in runs if last_to_write == "second" else runs[::-1]:
        result = assess_step(extracted, context=context)
        assert isinstance(result, Assessed)
        assessed[extracted.run_id] = result
    ends = [publish_step(assessed[run_id], "An", "tried", context=context) for run_id in ("second", "first")]
    assert [end.verdict for end in ends] == ["published", "unchanged"]
    found = verify(context.lake, with_files=True)
    assert found.ok, found.discrepancies


def test_a_run_that_was_overtaken_is_the_same_as_no_other(tmp_path: Path) -> None:
    """Its rows were never compared with what stands: a later run may not take its word that they change nothing."""
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=8, rows=50), context_of(tmp_path, uri)
    first = extract_step("payments", "payment", "first", context=context)
    source.insert(5)
    second = extract_step("payments", "payment", "second", context=context)
    assert isinstance(first, Extracted)
    assert isinstance(second, Extracted)
    for extracted in (second, first):
        assessed = assess_step(extracted, context=context)
        assert isinstance(assessed, Assessed)
        published_or_not = publish_step(assessed, context=context)
    assert isinstance(published_or_not, Skipped)
    assert (published_or_not.run_id, published_or_not.same_as_run) == ("first", None)
