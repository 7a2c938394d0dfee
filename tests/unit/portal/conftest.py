"""A small lake with one register of two tables, agreements over them, tokens, and a browser without a screen."""

from __future__ import annotations

import html
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.serving import issue_token
from include.pipelines.sync import sync_registry
from include.portal import portal_app
from include.sharing.agreements import load_agreements
from include.sharing.products import MasterKey, share_agreement

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # Monday, 9:00 in Hà Nội
URL = "http://testserver"
OWNER, STEWARD, OFFICER = "bo-cong-an", "cuc-c06", "bao-ve-du-lieu"

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: small-population
version: 1.0.0
status: active
name: population
dataProduct: Cơ sở dữ liệu dân cư thử
domain: population
description:
  purpose: Citizens of a small country.
  authoritativeDefinitions:
    - &law {id: law, type: legalInstrument, url: https://vbpl.vn, description: Law on Identification 26/2023/QH15}
  customProperties:
    - {property: vietnamese, value: {law: Luật Căn cước 26/2023/QH15}}
team:
  name: Bộ Công an
  members:
    - {username: bo-cong-an, name: Bộ Công an, role: owner, dateIn: "2020-01-01"}
    - {username: cuc-c06, name: Cục C06, role: data steward, dateIn: "2020-01-01"}
    - {username: bao-ve-du-lieu, name: Bộ phận bảo vệ dữ liệu, role: data protection officer, dateIn: "2020-01-01"}
    - {username: can-bo-cu, name: Cán bộ cũ, role: data steward, dateIn: "2020-01-01", dateOut: "2025-12-31"}
servers:
  - {server: population_db, type: custom}
schema:
  - name: citizen
    physicalName: cong_dan
    businessName: Công dân
    description: One row for each citizen.
    properties:
      - name: personal_id
        physicalName: so_dinh_danh
        businessName: Số định danh cá nhân
        description: Twelve digits.
        logicalType: string
        primaryKey: true
        classification: restricted
      - name: full_name
        physicalName: ho_ten
        businessName: Họ và tên
        logicalType: string
        classification: confidential
      - name: birth_date
        physicalName: ngay_sinh
        businessName: Ngày sinh
        logicalType: date
        classification: confidential
      - name: status_code
        physicalName: trang_thai
        businessName: Tình trạng
        logicalType: string
        classification: public
        quality:
          - id: status-known
            type: sql
            query: SELECT COUNT(*) FROM {object} WHERE status_code NOT IN ('1', '2')
            mustBe: 0
            dimension: conformity
            severity: error
            description: The status is one of two.
            authoritativeDefinitions: [*law]
            customProperties:
              - {property: vietnamese, value: Tình trạng chỉ có hai giá trị}
      - {name: updated_on, physicalName: ngay_cap_nhat, logicalType: date, classification: internal}
    customProperties:
      - {property: tolerance, value: {rejectedPercent: 80}}
  - name: household
    physicalName: ho_gia_dinh
    businessName: Hộ gia đình
    properties:
      - {name: household_id, physicalName: ma_ho, logicalType: string, primaryKey: true, classification: internal}
"""

AGREEMENT = """\
version: 1.0.0
title: Chia sẻ dữ liệu dân cư
provider: Bộ Công an
recipient: {id: nso, name: Cục Thống kê}
purpose: Thống kê dân số
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2026-01-01
until: 2026-12-31
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
  - name: citizen
    table: population.citizen
    title: Công dân
    rows: status_code = '1'
    columns:
      - {name: personal_id, protection: pseudonym}
      - {name: birth_date, protection: year}
      - {name: status_code, protection: none}
      - {name: full_name, protection: drop}
"""
OTHER = (("id: nso, name: Cục Thống kê", "id: moh, name: Bộ Y tế"), ("Thống kê dân số", "Quản lý sức khỏe"))

PEOPLE = [
    ("001199000001", "Nguyễn Thị Ánh", "1999-05-17", "1", "2026-02-01"),
    ("001099000002", "Trần Văn Bình", "1999-01-01", "1", "2026-02-01"),
    ("001085000003", "Lê Cường", "1985-12-31", "2", "2026-02-02"),
    ("001085000004", "Đỗ Dũng", None, "1", "2026-02-03"),
    ("001085000005", "Hoàng Văn Em", None, "1", "2026-02-03"),
    ("001085000006", "Vũ Thị Gấm", "2001-03-04", None, "2026-02-03"),
    ("001085000007", "Phan Hải", "2001-03-05", "9", "2026-02-03"),  # rejected: a status that is none
]


@dataclass(frozen=True)
class At(PipelineContext):
    """A context whose clock stands where the test puts it."""

    clock: list[datetime] = field(default_factory=lambda: [AT])

    def now(self) -> datetime:
        return self.clock[0]


@dataclass
class Browser:
    """A client that keeps cookies and fills in forms as a browser does: the form's own hidden fields go along."""

    client: TestClient

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.client.get(path, **how)

    def submit(self, at: str, fields: dict[str, Any], *, action: str = "", **how: Any) -> httpx.Response:
        """Load the page `at` and send its form (the one to `action`), with these fields filled in."""
        shown = self.client.get(at)
        assert shown.status_code == 200, shown.text
        forms = re.findall(r"<form[^>]*?action=\"([^\"]*)\"[^>]*>(.*?)</form>", shown.text, re.DOTALL)
        to, inside = next((to, inside) for to, inside in forms if to != "/sign-out" and to.startswith(action))
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', inside)
        sent = {name: html.unescape(value) for name, value in hidden} | fields
        headers = {"sec-fetch-site": "same-origin", **how.pop("headers", {})}
        return self.client.post(to, data=sent, headers=headers, follow_redirects=False, **how)

    def sign_in(self, token: str) -> httpx.Response:
        return self.submit("/sign-in", {"token": token})


@dataclass(frozen=True)
class Site:
    """A portal over a small lake. `tokens`: by recipient's id or official's username."""

    context: At
    app: Any
    tokens: dict[str, str]

    def browser(self, name: str | None = None) -> Browser:
        """A browser, signed in under that name if one is given."""
        browser = Browser(TestClient(self.app, base_url=URL, raise_server_exceptions=False))
        if name:
            assert browser.sign_in(self.tokens[name]).status_code == 303
        return browser


def write_agreement(schemas: Path, name: str, *replacements: tuple[str, str]) -> None:
    """An agreement's file, AGREEMENT with texts replaced."""
    text = AGREEMENT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    (schemas / "agreements").mkdir(parents=True, exist_ok=True)
    (schemas / "agreements" / f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with contract, agreements and a lake after one sync and one sharing."""
    folder = tmp_path_factory.mktemp("portal")
    schemas = folder / "schemas"
    (schemas / "registries").mkdir(parents=True)
    (schemas / "registries" / "population.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    write_agreement(schemas, "census")
    write_agreement(schemas, "health", *OTHER)
    with sqlite3.connect(folder / "source.db") as source:
        source.execute("CREATE TABLE cong_dan (so_dinh_danh, ho_ten, ngay_sinh, trang_thai, ngay_cap_nhat)")
        source.executemany("INSERT INTO cong_dan VALUES (?, ?, ?, ?, ?)", PEOPLE)
    context = context_of(folder)
    done = sync_registry("population", run_id="20260302T020000Z-0000000a", tables=["citizen"], context=context)
    assert [done.verdict, done.tables[0].rejected] == ["published", 1]
    for agreement in load_agreements(schemas).values():
        share_agreement(
            agreement, context.contracts, lake=context.lake, at=AT, run_id="r1", key=MasterKey(bytes(range(32)))
        )
    return folder


def context_of(folder: Path) -> At:
    """The context of a folder that `prepared` has made."""
    environ = {
        "LIENTHONG_SHARING_URL": "http://sharing.example",
        "AIRFLOW_CONN_POPULATION_DB": f"sqlite:///{folder}/source.db",
    }
    return At(Lake(str(folder / "lake"), (), folder / "tmp"), folder / "schemas", environ)


@pytest.fixture
def make_site(prepared: Path, tmp_path: Path) -> Callable[..., Site]:
    """A portal on a copy of the prepared lake; `tokens_for` are recipients and officials who get a token."""

    def make(*, tokens_for: tuple[str, ...] = ("nso", "moh", OWNER, STEWARD, OFFICER), url: str = URL) -> Site:
        folder = tmp_path / "site"
        shutil.copytree(prepared, folder)
        context = context_of(folder)
        tokens = {}
        for name in tokens_for:
            kind = "recipients" if name in ("nso", "moh") else "officials"
            tokens[name] = issue_token(context, name, days=90, kind=kind).text
        return Site(context, portal_app(context, url), tokens)

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


def profile_of(token: str) -> str:
    """A profile file with that token."""
    return json.dumps({"shareCredentialsVersion": 1, "endpoint": "http://sharing.example", "bearerToken": token})
