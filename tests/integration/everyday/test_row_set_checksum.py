"""PostgreSQL says in one figure which rows it has beside the new ones: keys are read only if the lake has others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.pipelines.context import PipelineContext
from include.pipelines.sync import extraction
from tests.integration.everyday.ledger_source import BAD, PAYMENTS, PaymentSource, context_of
from tests.integration.everyday.test_day_after_day import published
from tests.integration.everyday.test_every_day import rewrite, sync
from tests.repeats import held_by, some_of

pytestmark = pytest.mark.slow
Days = tuple[PaymentSource, PipelineContext, list[str]]
DAY = timedelta(days=1)
KINDS = ["text", "integer"]
OWN = "integration/everyday/test_row_set_checksum.py"
TRIMMED = ", transformLogic: trim(so_phieu)"
OF_TEXT = "{name: number, physicalName: so_phieu, logicalType: string, primaryKey: true" + TRIMMED + "}"
OF_INTEGERS = """{name: id, logicalType: integer, primaryKey: true}
      - {name: number, physicalName: so_phieu, logicalType: string}"""


@pytest.fixture
def days(request: pytest.FixtureRequest, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Days:
    """A source after its first sync, and the days on which keys were read; `param`: the type of its key."""
    source, context = PaymentSource(database, seed=4, rows=60), context_of(tmp_path, database)
    rewrite(
        context, OF_TEXT, OF_TEXT.replace(TRIMMED, "") if getattr(request, "param", "text") == "text" else OF_INTEGERS
    )
    compared: list[str] = []
    reconcile = extraction._reconcile

    def seen(*args, **kwargs):
        compared.append(args[-1])
        return reconcile(*args, **kwargs)

    monkeypatch.setattr(extraction, "_reconcile", seen)
    source.insert(4, amount=BAD)
    source._run(PAYMENTS.update(), {"ngay_cap_nhat": source.clock - DAY * 30})  # far behind the cursor and its lag
    source.insert(1)
    assert sync(context, 1)["mode"] == "full"
    source.clock += DAY
    return source, context, compared


@pytest.mark.parametrize(
    "days",
    [
        "text",
        pytest.param("integer", marks=held_by(f"{OWN}::test_new_rows_changed_rows_and_rejected_rows_need_no_keys")),
    ],
    indirect=True,
)
def test_new_rows_changed_rows_and_rejected_rows_need_no_keys(days: Days) -> None:
    source, context, compared = days
    source.insert(5)
    source.update(9)
    source.spoil(3)  # their published rows stay, their rows in the source are known as rejected
    second = sync(context, 2)
    assert (second["mode"], second["deleted"], second["rejected"]) == ("incremental", 0, 3)
    assert "all others are as the lake has them" in second["why"]
    source.clock += DAY
    source.mend(2)
    source.update(5)
    assert sync(context, 3)["verdict"] == "published"
    source.clock += DAY
    assert sync(context, 4)["verdict"] == "unchanged"
    assert compared == []
    assert {row[0] for row in published(context)} >= {row[0] for row in source.content()}


UNSEEN: dict[str, Callable[[PaymentSource], None]] = {
    "a row is deleted": lambda source: source.delete(1),
    "a row is deleted and another came late": lambda source: (source.delete(1), source.insert(1, late=DAY * 20))[0],
    "a rejected row is deleted": lambda source: source._run(PAYMENTS.delete().where(PAYMENTS.c.id == 62)),
    "a clock ran backwards": lambda source: source.update_by_a_slow_clock(2),
    "a key was corrected": lambda source: source._run(
        PAYMENTS.update().where(PAYMENTS.c.id == 9), {"id": 900, "so_phieu": "PT0000900"}
    ),
}


# A key that went while another came, so that no count tells; and a key that is another.
QUICK = [("integer", "a row is deleted and another came late"), ("text", "a key was corrected")]


@pytest.mark.parametrize(
    ("days", "what"),
    [
        *QUICK,
        *(
            pytest.param(kind, what, marks=held_by(f"{OWN}::test_what_no_cursor_shows_is_found_by_the_keys"))
            for kind in KINDS for what in UNSEEN if (kind, what) not in QUICK
        ),
    ],
    indirect=["days"],
)  # fmt: skip
def test_what_no_cursor_shows_is_found_by_the_keys(days: Days, what: str) -> None:
    source, context, compared = days
    source.update(3)
    UNSEEN[what](source)
    facts = sync(context, 2)
    assert (facts["verdict"], facts["mode"]) == ("published", "incremental")
    assert published(context) == source.content()
    assert len(compared) == 1


@pytest.mark.parametrize("days", some_of(KINDS, 1), indirect=True)
def test_two_rows_that_exchange_their_instants_are_told_apart(days: Days) -> None:
    source, context, compared = days
    early, late = source.clock - DAY * 12, source.clock - DAY * 11
    set_instants(source, {5: early, 6: late})
    assert sync(context, 2)["updated"] == 2
    set_instants(source, {5: late, 6: early})
    assert sync(context, 3)["updated"] == 2
    assert published(context) == source.content()
    assert len(compared) == 2


def set_instants(source: PaymentSource, by_id: dict[int, object]) -> None:
    for row, instant in by_id.items():
        source._run(PAYMENTS.update().where(PAYMENTS.c.id == row), {"ngay_cap_nhat": instant})


@pytest.mark.parametrize("days", some_of(KINDS, 1), indirect=True)
def test_a_source_that_is_read_at_a_pace_is_not_asked(days: Days) -> None:
    source, context, compared = days
    rewrite(context, "type: custom}", "type: custom, customProperties: [{property: rowsPerSecond, value: 100000}]}")
    source.update(3)
    assert sync(context, 2)["verdict"] == "published"
    assert len(compared) == 1


@pytest.mark.parametrize("days", some_of(KINDS, 1), indirect=True)
def test_it_takes_no_connection_more(days: Days, database: str) -> None:
    """One holds the snapshot and says the figure, one reads."""
    source, context, compared = days
    with source.engine.begin() as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS narrow"))
        connection.execute(sa.text("CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 2"))
        connection.execute(sa.text("GRANT SELECT ON phieu_thu TO narrow"))
    uri = f"postgresql://narrow:narrow@{database.rpartition('@')[2]}"
    narrow = replace(context, environ={**context.environ, "AIRFLOW_CONN_PAYMENTS_DB": uri})
    for day in range(2, 4):
        source.clock += DAY
        source.update(3)
        assert sync(narrow, day)["verdict"] == "published"
    assert compared == []
    source._run(sa.text("DROP OWNED BY narrow"))
    source._run(sa.text("DROP ROLE narrow"))


@pytest.mark.parametrize("days", some_of(KINDS, 1), indirect=True)
def test_a_row_without_an_instant_is_read_every_day_and_disturbs_nothing(days: Days) -> None:
    source, context, compared = days
    rewrite(context, "logicalType: timestamp, required: true", "logicalType: timestamp")
    source._run(PAYMENTS.update().where(PAYMENTS.c.id == 3), {"ngay_cap_nhat": None})
    assert sync(context, 2)["mode"] == "full"
    source.clock += DAY
    source.update(5)
    assert sync(context, 3)["mode"] == "incremental"
    assert compared == []
    source._run(PAYMENTS.delete().where(PAYMENTS.c.id == 3))
    assert sync(context, 4)["deleted"] == 1
    assert len(compared) == 1
