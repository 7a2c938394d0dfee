"""Two keys of the source that would be published as one, met on the same day and on days apart.

Former tests gave the same key twice only as the source itself has it twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from include.pipelines.context import PipelineContext
from tests.integration.everyday.ledger_source import PAYMENTS, PaymentSource, context_of
from tests.integration.everyday.test_every_day import sync


@pytest.fixture
def days(tmp_path: Path) -> tuple[PaymentSource, PipelineContext]:
    """A source of ten payments, synced once."""
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=1, rows=10), context_of(tmp_path / "lake", uri)
    assert sync(context, 1)["accepted"] == 10
    return source, context


def insert(source: PaymentSource, *numbers: str) -> None:
    rows = [{"so_phieu": n, "nguoi_nop": f"of {n!r}", "so_tien": 5, "ngay_cap_nhat": source.clock} for n in numbers]
    with source.engine.begin() as connection:
        connection.execute(PAYMENTS.insert(), rows)


def payers(context: PipelineContext, number: str) -> list[str]:
    table = DeltaTable(context.lake.registry_table("payments", "payment")).to_pyarrow_table()
    return [row["payer"] for row in table.to_pylist() if row["number"] == number]


def open_clashes(context: PipelineContext) -> list[str]:
    """The raw keys of the open rejections, all of which are for a clash."""
    table = DeltaTable(context.lake.rejected_table("payments", "payment")).to_pyarrow_table()
    rows: list[dict[str, Any]] = [row for row in table.to_pylist() if row["_life"] == "open"]
    assert {reason["rule_id"] for row in rows for reason in row["_reasons"]} <= {"payments.payment.key"}
    return sorted(row["so_phieu"] for row in rows)


def test_on_one_day_both_are_rejected(days: tuple[PaymentSource, PipelineContext]) -> None:
    source, context = days
    insert(source, "X1", " X1", "X2", "X2")
    done = sync(context, 2)
    assert (done["rejected"], done["superseded"]) == (2, 1)
    assert open_clashes(context) == [" X1", "X1"]
    assert (payers(context, "X1"), payers(context, "X2")) == ([], ["of 'X2'"])


def test_on_days_apart_the_published_row_stays_and_both_are_rejected(
    days: tuple[PaymentSource, PipelineContext],
) -> None:
    source, context = days
    insert(source, "X1")
    assert sync(context, 2)["accepted"] >= 1
    insert(source, " X1")
    done = sync(context, 3)
    assert done["rejected"] == 2
    assert open_clashes(context) == [" X1", "X1"]
    assert payers(context, "X1") == ["of 'X1'"]
    sync(context, 4)
    assert open_clashes(context) == [" X1", "X1"]
    with source.engine.begin() as connection:  # the registry's owner takes the other one out
        connection.execute(PAYMENTS.delete().where(PAYMENTS.c.so_phieu == "X1"))
    sync(context, 5)
    assert open_clashes(context) == []
    assert payers(context, "X1") == ["of ' X1'"]
