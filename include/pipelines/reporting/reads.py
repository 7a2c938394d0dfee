"""Who read a published table by Delta Sharing, in a month or lately, and which of its columns.

A column that was offered has personal data unless the contract of today says that it has none: of one that the contract
has no longer nobody knows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from include.audit.reads import ProductReads, product_reads
from include.audit.report_data import PERSONAL, READS_DAYS
from include.contracts.model import Table
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse, no_values_escape
from include.sharing.statistics import COUNT, SUPPRESSED, sum_name

# Of statistics, in which no row is a person's.
_COUNTS = (COUNT, SUPPRESSED)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def without_persons(table: Table) -> frozenset[str]:
    """The columns of tables shared from this one that have no personal data: by its contract, and counts and sums."""
    columns = (column.name for column in table.columns if column.classification not in PERSONAL)
    return frozenset((*columns, *_COUNTS, *(sum_name(column.name) for column in table.columns)))


def reads_of_table(
    context: PipelineContext, table: str, *, month: str | None = None, personal: bool = False
) -> tuple[ProductReads, ...]:
    """Reads of `registry.table` by recipient, agreement and product, in a month (UTC) or the last READS_DAYS.

    `personal`: only requests that were offered a column of which the contract of today does not say that it has no
    personal data, in whatever protection the agreement gives it; and what was refused.

    Raises:
        Misuse: there is no such table, or the month is none.
    """
    registry, _, name = table.partition(".")
    _, spec = context.table(registry, name)
    until = context.now()
    since = until - timedelta(days=READS_DAYS)
    if month is not None:
        match = _MONTH.fullmatch(month)
        if match is None or match[1] == "0000":
            raise Misuse(f"no month `{month}`: write it as {until:%Y-%m}")
        since = datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)
        until = (since + timedelta(days=31)).replace(day=1)
    beside = without_persons(spec) if personal else None
    with no_values_escape("reading the log of reads"):
        found = product_reads(context.lake, since=since, until=until, beside=beside)
    return tuple(one for one in found if (one.registry, one.table) == (registry, spec.base_name))
