"""A small lake with one register of two tables, agreements over them, tokens, and a browser without a screen."""

from __future__ import annotations

import html
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from include.lake.storage import Lake
from include.pipelines.serving import issue_token
from include.pipelines.sync import sync_registry
from include.portal import portal_app
from include.sharing.agreements import load_agreements
from include.sharing.products import MasterKey, share_agreement
from tests.small_population import CONTRACT, MONDAY, OFFICER, OTHER, OWNER, STEWARD, At, write_agreement

URL = "http://testserver"

PEOPLE = [
    ("001199000001", "Nguyễn Thị Ánh", "1999-05-17", "1", "2026-02-01"),
    ("001099000002", "Trần Văn Bình", "1999-01-01", "1", "2026-02-01"),
    ("001085000003", "Lê Cường", "1985-12-31", "2", "2026-02-02"),
    ("001085000004", "Đỗ Dũng", None, "1", "2026-02-03"),
    ("001085000005", "Hoàng Văn Em", None, "1", "2026-02-03"),
    ("001085000006", "Vũ Thị Gấm", "2001-03-04", None, "2026-02-03"),
    ("001085000007", "Phan Hải", "2001-03-05", "9", "2026-02-03"),  # rejected: a status that is none
]


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
            agreement, context.contracts, lake=context.lake, at=MONDAY, run_id="r1", key=MasterKey(bytes(range(32)))
        )
    return folder


def context_of(folder: Path) -> At:
    """The context of a folder that `prepared` has made."""
    environ = {
        "LIENTHONG_SHARING_URL": "http://sharing.example",
        "AIRFLOW_CONN_POPULATION_DB": f"sqlite:///{folder}/source.db",
    }
    return At(Lake(str(folder / "lake"), (), folder / "tmp"), folder / "schemas", environ)


EVERYBODY = ("nso", "moh", OWNER, STEWARD, OFFICER)


def site_in(folder: Path, prepared: Path, tokens_for: tuple[str, ...] = EVERYBODY, url: str = URL) -> Site:
    """A portal on a copy of the prepared lake; `tokens_for` are recipients and officials who get a token."""
    shutil.copytree(prepared, folder, symlinks=True)
    context = context_of(folder)
    tokens = {}
    for name in tokens_for:
        kind = "recipients" if name in ("nso", "moh") else "officials"
        tokens[name] = issue_token(context, name, days=90, kind=kind).text
    return Site(context, portal_app(context, url), tokens)


@pytest.fixture
def make_site(prepared: Path, tmp_path: Path) -> Callable[..., Site]:
    def make(*, tokens_for: tuple[str, ...] = EVERYBODY, url: str = URL) -> Site:
        return site_in(tmp_path / "site", prepared, tokens_for, url)

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture(scope="module")
def read_site(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One for all tests of a file that only read."""
    return site_in(tmp_path_factory.mktemp("read") / "site", prepared)


def profile_of(token: str) -> str:
    """A profile file with that token."""
    return json.dumps({"shareCredentialsVersion": 1, "endpoint": "http://sharing.example", "bearerToken": token})
