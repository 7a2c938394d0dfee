"""Drift of types, the replica and the pace, on a real PostgreSQL."""

from __future__ import annotations

import time
from decimal import Decimal

import psycopg
import pytest

from include.contracts.model import DRIFT_FLAG, Column
from include.lake.storage.lake import Lake
from include.sources.access import SourceDrifted, SourceLost
from include.sources.databases import postgres as reader
from include.sources.open_object import ReadRequest
from tests.extracts import VARIABLE
from tests.unit.sources.parts import KEY, UPDATED, contract_by, landed, opened, rows

pytestmark = pytest.mark.slow

AMOUNT = Column("amount", "m", "number", "DECIMAL(12,2)")
BEFORE = (("k", "INTEGER"), ("u", "TIMESTAMP WITHOUT TIME ZONE"), ("m", "NUMERIC(5, 2)"), ("gone", "DATE"))


@pytest.fixture
def drifted(pg: psycopg.Connection) -> None:
    pg.execute("CREATE TABLE t (k bigint, u timestamp, m numeric(9,4), moi text)")
    pg.execute("INSERT INTO t VALUES (1, now(), 1.5, NULL), (2, now(), 1.2345, NULL), (3000000000, now(), 2, 'x')")


@pytest.mark.usefixtures("drifted")
@pytest.mark.parametrize("pages", [0, 10_000_000])
def test_types_that_changed_under_each_policy(
    postgres: str, lake: Lake, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr(reader, "PAGES_WORTH_SCANNING", pages)
    columns = (KEY, UPDATED, AMOUNT, Column("gone", "gone", "date", "DATE"))
    with pytest.raises(SourceDrifted) as caught, opened(contract_by(*columns), postgres, lake, before=BEFORE):
        pass
    assert (
        "type of 'k' widened: INTEGER became BIGINT; type of 'm' widened: NUMERIC(5, 2) became NUMERIC(9, 4); "
        "column 'gone' (DATE) is gone; new column 'moi' (TEXT)" in str(caught.value)
    )
    with opened(contract_by(*columns, drift="evolve"), postgres, lake, before=BEFORE) as source:
        part = landed(source, lake)
    types = dict(part.columns)
    assert (types["k"], types["m"], types["gone"], "moi" in types) == ("BIGINT", "DECIMAL(9,4)", "DATE", True)
    with opened(contract_by(*columns, drift="discard_value"), postgres, lake, before=BEFORE) as source:
        part = landed(source, lake)
    assert [name for name, _ in part.columns] == ["k", "u", "m", "gone"]
    assert dict(part.columns)["m"] == "DECIMAL(5,2)"
    assert sorted(rows(part, "k, m"), key=str) == [(1, Decimal("1.50")), (2, None), (None, Decimal("2.00"))]
    with opened(contract_by(*columns, drift="discard_row"), postgres, lake, before=BEFORE) as source:
        part = landed(source, lake)
    assert rows(part, f"k, {DRIFT_FLAG}") == [(1, False), (2, True), (3_000_000_000, True)]


@pytest.mark.usefixtures("drifted")
def test_what_stays_the_same_is_no_drift(postgres: str, lake: Lake) -> None:
    with opened(contract_by(KEY, UPDATED, AMOUNT), postgres, lake) as source:
        before = source.extract(landed(source, lake), run_id="r1").source_columns
    with opened(contract_by(KEY, UPDATED, AMOUNT), postgres, lake, before=before) as source:
        assert source.drift == ()


@pytest.mark.usefixtures("drifted")
def test_a_replica_that_is_down_or_refuses(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    contract = contract_by(KEY, UPDATED)
    for replica in ("postgresql://u:secret@127.0.0.1:1/d", postgres.replace("postgres:", "postgres:wrong", 1)):
        with opened(contract, postgres, lake, environ={f"{VARIABLE}_REPLICA": replica}) as source:
            part = landed(source, lake)
        assert (source.kind, part.rows) == ("postgresql", 3)
        assert any("the replica did not serve" in note for note in part.drift)
        assert not any("secret" in note or "wrong" in note for note in part.drift)
    with opened(contract, postgres, lake, environ={f"{VARIABLE}_REPLICA": postgres}) as source:
        assert (source.kind, landed(source, lake).rows) == ("postgresql replica", 3)


def test_rows_come_at_the_pace_over_one_connection(
    pg: psycopg.Connection, postgres: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGES_WORTH_SCANNING", 1)
    pg.execute("CREATE TABLE t AS SELECT i AS k, now() AS u, i::text AS v FROM generate_series(1, 30000) i")
    started = time.monotonic()
    with opened(contract_by(rowsPerSecond=30_000), postgres, lake) as source:
        part = landed(source, lake)
    assert (part.rows, part.via) == (30_000, "select")
    assert 0.8 < time.monotonic() - started < 5


def test_a_statement_limit_holds_for_a_part(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute(
        "CREATE TABLE t AS SELECT 1 AS k, now() AS u; CREATE VIEW slow AS SELECT k, u, pg_sleep(5)::text AS v FROM t"
    )
    contract = contract_by(source_name="slow", statementTimeoutSeconds=0.2)
    with opened(contract, postgres, lake) as source, pytest.raises(SourceLost, match="time limit"):
        landed(source, lake, ReadRequest(since=("2020-01-01",)))
