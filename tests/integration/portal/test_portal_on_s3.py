"""The portal on a real S3 store, with its own key there: it shows, signs in and takes requests, and reaches no more."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from include.audit import ledger
from include.lake.storage import Lake, LakeDenied
from include.pipelines.serving import issue_token
from include.pipelines.sync import sync_registry
from include.portal import portal_app
from include.sharing.agreements import load_agreements
from include.sharing.products import MasterKey, share_agreement
from tests.integration.sharing.conftest import endpoint, lake
from tests.integration.sharing.recipients import LAKE_URI, PORTAL, options
from tests.small_population import At
from tests.unit.portal.conftest import URL, Browser, Site, context_of, prepared

__all__ = ["endpoint", "lake", "prepared"]
pytestmark = pytest.mark.slow


@pytest.fixture
def site(lake: Lake, endpoint: str, prepared: Path, tmp_path: Path) -> Site:
    """A lake on S3, synced and shared by its owner; the portal has the portal's key."""
    folder = tmp_path / "site"
    shutil.copytree(prepared, folder, symlinks=True, ignore=shutil.ignore_patterns("lake"))
    environ, schemas = context_of(folder).environ, folder / "schemas"
    owner = At(lake, schemas, environ, [datetime(2026, 3, 2, 2, tzinfo=UTC)])
    done = sync_registry("population", run_id="20260302T020000Z-0000000a", tables=["citizen"], context=owner)
    assert done.verdict == "published"
    for agreement in load_agreements(schemas).values():
        share_agreement(
            agreement, owner.contracts, lake=lake, at=owner.now(), run_id="r1", key=MasterKey(bytes(range(32)))
        )
    token = issue_token(owner, "nso", days=30).text
    given = tuple(sorted(options(PORTAL.access_key, PORTAL.secret_key, endpoint).items()))
    own = At(Lake(LAKE_URI, given, folder / "tmp"), schemas, environ, owner.clock)
    return Site(own, portal_app(own, URL), {"nso": token})


def test_its_own_key_is_enough_and_opens_no_more(site: Site, lake: Lake) -> None:
    browser = Browser(TestClient(site.app, base_url=URL))
    text = browser.get("/tables/population/citizen", headers={"accept-language": "en"}).text
    assert "fewer than 100 rows, version 0" in text
    assert "Overall index" in text
    assert browser.sign_in(site.tokens["nso"]).status_code == 303
    assert "4 rows, version 0" in browser.get("/products/census/citizen", headers={"accept-language": "en"}).text
    fields = {
        "table": "population.household", "column": ["household_id"], "purpose": "Thống kê hộ", "rows": "",
        "legal_basis": "Luật Thống kê 89/2015/QH13", "from": "2026-04-01", "until": "2026-12-31",
    }  # fmt: skip
    answer = browser.submit("/requests/new?table=population.household", fields, action="/requests/new")
    assert answer.status_code == 303, answer.text
    assert "population.household" in browser.get("/requests").text
    assert ledger.read_kind(lake, "request")[1].num_rows == 1
    assert lake.is_table("audit/requests")
    own = site.context.lake
    for zone in ("registry/population/citizen/x", "shared/nso/x", "audit/runs/x", "reference/x"):
        with pytest.raises(LakeDenied):
            own.write_text(own.path(zone), "x")
    with pytest.raises(LakeDenied):
        own.files_below(own.path("landing"))
