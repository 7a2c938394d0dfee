"""What others read of a registry on several servers: shared tables, references, records of persons."""

from __future__ import annotations

import copy
from pathlib import Path

import duckdb
import pytest
import yaml
from deltalake import DeltaTable

from include.identity.records import collect
from include.lake import run_log
from include.pipelines import Failed, delivered_in_run, verify_lake
from include.pipelines.sharing.products import share_step
from include.pipelines.sync import relationships_step, sync_registry
from tests.integration.servers.provinces import Provinces
from tests.repeats import held_by, repeats

TWO_RECORDS = (
    "integration/servers/test_provinces_read.py::test_a_key_in_two_servers_is_two_records_where_it_is_the_servers"
)
SHARED_BY_REGISTRY = (
    "integration/servers/test_provinces_read.py::test_a_shared_table_says_in_its_properties_whose_rows_are_old"
)
AGREEMENT = {
    "version": "1.0.0",
    "title": "Chia sẻ thửa đất",
    "provider": "Bộ Nông nghiệp và Môi trường",
    "recipient": {"id": "nso", "name": "Cục Thống kê"},
    "purpose": "Thống kê",
    "legalBasis": ["Luật Thống kê 89/2015/QH13"],
    "from": "2020-01-01",
    "until": "2099-12-31",
    "contact": {"provider": "a@mae.example", "recipient": "b@nso.example"},
    "products": [
        {
            "name": "parcel",
            "table": "land.parcel",
            "columns": [{"name": "parcel_id", "protection": "none"}, {"name": "area", "protection": "none"}],
        }
    ],
}


def shared(land: Provinces) -> list[tuple[str, str]]:
    rows = DeltaTable(str(land.folder / "lake/shared/nso/parcel")).to_pyarrow_table().to_pylist()
    return sorted((row["parcel_id"], f"{row['area']:.2f}") for row in rows)


@pytest.mark.parametrize("scope", [pytest.param("registry", marks=held_by(SHARED_BY_REGISTRY)), "server"])
def test_a_shared_table_has_the_rows_of_every_server_and_follows_them(tmp_path, scope):
    land = Provinces.at(tmp_path, 3, keyScope=scope)
    if scope == "server":
        land.put("land-02", ["land-01/3"], area="44.00")
    (tmp_path / "schemas/agreements").mkdir()
    (tmp_path / "schemas/agreements/parcels.yaml").write_text(yaml.safe_dump(AGREEMENT, allow_unicode=True))
    for day in range(repeats(2, 3)):
        sync_registry("land", run_id=f"day-{day}", context=land.context)
        (product,) = share_step("parcels", f"share-{day}", context=land.context).agreements[0].products
        assert product.verdict == "published"
        assert shared(land) == sorted((key, area) for _, key, area in land.content())
        land.put("land-03", ["land-03/1", f"land-03/new-{day}"], area=f"{day}.25")
        land.remove("land-01", [f"land-01/{day + 5}"])


def test_a_shared_table_says_in_its_properties_whose_rows_are_old(tmp_path):
    land = Provinces.at(tmp_path, 3)
    land.unconnected = {"land-03"}
    (tmp_path / "schemas/agreements").mkdir()
    (tmp_path / "schemas/agreements/parcels.yaml").write_text(yaml.safe_dump(AGREEMENT, allow_unicode=True))

    def said(day: int) -> str | None:
        sync_registry("land", run_id=f"day-{day}", context=land.context)
        (product,) = share_step("parcels", f"share-{day}", context=land.context).agreements[0].products
        table = DeltaTable(str(tmp_path / "lake/shared/nso/parcel"))
        assert product.verdict in ("published", "unchanged")
        return table.metadata().configuration.get("lienthong.servers")

    assert said(0) == "2 of 3 servers; missing: land-03 (not connected)"
    assert said(1) == "2 of 3 servers; missing: land-03 (not connected)"
    before = DeltaTable(str(tmp_path / "lake/shared/nso/parcel")).version()
    land.unconnected = set()
    assert said(2) == "3 of 3 servers"
    assert DeltaTable(str(tmp_path / "lake/shared/nso/parcel")).version() == before + 2  # the rows, then the words
    assert said(3) == "3 of 3 servers"
    assert DeltaTable(str(tmp_path / "lake/shared/nso/parcel")).version() == before + 2
    assert shared(land) == sorted((key, area) for _, key, area in land.content())
    assert verify_lake(land.context, with_files=True).ok


def test_a_reference_to_a_row_that_one_server_rejected_is_told_from_one_that_leads_nowhere(tmp_path):
    land = Provinces.at(tmp_path, 2)
    child = copy.deepcopy(land.contract["schema"][0])
    child |= {"name": "use", "physicalName": "land_use"}
    child["properties"].insert(
        1,
        {
            "name": "of",
            "logicalType": "string",
            "relationships": [{"type": "foreignKey", "to": "land.parcel.parcel_id"}],
        },
    )
    land.contract["schema"].append(child)
    land.write_contract()
    for name in land.names:
        with land.database(name) as database:
            database.execute(
                'CREATE TABLE land_use (parcel_id TEXT, "of" TEXT, owner TEXT, area TEXT, updated_at TEXT)'
            )
    land.put("land-02", ["land-02/bad"], area="wide")
    with land.database("land-01") as database:
        for n, to in enumerate(["land-01/1", "land-02/1", "land-02/bad", "nowhere"]):
            database.execute("INSERT INTO land_use VALUES (?, ?, 'x', '1.00', '2026-01-01 00:00:00')", (f"u{n}", to))
    sync_registry("land", run_id="first", context=land.context)
    (fit,) = relationships_step("land", "first", context=land.context)
    assert (fit.rows, fit.orphans, fit.refused) == (4, 1, 1)


@pytest.mark.parametrize(("scope", "records"), [("registry", 1), pytest.param("server", 2, marks=held_by(TWO_RECORDS))])
def test_a_row_that_moves_to_another_server_stays_the_same_record_where_its_key_is_the_registrys(
    tmp_path, scope, records
):
    land = of_persons(tmp_path, scope)
    sync_registry("land", run_id="first", context=land.context)
    seen = records_of(land, "land-01/0", "before")
    land.remove("land-01", ["land-01/0"])
    sync_registry("land", run_id="gone", servers=["land-01"], context=land.context)
    land.put("land-02", ["land-01/0"])
    sync_registry("land", run_id="moved", servers=["land-02"], context=land.context)
    assert ("land-02", "land-01/0", "10.50") in land.published()
    moved = records_of(land, "land-01/0", "after")
    assert (len(moved), len(seen | moved)) == (1, records)


def test_a_key_in_two_servers_is_two_records_where_it_is_the_servers(tmp_path):
    land = of_persons(tmp_path, "server")
    land.put("land-02", ["land-01/0"])
    sync_registry("land", run_id="first", context=land.context)
    assert len(records_of(land, "land-01/0", "both")) == 2


def of_persons(folder: Path, scope: str) -> Provinces:
    """Two servers of parcels, whose owners are persons."""
    land = Provinces.at(folder, 2, rows=4, keyScope=scope)
    for column, role in (("owner", "name"), ("parcel_id", "personal_id")):
        spec = next(p for p in land.contract["schema"][0]["properties"] if p["name"] == column)
        spec["customProperties"] = [{"property": "link", "value": role}]
    land.write_contract()
    return land


def records_of(land: Provinces, key: str, name: str) -> set[str]:
    """The records of persons that have this key."""
    uri, context = str(land.folder / f"{name}.parquet"), land.context
    collect(context.lake, context.contracts.values(), context.schemas, uri)
    found = duckdb.sql(f"SELECT record_id FROM '{uri}' WHERE contains(record_id, '{key}')").fetchall()
    return {record_id for (record_id,) in found}


def test_a_server_that_is_not_connected_yet_is_left_out_until_it_is_and_missed_once_it_was(tmp_path):
    land = Provinces.at(tmp_path, 3)
    land.unconnected = {"land-03"}
    first = sync_registry("land", run_id="day-0", context=land.context)
    assert [result.table for result in first.tables] == ["parcel@land-01", "parcel@land-02"]
    assert first.verdict == "published"
    assert first.delivered
    assert first.delivered.text.english == "2 of 3 servers; not connected: land-03"
    assert not any(row["table"].endswith("land-03") for row in run_log.read(land.context.lake, "runs").to_pylist())
    (named,) = sync_registry("land", run_id="day-1", servers=["land-03"], context=land.context).tables
    assert isinstance(named, Failed)
    assert "AIRFLOW_CONN_LAND_03 is not set" in named.error
    land.unconnected = set()
    assert sync_registry("land", run_id="day-2", context=land.context).delivered.missing == ()
    land.unconnected = {"land-03"}
    lost = sync_registry("land", run_id="day-3", context=land.context)
    assert [(one.server, one.verdict) for one in lost.delivered.missing] == [("land-03", "failed")]
    assert land.published() == land.content()


def test_a_registry_none_of_whose_servers_is_connected_has_failed(tmp_path):
    land = Provinces.at(tmp_path, 2)
    land.unconnected = {*land.names}
    assert sync_registry("land", run_id="day-0", context=land.context).verdict == "failed"


def test_rows_within_the_lag_are_judged_anew_only_when_something_has_changed(tmp_path):
    policy = {"cursor": ["updated_at"], "lag": "P1D", "deletes": "reconcile", "deleteLimitPercent": 100}
    land = Provinces.at(tmp_path, 2, extract=policy)
    land.put("land-01", ["land-01/bad"], area="3.555")
    steps: list[str] = []

    def verdict(day: int) -> str:
        steps.clear()
        watch = lambda table, step: steps.append(f"{table} {step}")  # noqa: E731
        result = sync_registry("land", run_id=f"day-{day}", context=land.context, watch=watch)
        assert land.published() == {row for row in land.content() if row[1] != "land-01/bad"}
        return result.verdict

    assert verdict(0) == "published"
    assert (verdict(1), any("assess" in step for step in steps)) == ("unchanged", False)
    land.put("land-01", ["land-01/2"], area="3.50")
    assert (verdict(2), "parcel@land-01 assess" in steps) == ("published", True)
    assert (verdict(3), any("assess" in step for step in steps)) == ("unchanged", False)
    land.contract["schema"][0]["properties"][1]["description"] = "Owner of the parcel."
    land.write_contract()
    assert (verdict(4), any("assess" in step for step in steps)) == ("unchanged", True)
    assert (verdict(5), any("assess" in step for step in steps)) == ("unchanged", False)


@pytest.mark.parametrize(("cursor", "expected"), [(["updated_at"], 2), ([], 0)])
def test_a_backfill_misses_no_table_that_is_only_read_whole(tmp_path, cursor, expected):
    land = Provinces.at(tmp_path, 2, extract={"cursor": cursor, "deletes": "none"})
    sync_registry("land", run_id="first", context=land.context)
    backfill = delivered_in_run("land", ["backfill"], is_backfill=True, context=land.context)
    assert (backfill.expected, len(backfill.missing), backfill.is_enough) == (expected, expected, expected == 0)
    assert not delivered_in_run("land", ["sync"], context=land.context).is_enough
