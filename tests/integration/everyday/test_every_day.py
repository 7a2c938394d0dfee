"""Single days: what is read and why, deletes, a run gone on with, a stretch read again, a source that drifted."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from deltalake import DeltaTable

from include.lake.delta.commit_metadata import last_commit
from include.pipelines.checks import plan_registry
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse
from include.pipelines.rejected.replaying import list_rejected
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.read_plan import Window
from include.pipelines.sync.registry_sync import sync_registry
from include.pipelines.sync.resumable_runs import resumable_run
from tests.integration.everyday.ledger_source import BAD, PAYMENTS, PaymentSource, context_of, copied
from tests.integration.everyday.test_day_after_day import published
from tests.repeats import held_by

Days = tuple[PaymentSource, PipelineContext]
OWN = "integration/everyday/test_every_day.py"
LAKE = "Hồ dữ liệu"


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[PaymentSource, Path]:
    """A source after its first sync."""
    folder = tmp_path_factory.mktemp("first")
    source = PaymentSource(f"sqlite:///{folder}/payments.db", seed=1, rows=50)
    assert sync(context_of(folder / LAKE, source.uri), 1)["mode"] == "full"
    return source, folder


@pytest.fixture
def days(first_day: tuple[PaymentSource, Path], tmp_path: Path) -> Days:
    """The same in a folder of its own."""
    return copied(*first_day, tmp_path, lake=LAKE)


def sync(context: PipelineContext, day: int, **how: Any) -> dict[str, Any]:
    """One run, with everything read from disk anew."""
    fresh = dataclasses.replace(context)
    (facts,) = sync_registry("payments", run_id=f"202603{day:02}T000000Z-00000000", context=fresh, **how).tables
    return facts.to_dict()


def rewrite(context: PipelineContext, old: str, new: str) -> None:
    path = context.schemas / "registries" / "payments.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_new_is_told_and_nothing_is_written_or_judged(days: Days) -> None:
    _, context = days
    steps: list[str] = []
    again = sync(context, 2, watch=lambda table, step: steps.append(step))
    assert steps == ["extract", "unchanged"]  # rows within the lag came again, and were judged when they were published
    assert (again["verdict"], again["same_as_run"], again["version"]) == ("unchanged", "20260301T000000Z-00000000", 0)
    assert not context.lake.list(context.lake.path("staging", "payments", "payment"))


@pytest.mark.parametrize(
    "kind",
    ["postgresql", pytest.param("mariadb", marks=held_by(f"{OWN}::test_rows_that_come_again_are_not_judged_again"))],
)
def test_rows_that_come_again_are_not_judged_again(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if kind == "mariadb":
        server = request.getfixturevalue("mariadb")
        with server.connect() as session, session.cursor() as cursor:
            cursor.execute("CREATE OR REPLACE DATABASE payments_every_day CHARACTER SET utf8mb4")
        uri = f"{server.uri}payments_every_day"
    else:
        uri = request.getfixturevalue("database")
    source = PaymentSource(uri, seed=2, rows=50)
    source.insert(5, amount=BAD)
    context = context_of(tmp_path / LAKE, uri)
    sync(context, 1)
    steps: list[str] = []
    sync(context, 2, watch=lambda table, step: steps.append(step))
    source.update_within_the_same_second(1)
    assert sync(context, 3, watch=lambda table, step: steps.append(step))["updated"] == 1
    assert published(context) == source.content()
    sync(context, 4, watch=lambda table, step: steps.append(step))
    assert steps == ["extract", "unchanged", "extract", "assess", "publish", "published", "extract", "unchanged"]


def test_a_rule_that_changed_asks_for_everything_and_a_description_does_not(days: Days) -> None:
    source, context = days
    source.update(3)
    rewrite(
        context, "logicalType: string, required: true", "logicalType: string, required: true, description: Who paid"
    )
    assert sync(context, 2)["mode"] == "incremental"
    rewrite(context, "{minimum: 0}", "{minimum: 1}")
    (plan,) = plan_registry(dataclasses.replace(context), "payments")
    assert (plan.mode, plan.is_breaking) == ("full", False)
    assert "what rows become" in plan.why
    assert sync(context, 3)["mode"] == "full"


def test_a_source_that_comes_back_empty_never_empties_the_lake(days: Days) -> None:
    source, context = days
    with source.engine.begin() as connection:
        connection.execute(PAYMENTS.delete())
    held = sync(context, 2)
    assert (held["verdict"], held["mode"]) == ("held", "incremental")
    assert {finding["what"] for finding in held["findings"]} >= {"deleteLimitPercent"}
    assert len(published(context)) == 50
    run_id = resumable_run(context, "payments")
    done = sync(context, int(run_id[6:8]), approval=Approval("Lê Thu", "the office was closed down"))
    assert (done["verdict"], done["deleted"], done["approved_by"]) == ("published", 50, "Lê Thu")
    assert published(context) == []
    with pytest.raises(Misuse, match="no run of payments was interrupted"):
        resumable_run(context, "payments")


def test_a_stretch_of_time_is_read_again_without_moving_the_cursor(days: Days) -> None:
    source, context = days
    source.live_day()
    assert sync(context, 2)["verdict"] == "published"
    table = context.table("payments", "payment")[1]
    before = last_commit(context.lake, table)
    day_one = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert sync(context, 3, window=Window(*day_one))["verdict"] == "unchanged"
    with source.engine.begin() as connection:  # changed behind the cursor's back, in that stretch
        early = sa.select(PAYMENTS.c.id).where(PAYMENTS.c.ngay_cap_nhat < datetime(2026, 3, 2)).limit(4)
        connection.execute(PAYMENTS.update().where(PAYMENTS.c.id.in_(early)), {"nguoi_nop": "Đỗ Muộn"})
    again = sync(context, 4, window=Window(*day_one))
    assert (again["verdict"], again["mode"], again["updated"], again["deleted"]) == ("published", "backfill", 4, 0)
    after = last_commit(context.lake, table)
    assert before is not None
    assert after is not None
    assert after.metadata["cursor"] == before.metadata["cursor"]
    assert sum(row[1] == "Đỗ Muộn" for row in published(context)) == 4


def test_rows_the_source_calls_deleted_leave_the_table(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=2, rows=20), context_of(tmp_path, uri)
    rewrite(context, "deletes: reconcile", "deletes: soft, deletedWhen: amount_vnd = 7")
    source.insert(2, amount=7)
    first = sync(context, 1)
    assert (first["verdict"], len(published(context))) == ("published", 20)
    source.change(3, lambda: {"so_tien": 7, "ngay_cap_nhat": source.now()})
    second = sync(context, 2)
    sound = [row for row in source.content() if row[2] != 7]
    assert (second["mode"], second["deleted"]) == ("incremental", 20 - len(sound))
    assert published(context) == sound


def test_a_row_that_was_only_ever_rejected_is_withdrawn_when_it_leaves(days: Days) -> None:
    source, context = days
    source.insert(3, amount=BAD)
    assert sync(context, 2)["rejected"] == 3
    assert [entry.rows for entry in list_rejected(context, "payments")] == [3]
    with source.engine.begin() as connection:
        connection.execute(PAYMENTS.delete().where(PAYMENTS.c.so_tien == BAD))
    assert sync(context, 3)["deleted"] == 0
    assert list_rejected(context, "payments") == []
    kept = DeltaTable(context.lake.rejected_table("payments", "payment")).to_pyarrow_table()
    assert kept["_life"].to_pylist() == ["withdrawn"] * 3


def test_a_row_that_is_rejected_again_inside_the_lag_is_no_news(days: Days) -> None:
    source, context = days
    source.insert(3, amount=BAD)
    assert sync(context, 2)["rejected"] == 3
    again = sync(context, 3)
    assert (again["verdict"], again["same_as_run"]) == ("unchanged", "20260302T000000Z-00000000")
    source.mend(1)
    assert sync(context, 4)["verdict"] == "published"
    assert [entry.rows for entry in list_rejected(context, "payments")] == [2]


def test_a_row_with_a_wrong_year_hides_nothing_that_is_written_after_it(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=5, rows=20), context_of(tmp_path, uri)
    rewrite(context, "deletes: reconcile", "deletes: none")  # nothing but the cursor finds what is new
    source.insert(1, late=-timedelta(days=30_000))
    assert sync(context, 1)["verdict"] == "published"
    source.clock += timedelta(days=1)
    source.insert(4)
    second = sync(context, 2)
    assert (second["mode"], second["inserted"]) == ("incremental", 4)
    assert published(context) == source.content()


def test_a_breaking_contract_is_told_before_it_runs(days: Days) -> None:
    _, context = days
    rewrite(context, "physicalName: so_tien, logicalType: integer", "physicalName: so_tien, logicalType: string")
    rewrite(context, ", logicalTypeOptions: {minimum: 0}", "")
    (plan,) = plan_registry(dataclasses.replace(context), "payments")
    (change,) = plan.changes
    assert (plan.is_breaking, change.weight) == (True, "breaking")
    assert "published as long and would be string" in change.what
    assert sync(context, 2)["error_type"] == "LakeSchemaConflict"
    assert DeltaTable(context.lake.registry_table("payments", "payment")).version() == 0


def test_a_new_column_evolves_the_table(days: Days) -> None:
    _, context = days
    new = "\n      - {name: id, physicalName: id, logicalType: integer}"
    rewrite(context, "logicalType: timestamp, required: true}", "logicalType: timestamp, required: true}" + new)
    (plan,) = plan_registry(dataclasses.replace(context), "payments")
    assert ([c.weight for c in plan.changes], plan.mode) == (["compatible"], "full")
    assert sync(context, 2)["verdict"] == "published"
    table = DeltaTable(context.lake.registry_table("payments", "payment")).to_pyarrow_table()
    assert table["id"].null_count == 0


def test_a_source_that_drifted_publishes_nothing_and_says_what_to_do(days: Days) -> None:
    source, context = days
    with source.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE phieu_thu ADD COLUMN ghi_chu TEXT"))
    source.update(2)
    stopped = sync(context, 2)
    assert (stopped["verdict"], stopped["error_type"]) == ("failed", "SourceDrifted")
    assert "ghi_chu" in stopped["error"]
    rewrite(context, "deletes: reconcile", "drift: evolve, deletes: reconcile")
    assert sync(context, 3)["verdict"] == "published"
    assert published(context) == source.content()


@pytest.mark.parametrize(
    "cursor",
    ["[updated_at, id]", pytest.param("[id]", marks=held_by(f"{OWN}::test_an_integer_or_a_pair_moves_forward_too"))],
)
def test_an_integer_or_a_pair_moves_forward_too(cursor: str, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=40), context_of(tmp_path, uri)
    new = "\n      - {name: id, physicalName: id, logicalType: integer}"
    rewrite(context, "logicalType: timestamp, required: true}", "logicalType: timestamp, required: true}" + new)
    rewrite(context, "cursor: [updated_at], lag: PT1H", f"cursor: {cursor}, lag: PT0S")
    assert sync(context, 1)["mode"] == "full"
    source.insert(5)
    source.delete(3)
    source.give_another_number(2)
    assert sync(context, 2)["mode"] == "incremental"
    assert published(context) == source.content()
