"""Requests share looks at the lake, and none is answered by a look that began before it came."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.pipelines.serving.single_flight import SingleFlight


def test_who_waits_shares_a_look_that_began_after_it_came() -> None:
    begun: list[int] = []
    now = 0

    def look() -> int:
        begun.append(now)
        seen = now
        time.sleep(0.01)
        return seen

    shared = SingleFlight(look)
    late: list[tuple[int, int]] = []

    def ask() -> None:
        came = now
        late.append((came, shared.result()))

    with ThreadPoolExecutor(16) as pool:
        for number in range(200):
            now = number
            pool.submit(ask)
            time.sleep(0.0005)
    assert len(late) == 200
    assert all(seen >= came for came, seen in late)
    assert len(begun) < 120  # shared


def test_one_look_at_a_time_and_its_error_is_told_to_all_that_share_it() -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def look() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.005)
        with lock:
            at_once -= 1
        raise OSError("gone")

    shared = SingleFlight(look)

    def ask(_: int) -> bool:
        with pytest.raises(OSError, match="gone"):
            shared.result()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(40)))
    assert most == 1
