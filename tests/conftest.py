"""Which tests `make test-fast` leaves out: those that start servers or work through many examples."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
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
