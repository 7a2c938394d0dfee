"""The auditors' report through the pages: from the lake, to whom it is for, and no other file of the lake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from include.pipelines.context import PipelineContext
from include.pipelines.reporting.pages import QualityPages
from include.pipelines.reporting.report import report_step
from include.pipelines.reporting.report_files import editions, files, report_file

Browse = Callable[..., TestClient]
REPORT = "/reports/latest/report.vi.html"


@pytest.fixture(scope="session")
def reported(synced: PipelineContext, tmp_path_factory: pytest.TempPathFactory) -> PipelineContext:
    report_step(context=synced, folder=tmp_path_factory.mktemp("report"))
    lake = synced.lake
    lake.write_text(lake.path("audit", "reports", "latest", "notes.txt"), "not of the report")
    lake.write_text(lake.path("audit", "reports", "drafts", "report.vi.html"), "not a report that is kept")
    return synced


def test_the_pages_lead_to_the_report_and_its_figures(browse: Browse, reported: PipelineContext) -> None:
    client = browse("viewer")
    assert 'href="/reports"' in client.get("/").text
    front = client.get("/reports").text
    day = editions(reported.lake)[1]
    for link in ("latest/report.en.html", "latest/rules.en.html", "latest/rules.csv", f"{day}/report.en.html"):
        assert f'href="/reports/{link}"' in front
        answer = client.get(f"/reports/{link}")
        assert answer.status_code == 200
        assert answer.content == Path(reported.lake.path("audit", "reports", *link.split("/"))).read_bytes()
    assert client.get("/reports/latest/rules.csv").headers["content-disposition"].endswith('"latest-rules.csv"')
    assert client.get("/reports/latest/report.xlsx").content.startswith(b"PK")


def test_whatever_stands_in_a_report_no_script_of_it_runs(browse: Browse, reported: PipelineContext) -> None:
    headers = browse("viewer").get(REPORT).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "latest/notes.txt", "drafts/report.vi.html", "latest/nothing.vi.html", "2020-01-01/report.vi.html",
        "../../registry/business/enterprise", "latest/..%2f..%2f..%2fregistry%2fbusiness%2fenterprise",
        "latest%2f..%2fdrafts/report.vi.html", "latest/report.vi.html%00", "./report.vi.html",
        "latest/Report.vi.html", "latest/report.vi.html/", "%2e%2e/reports.html",
    ],
)  # fmt: skip
def test_no_other_file_of_the_lake_can_be_named(browse: Browse, reported: PipelineContext, path: str) -> None:
    answer = browse("op").get(f"/reports/{path}", follow_redirects=False)
    assert answer.status_code in (307, 404)
    edition, _, name = path.replace("%2f", "/").partition("/")
    assert report_file(reported.lake, edition, name) is None
    assert "notes.txt" not in files(reported.lake, "latest")


def test_who_may_not_read_the_reports_dag_reads_no_report(browse: Browse, reported: PipelineContext) -> None:
    for path in ("/reports", REPORT, "/reports/latest/rules.csv"):
        assert browse("clerk").get(path).status_code == 403


def test_without_a_report_the_page_says_what_makes_one(browse: Browse, tmp_path: Path) -> None:
    from tests.unit.plugins.conftest import make_place

    assert "report_quality" in browse("viewer", context=make_place(tmp_path)).get("/reports").text


PERMISSIONS = {
    "Auditor": {("can_read", "DAGs"), ("can_read", "Audit Logs")},
    "Auditor of one register": {("can_read", "DAG:report_quality"), ("can_read", "DAG:sync_business")},
    "Clerk": {("can_read", "DAG:sync_business")},
}


@pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi")  # of the provider, when it is imported
@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("Auditor", {"/": 200, "/reports": 200, REPORT: 200, "/ledger": 200, "/agreements": 200}),
        ("Auditor of one register", {"/": 200, REPORT: 200, "/ledger": 403}),
        ("Clerk", {"/": 200, "/rejected/business/enterprise": 200, REPORT: 403, "/ledger": 403}),
    ],
)
def test_in_production_a_role_of_its_own_reads_everything_but_values(
    reported: PipelineContext, monkeypatch: pytest.MonkeyPatch, role: str, seen: dict[str, int]
) -> None:
    from airflow.api_fastapi.app import _AuthManagerState
    from airflow.api_fastapi.core_api.security import get_user
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager

    from plugins.pages.app import pages_app

    class User:
        """What the auth manager of docker-compose.yaml looks at: a name and the role's permissions."""

        perms = PERMISSIONS[role]

        def get_name(self) -> str:
            return role

    manager: Any = FabAuthManager()
    monkeypatch.setattr(_AuthManagerState, "instance", manager)
    client = TestClient(pages_app(QualityPages(reported)))
    client.app.dependency_overrides[get_user] = User  # type: ignore[attr-defined]
    assert {path: client.get(path).status_code for path in seen} == seen
    answer = client.post("/rejected/business/enterprise", data={"purpose": "a test"})
    assert answer.status_code == 403
    assert 'name="purpose"' not in client.get("/rejected/business/enterprise").text
