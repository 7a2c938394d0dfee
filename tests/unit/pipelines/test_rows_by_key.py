"""Which of the rows that a comparison of keys found missing the cursor brings anyway, and which are fetched by key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import duckdb
import pytest
from sqlalchemy import types

from include.pipelines.sync.extraction import _is_past
from include.sources.databases import next_condition
from include.sources.landing import Landed
from include.sources.open_object import ReadRequest
from include.sources.source_schema import SourceColumn, SourceTable
from tests.unit.sources.parts import contract_by

NOTATIONS = ("{}", "{}:30", "{}:30.5", "{}Z", "{}:00Z", "{}:00+07:00", "{}:00 +07:00", "{}:00-0500", "{}+09")
MOMENTS = [
    form.format(f"{day}{mark}{clock}")
    for form, day, mark, clock in product(
        NOTATIONS, ("2025-05-01", "2025-05-02"), (" ", "T"), ("00:00", "07:15", "12:00", "22:40")
    )
]


@pytest.mark.parametrize("since", [*MOMENTS, "2025-05-01", "2025-05-02"])
def test_a_text_past_the_cursor_is_one_that_the_source_reads_by_it(since: str) -> None:
    (table,) = contract_by().tables
    table = replace(table, extract=replace(table.extract, lag=timedelta(0)))
    source = SourceTable(None, "t", (SourceColumn("u", "u", types.Text(), "DATETIME"),), ())
    landed = Landed("", 0, 0, "", (("k", "VARCHAR"), ("u", "VARCHAR")), ())
    surely = _is_past(table, landed, ReadRequest(since=(since,)))
    read = next_condition(source, table, (since,))
    with duckdb.connect() as duck:
        rows = duck.execute(
            f"SELECT u, {surely}, {read} FROM (SELECT unnest(?) AS u) AS k", [[*MOMENTS, "2025-05-01"]]
        ).fetchall()
    assert not [row for row in rows if row[1] and not row[2]]
    assert any(row[1] for row in rows) or not since.startswith(("2025-05-01 ", "2025-05-01T"))
