"""Airflow's own login and roles in front of the pages: the real dependency and the real SimpleAuthManager."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from include.pipelines.context import PipelineContext
from include.pipelines.reporting.pages import QualityPages
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
