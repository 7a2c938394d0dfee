"""The search for a person in one published table: in all versions that were shared or looked at, and in today's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from include.lake.storage import Lake
from include.pipelines.subject.row_rules import TracedTable
from include.pipelines.subject.shared_tables import SharedTable, SharingRecord
from include.pipelines.subject.source_versions import (
    Counted,
    ShownVersion,
    SourceVersion,
    Taken,
    count_in_versions,
    open_published,
    version_of,
)
from include.sharing.products import FilterRefused, compile_filter

Counts = Mapping[SourceVersion, Counted]


@dataclass(frozen=True, slots=True)
class TableSearch:
    """Rows about a person in a published table, by version: of the whole table, and of those that a product took.

    `shared` is by the Delta id of the shared table; one whose terms are not known is not in it. A version that is not
    kept is in none of the counts. `shown` has those that were looked at, as far as it can be told which they were.
    """

    newest: SourceVersion | None
    whole: Counts = field(default_factory=dict)
    shared: Mapping[str, Counts] = field(default_factory=dict)
    shown: Mapping[ShownVersion, SourceVersion] = field(default_factory=dict)


def search_table(
    lake: Lake,
    traced: TracedTable,
    sharing: SharingRecord,
    looked_at: Iterable[ShownVersion],
) -> TableSearch:
    """Search the versions of a published table that shared tables were made of, and those that were looked at."""
    shared = [table for table in sharing.tables if table.source == traced.table.qualified_name]
    published = open_published(lake, traced.table)
    newest = version_of(published) if published is not None else None
    taken = {table.table_id: one for table in shared if (one := _taken(table, traced)) is not None}
    versions = {version.source for table in shared for version in table.versions if version.source is not None}
    shown = {one: version for one in looked_at if (version := one.among(newest, sharing.instants)) is not None}
    versions |= {*shown.values(), *([newest] if newest is not None else ())}
    dated = {version: sharing.instants[version] for version in versions & sharing.told_by_instant}
    counts = count_in_versions(lake, traced, published, [Taken(), *taken.values()], versions, dated)
    return TableSearch(
        newest,
        {version: of[0] for version, of in counts.items()},
        {
            table_id: {version: of[place] for version, of in counts.items()}
            for place, table_id in enumerate(taken, 1)
        },
        shown,
    )  # fmt: skip


def _taken(table: SharedTable, traced: TracedTable) -> Taken | None:
    if table.terms is None:
        return None
    try:
        return Taken(compile_filter(table.terms.rows, traced.table), table.terms.given)
    except FilterRefused:  # it speaks of a column that the contract has no longer
        return None
