"""What the last commit of a table says: version, run, digests, cursor, figures. The state lives with the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deltalake import CommitProperties, DeltaTable, Transaction

from include.contracts.model import Table
from include.lake.errors import lake_errors
from include.lake.root import Lake

PREFIX = "lienthong."
_FIRST_LOOK = 20


@dataclass(frozen=True, slots=True)
class PublishedState:
    """The newest commit that a run made. `metadata` has the keys without their prefix `lienthong.`."""

    version: int
    metadata: dict[str, str]
    live_rows: int

    @property
    def run_id(self) -> str:
        """The run that made the commit."""
        return self.metadata["run_id"]


def last_commit(lake: Lake, table: Table) -> PublishedState | None:
    """The state of a published table; None if it was never published. Maintenance commits are looked through."""
    uri = lake.registry_table(table.registry, table.name)
    return last_state(lake.table(uri)) if lake.is_table(uri) else None


def last_state(delta: DeltaTable) -> PublishedState | None:
    """The newest commit of an open table that a run made."""
    return next(_run_commits(delta), None)


def state_of_run(delta: DeltaTable, run_id: str) -> PublishedState | None:
    """The commit that this run made, if it made one."""
    with lake_errors("reading a table's log"):
        is_committed = delta.transaction_version(run_id) is not None
    if not is_committed:
        return None
    return next((state for state in _run_commits(delta) if state.run_id == run_id), None)


def commit_properties(run_id: str, metadata: Mapping[str, str], **figures: int | str) -> CommitProperties:
    """What a run writes on its commit. A commit is made at the next version or not at all: no silent rebase."""
    plain = {key.removeprefix(PREFIX): str(value) for key, value in metadata.items()}
    plain |= {key: str(value) for key, value in figures.items()} | {"run_id": run_id}
    return CommitProperties(
        custom_metadata={PREFIX + key: value for key, value in plain.items()},
        app_transactions=[Transaction(app_id=run_id, version=1)],
        max_commit_retries=0,
    )


def epoch_milliseconds(at: datetime) -> int:
    """An instant as Delta's log writes it."""
    return int(at.timestamp() * 1000)


def _run_commits(delta: DeltaTable) -> Iterator[PublishedState]:
    """Commits made by runs, newest first. Looks at a few before it reads the whole log."""
    seen = 0
    for limit in (_FIRST_LOOK, None):
        with lake_errors("reading a table's log"):
            history = delta.history(limit)
        for entry in history[seen:]:
            state = _state(entry)
            if state is not None:
                yield state
        seen = len(history)
        if limit is not None and seen < limit:
            return


def _state(entry: dict[str, Any]) -> PublishedState | None:
    if PREFIX + "run_id" not in entry:
        return None
    metadata = {key.removeprefix(PREFIX): str(value) for key, value in entry.items() if key.startswith(PREFIX)}
    return PublishedState(int(entry["version"]), metadata, int(metadata.get("live_rows", "0")))
