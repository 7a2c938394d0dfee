"""Metadata that runs store on their Delta commits: run, digests, cursor, counts. A table's state lives in its log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from deltalake import CommitProperties, DeltaTable, Transaction

from include.contracts.model import Table
from include.lake.storage import Lake, lake_errors, run_mark_of, server_mark

PREFIX = "lienthong."
# Metadata about the source as last read. A run that reads only a part of the past carries it over unchanged.
OF_THE_SOURCE = (
    "cursor", "snapshot_at", "read_by", "table_digest", "extract_digest", "source_columns", "change_position",
)  # fmt: skip
_FIRST_LOOK = 20


@dataclass(frozen=True, slots=True)
class RunCommit:
    """A table's newest commit made by a run. `metadata` has the keys without their prefix `lienthong.`.

    `since` holds the operations of later commits (maintenance, other writers), as the log names them.
    """

    version: int
    metadata: dict[str, str]
    live_rows: int
    since: tuple[str, ...] = field(default=(), compare=False)

    @property
    def run_id(self) -> str:
        """The run that made the commit."""
        return self.metadata["run_id"]

    @property
    def read_by(self) -> str:
        """Id of the run that last read the source; replays of rejected rows may have committed after it."""
        return self.metadata.get("read_by") or self.run_id


def last_commit(lake: Lake, table: Table) -> RunCommit | None:
    """The newest run commit of a published table, past maintenance commits; None if it was never published."""
    uri = lake.registry_table(table.registry, table.name)
    return last_run_commit(lake.table(uri)) if lake.is_table(uri) else None


def last_run_commit(delta: DeltaTable) -> RunCommit | None:
    """The newest commit of an open table that a run made."""
    return next(_run_commits(delta), None)


def has_committed(lake: Lake, table: Table, run_id: str) -> bool:
    """Whether this run has published the table."""
    uri = lake.registry_table(table.registry, table.name)
    with lake_errors("reading a table's log"):
        return lake.is_table(uri) and lake.table(uri).transaction_version(run_id) is not None


def commit_of_run(delta: DeltaTable, run_id: str) -> RunCommit | None:
    """The commit that this run made, if it made one."""
    with lake_errors("reading a table's log"):
        is_committed = delta.transaction_version(run_id) is not None
    if not is_committed:
        return None
    return next((state for state in _run_commits(delta) if state.run_id == run_id), None)


def commit_properties(
    run_id: str, metadata: Mapping[str, str], of_slice: tuple[str, int] = ("", 0), /, **counts: int | str
) -> CommitProperties:
    """Delta commit properties of a run, with no retries: it takes the next version or fails.

    `of_slice` are a server and the commit's version: the commit of a slice says whose it is, and marks its version as
    the server's last.
    """
    marks, (server, version) = [], of_slice
    if server:
        metadata = {**metadata, "server": server}
        marks.append(Transaction(app_id=server_mark(server), version=version))
    plain = {key.removeprefix(PREFIX): str(value) for key, value in metadata.items()}
    plain |= {key: str(value) for key, value in counts.items()} | {"run_id": run_id}
    return CommitProperties(
        custom_metadata={PREFIX + key: value for key, value in plain.items()},
        app_transactions=[Transaction(app_id=run_mark_of(run_id, server), version=1), *marks],
        max_commit_retries=0,
    )


def reader_of(state: RunCommit | None) -> str:
    """The run that last read the source of a table; empty if it was never published.

    A run stores it before it reads. If it differs when the run commits, another run has read and published meanwhile:
    the order of runs is that of their commits, whatever their clocks say.
    """
    return state.read_by if state else ""


def carry_over(metadata: Mapping[str, str], base: RunCommit | None, *, run_id: str, mode: str) -> dict[str, str]:
    """Metadata for a run's commit, with source entries taken over from the commit it builds on.

    A full run sets them anew. An incremental run never moves the cursor back. Any other run keeps the source entries
    as they were.
    """
    own = {key.removeprefix(PREFIX): str(value) for key, value in metadata.items()} | {"read_by": run_id}
    if mode == "full" or (base is None and mode == "incremental"):
        return own
    if mode == "incremental" and base is not None:
        return own | {"cursor": greater_cursor(own.get("cursor", ""), base.metadata.get("cursor", ""))}
    base_metadata = {**base.metadata, "read_by": base.read_by} if base else {}
    return {name: text for name, text in own.items() if name not in OF_THE_SOURCE} | {
        name: base_metadata[name] for name in OF_THE_SOURCE if name in base_metadata
    }


def overtaken_by(metadata: Mapping[str, str], base: RunCommit | None, *, mode: str) -> str:
    """Id of the run that read the source and published after this run began; empty if there is none.

    An overtaken run must not commit: its rows may be older than the published ones, and the next run reads on from
    there. `began_upon` of its metadata is the value of `reader_of` when it began. Another `table_digest` or a
    restored version does not overtake a run.
    """
    if base is None or mode not in ("full", "incremental") or base.metadata.get("mode") == "restore":
        return ""
    own = {key.removeprefix(PREFIX): value for key, value in metadata.items()}
    if "began_upon" not in own or own.get("table_digest", "") != base.metadata.get("table_digest", ""):
        return ""
    return base.run_id if base.read_by != own["began_upon"] else ""


def greater_cursor(one: str, other: str) -> str:
    """The greater of two cursors (JSON lists of text); the empty cursor is less than all others."""
    if not one or not other:
        return one or other
    return one if _position(one) >= _position(other) else other


def _position(cursor: str) -> list[tuple[int, Any]]:
    return [_ordered(value) for value in json.loads(cursor)]


def _ordered(text: str | None) -> tuple[int, Any]:
    """Sort key of a cursor value: numbers, instants and texts each compare among themselves; null comes first."""
    if text is None:
        return (0, 0)
    try:
        return (1, Decimal(text))
    except InvalidOperation:
        pass
    try:
        return (2, _instant(text))
    except ValueError:
        return (3, text)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def epoch_milliseconds(at: datetime) -> int:
    """An instant in milliseconds since 1970, as the Delta log stores it."""
    return int(at.timestamp() * 1000)


def run_commits(delta: DeltaTable, last: int | None) -> list[RunCommit]:
    """Commits made by runs among the `last` commits of an open table (None: all), newest first."""
    with lake_errors("reading a table's log"):
        history = delta.history(last)
    return [state for entry in history if (state := _state(entry, ())) is not None]


def _run_commits(delta: DeltaTable) -> Iterator[RunCommit]:
    """Commits made by runs, newest first. Reads a few commits before the whole log."""
    seen = 0
    since: list[str] = []
    for limit in (_FIRST_LOOK, None):
        with lake_errors("reading a table's log"):
            history = delta.history(limit)
        for entry in history[seen:]:
            state = _state(entry, since)
            if state is not None:
                yield state
            since.append(str(entry.get("operation", "")))
        seen = len(history)
        if limit is not None and limit > delta.version():
            return


def _state(entry: dict[str, Any], since: Sequence[str]) -> RunCommit | None:
    if PREFIX + "run_id" not in entry:
        return None
    metadata = {key.removeprefix(PREFIX): str(value) for key, value in entry.items() if key.startswith(PREFIX)}
    return RunCommit(int(entry["version"]), metadata, int(metadata.get("live_rows", "0")), tuple(since))
