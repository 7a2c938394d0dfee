"""A ministry asks in the portal, is granted, and reads the new table with the stock client: the whole way, for real."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

from include.pipelines.context import PipelineContext
from include.pipelines.requests import request_of
from include.pipelines.serving import issue_token
from include.portal import portal_app
from tests.small_population import STEWARD, At, write_agreement
from tests.unit.portal.conftest import URL, Site
from tests.unit.requests.conftest import KEY, PEOPLE, context

from .serving import RECIPIENT, serving

__all__ = ["context"]
FIRST = "nso-population-citizen-1"
READ = """
import delta_sharing, json, sys
url = sys.argv[1] + "#citizen_for_nso.population.citizen_2"
print(json.dumps(sorted(delta_sharing.load_as_pandas(url)["full_name"])))
"""


def test_what_is_asked_for_in_the_morning_is_read_in_pandas(context: At, tmp_path: Path) -> None:
    for name in ("census", "health"):
        (context.schemas / "agreements" / f"{name}.yaml").unlink()
    write_agreement(context.schemas, "census", ("until: 2026-12-31", "until: 2099-12-31"))
    environ = {
        "LAKE_URI": context.lake.uri, "SCHEMAS_DIR": str(context.schemas), "LIENTHONG_PSEUDONYM_KEY": KEY.hex(),
    }  # fmt: skip
    with serving(environ, tmp_path) as server:
        lake = replace(context.lake, scratch=tmp_path / "portal")
        today = PipelineContext(lake, context.schemas, {"LIENTHONG_SHARING_URL": server.url})
        profile = server.profile("nso", tmp_path)
        tokens = {
            "nso": json.loads(profile.read_text())["bearerToken"],
            STEWARD: issue_token(today, STEWARD, days=1, kind="officials").text,
        }
        site = Site(today, portal_app(today, URL), tokens)  # type: ignore[arg-type]
        ministry, steward = site.browser("nso"), site.browser(STEWARD)
        fields = {
            "column": ["full_name", "status_code"], "rows": "status_code = '1'", "purpose": "Lập mẫu điều tra",
            "legal_basis": "Luật Thống kê 89/2015/QH13", "from": "2026-03-02", "until": "2099-06-30",
        }  # fmt: skip
        asked = ministry.submit("/requests/new?table=population.citizen", fields, action="/requests/new")
        assert asked.headers["location"] == f"/requests/{FIRST}"
        chosen = {"protection:full_name": "none", "protection:status_code": "none", "rows": "status_code = '1'"}
        steward.submit(f"/requests/{FIRST}", chosen, action=f"/requests/{FIRST}/grant")
        file = ministry.get(f"/requests/{FIRST}/agreement.yaml")
        (context.schemas / "agreements" / "citizen_for_nso.yaml").write_text(file.text, encoding="utf-8")
        assert "citizen_for_nso" in server.run("share")
        assert FIRST in server.run("requests", "follow")
        assert request_of(today, FIRST).state == "in force"
        done = subprocess.run([RECIPIENT, "-c", READ, profile], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == sorted(name for _, name, _, status in PEOPLE if status == "1")
