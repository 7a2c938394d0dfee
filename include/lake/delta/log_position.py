"""A version of a table that was the newest when it was read, and whether it still is: a look or two at the log."""

from __future__ import annotations

from dataclasses import dataclass

from include.lake.storage import Lake


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A version of the table at `uri`, with the stamp of its commit, which another table at that place has not."""

    uri: str
    version: int
    stamp: str

    @classmethod
    def of(cls, lake: Lake, uri: str, version: int) -> LogPosition:
        """The position of a version (-1: there was no table)."""
        return cls(uri, version, lake.file_stamp(_commit(uri, version)) if version >= 0 else "")

    def is_newest(self, lake: Lake) -> bool:
        """Whether no version was committed since, and the table was not removed or made anew."""
        if self.version < 0:
            return not lake.file_stamp(_commit(self.uri, 0))
        own, next_one = lake.file_stamps([_commit(self.uri, self.version), _commit(self.uri, self.version + 1)])
        return bool(self.stamp) and own == self.stamp and not next_one


def _commit(uri: str, version: int) -> str:
    return f"{uri}/_delta_log/{version:020d}.json"
