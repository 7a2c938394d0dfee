"""The same value under the same contract comes to the same, whichever source holds it.

Former tests asked each source for its own types; a value that two sources carry in two ways was never held side by
side.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from include.contracts.model import Column
from include.contracts.model.types import sql_type
from include.lake.storage.lake import Lake
from include.quality.conversion.conforming import conform, prepare_pass
from include.sources.access.connection import Connection
from tests.extracts import VARIABLE, contract_of, take
from tests.integration.sources import carriers
from tests.integration.sources.carriers import Value
from tests.integration.sources.conftest import MariaDb
from tests.integration.sources.outcome_cases import EXPECTED, KINDS, TYPES, VALUES


def column(name: str, kind: str) -> Column:
    logical, physical, options = TYPES[kind]
    return Column(name, name, logical, sql_type(logical, physical, options), options=options)


def outcomes(uri: str, source_name: str, lake: Lake, columns: Sequence[str]) -> dict[str, str | None]:
    """What the conform step publishes of each column of the one row, as text; None if it cannot be read."""
    kinds = dict(zip(carriers.names(VALUES), KINDS, strict=True))
    contract = contract_of(source_name, [column(name, kinds[name]) for name in columns])
    extracted = take(contract, uri, lake)
    conformed = f"{lake.uri}/conformed.parquet"
    with lake.connect() as engine:
        rows = conform(engine, prepare_pass(engine, contract.tables[0], extract_uri=extracted.uri), conformed)
        assert rows == 1
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        listed = ", ".join(f"CAST({name} AS VARCHAR)" for name in columns)
        *published, unreadable = engine.execute(f"SELECT {listed}, _unreadable FROM '{conformed}'").fetchall()[0]
    found = dict(zip(columns, published, strict=True))
    assert {name for name, value in found.items() if value is None} == set(unreadable or []), "lost without a reason"
    return found


def compare(found: dict[str, str | None], *, but: Callable[[Value, str], bool] = lambda value, kind: False) -> None:
    wrong = []
    for name, value, kind, expected in zip(carriers.names(VALUES), VALUES, KINDS, EXPECTED, strict=True):
        if name in found and not but(value, kind) and found[name] != expected:
            wrong.append(f"{value!r} as {kind}: {found[name]!r}, not {expected!r}")
    assert not wrong, "\n".join(["", *wrong])


def test_postgres(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    carriers.into_postgres(pg, VALUES)
    compare(outcomes(postgres, carriers.NAME, lake, carriers.names(VALUES)))


def test_the_streaming_reader(
    pg: psycopg.Connection, postgres: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a database of any other dialect."""
    carriers.into_postgres(pg, VALUES)
    url = sa.engine.make_url(postgres).set(drivername="postgresql+psycopg")
    unknown = Connection(VARIABLE, "sqlalchemy", url)
    monkeypatch.setattr(sys.modules["include.sources.landing.openers"], "connect", lambda contract, environ: unknown)
    compare(outcomes(postgres, carriers.NAME, lake, carriers.names(VALUES)))


def test_mariadb(my: pymysql.cursors.Cursor, mariadb: MariaDb, lake: Lake) -> None:
    kept = carriers.into_mariadb(my, VALUES)
    my.execute("CREATE OR REPLACE USER reader IDENTIFIED BY 'x'")
    my.execute("GRANT SELECT ON registry.* TO reader")
    compare(outcomes(f"mysql://reader:x@127.0.0.1:{mariadb.port}/registry", carriers.NAME, lake, kept))


def test_sqlite(lake: Lake, tmp_path: Path) -> None:
    carriers.into_sqlite(tmp_path / "t.db", VALUES)
    compare(outcomes(f"sqlite:///{tmp_path}/t.db", carriers.NAME, lake, carriers.names(VALUES)))


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        ("csv", carriers.into_csv),
        ("jsonl", carriers.into_json_lines),
        ("xlsx", carriers.into_workbook),
        ("parquet", carriers.into_parquet),
    ],
)
def test_files(suffix: str, write: Callable[[Path, Sequence[Value]], None], lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    write(folder / f"t.{suffix}", VALUES)
    found = outcomes(folder.as_uri(), f"t.{suffix}", lake, carriers.names(VALUES))
    compare(found, but=lambda value, kind: suffix == "xlsx" and kind == "string" and isinstance(value, float))
