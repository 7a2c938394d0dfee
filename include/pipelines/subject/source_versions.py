"""Rows about a person in former versions of a published table, by the versions' files or by the table's row history.

A file of a Delta table never changes, so each is read once, whatever number of versions has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import duckdb
from deltalake import DeltaTable

from include.contracts.model import Table
from include.lake.delta import FILE, VersionGone, view_of
from include.lake.row_history import history_at
from include.lake.storage import (
    SERVER,
    Lake,
    LakeDenied,
    LakeError,
    LakeTableMissing,
    LakeUnreachable,
    lake_errors,
    quote,
    restrict_access,
)
from include.pipelines.subject.row_rules import TracedTable, any_of


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """A version of a published table; `table_id` is the Delta id, which a table that is made anew has not."""

    table_id: str
    version: int


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """The version of a published table that somebody was shown at an instant.

    `table_id` is the Delta id; None in entries of the ledger from before it was recorded, empty if it was not known.
    """

    version: int
    table_id: str | None
    at: datetime

    def among(self, newest: SourceVersion | None, instants: Mapping[SourceVersion, datetime]) -> SourceVersion | None:
        """Which version it was, as the ledger dates them; None if that cannot be told.

        Without an id it is of today's table only if that had the version by then: the table may be made anew since.
        """
        if self.table_id is not None:
            return SourceVersion(self.table_id, self.version) if self.table_id else None
        if newest is None:
            return None
        of_today = SourceVersion(newest.table_id, self.version)
        made = [at for one, at in instants.items() if one.table_id == newest.table_id]
        since = instants.get(of_today) or min(made, default=None)
        return of_today if since is not None and since <= self.at else None


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows that a product takes: those that meet `predicate`. A mention counts if a column that makes it is given."""

    predicate: str = "true"
    columns: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows of hers, of others that mention her, and `unclear`: neither is told, and may be."""

    rows: int = 0
    mentions: int = 0
    unclear: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.rows + other.rows, self.mentions + other.mentions, self.unclear + other.unclear)

    @property
    def is_told(self) -> bool:
        """Whether a row of hers, or a mention, was found."""
        return bool(self.rows or self.mentions)


def open_published(lake: Lake, table: Table) -> DeltaTable | None:
    """The newest version of a published table; None if it was never published."""
    try:
        return lake.table(lake.registry_table(table.registry, table.base_name))
    except LakeTableMissing:
        return None


def version_of(delta: DeltaTable) -> SourceVersion:
    """The version that an open table is at."""
    return SourceVersion(str(delta.metadata().id), int(delta.version()))


def count_in_versions(
    lake: Lake,
    traced: TracedTable,
    newest: DeltaTable | None,
    taken: Sequence[Taken],
    versions: Iterable[SourceVersion],
    instants: Mapping[SourceVersion, datetime],
) -> dict[SourceVersion, tuple[Counted, ...]]:
    """For each version, and each of `taken`, the rows about the person; a version that is not kept is left out.

    `newest` is the published table, opened. `instants` are those by which the row history can be asked for a version
    whose files are gone.
    """
    wanted = sorted(set(versions), key=lambda one: one.version)
    files = {} if newest is None else dict(_kept_files(lake, traced.table, newest, wanted))
    found: dict[SourceVersion, tuple[Counted, ...]] = {}
    if newest is not None and files:
        by_file = _count_by_file(lake, traced, taken, newest, sorted({uri for uris in files.values() for uri in uris}))
        nothing = (Counted(),) * len(taken)
        for version, uris in files.items():
            counts = [by_file.get(uri, nothing) for uri in uris]
            found[version] = tuple(sum((one[at] for one in counts), Counted()) for at in range(len(taken)))
    for version in wanted:
        if version not in found and version in instants:
            with suppress(VersionGone, LakeTableMissing):  # the history does not know that instant, or there is none
                found[version] = _count_in_history(lake, traced, taken, instants[version])
    return found


def _kept_files(
    lake: Lake, table: Table, newest: DeltaTable, wanted: Iterable[SourceVersion]
) -> Iterator[tuple[SourceVersion, tuple[str, ...]]]:
    """The files of the versions that are whole."""
    present, uri = version_of(newest), lake.registry_table(table.registry, table.base_name)
    there: dict[str, bool] = dict.fromkeys(newest.file_uris(), True)
    for version in wanted:
        if version.table_id != present.table_id or version.version > present.version:
            continue
        try:
            of = newest if version == present else lake.table(uri, version=version.version)
        except (LakeDenied, LakeUnreachable):
            raise
        except LakeError:
            continue  # its log is no longer kept
        files = of.file_uris()
        for file in files:
            if file not in there:
                there[file] = lake.exists(file)
        if all(there[file] for file in files):
            yield version, tuple(files)


def _count_by_file(
    lake: Lake, traced: TracedTable, taken: Sequence[Taken], newest: DeltaTable, files: Sequence[str]
) -> dict[str, tuple[Counted, ...]]:
    with lake.connect() as connection, lake_errors(f"searching {traced.table.qualified_name}"):
        view_of(connection, "published", newest, files, with_file=True)
        restrict_access(connection, reads=files)
        rows = connection.execute(f"SELECT {FILE}, {_counts(connection, traced, taken)} GROUP BY {FILE}").fetchall()
    return {str(row[0]): _counted(row[1:]) for row in rows}


def _count_in_history(lake: Lake, traced: TracedTable, taken: Sequence[Taken], at: datetime) -> tuple[Counted, ...]:
    with lake.connect() as connection, lake_errors(f"searching the history of {traced.table.qualified_name}"):
        former = history_at(lake, connection, "published", traced.table, at)
        restrict_access(connection, reads=former.files)
        (row,) = connection.execute(f"SELECT {_counts(connection, traced, taken)}").fetchall()
    return _counted(row)


def _counts(connection: duckdb.DuckDBPyConnection, traced: TracedTable, taken: Sequence[Taken]) -> str:
    """The columns and the FROM of a query over `published` that counts what each of `taken` has of hers."""
    present = [row[0] for row in connection.execute("DESCRIBE published").fetchall()]
    wanted = {SERVER: "VARCHAR"} | {column.name: column.sql_type for column in traced.table.columns}
    absent = "".join(
        f", CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in wanted.items() if name not in present
    )
    published = f"(SELECT *{absent} FROM published)"
    hers = any_of(tell.condition for tell in traced.hers)
    unclear = []  # conditions, as `row_rules` has them
    if connection.execute(f"SELECT 1 FROM {published} WHERE {traced.no_key} LIMIT 1").fetchone():
        anywhere = traced.has_value(name for name in present if not name.startswith("_"))
        unclear.append(f"({traced.no_key} AND {anywhere})")
    if traced.when:
        unclear.append(f"({hers} AND ({traced.when}) IS NULL)")
        hers = f"({hers} AND ({traced.when}))"
    counts = []
    for one in taken:
        given = one.columns
        told = any_of(tell.condition for tell in traced.mentions if given is None or given & {*tell.columns})
        may_be = any_of([*unclear, traced.has_value(traced.gone(present, given))])
        counts.append(f"count(*) FILTER (_hers AND ({one.predicate}))")
        counts.append(f"count(*) FILTER (NOT _hers AND {told} AND ({one.predicate}))")
        counts.append(f"count(*) FILTER (NOT _hers AND NOT coalesce({told}, false) AND {may_be} AND ({one.predicate}))")
    mentioned = any_of(tell.condition for tell in traced.mentions)
    may_be = any_of([*unclear, traced.has_value(traced.gone(present, None))])
    return (
        f"{', '.join(counts)} FROM (SELECT *, coalesce({hers}, false) AS _hers FROM {published} "
        f"WHERE {hers} OR {mentioned} OR {may_be})"
    )


def _counted(counts: Sequence[int]) -> tuple[Counted, ...]:
    return tuple(Counted(*map(int, counts[at : at + 3])) for at in range(0, len(counts), 3))
