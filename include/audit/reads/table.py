"""The table `audit/reads`: journals brought into it, once each, and the question who read what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from include.audit.reads.journal import ended_files, records_of
from include.audit.reads.record import to_arrow
from include.lake.delta import view
from include.lake.run_log import append
from include.lake.storage import Lake, lake_errors

READS_TABLE = "audit/reads"
_NAME = "reads"


@dataclass(frozen=True, slots=True)
class ReadsOfTable:
    """What one recipient read of one product under one agreement: requests that were offered rows, and refused ones.

    `columns` are those that were offered; `rows` the most that one request was offered.
    """

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


def bring_in(lake: Lake, folder: Path) -> int:
    """Append the records of every journal that no process writes any more to `audit/reads`; returns how many.

    A journal is removed when its records are in the table. Killed between the two, the next call appends nothing twice:
    the commit carries the journal's name. The caller puts the commits into the ledger.
    """
    count = 0
    with ended_files(folder) as paths:
        for path in paths:
            records = records_of(path)
            if records:
                append(lake, _NAME, to_arrow(records, path.stem), once=f"reads/{path.stem}")
                count += len(records)
            path.unlink()
    return count


def reads_of(
    lake: Lake, registry: str, table: str, *, since: datetime, until: datetime, columns: Sequence[str] | None = None
) -> tuple[ReadsOfTable, ...]:
    """Who asked for rows of a published table from `since` to before `until`, by recipient, agreement and product.

    With `columns` only reads that offered one of them, and what was refused.
    """
    if not lake.is_table(lake.path(READS_TABLE)):
        return ()
    query = """
        SELECT recipient, agreement, product, max(purpose), count(*) FILTER (WHERE verdict = 'offered'),
               count(*) FILTER (WHERE verdict = 'refused'), coalesce(max("rows"), 0),
               coalesce(list_sort(list_distinct(flatten(list("columns") FILTER (WHERE "columns" IS NOT NULL)))), []),
               min("at"), max("at")
        FROM reads
        WHERE registry = $registry AND "table" = $table AND "at" >= $since AND "at" < $until
              AND action IN ('query', 'changes')
              AND ($columns IS NULL OR verdict = 'refused' OR list_has_any("columns", $columns))
        GROUP BY ALL ORDER BY ALL"""
    named = {"registry": registry, "table": table, "since": since, "until": until, "columns": columns}
    with lake.connect(memory_limit="512MB") as connection, lake_errors("reading the log of reads"):
        view(lake, connection, _NAME, lake.path(READS_TABLE))
        found = connection.execute(query, named).fetchall()
    return tuple(
        ReadsOfTable(recipient, agreement, product, purpose, reads, refused, rows, tuple(offered), first, last)
        for recipient, agreement, product, purpose, reads, refused, rows, offered, first, last in found
    )
