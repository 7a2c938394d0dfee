"""A clock that is ahead of the lake's is told, and nothing is removed by it. Older tests had one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.lake.storage.lake import Lake
from include.pipelines.clock import ClockAhead, clock_warning, ensure_not_ahead


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (timedelta(minutes=30), ""),
        (timedelta(days=-400), ""),
        (timedelta(hours=2), "2 hours ahead"),
        (timedelta(days=30), "30 days ahead"),
    ],
)
def test_a_clock_ahead_of_the_lakes(lake, ahead, told):
    now = datetime.now(UTC) + ahead + timedelta(minutes=1)
    folder = lake.path("landing", "r", "t", "run=1")
    lake.make_folder(folder)
    lake.write_text(f"{folder}/_extract.json", "{}")
    said = clock_warning(lake, folder, now=now)
    assert told in said
    assert bool(told) == bool(said)
    if not told:
        ensure_not_ahead(lake, now=now)
    else:
        with pytest.raises(ClockAhead, match=f"{told}.*nothing was removed"):
            ensure_not_ahead(lake, now=now)
    assert lake.list(lake.path("staging")) == [], "the file by which it is told is gone again"
