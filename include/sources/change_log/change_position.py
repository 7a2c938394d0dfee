"""Position in a source's change log, as a table's commit keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

GIVEN_UP_BYTES = 16 * 1024**2  # the size of the files in which PostgreSQL gives up its log
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class ChangePosition:
    """Position up to which the changes of a table are published.

    `log` names what is read: a replication slot, or a binlog file; `offset` is the place in it in bytes. All
    transactions whose commit record begins before it are published. `history` identifies the log's past: a server
    restored from a copy has another. `definition` identifies how the table is logged. `at` is the ISO instant at which
    the log was read.
    """

    kind: str
    log: str
    offset: int
    history: str
    definition: str
    at: str

    def is_far_from(self, since: ChangePosition) -> bool:
        """Whether the source could give up log if this position were committed."""
        return self.log != since.log or self.offset - since.offset >= GIVEN_UP_BYTES

    def to_json(self) -> str:
        """Text for the commit's metadata."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ChangePosition:
        """The inverse of `to_json`."""
        return cls(**json.loads(text))


class ChangeLogLost(Exception):
    """The log does not lead from the last position to the present: the table must be read as a whole.

    The message is the reason, for the run's record.
    """
