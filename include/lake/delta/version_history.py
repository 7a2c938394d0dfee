"""Version history of a published table: list versions, open one (time travel), restore one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from deltalake import CommitProperties, DeltaTable

from include.contracts.model import Table
from include.lake.delta.commit_metadata import PREFIX, commit_of_run, commit_properties
from include.lake.delta.data_files import live_files, swap
from include.lake.delta.sql_views import view_of
from include.lake.storage import Lake, LakeError, LakeTableMissing, lake_errors, quote, retry_on_conflict

RESTORE = "restore"
_FIGURES = ("inserted", "updated", "deleted", "live_rows")


class VersionGone(LakeError):
    """A version that never existed, or whose files maintenance has removed."""


@dataclass(frozen=True, slots=True)
class Version:
    """One commit. `metadata` has its run's entries, without the prefix; empty for maintenance."""

    version: int
    at: datetime
    operation: str
    metadata: Mapping[str, str]

    def figure(self, name: str) -> int | None:
        """A count from the run's metadata; None if it is absent."""
        text = self.metadata.get(name, "")
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Restored:
    """Row counts of a restore. `undone` are the runs whose commits came after the restored version."""

    version: int
    inserted: int
    updated: int
    deleted: int
    live_rows: int
    metadata: Mapping[str, str]
    undone: tuple[str, ...]


def versions(lake: Lake, table: Table, *, limit: int | None = None) -> list[Version]:
    """The commits of a table, newest first.

    Raises:
        LakeTableMissing: the table was never published.
    """
    return _versions(_published(lake, table), limit)


def version_at(lake: Lake, table: Table, at: datetime) -> int:
    """The newest version at an instant; one whose clock went back counts from the instant of the one before it.

    Raises:
        VersionGone: the table was first published later.
    """
    listed = versions(lake, table)
    then = list(takewhile(lambda entry: entry.at <= at, reversed(listed)))
    if not then:
        raise VersionGone(
            f"{table.qualified_name} was first published at {listed[-1].at.isoformat()}: ask for a later instant"
        )
    return then[-1].version


def open_version(lake: Lake, table: Table, version: int | None) -> DeltaTable:
    """The table opened at a version (None: the newest), after checking that all its files exist.

    Raises:
        VersionGone: the version does not exist, or maintenance has removed its files.
    """
    newest = _published(lake, table)
    if version is None or version == newest.version():
        return newest
    if not 0 <= version < newest.version():
        raise VersionGone(
            f"{table.qualified_name} has the versions 0 to {newest.version()}: see "
            f"`lienthong history {table.registry} {table.name}`"
        )
    uri = lake.registry_table(table.registry, table.name)
    former = lake.table(uri, version=version)
    if not _is_whole(lake, former):
        oldest = _oldest_whole(lake, uri, version + 1, newest.version())
        raise VersionGone(
            f"version {version} of {table.qualified_name} needs files that `lienthong maintain` has removed (it keeps "
            f"them for 30 days): the oldest version that can still be had is {oldest}; an older one only from a backup "
            "of the lake"
        )
    return former


def restore(
    lake: Lake,
    table: Table,
    *,
    version: int,
    run_id: str,
    at: datetime,
    metadata: Mapping[str, str],
    before: Callable[[], object] = lambda: None,
) -> Restored:
    """Make a former version the table's newest, by one commit of mode `restore`; a run restores once.

    The commit takes over the restored version's source metadata (cursor, digests, contract), so that the next sync
    goes on from there, plus `metadata`. The change feed has the rows that the restore removed and brought back.
    `before` is called after all checks, before each attempt to commit.

    Raises:
        VersionGone: the version's files are gone, or it is not a former version.
        LakeConflict: other writers won every commit meanwhile.
    """
    uri = lake.registry_table(table.registry, table.name)
    return retry_on_conflict(lake, uri, lambda: _restore(lake, table, version, run_id, at, metadata, before))


def runs_between(lake: Lake, table: Table, first: int, last: int) -> tuple[str, ...]:
    """The runs that committed after version `first` and before version `last`, newest first."""
    return _undone([entry for entry in versions(lake, table) if entry.version < last], first)


def _restore(
    lake: Lake,
    table: Table,
    version: int,
    run_id: str,
    at: datetime,
    metadata: Mapping[str, str],
    before: Callable[[], object],
) -> Restored:
    current = _published(lake, table)
    done = commit_of_run(current, run_id)
    listed = _versions(current, None)
    if done is not None:
        earlier = [entry for entry in listed if entry.version < done.version]
        return _restored(done.version, done.metadata, _undone(earlier, version))
    if version == current.version():
        raise VersionGone(f"version {version} of {table.qualified_name} is the newest: there is nothing to restore")
    former = open_version(lake, table, version)
    made_by = next((entry for entry in listed if entry.version <= version and "run_id" in entry.metadata), None)
    if made_by is None:
        raise VersionGone(f"version {version} of {table.qualified_name} was made by no run: restore a later one")
    with lake_errors(f"restoring {table.qualified_name}"):
        changed = _compare(lake, table, current, former)
        read_by = made_by.metadata.get("read_by") or made_by.metadata["run_id"]
        metadata_of = {**made_by.metadata, **metadata, "read_by": read_by, "restored_version": str(version)}
        of_slice = (table.server, current.version() + 1)
        properties = commit_properties(run_id, metadata_of, of_slice, mode=RESTORE, at=at.isoformat(), **changed)
        before()
        if table.server:
            _bring_back(current, former, at, properties)
        else:
            current.restore(version, commit_properties=properties)
    return _restored(
        int(current.version()), metadata_of | {k: str(v) for k, v in changed.items()}, _undone(listed, version)
    )


def _bring_back(current: DeltaTable, former: DeltaTable, at: datetime, properties: CommitProperties) -> None:
    """Restore a slice: its files of a former version come back, other slices stay."""
    now, then = ({file.path: file for file in live_files(delta)} for delta in (current, former))
    gone = [file for path, file in now.items() if path not in then]
    back = [replace(file, stats=json.dumps({"numRecords": file.rows})) for p, file in then.items() if p not in now]
    swap(current, gone, back, at, properties)


def _restored(version: int, metadata: Mapping[str, str], undone: tuple[str, ...]) -> Restored:
    inserted, updated, deleted, live_rows = (int(metadata.get(name, "0")) for name in _FIGURES)
    return Restored(version, inserted, updated, deleted, live_rows, metadata, undone)


def _compare(lake: Lake, table: Table, current: DeltaTable, former: DeltaTable) -> dict[str, int]:
    """Counts of rows added, changed and removed; reads only files that are not in both versions."""
    names = [c.name for c in table.columns if c.name in {f.name for f in former.schema().fields}]
    now, then = set(current.file_uris()), set(former.file_uris())
    with lake.connect() as connection:
        view_of(connection, "held", current, sorted(now - then))
        view_of(connection, "brought", former, sorted(then - now))
        view_of(connection, "former", former, sorted(then))
        live = connection.execute("SELECT count(*) FROM former").fetchall()[0][0]
        if not table.primary_key or not set(table.primary_key) <= set(names):
            held, brought = (
                connection.execute(f"SELECT count(*) FROM {side}").fetchall()[0][0] for side in ("held", "brought")
            )
            return {"inserted": brought, "updated": 0, "deleted": held, "live_rows": live}
        keys = ", ".join(quote(name) for name in table.primary_key)
        now_has = {f.name for f in current.schema().fields}
        rest = [quote(name) for name in names if name not in table.primary_key and name in now_has]
        differs = " OR ".join(f"l.{name} IS DISTINCT FROM r.{name}" for name in rest) or "false"
        inserted, updated, deleted = connection.execute(
            f"""SELECT count(*) FILTER (l._there IS NULL), count(*) FILTER (l._there AND r._there AND ({differs})),
                       count(*) FILTER (r._there IS NULL)
                FROM (SELECT *, true AS _there FROM held) l
                FULL JOIN (SELECT *, true AS _there FROM brought) r USING ({keys})"""
        ).fetchall()[0]
    return {"inserted": inserted, "updated": updated, "deleted": deleted, "live_rows": live}


def _published(lake: Lake, table: Table) -> DeltaTable:
    uri = lake.registry_table(table.registry, table.name)
    if not lake.is_table(uri):
        raise LakeTableMissing(
            f"{table.qualified_name} is not published yet: run `lienthong sync {table.registry}` first"
        )
    return lake.table(uri)


def _versions(delta: DeltaTable, limit: int | None) -> list[Version]:
    """History from the newest version on: opened at a former one, delta-rs numbers it wrongly."""
    with lake_errors("reading a table's log"):
        return [_version(entry) for entry in delta.history(limit)]


def _version(entry: Mapping[str, Any]) -> Version:
    metadata_of = {name.removeprefix(PREFIX): str(value) for name, value in entry.items() if name.startswith(PREFIX)}
    at = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
    return Version(int(entry["version"]), at, str(entry.get("operation", "")), metadata_of)


def _undone(listed: list[Version], version: int) -> tuple[str, ...]:
    return tuple(e.metadata["run_id"] for e in listed if e.version > version and "run_id" in e.metadata)


def _is_whole(lake: Lake, delta: DeltaTable) -> bool:
    return all(lake.exists(uri) for uri in delta.file_uris())


def _oldest_whole(lake: Lake, uri: str, first: int, last: int) -> int:
    """The oldest version from `first` to `last` whose files all exist; those of `last`, the newest, do."""
    while first < last:
        middle = (first + last) // 2
        if _is_whole(lake, lake.table(uri, version=middle)):
            last = middle
        else:
            first = middle + 1
    return last
