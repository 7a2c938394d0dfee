"""A look at the lake that requests share, as they share a write to disk: none is answered by one that began before it.

So what was revoked or committed before a request came is seen by it, and a store is asked once for all that wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Looks one after the other, each for all threads that asked before it began."""

    def __init__(self, look: Callable[[], T]) -> None:
        """`look` is never called by two threads at once."""
        self._look = look
        self._changed = threading.Condition()
        self._begun = self._ended = 0
        self._found: T | None = None
        self._error: Exception | None = None

    def result(self) -> T:
        """What a look finds that begins after this call. Raises what it raises."""
        with self._changed:
            mine = self._begun + 1
            while self._ended < mine and self._begun > self._ended:
                self._changed.wait()
            if self._ended >= mine:
                return self._answer()
            self._begun += 1
        found, error = None, None
        try:
            found = self._look()
        except Exception as raised:  # told to all that wait for it
            error = raised
        with self._changed:
            self._found, self._error = found, error
            self._ended = self._begun
            self._changed.notify_all()
            return self._answer()

    def _answer(self) -> T:
        if self._error is not None:
            raise self._error
        return self._found  # type: ignore[return-value]
