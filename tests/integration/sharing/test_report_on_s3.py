"""The auditors' report of a lake on a real S3 server: written there, and streamed from there by the pages."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from include.lake.storage.lake import Lake
from include.pipelines.reporting.report import report_step
from include.pipelines.reporting.report_files import editions, files
from tests.provincial import write_contract

os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "lienthong-airflow-tests"))
pytestmark = pytest.mark.slow


class Auditor:
    """A visitor who may read the report and nothing more."""

    name = "auditor"

    def may_see_report(self) -> bool:
        return True


def test_the_pages_stream_a_report_from_s3(lake: Lake, tmp_path: Path) -> None:
    from include.pipelines.context import PipelineContext
    from include.pipelines.reporting.pages import QualityPages
    from plugins.pages.access import signed_in
    from plugins.pages.app import pages_app

    write_contract(tmp_path, "land-01")
    context = PipelineContext(lake, tmp_path / "schemas", {})
    report_step(context=context, folder=tmp_path / "out")
    app = pages_app(QualityPages(context))
    app.dependency_overrides[signed_in] = Auditor
    client = TestClient(app)
    assert "/reports/latest/report.vi.html" in client.get("/reports?lang=vi").text
    day = editions(lake)[1]
    assert {"report.vi.html", "rules.en.html", "report.xlsx", "tables.csv"} <= set(files(lake, day))
    for name in files(lake, "latest"):
        answer = client.get(f"/reports/{day}/{name}")
        assert answer.status_code == 200
        assert answer.content == (tmp_path / "out" / name).read_bytes()
    assert client.get("/reports/latest/..%2f..%2fledger").status_code == 404
