"""The sharing server ends: what is being brought into the lake is brought in first, and the last records after it."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import Any, cast

from starlette.testclient import TestClient

from include.audit.reads import Journal
from include.pipelines.serving.app import sharing_app


def test_the_end_waits_for_what_is_under_way_and_then_brings_in_the_rest(tmp_path: Path) -> None:
    busy, seen = threading.Lock(), []

    def bring_in() -> None:
        seen.append(busy.acquire(blocking=False))  # False: the journals are held by the one before
        time.sleep(0.3)
        busy.release()

    with TestClient(sharing_app(cast(Any, None), Journal(tmp_path), bring_in)) as client:
        assert client.get("/health").status_code == 200
    assert seen == [True, True]
    assert not busy.locked()


def test_records_are_brought_in_again_and_again_while_it_serves(tmp_path: Path) -> None:
    times, third = itertools.count(1), threading.Event()

    def bring_in() -> None:
        if next(times) == 3:
            third.set()

    with TestClient(sharing_app(cast(Any, None), Journal(tmp_path), bring_in, every_seconds=0.1)):
        assert third.wait(20)
