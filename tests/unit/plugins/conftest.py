"""A small lake made by a real sync of a registry with planted names, and the pages over it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

# Airflow reads its settings when it is first imported.
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "lienthong-airflow-tests"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

from fastapi.testclient import TestClient

from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.reporting.pages import QualityPages
from include.pipelines.sync.registry_sync import sync_registry

PLANTED = "Nguyễn Thị Trồng Sẵn"
RUN = "20260101T010000Z-0000000a"
CONTRACT = r"""
apiVersion: v3.2.0
kind: DataContract
id: small-business
version: 2.1.0
status: active
name: Business registration
dataProduct: Đăng ký kinh doanh
servers:
  - {server: business_db, type: custom}
schema:
  - name: enterprise
    physicalName: doanh_nghiep
    businessName: Doanh nghiệp
    properties:
      - name: code
        physicalName: ma_dn
        logicalType: string
        primaryKey: true
        logicalTypeOptions: {pattern: '^\d{10}$'}
      - {name: owner, physicalName: chu, logicalType: string, classification: confidential}
      - name: capital_vnd
        physicalName: von
        logicalType: integer
        quality:
          - id: capital-not-negative
            type: sql
            query: SELECT COUNT(*) FROM {object} WHERE capital_vnd < 0
            mustBe: 0
    customProperties:
      - {property: tolerance, value: {rejectedPercent: 80}}
"""
ROWS = [("0100000001", "Trần Văn Một", "100"), ("010000002", PLANTED, "5"), ("0100000003", PLANTED, "-7")]


def make_place(folder: Path) -> PipelineContext:
    (folder / "schemas" / "registries").mkdir(parents=True)
    (folder / "schemas" / "registries" / "business.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    environ = {
        "LAKE_URI": str(folder / "lake"),
        "LIENTHONG_TMP": str(folder / "tmp"),
        "AIRFLOW_CONN_BUSINESS_DB": f"sqlite:///{folder}/source.db",
    }
    return PipelineContext(Lake.from_environment(environ), folder / "schemas", environ)


@pytest.fixture(scope="session")
def synced(tmp_path_factory: pytest.TempPathFactory) -> PipelineContext:
    """One accepted row, and two rejected ones that hold the planted name."""
    folder = tmp_path_factory.mktemp("pages")
    context = make_place(folder)
    with sqlite3.connect(folder / "source.db") as source:
        source.execute("CREATE TABLE doanh_nghiep (ma_dn, chu, von)")
        source.executemany("INSERT INTO doanh_nghiep VALUES (?, ?, ?)", ROWS)
    done = sync_registry("business", run_id=RUN, context=context)
    assert [done.verdict, done.tables[0].rejected] == ["published", 2]
    return context


@dataclass(frozen=True)
class Role:
    """A visitor of one of Airflow's roles, for the tests: no auth manager behind it."""

    name: str
    registries: tuple[str, ...] = ("business",)

    def may_see(self, registry: str) -> bool:
        return registry in self.registries

    def may_read_values(self, contract: object, server: str = "") -> bool:
        return self.name == "op"

    def may_see_ledger(self) -> bool:
        return True

    def may_see_report(self) -> bool:
        return self.name != "clerk"

    def may_verify(self) -> bool:
        return self.name == "op"


@pytest.fixture
def browse(synced: PipelineContext) -> Callable[..., TestClient]:
    """`browse("viewer")`: a client that is signed in as somebody, over the synced lake or another."""
    from plugins.pages.access import signed_in
    from plugins.pages.app import pages_app

    def signed(
        name: str, *, context: PipelineContext = synced, registries: tuple[str, ...] = ("business",)
    ) -> TestClient:
        app = pages_app(QualityPages(context))
        app.dependency_overrides[signed_in] = lambda: Role(name, registries)
        return TestClient(app, headers={"accept-language": "en"})

    return signed
