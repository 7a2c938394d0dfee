"""Land of a simulated country, once in one database and once in one of each province, by three vendors: the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.reading import load_contract
from include.embedded.servers.postgres import uri
from include.embedded.site import Site
from include.lake.storage import Lake
from include.pipelines import PipelineContext, RegistryResult
from include.pipelines.sync import sync_registry
from include.simulator import Country, inhabited_provinces, load_registry, simulate
from include.simulator.land_provinces import divide_land
from include.simulator.land_vendors import vendor_of
from tests.ascii_tables import outcome_of
from tests.integration.mariadb import MariaDb
from tests.machine import PARTS
from tests.repeats import held_by
from tests.whole_land import ROOT, schemas_with_whole_land

pytestmark = pytest.mark.slow
NOT_CONNECTED = (
    "integration/servers/test_provinces_read.py::"
    "test_a_server_that_is_not_connected_yet_is_left_out_until_it_is_and_missed_once_it_was"
)
EACH_VENDOR = (
    "integration/servers/test_land_of_provinces.py::test_what_a_vendor_stores_is_judged_as_what_the_contract_names"
)
PERSONS, SEED = 2_000, 2028  # of the demo: six provinces, two of each vendor
PROVINCES = inhabited_provinces(persons=PERSONS, seed=SEED)
TABLES = ("parcel", "certificate", "ownership")


def synced(folder: Path, schemas: Path, sources: dict[str, str]) -> tuple[PipelineContext, RegistryResult]:
    environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp"), **sources}
    context = PipelineContext(Lake.from_environment(environ), schemas, environ)
    return context, sync_registry("land", run_id="20260101T000000Z-00000001", context=context)


def published(context: PipelineContext, table: str) -> list[tuple[object, ...]]:
    rows: pa.Table = context.lake.table(context.lake.registry_table("land", table)).to_pyarrow_table()
    names = [name for name in rows.column_names if not name.startswith("_")]
    return sorted(map(tuple, (row.values() for row in rows.select(names).to_pylist())), key=str)


@pytest.fixture(scope="module")
def both(
    site: Site, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PipelineContext, PipelineContext, RegistryResult, RegistryResult]:
    folder = tmp_path_factory.mktemp("land")
    country = simulate(persons=PERSONS, seed=SEED, out=folder / "country")
    divide_land(country, PROVINCES)
    databases = {f"land-{code}": uri(site, f"provinces_{code}") for code in PROVINCES}
    if PARTS["MariaDB"].find():
        mariadb: MariaDb = request.getfixturevalue("mariadb")
        databases["land-92"] = f"{mariadb.uri}provinces_92"
    for name, address in databases.items():
        load_registry(country, name, address)
    load_registry(country, "land", uri(site, "land_of_provinces"))
    connections = {f"AIRFLOW_CONN_{name.upper().replace('-', '_')}": of for name, of in databases.items()}
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    provinces, parts = synced(folder / "provinces", folder / "schemas", connections)
    whole, one = synced(
        folder / "whole", schemas_with_whole_land(), {"AIRFLOW_CONN_LAND": uri(site, "land_of_provinces")}
    )
    return provinces, whole, parts, one


@pytest.mark.parametrize(
    ("province", "table"), [("38", "parcel"), ("38", "certificate"), ("38", "ownership"), ("66", "certificate")]
)
def test_what_a_vendor_stores_is_judged_as_what_the_contract_names(
    small: Country, province: str, table: str, tmp_path: Path
) -> None:
    """The whole of a small land as each vendor of other names writes it."""
    land = load_contract(ROOT / "schemas" / "registries" / "land.odcs.yaml")
    of_vendor, of_contract = land.table(f"{table}@land-{province}"), land.table(f"{table}@land-01")
    assert of_vendor.source_name != of_contract.source_name
    rows = pq.read_table(small.staged("land", table))
    pq.write_table(vendor_of(province).written(table, rows), tmp_path / "vendor.parquet")
    told = outcome_of(of_vendor, str(tmp_path / "vendor.parquet"), tmp_path / "vendor")
    expected = outcome_of(of_contract, str(small.staged("land", table)), tmp_path / "contract")
    assert (told.accepted, told.superseded) == (expected.accepted, expected.superseded)
    assert told.rejected == expected.rejected
    assert expected.rejected or table == "parcel"
    assert len(told.accepted) > 20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Country:
    return simulate(persons=300, seed=SEED, out=tmp_path_factory.mktemp("small"))


@held_by(NOT_CONNECTED)
def test_every_province_in_which_somebody_lives_is_read_and_no_other(both) -> None:  # type: ignore[no-untyped-def]
    *_, parts, _one = both
    assert {result.table.partition("@")[2] for result in parts.tables} == {f"land-{code}" for code in PROVINCES}
    assert {result.verdict for result in parts.tables} == {"published"}
    assert (parts.verdict, parts.delivered.delivered, parts.delivered.expected) == ("published", len(PROVINCES), 34)
    assert {one.verdict for one in parts.delivered.missing} == {"not connected"}


@held_by(EACH_VENDOR)
@pytest.mark.parametrize("table", TABLES)
def test_what_three_vendors_deliver_is_published_as_if_one_had(both, table: str) -> None:  # type: ignore[no-untyped-def]
    provinces, whole, *_ = both
    assert published(provinces, table) == published(whole, table)


@held_by(EACH_VENDOR)
@pytest.mark.parametrize("table", TABLES)
def test_what_is_rejected_is_the_same(both, table: str) -> None:  # type: ignore[no-untyped-def]
    *_, parts, one = both

    def counts(results: RegistryResult) -> tuple[int, ...]:
        of = [result for result in results.tables if result.table.partition("@")[0] == table]
        return tuple(sum(getattr(result, name) for result in of) for name in ("extracted", "accepted", "rejected"))

    assert counts(parts) == counts(one)
    assert counts(one)[2] > 0 or table == "parcel"
