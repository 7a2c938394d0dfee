"""The shared S3 server as recipients of agreements know it, and a lake on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.lake.storage.lake import Lake
from tests.integration.lake.weed import S3
from tests.integration.sharing.recipients import LAKE_URI, OWNER, options


@pytest.fixture(scope="session")
def endpoint(s3: S3) -> str:
    """The endpoint of a running store whose identities come from two agreements."""
    return s3.endpoint


ZONES = (
    "landing", "staging", "registry", "rejected", "reference", "people", "statistics", "history", "indicators",
    "shared", "audit",
)  # fmt: skip


@pytest.fixture
def lake(endpoint: str, tmp_path: Path) -> Lake:
    """The lake on that store, emptied."""
    given = options(OWNER.access_key, OWNER.secret_key, endpoint)
    lake = Lake(LAKE_URI, tuple(sorted(given.items())), tmp_path / "tmp")
    for zone in ZONES:
        lake.delete_tree(lake.path(zone))
    return lake
