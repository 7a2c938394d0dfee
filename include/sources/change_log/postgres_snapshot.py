"""Which transactions a snapshot of PostgreSQL sees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of PostgreSQL, by the text of `pg_current_snapshot()`: which transactions it sees."""

    xmin: int
    xmax: int
    open: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Of `xmin:xmax:xid,xid,...`."""
        xmin, xmax, listed = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(xid) for xid in listed.split(",") if xid))

    def sees(self, xid: int) -> bool:
        """Whether it sees a transaction that has committed, by the number's last 32 bits, as the log has it."""
        ahead = (xid - self.xmax) & 0xFFFFFFFF
        whole = self.xmax + (ahead - 2**32 if ahead >= 2**31 else ahead)
        return whole < self.xmin or (whole < self.xmax and whole not in self.open)
