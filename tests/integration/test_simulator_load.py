"""The simulated country in real systems: what a plain client reads there is what was staged."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from include.embedded.servers.postgres import uri
from include.embedded.site import Site
from include.simulator import (
    Country,
    UnknownTarget,
    build_country,
    load_registry,
    simulate,
)
from include.simulator.loading.load_country import source_uris
from include.simulator.loading.mariadb import LocalFilesRefused, connect
from include.simulator.staging import SOURCES
from tests.integration.mariadb import MariaDb
from tests.unit.simulator.later_changes import later_changes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    return simulate(persons=600, seed=9, out=tmp_path_factory.mktemp("country"))


def staged(country: Country, registry: str, table: str) -> list[tuple[Any, ...]]:
    rows = pq.read_table(country.staged(registry, table)).to_pylist()
    return sorted((tuple(row.values()) for row in rows), key=str)


def test_population_and_land_are_in_two_postgresql_databases(site: Site, country: Country) -> None:
    addresses = {"population": uri(site, "sim_population"), "land": uri(site, "sim_land")}
    assert load_registry(country, "population", addresses["population"]) == {
        table: country.rows[f"population.{table}"] for table in SOURCES["population"]
    }
    load_registry(country, "land", addresses["land"])
    load_registry(country, "land", addresses["land"])  # a second time replaces, it does not add
    for registry, address in addresses.items():
        with psycopg.connect(address) as connection:
            for table, source in SOURCES[registry].items():
                rows = connection.execute(f'SELECT * FROM "{source.name}"').fetchall()
                assert sorted(rows, key=str) == staged(country, registry, table)


def test_columns_have_the_types_a_registry_would_give_them(site: Site, country: Country) -> None:
    load_registry(country, "land", uri(site, "sim_types"))
    with psycopg.connect(uri(site, "sim_types")) as connection:
        rows = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_name IN ('chu_so_huu', 'thua_dat')"
        )
        types = dict(rows.fetchall())
    assert types["so_to"] == "integer"
    assert types["tu_ngay"] == "date"
    assert types["ngay_cap_nhat"] == "timestamp without time zone"
    assert types["dien_tich"] == types["nam_sinh"] == types["ty_le"] == "text"


def test_insurance_is_a_sqlite_file(country: Country, tmp_path: Path) -> None:
    path = tmp_path / "bảo hiểm" / "insurance.sqlite"
    load_registry(country, "insurance", f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    for table, source in SOURCES["insurance"].items():
        rows = connection.execute(f'SELECT * FROM "{source.name}"').fetchall()
        expected = [tuple(_as_text(value) for value in row) for row in staged(country, "insurance", table)]
        assert sorted(rows, key=str) == sorted(expected, key=str)
    connection.close()
    assert [p.name for p in path.parent.iterdir()] == ["insurance.sqlite"]


def test_insurance_is_in_mariadb_where_asked(country: Country, mariadb: MariaDb) -> None:
    for _ in range(2):
        rows = load_registry(country, "insurance", f"{mariadb.uri}insurance")
    assert rows == {table: country.rows[f"insurance.{table}"] for table in SOURCES["insurance"]}
    with connect(f"{mariadb.uri}insurance") as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        assert {row[0] for row in cursor.fetchall()} == {source.name for source in SOURCES["insurance"].values()}
        for table, source in SOURCES["insurance"].items():
            cursor.execute(f"SELECT * FROM `{source.name}`")
            assert sorted(cursor.fetchall(), key=str) == staged(country, "insurance", table)


def test_a_mariadb_that_refuses_local_files_says_what_to_do(country: Country, mariadb: MariaDb) -> None:
    with connect(mariadb.uri, with_database=False) as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL local_infile = 0")
        try:
            with pytest.raises(LocalFilesRefused, match="--local-infile=1"):
                load_registry(country, "insurance", f"{mariadb.uri}refused")
        finally:
            cursor.execute("SET GLOBAL local_infile = 1")


def test_build_country_fills_all_four_and_a_day_later_too(site: Site, tmp_path: Path) -> None:
    environ = {
        "AIRFLOW_CONN_POPULATION": uri(site, "sim_built_population"),
        "AIRFLOW_CONN_LAND": uri(site, "sim_built_land"),
    }
    steps: list[tuple[str, int, int]] = []
    rows = build_country(persons=300, seed=2, environ=environ, root=tmp_path, progress=lambda *step: steps.append(step))
    assert len(rows) == 11
    assert [done for _, done, _ in steps] == list(range(10))
    assert steps[-1] == ("done", 9, 9)
    assert (tmp_path / "insurance.sqlite").exists()
    assert (tmp_path / "drops" / "finance" / "manifest.json").exists()

    later = later_changes(Country.open(tmp_path), 5)
    everywhere = {
        **environ,
        "AIRFLOW_CONN_INSURANCE": f"sqlite:///{tmp_path / 'insurance.sqlite'}",
        "AIRFLOW_CONN_FINANCE": (tmp_path / "drops" / "finance").as_uri(),
    }
    for registry, address in source_uris(everywhere, tmp_path).items():
        load_registry(later, registry, address)
    with psycopg.connect(environ["AIRFLOW_CONN_POPULATION"]) as connection:
        (count,) = connection.execute("SELECT count(*) FROM cong_dan").fetchone() or (0,)
    assert count == later.rows["population.citizen"] != rows["population.citizen"]


def test_nothing_is_simulated_before_every_connection_is_known(tmp_path: Path) -> None:
    with pytest.raises(UnknownTarget, match="AIRFLOW_CONN_POPULATION"):
        build_country(persons=300, seed=2, environ={}, root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def _as_text(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, dt.date) else value
