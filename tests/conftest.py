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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in those folders as slow."""
    for item in items:
        if any(item.path.is_relative_to(TESTS / folder) for folder in SLOW):
            item.add_marker(pytest.mark.slow)
