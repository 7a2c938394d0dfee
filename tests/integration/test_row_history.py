"""A register whose contract keeps a history: the days before the last month are read as they were, and in SQL."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.lake.delta import VersionGone
from include.lake.row_history import history_view
from include.lake.storage import Lake, LakeFull
from include.pipelines import PipelineContext, verify_lake
from include.pipelines.decisions import Look
from include.pipelines.indicators import compute_step
from include.pipelines.sync import Approval, sync_registry
from include.pipelines.upkeep import maintain_lake, read_version, restore_step

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 1.0.0
status: active
servers: [{server: shop, type: custom}]
team: {name: shop, members: [{username: steward@shop.example, role: data steward}]}
schema:
  - name: customer
    physicalName: khach
    properties:
      - {name: code, logicalType: string, primaryKey: true, required: true}
      - {name: town, logicalType: string}
    customProperties:
      - {property: history, value: P10Y}
      - {property: extract, value: {deleteLimitPercent: 100}}
      - {property: tolerance, value: {rejectedPercent: 90, rowCountChangePercent: 900}}
"""
INDICATOR = """
version: 1.0.0
name: {vi: Khách từng ở Huế, en: Customers who ever lived in Huế}
definition: {vi: Số khách từng có địa chỉ ở Huế., en: Customers whose town ever was Huế.}
legalBasis: ["Luật Dữ liệu 60/2024/QH15"]
section: registers
unit: count
digits: 0
period: as-of
rows: |
  SELECT DISTINCT code FROM shop_history.customer
  WHERE town = 'Huế' AND valid_from < as_of() AND (valid_until IS NULL OR valid_until > valid_from)
numerator: "true"
notAvailable: {vi: Chưa có., en: None yet.}
"""


class ShopContext(PipelineContext):
    """A context that can be told how many days have passed."""

    passed = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed


@pytest.fixture
def shop(tmp_path: Path) -> PipelineContext:
    for folder, name, text in (("registries", "shop.odcs.yaml", CONTRACT), ("indicators", "once-hue.yaml", INDICATOR)):
        (tmp_path / "schemas" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "schemas" / folder / name).write_text(text, encoding="utf-8")
    environ = {"AIRFLOW_CONN_SHOP": f"sqlite:///{tmp_path / 'shop.db'}"}
    return ShopContext(Lake(str(tmp_path / "lake"), (), tmp_path / "tmp"), tmp_path / "schemas", environ)


def source(shop: PipelineContext, **rows: str) -> None:
    with sqlite3.connect(shop.environ["AIRFLOW_CONN_SHOP"].removeprefix("sqlite:///")) as database:
        database.execute("DROP TABLE IF EXISTS khach")
        database.execute("CREATE TABLE khach (code TEXT, town TEXT)")
        database.executemany("INSERT INTO khach VALUES (?, ?)", rows.items())


def sync(shop: PipelineContext, run_id: str) -> tuple[str, dict[str, str]]:
    """A sync; the instant after it, and a copy of the table kept outside."""
    assert sync_registry("shop", run_id=run_id, context=shop).verdict == "published"
    rows = shop.lake.table("registry/shop/customer").to_pyarrow_table().to_pylist()
    return datetime.now(UTC).isoformat(), {row["code"]: row["town"] for row in rows}


def test_a_former_day_is_read_from_the_history_when_its_version_is_gone(shop, tmp_path):
    source(shop, a="Huế", b="Vinh")
    first, kept = sync(shop, "run-1")
    source(shop, a="Vinh", c="Cần Thơ")
    second, later = sync(shop, "run-2")
    table = shop.lake.table("registry/shop/customer")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    for at, rows in ((first, kept), (second, later)):
        out = tmp_path / "then.parquet"
        read_version(shop, "shop", "customer", at=at, out=out)
        found = {row["code"]: row["town"] for row in pq.read_table(out).to_pylist()}
        assert found == rows
    with pytest.raises(VersionGone):
        read_version(shop, "shop", "customer", at=(datetime.now(UTC) - timedelta(days=400)).isoformat())


def test_a_day_before_the_contract_changed_is_read_as_it_was_published(shop, tmp_path):
    """A column that is new, one that is gone, and one of another type: the table is made anew for the last."""
    town, looks = "      - {name: town, logicalType: string}\n", Look("lan", "compare with the copy kept outside")
    contracts = [
        CONTRACT,
        CONTRACT.replace(town, "      - {name: street, physicalName: town, logicalType: string}\n"),
        CONTRACT.replace(town, "      - {name: street, physicalName: town, logicalType: integer}\n"),
    ]
    kept: list[tuple[str, list[dict[str, object]]]] = []
    for number, text in enumerate(contracts, 1):
        version = f"version: {number}.0.0"
        path = shop.schemas / "registries" / "shop.odcs.yaml"
        path.write_text(text.replace("version: 1.0.0", version), encoding="utf-8")
        context = ShopContext(shop.lake, shop.schemas, shop.environ)
        source(shop, a=str(number), b="7")
        if number == len(contracts):
            assert sync_registry("shop", run_id="run-refused", context=context).verdict == "failed"
            shutil.rmtree(shop.lake.registry_table("shop", "customer"))
        done = sync_registry("shop", run_id=f"run-{number}", is_full=number == len(contracts), context=context)
        assert done.verdict == "published", done.to_dict()
        table = shop.lake.table("registry/shop/customer")
        at = datetime.fromtimestamp(table.history(1)[0]["timestamp"] / 1000, UTC).isoformat()
        kept.append((at, table.to_pyarrow_table().sort_by("code").to_pylist()))
    assert [{type(row.get("street")) for row in rows} for _, rows in kept] == [{type(None)}, {str}, {int}]
    for at, rows in kept:
        out = tmp_path / "then.parquet"
        read_version(context, "shop", "customer", at=at, out=out, look=looks)
        assert pq.read_table(out).to_pylist() == rows
    found = verify_lake(context, with_files=True).discrepancies
    assert not [one for one in found if one.subject.startswith("history/")], found


def test_an_indicator_reads_former_rows_and_maintenance_and_verify_know_them(shop):
    source(shop, a="Huế", b="Vinh")
    sync(shop, "run-1")
    source(shop, a="Vinh", b="Vinh")
    sync(shop, "run-2")
    (done,) = compute_step(f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}", "run-3", context=shop).indicators
    assert (done.verdict, done.value) == ("recorded", "1"), done
    maintain_lake(shop, at=datetime.now(UTC))
    assert verify_lake(shop, with_files=True).ok, verify_lake(shop).discrepancies


def test_a_restore_is_in_the_history_and_what_a_killed_run_left_out_is_too(shop, monkeypatch):
    source(shop, a="Vinh")
    sync(shop, "run-1")
    source(shop, a="Huế")
    sync(shop, "run-2")
    approval = Approval("steward@shop.example", "faulty delivery")
    restore_step("shop", "customer", "restore-1", version=0, approval=approval, context=shop)
    assert standing(shop) == {"a": "Vinh"}
    source(shop, a="Vinh", b="Huế")
    with monkeypatch.context() as fault:
        fault.setattr("include.pipelines.sync.assess_and_publish_steps.keep_history", full_disk)
        assert sync_registry("shop", run_id="run-3", context=shop).verdict == "failed"
    assert standing(shop) == {"a": "Vinh"}
    compute_step(f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}", "run-4", context=shop)
    assert standing(shop) == {"a": "Vinh", "b": "Huế"}
    assert verify_lake(shop, with_files=True).ok, verify_lake(shop).discrepancies


def full_disk(*_: object) -> None:
    """A fault: a run ends between its publication and the history of it."""
    raise LakeFull("no space left")


def standing(shop: PipelineContext) -> dict[str, str]:
    """The rows that the history says stand now."""
    with shop.lake.connect() as connection:
        history_view(connection, "former", shop.table("shop", "customer")[1], shop.lake.table("history/shop/customer"))
        return dict(connection.execute("SELECT code, town FROM former WHERE valid_until IS NULL").fetchall())
