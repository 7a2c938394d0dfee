"""Kinds of tests, what the processes of a run share, which tests begin first, and what is said of those not tried."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.once import begin
from tests.repeats import in_part, repeats, without_a_holder

TESTS = Path(__file__).parent
# Tests read what people read; on a Vietnamese machine it would be said in Vietnamese.
for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
    if os.environ.get(variable, "").startswith("vi"):
        os.environ[variable] = "C.UTF-8"
# How long an example takes says more of the other processes than of the code.
settings.register_profile(
    "suite", deadline=None, max_examples=repeats(50, 100), suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("suite")
# Folders, and files of others, that start servers or take seconds of a processor.
SLOW = [
    "dags/test_no_io_at_parse.py",
    "integration",
    "property",
    "unit/audit/test_ledger.py",
    "unit/audit/test_reads.py",
    "unit/audit/test_report.py",
    "unit/audit/test_report_pages.py",
    "unit/audit/test_report_persons.py",
    "unit/embedded",
    "unit/identity",
    "unit/lake",
    "unit/pipelines/test_check_mistakes.py",
    "unit/pipelines/test_check_source.py",
    "unit/plugins",
    "unit/quality/test_assess.py",
    "unit/quality/test_conform.py",
    "unit/quality/test_own_contracts.py",
    "unit/quality/test_split.py",
    "unit/requests",
    "unit/schemas",
    "unit/sharing/test_sharing_server.py",
    "unit/sources/test_parts_sqlite.py",
    "unit/sources/test_values_sqlite.py",
    "unit/test_machine.py",
    "unit/vietnam/test_register.py",
]
# Before a commit all the same: a registry from one file and one connection to the lake, by the command line.
QUICK = ["integration/test_unseen_registry.py"]
# What runs in one process, part after part: those that start an Airflow, each of which wants a machine for itself, and
# folders that use one database and one role of the shared servers.
TOGETHER = [
    [
        "integration/airflow", "integration/test_demo.py", "integration/test_stack.py",
        "integration/telemetry/test_in_airflow.py",
    ],
    ["integration/sources"],
    ["integration/sharing"],
]  # fmt: skip
APART = [
    "integration/everyday/test_day_after_day.py",
    "integration/everyday/test_killed_syncs.py",
    "integration/sources/test_bombs.py",
]
# With `--no-loadscope-reorder` files are handed out in the order of collection: the longest begin first.
LONGEST = [
    "integration/airflow",
    "integration/test_demo.py",
    "integration/test_stack.py",
    "integration/telemetry/test_in_airflow.py",
    "integration/sources",
    "integration/everyday/test_killed_syncs.py",
    "integration/everyday/test_day_after_day.py",
    "integration/test_verify_everything.py",
    "integration/identity",
    "property",
    "integration",
    "unit/lake",
]


def pytest_configure(config: pytest.Config) -> None:
    """Who begins the run ends it: the servers that its processes shared are stopped."""
    if end := begin():
        config.add_cleanup(end)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests run in one process, each part of `TOGETHER` too; each test of `APART` by itself."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0].removeprefix("tests/")
            if file in APART:
                return nodeid
            return next((part[0] for part in TOGETHER if file.startswith(tuple(part))), file)

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow, let the longest begin, and take the `PART` asked for; what marks say is looked at first."""
    if wrong := without_a_holder(items, TESTS):
        raise pytest.UsageError("\n".join(wrong))
    for item in items:
        if (_is_in(item, SLOW) and not _is_in(item, QUICK)) or item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)
    if part := os.environ.get("PART"):
        config.hook.pytest_deselected(items=[item for item in items if not in_part(item, part)])
        items[:] = [item for item in items if in_part(item, part)]
    items.sort(key=_turn)


def _is_in(item: pytest.Item, places: list[str]) -> bool:
    return any(item.path.is_relative_to(TESTS / place) for place in places)


def _turn(item: pytest.Item) -> int:
    return next((n for n, long in enumerate(LONGEST) if item.path.is_relative_to(TESTS / long)), len(LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how many tests were not tried, why, and how to try them."""
    skipped = Counter(_reason(report) for report in terminalreporter.getreports("skipped"))
    if skipped:
        told = (f"{count} test{'s' * (count > 1)} ({reason})" for reason, count in sorted(skipped.items()))
        terminalreporter.write_line(f"Not tried: {'; '.join(told)}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    place = report.longrepr
    return str(place[2] if isinstance(place, tuple) else place).removeprefix("Skipped: ")
