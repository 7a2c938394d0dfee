"""Which tests `make test-fast` leaves out, which begin first, and what is said of those that were not tried."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Tests read what people read; on a Vietnamese machine it would be said in Vietnamese.
for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
    if os.environ.get(variable, "").startswith("vi"):
        os.environ[variable] = "C.UTF-8"
SLOW = [
    "integration",
    "property",
    "unit/audit",
    "unit/embedded",
    "unit/identity",
    "unit/lake",
    "unit/plugins",
    "unit/quality",
    "unit/schemas",
    "unit/simulator",
]
# With `--no-loadscope-reorder` files are handed out in the order of collection: the longest begin first.
LONGEST = [
    "integration/test_demo.py",
    "integration/everyday/test_killed_syncs.py",
    "integration/everyday/test_day_after_day.py",
    "integration/test_airflow_sync.py",
    "integration/lake/test_many_writers.py",
    "property",
    "integration/everyday/test_airflow_every_day.py",
    "integration/lake",
    "unit/lake",
    "integration/test_stack.py",
    "integration",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in those folders as slow, and let the longest begin."""
    for item in items:
        if any(item.path.is_relative_to(TESTS / folder) for folder in SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=_turn)


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
