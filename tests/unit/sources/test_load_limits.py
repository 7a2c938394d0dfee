"""What a source is spared: hours, pace, time limits, and its replica first."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

from include.contracts.model import Contract, Server
from include.contracts.reading import contract_paths
from include.embedded.site import REPOSITORY
from include.lake.storage.lake import Lake
from include.pipelines.checks.contract_check import check_schemas
from include.sources.access import SourceClosed, SourceError, SourceLost, SourceUnavailable
from include.sources.access.load_limits import check_hours, load_limits_of
from tests.extracts import VARIABLE
from tests.repeats import held_by
from tests.unit.sources.parts import contract_by, landed, opened, rows


@pytest.fixture
def uri(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as file:
        file.execute("CREATE TABLE t (k INTEGER, u TEXT, v TEXT)")
        file.executemany("INSERT INTO t VALUES (?, '2026-01-01', 'chính')", [(n,) for n in range(10_000)])
        file.commit()
    return f"sqlite:///{tmp_path}/a.sqlite"


def closed(contract: Contract, hanoi: str) -> str:
    """When the source opens, if it is closed at this time in Hanoi; else empty."""
    at = datetime.fromisoformat(f"{hanoi}+07:00").astimezone(UTC)
    try:
        check_hours(contract, load_limits_of(contract.server), at)
    except SourceClosed as error:
        return f"{error.opens_at:%m-%d %H:%M%z}"
    return ""


@pytest.mark.parametrize(
    ("hours", "at", "opens_at"),
    [
        ("22:00-05:00", "2026-01-31 21:59:59", "01-31 22:00+0700"),
        ("22:00-05:00", "2026-01-31 22:00", ""),
        ("22:00-05:00", "2026-01-31 00:00", ""),
        ("22:00-05:00", "2026-01-31 04:59:59", ""),
        ("22:00-05:00", "2026-01-31 05:00", "01-31 22:00+0700"),
        ("01:00-05:00", "2026-01-31 12:00", "02-01 01:00+0700"),
        ("12:00-13:00, 22:00-24:00", "2026-01-31 11:00", "01-31 12:00+0700"),
        ("12:00-13:00, 22:00-24:00", "2026-01-31 14:00", "01-31 22:00+0700"),
        ("12:00-13:00, 22:00-24:00", "2026-01-31 23:59", ""),
        (["00:00-24:00"], "2026-01-31 23:59", ""),
    ],
)
def test_hours(hours: Any, at: str, opens_at: str) -> None:
    assert closed(contract_by(allowedHours=hours), at) == opens_at


def test_hours_are_by_the_stated_clock() -> None:
    assert closed(contract_by(allowedHours="22:00-05:00", timezone="UTC"), "2026-01-31 22:00") == "01-31 22:00+0000"


def test_outside_its_hours_nothing_is_asked_of_the_source(lake: Lake) -> None:
    contract = contract_by(allowedHours="22:00-05:00")
    with (
        pytest.raises(SourceClosed, match=r"22:00-05:00 \(Asia/Ho_Chi_Minh\): it opens at 2026-01-31 22:00"),
        opened(contract, "postgresql://nobody@127.0.0.1:1/none", lake, at=datetime(2026, 1, 31, 3, tzinfo=UTC)),
    ):
        pass


@pytest.mark.parametrize(
    "options",
    [
        {"allowedHours": "at night"},
        {"allowedHours": "22-5"},
        {"timezone": "Hanoi"},
        {"rowsPerSecond": -1},
        {"statementTimeoutSeconds": "long"},
        {"connectionLimit": [2]},
        {"poolSlots": "inf"},
    ],
)
def test_limits_that_cannot_be_read(options: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match='write allowedHours like "22:00-05:00"'):
        load_limits_of(Server("source", "custom", options=options))


def test_rows_come_at_the_pace(uri: str, lake: Lake) -> None:
    started = time.monotonic()
    with opened(contract_by(rowsPerSecond=10_000), uri, lake) as source:
        part = landed(source, lake)
    assert part.rows == 10_000
    assert 0.9 < time.monotonic() - started < 5
    assert part.columns == (("k", "VARCHAR"), ("u", "VARCHAR"), ("v", "VARCHAR"))


def test_a_time_limit_where_the_database_has_none(uri: str, lake: Lake, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as file:
        file.execute("CREATE VIEW endless AS SELECT a.k, a.u, a.v FROM t a, t b")
    contract = contract_by(source_name="endless", statementTimeoutSeconds=0.3)
    with opened(contract, uri, lake) as source, pytest.raises(SourceLost, match="time limit"):
        landed(source, lake)


def test_the_replica_is_read_first(uri: str, lake: Lake, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b.sqlite")) as file:
        file.execute("CREATE TABLE t (k INTEGER, u TEXT, v TEXT)")
        file.execute("INSERT INTO t VALUES (1, '2026-01-01', 'bản sao')")
        file.commit()
    environ = {f"{VARIABLE}_REPLICA": f"sqlite:///{tmp_path}/b.sqlite"}
    with opened(contract_by(), uri, lake, environ=environ) as source:
        part = landed(source, lake)
        assert (source.kind, rows(part, "v"), part.drift) == ("sqlite replica", [("bản sao",)], ())


def test_where_the_replica_does_not_answer_the_source_is_read(uri: str, lake: Lake, tmp_path: Path) -> None:
    environ = {f"{VARIABLE}_REPLICA": f"sqlite:///{tmp_path}/none.sqlite"}
    with opened(contract_by(), uri, lake, environ=environ) as source:
        part = landed(source, lake)
        assert (source.kind, part.rows) == ("sqlite", 10_000)
        assert part.drift == ("the replica did not serve (SourceUnavailable): read from the source itself",)
    gone = f"sqlite:///{tmp_path}/gone.sqlite"
    with pytest.raises(SourceUnavailable), opened(contract_by(), gone, lake, environ=environ):
        pass


def test_the_record_says_what_the_source_was_spared(uri: str, lake: Lake) -> None:
    contract = contract_by(
        allowedHours="00:00-24:00", rowsPerSecond=500_000, statementTimeoutSeconds=60, connectionLimit=2
    )
    with opened(contract, uri, lake) as source:
        told = source.extract(landed(source, lake), run_id="r1").protection
    assert told == (
        "read only, all parts in one state; at most 60 s a statement; at most 500000 rows/s; at most 2 connections; "
        "open only 00:00-00:00 Asia/Ho_Chi_Minh"
    )


OF_ANY_NAME = held_by("unit/sources/test_load_limits.py::test_a_limit_that_cannot_be_read_is_told_before_any_run")


@pytest.mark.parametrize(
    "limit",
    [
        "allowedHours, value: 25-99",
        pytest.param("poolSlots, value: many", marks=OF_ANY_NAME),
        pytest.param("rowsPerSecond, value: -1", marks=OF_ANY_NAME),
    ],
)
def test_a_limit_that_cannot_be_read_is_told_before_any_run(limit: str, tmp_path: Path) -> None:
    """Beside that contract are those that it refers to, and no more."""
    copytree(REPOSITORY / "schemas" / "reference", tmp_path / "schemas" / "reference")
    copytree(REPOSITORY / "schemas" / "registries", tmp_path / "schemas" / "registries")
    for name, path in contract_paths(tmp_path / "schemas").items():
        if name not in ("finance", "land", "population"):
            path.unlink()
    contract = tmp_path / "schemas" / "registries" / "land.odcs.yaml"
    given = yaml.safe_load(contract.read_text(encoding="utf-8"))
    name, _, value = limit.partition(", value: ")
    given["servers"][0].setdefault("customProperties", []).append({"property": name, "value": value})
    contract.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    (problem,) = (one for one in check_schemas(tmp_path / "schemas").problems if one.level == "error")
    assert problem.path == contract
    assert problem.message.startswith("the limits of server")
    assert "poolSlots" in problem.remedy
