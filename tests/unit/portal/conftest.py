"""A small lake with one register of two tables, agreements over them, tokens, and a browser without a screen."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from starlette.testclient import TestClient

from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.serving import issue_token
from include.portal import portal_app

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
      - {name: updated_at, physicalName: ngay_cap_nhat, logicalType: timestamp, classification: internal}
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
    ("001199000001", "Nguyễn Thị Ánh", date(1999, 5, 17), "1"),
    ("001099000002", "Trần Văn Bình", date(1999, 1, 1), "1"),
    ("001085000003", "Lê Cường", date(1985, 12, 31), "2"),
    ("001085000004", "Đỗ Dũng", None, "1"),
    ("001085000005", "Hoàng Văn Em", None, "1"),
    ("001085000006", "Vũ Thị Gấm", date(2001, 3, 4), None),
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


def write_citizens(lake: Lake, people: list[tuple[Any, ...]]) -> None:
    """Put rows in place of the published table of citizens."""
    columns: dict[str, pa.Array] = {
        "personal_id": pa.array([row[0] for row in people], pa.string()),
        "full_name": pa.array([row[1] for row in people], pa.string()),
        "birth_date": pa.array([row[2] for row in people], pa.date32()),
        "status_code": pa.array([row[3] for row in people], pa.string()),
        "updated_at": pa.array([AT] * len(people), pa.timestamp("us", tz="UTC")),
        "_run_id": pa.array(["r"] * len(people), pa.string()),
        "_warnings": pa.array([None] * len(people), pa.list_(pa.string())),
    }
    write_deltalake(lake.registry_table("population", "citizen"), pa.table(columns), mode="overwrite")


def write_agreement(schemas: Path, name: str, *replacements: tuple[str, str]) -> None:
    """An agreement's file, AGREEMENT with texts replaced."""
    text = AGREEMENT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    (schemas / "agreements").mkdir(parents=True, exist_ok=True)
    (schemas / "agreements" / f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def make_site(tmp_path: Path) -> Callable[..., Site]:
    """A portal; `tokens_for` are recipients and officials who get one."""

    def make(*, tokens_for: tuple[str, ...] = ("nso", "moh", OWNER, STEWARD, OFFICER), url: str = URL) -> Site:
        schemas = tmp_path / "schemas"
        (schemas / "registries").mkdir(parents=True)
        (schemas / "registries" / "population.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
        write_agreement(schemas, "census")
        write_agreement(schemas, "health", *OTHER)
        lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
        write_citizens(lake, PEOPLE)
        context = At(lake, schemas, {"LIENTHONG_SHARING_URL": "http://sharing.example"})
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
