"""Airflow's own login and roles in front of the pages: the real dependency and the real SimpleAuthManager."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails
from fastapi.testclient import TestClient

from include.pipelines.context import PipelineContext
from include.pipelines.reporting.pages import QualityPages
from tests.provincial import make_provinces
from tests.unit.plugins.conftest import PLANTED, RUN

TABLE = "/tables/business/enterprise"
REJECTED = "/rejected/business/enterprise"


@pytest.fixture
def pages(synced: PipelineContext, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The app as Airflow mounts it, with the auth manager of the embedded stack."""
    from airflow.api_fastapi.app import _AuthManagerState
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    from plugins.pages.app import pages_app

    monkeypatch.setattr(_AuthManagerState, "instance", SimpleAuthManager())
    return TestClient(pages_app(QualityPages(synced)), headers={"accept-language": "en"})


@pytest.mark.parametrize("path", ["/", TABLE, f"{TABLE}/runs/{RUN}", "/rejected", REJECTED, "/agreements", "/ledger"])
def test_without_login_there_is_no_page(pages: TestClient, path: str) -> None:
    answer = pages.get(path)
    assert answer.status_code == 401
    assert "Please sign in" in answer.text
    assert "<table" not in answer.text
    assert "Business registration" not in answer.text
    assert pages.post(REJECTED, data={"purpose": "x"}).status_code == 401
    assert pages.post("/ledger").status_code == 401


def test_a_forged_token_opens_nothing(pages: TestClient) -> None:
    for headers in ({"Authorization": "Bearer forged"}, {"Cookie": "_token=forged"}):
        assert pages.get("/", headers=headers).status_code in (401, 403)


@pytest.mark.parametrize(("role", "may_read"), [("VIEWER", False), ("USER", False), ("OP", True), ("ADMIN", True)])
def test_values_are_for_op_and_admin(pages: TestClient, role: str, may_read: bool) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.security import get_user

    user = SimpleAuthManagerUser(username=role.lower(), role=role)
    pages.app.dependency_overrides[get_user] = lambda: user
    assert pages.get("/").status_code == 200
    assert ('name="purpose"' in pages.get(REJECTED).text) == may_read
    answer = pages.post(REJECTED, data={"purpose": "a test"})
    assert (answer.status_code, PLANTED in answer.text) == ((200, True) if may_read else (403, False))


def test_a_user_without_a_role_is_turned_away(pages: TestClient) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.security import get_user

    pages.app.dependency_overrides[get_user] = lambda: SimpleAuthManagerUser(username="nobody", role=None)
    assert pages.get("/").status_code == 403


def test_airflow_is_told_where_the_pages_are() -> None:
    from plugins.quality_pages import AtFirstRequest, QualityPagesPlugin

    (app,) = QualityPagesPlugin.fastapi_apps
    (view,) = QualityPagesPlugin.external_views
    assert isinstance(app["app"], AtFirstRequest)
    assert app["url_prefix"] == "/quality"
    assert view["href"].endswith("/quality/")
    assert (view["destination"], view["url_route"]) == ("nav", "quality")


class Manager:
    """An auth manager with rights for each connection, as AWS's or Keycloak's."""

    def __init__(self, *mine: str) -> None:
        self.mine = mine

    def is_authorized_dag(self, **_: object) -> bool:
        return True

    def is_authorized_connection(self, *, details: ConnectionDetails, **_: object) -> bool:
        return details.conn_id in self.mine


@pytest.mark.slow
def test_values_of_a_slice_are_for_who_may_read_its_server_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import _AuthManagerState

    from plugins.pages.access import Visitor, signed_in
    from plugins.pages.app import pages_app

    pages = QualityPages(make_provinces(tmp_path))
    app = pages_app(pages)
    app.dependency_overrides[signed_in] = lambda: Visitor("official", object())
    client = TestClient(app)

    def may(table: str, *connections: str) -> bool:
        monkeypatch.setattr(_AuthManagerState, "instance", Manager(*connections))
        return client.post(f"/rejected/land/{table}", data={"purpose": "a test"}).status_code == 200

    assert may("parcel@land-38", "land_38")
    assert not may("parcel@land-38", "land_01")
    assert not may("parcel@land-38", "land-38", "land-01"), "a connection's id is no server's name"
    assert not may("parcel@land-66", "land_66"), "a server that the contract no longer has"
    every = ("land_01", "land_38", "land_48", "land_51")
    contract = pages.contracts()["land"]
    for mine, is_allowed in ((every, True), (every[:-1], False)):
        monkeypatch.setattr(_AuthManagerState, "instance", Manager(*mine))
        assert Visitor("official", object()).may_read_values(contract) is is_allowed, "a whole table, a person"
