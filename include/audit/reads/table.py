"""The table `audit/reads`: journals brought into it, once each, and the question who read what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from include.audit.reads.journal import ended_files, records_of
from include.audit.reads.record import to_arrow
from include.lake.delta import view
from include.lake.run_log import append
from include.lake.storage import Lake, LakeError, lake_errors

READS_TABLE = "audit/reads"
_NAME = "reads"
_OFFERING = "'query', 'changes', 'store'"
"""Actions that offer rows: two of the Delta Sharing server, and files that a recipient read at the store."""


class JournalDamaged(LakeError):
    """A journal of reads has a line that is no record."""


@dataclass(frozen=True, slots=True)
class ProductReads:
    """What one recipient asked for of one product under one agreement: requests offered rows, and refused ones.

    `registry` and `table` are the published table behind the product; `columns` those that were offered; `rows` the
    most that one request was offered.
    """

    registry: str
    table: str
    recipient: str
    agreement: str
    product: str
    purpose: str
    reads: int
    refused: int
    rows: int
    columns: tuple[str, ...]
    first_at: datetime
    last_at: datetime

    def and_of(self, later: ProductReads) -> ProductReads:
        """With those of the same product when it was made of another table, which is named then."""
        return replace(
            later,
            reads=self.reads + later.reads,
            refused=self.refused + later.refused,
            rows=max(self.rows, later.rows),
            columns=tuple(sorted({*self.columns, *later.columns})),
            first_at=min(self.first_at, later.first_at),
            last_at=max(self.last_at, later.last_at),
        )


@dataclass(frozen=True, slots=True)
class OfferedRead:
    """A request that was offered rows of a product: a version, or with `from_version` what changed up to it.

    `table_id` is the Delta id of the shared table; None if the record has it not.
    """

    read_id: str
    at: datetime
    action: str
    from_version: int | None
    version: int
    table_id: str | None


def bring_in(lake: Lake, folder: Path) -> int:
    """Append the records of every journal that no process writes any more to `audit/reads`; returns how many.

    A journal is removed when its records are in the table. Killed between the two, the next call appends nothing twice:
    the commit carries the journal's name. The caller puts the commits into the ledger.

    Raises:
        JournalDamaged: a journal has a line that is no record, told when all others are in the table.
        LakeError: the lake cannot be written; the journals stay.
    """
    count, damaged = 0, []
    with ended_files(folder) as paths:
        for path in paths:
            try:
                records = records_of(path)
            except (ValueError, TypeError, KeyError):
                damaged.append(path.name)
                continue
            if records:
                append(lake, _NAME, to_arrow(records, path.stem), once=f"reads/{path.stem}")
                count += len(records)
            path.unlink()
    if damaged:
        raise JournalDamaged(
            f"{', '.join(damaged)} in {folder}: a line is no record of a read; it was altered, or the disk is damaged. "
            "Keep the file as evidence, take it out of the folder, and look who could write there"
        )
    return count


def product_reads(
    lake: Lake, *, since: datetime, until: datetime, beside: Collection[str] | None = None
) -> tuple[ProductReads, ...]:
    """Who asked for rows from `since` to before `until`: by published table, recipient, agreement and product.

    With `beside` only requests that were offered another column than these, and those that were refused.
    """
    if not lake.is_table(lake.path(READS_TABLE)):
        return ()
    query = f"""
        SELECT registry, "table", recipient, agreement, product, max(purpose),
               count(*) FILTER (WHERE verdict = 'offered'), count(*) FILTER (WHERE verdict = 'refused'),
               coalesce(max("rows"), 0),
               coalesce(list_sort(list_distinct(flatten(list("columns") FILTER (WHERE "columns" IS NOT NULL)))), []),
               min("at"), max("at")
        FROM reads
        WHERE action IN ({_OFFERING}) AND product IS NOT NULL AND "at" >= $since AND "at" < $until
              AND ($beside IS NULL OR verdict = 'refused'
                   OR coalesce(NOT list_has_all(CAST($beside AS VARCHAR[]), "columns"), true))
        GROUP BY ALL ORDER BY ALL"""
    named = {"since": since, "until": until, "beside": None if beside is None else [*beside]}
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the log of reads"):
        view(lake, connection, _NAME, lake.path(READS_TABLE))
        found = connection.execute(query, named).fetchall()
    return tuple(ProductReads(*row[:9], tuple(row[9]), *row[10:]) for row in found)  # type: ignore[call-arg]


def offered_reads(lake: Lake, recipient: str, product: str) -> tuple[OfferedRead, ...]:
    """What a recipient was ever offered of a product, the oldest first."""
    if not lake.is_table(lake.path(READS_TABLE)):
        return ()
    query = f"""
        SELECT read_id, "at", action, from_version, version, table_id
        FROM (FROM reads UNION ALL BY NAME SELECT CAST(NULL AS VARCHAR) AS table_id WHERE false)
        WHERE action IN ({_OFFERING}) AND verdict = 'offered' AND recipient = $recipient AND product = $product
              AND version IS NOT NULL
        ORDER BY "at", read_id"""
    named = {"recipient": recipient, "product": product}
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the log of reads"):
        view(lake, connection, _NAME, lake.path(READS_TABLE))
        return tuple(OfferedRead(*row) for row in connection.execute(query, named).fetchall())


def kept_at_store(lake: Lake, *, since: datetime) -> list[str]:
    """Ids of the records of reads at the store, from an instant on."""
    if not lake.is_table(lake.path(READS_TABLE)):
        return []
    query = "SELECT read_id FROM reads WHERE action = 'store' AND \"at\" >= $since"
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the log of reads"):
        view(lake, connection, _NAME, lake.path(READS_TABLE))
        return [str(row[0]) for row in connection.execute(query, {"since": since}).fetchall()]
