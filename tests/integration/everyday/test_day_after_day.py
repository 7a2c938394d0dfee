"""A source that changes in every way: each day the lake holds what the source holds.

EVERY_DAYS_SEED in the environment asks for other days.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from include.lake.publishing import publication
from include.lake.upsert import file_rewrite
from include.pipelines.context import PipelineContext
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.repeats import held_by, repeats

DAYS = repeats(4, 30)
SEED = int(os.environ.get("EVERY_DAYS_SEED", "20260301"))
OWN = "integration/everyday/test_day_after_day.py::test_the_lake_equals_the_source_every_day"


# How a source is read and how a table is written know nothing of each other.
@pytest.mark.parametrize(
    ("kind", "way"), [("sqlite", "patched"), pytest.param("postgresql", "merged", marks=held_by(OWN))]
)
def test_the_lake_equals_the_source_every_day(
    kind: str, way: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables are merged while they are small, and patched when they are not."""
    if way == "patched":
        monkeypatch.setattr(publication, "MERGE_TABLE_BYTES", -1)
        monkeypatch.setattr(file_rewrite, "_MOST_PATCHED", 1.0)
    uri = f"sqlite:///{tmp_path}/payments.db" if kind == "sqlite" else request.getfixturevalue("database")
    source = PaymentSource(uri, seed=SEED)
    context = context_of(tmp_path, uri)
    held = dict[str, tuple[Any, ...]]()
    modes = []
    for day in range(DAYS):
        (facts,) = sync_registry("payments", run_id=f"202603{day + 1:02}T000000Z-00000000", context=context).tables
        assert facts.verdict in ("published", "unchanged"), facts
        modes.append(facts.mode)
        # A row that was sound once and is spoiled now keeps its last sound content, until it is mended or goes.
        spoiled = source.spoiled()
        held = {number: row for number, row in held.items() if number in spoiled}
        held |= {row[0]: row for row in source.content()}
        assert published(context) == sorted(held.values()), f"day {day + 1}, read {facts.mode}"
        held = {row[0]: row for row in published(context)}
        source.live_day()
    assert modes[0] == "full"
    assert set(modes[1:]) <= {"incremental", "unchanged"}
    assert replayed_from_the_change_feed(context) == published(context)


def published(context: PipelineContext) -> list[tuple[Any, ...]]:
    table = DeltaTable(context.lake.registry_table("payments", "payment")).to_pyarrow_table()
    return sorted(
        (row["number"], row["payer"], row["amount_vnd"], row["updated_at"].replace(tzinfo=None))
        for row in table.to_pylist()
    )


def replayed_from_the_change_feed(context: PipelineContext) -> list[tuple[Any, ...]]:
    """The content that a reader has who only ever took the changes."""
    delta = DeltaTable(context.lake.registry_table("payments", "payment"))
    feed = delta.load_cdf(starting_version=0).read_all()
    rows = duckdb.sql(
        "SELECT number, payer, amount_vnd, updated_at FROM (SELECT *, row_number() OVER (PARTITION BY number ORDER BY "
        "_commit_version DESC, _change_type = 'delete') AS place FROM feed WHERE _change_type <> 'update_preimage') "
        "WHERE place = 1 AND _change_type <> 'delete'"
    ).fetchall()
    assert feed.num_rows
    return sorted(
        (number, payer, amount, at.astimezone(UTC).replace(tzinfo=None)) for number, payer, amount, at in rows
    )


def test_the_clock_of_this_test_is_in_the_past() -> None:
    """A cursor is never believed to lie in the future; the days above must not."""
    assert datetime(2026, 4, 30, tzinfo=UTC) < datetime.now(UTC)
