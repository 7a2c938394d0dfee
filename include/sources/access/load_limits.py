"""Load limits of a source: allowed hours, statement timeout, rows a second, connections, locks.

They are stated by the contract's server.

Custom properties of the server: `allowedHours` ("22:00-05:00", several with commas) on the clock of `timezone`,
`statementTimeoutSeconds`, `rowsPerSecond`, `connectionLimit`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from include.contracts.model import Contract, Server
from include.sources.access.errors import SourceClosed, SourceError

LOCK_SECONDS = 10  # lock timeout: waiting longer for a table being altered would queue the source's own sessions
LOCKS = f"waits at most {LOCK_SECONDS} s for a lock"
ONE_STATE = "read only, all parts in one state"
DEFAULT_TIMEZONE = "Asia/Ho_Chi_Minh"
THROTTLE = "lienthong_throttle"
_HOURS = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")
Span = tuple[clock_time, clock_time]


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """The limits of one server; 0 or empty is none. `pool_slots` are those of its pool in Airflow."""

    statement_seconds: float = 0
    rows_per_second: float = 0
    connections: int = 0
    pool_slots: int = 0
    hours: tuple[Span, ...] = ()
    timezone: str = DEFAULT_TIMEZONE

    @property
    def statement_milliseconds(self) -> int:
        """Statement timeout; 0 keeps the limit set by the source's administrator."""
        return int(self.statement_seconds * 1000)

    def describe(self) -> str:
        """The limits in words, for the run log."""
        hours = ", ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in self.hours)
        limits = [
            f"at most {self.statement_seconds:g} s a statement" if self.statement_seconds else "",
            f"at most {self.rows_per_second:g} rows/s" if self.rows_per_second else "",
            f"at most {self.connections} connections" if self.connections else "",
            f"at most {self.pool_slots} tables at once" if self.pool_slots else "",
            f"open only {hours} {self.timezone}" if hours else "",
        ]
        return "; ".join(part for part in limits if part)


def load_limits_of(server: Server) -> LoadLimits:
    """The load limits of a contract's server. Raises SourceError for an invalid one."""
    given = server.options
    stated = given.get("allowedHours") or []
    spans = stated if isinstance(stated, list) else str(stated).split(",")
    try:
        return LoadLimits(
            statement_seconds=_number(given, "statementTimeoutSeconds"),
            rows_per_second=_number(given, "rowsPerSecond"),
            connections=int(_number(given, "connectionLimit")),
            pool_slots=int(_number(given, "poolSlots")),
            hours=tuple(_span(str(text)) for text in spans),
            timezone=ZoneInfo(str(given.get("timezone") or DEFAULT_TIMEZONE)).key,
        )
    except (ValueError, TypeError, OverflowError, KeyError, OSError):  # an unknown zone is a KeyError
        raise SourceError(
            f"the limits of server '{server.name}' cannot be read: write allowedHours like \"22:00-05:00\", timezone "
            f"like {DEFAULT_TIMEZONE}, and positive numbers for statementTimeoutSeconds, rowsPerSecond, "
            "connectionLimit and poolSlots"
        ) from None


def check_hours(contract: Contract, load_limits: LoadLimits, at: datetime) -> None:
    """Raise SourceClosed if reading may not begin at this instant; a reading that began may end later."""
    if not load_limits.hours:
        return
    zone = ZoneInfo(load_limits.timezone)
    local = at.astimezone(zone)
    now = local.time()
    if any(start <= now < end if start < end else now >= start or now < end for start, end in load_limits.hours):
        return
    starts = [datetime.combine(local.date(), start, zone) for start, _ in load_limits.hours]
    opens_at = min(start if start > local else start + timedelta(days=1) for start in starts)
    raise SourceClosed(
        f"the source of registry '{contract.registry}' may be read only at "
        f"{', '.join(f'{s:%H:%M}-{e:%H:%M}' for s, e in load_limits.hours)} ({zone.key}): it opens at "
        f"{opens_at:%Y-%m-%d %H:%M}; run it then, or change allowedHours of the contract's server",
        opens_at=opens_at,
    )


class Throttle:
    """Limiter of a reading's rate in rows a second and of its duration, by delaying the rows received.

    It runs as a DuckDB function over each batch of rows. The time limit is for sources without statement timeouts:
    it fails with the first rows after the limit.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection, *, rows_per_second: float, seconds: float) -> None:
        self.is_over = False
        self._rate, self._seconds = rows_per_second, seconds
        self._lock = threading.Lock()
        self._begin()
        if rows_per_second or seconds:
            options: dict[str, Any] = {"type": "arrow", "null_handling": "special", "side_effects": True}
            duck.create_function(THROTTLE, self._let_through, ["DOUBLE"], "BOOLEAN", **options)

    def query(self, query: str) -> str:
        """The throttled query; its time limit counts from this call."""
        self._begin()
        return f"SELECT * FROM ({query}) WHERE {THROTTLE}(random())" if self._rate or self._seconds else query

    def _begin(self) -> None:
        self._rows, self._started = 0, time.monotonic()

    def _let_through(self, rows: Any) -> Any:
        with self._lock:
            self._rows += len(rows)
            due = self._started + self._rows / self._rate if self._rate else 0
        now = time.monotonic()
        if self._seconds and now > self._started + self._seconds:
            self.is_over = True
            raise TimeoutError
        time.sleep(max(0.0, due - now))
        return pa.repeat(pa.scalar(True), len(rows))


def _number(given: Mapping[str, object], name: str) -> float:
    stated: Any = given.get(name) or 0
    value = float(stated)
    if value < 0:
        raise ValueError(name)
    return value


def _span(text: str) -> Span:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(text)
    first, second, third, fourth = (int(part) for part in found.groups())
    return clock_time(first % 24, second), clock_time(third % 24, fourth)
