"""What the pages say, to whom, and what they never say."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from include.audit.ledger import entries
from include.lake.storage.errors import LakeUnreachable
from include.pipelines.context import PipelineContext
from include.pipelines.reporting.pages import QualityPages
from include.pipelines.requests import ask_for
from include.sharing.requests import Ask
from tests.repeats import held_by
from tests.unit.plugins.conftest import PLANTED, RUN, make_place

TABLE = "/tables/business/enterprise"
REJECTED = "/rejected/business/enterprise"
PAGES = ("/", TABLE, f"{TABLE}/runs/{RUN}", "/rejected", REJECTED, "/agreements", "/ledger")
SERVED = "unit/plugins/test_quality_pages.py::test_every_page_is_served_and_holds_no_value"
Browse = Callable[..., TestClient]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["vi", pytest.param("en", marks=held_by(SERVED))])
def test_every_page_is_served_and_holds_no_value(browse: Browse, path: str, language: str) -> None:
    answer = browse("op").get(path, params={"lang": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert PLANTED not in answer.text
    assert "0100000003" not in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/nowhere"])
def test_nothing_is_loaded_from_elsewhere_and_no_script_can_run(browse: Browse, path: str) -> None:
    answer = browse("op").get(path)
    assert "<script" not in answer.text
    assert " src=" not in answer.text
    assert "http" not in answer.text.replace("http-equiv", "")
    assert " style=" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["cache-control"] == "no-store"


def test_the_first_page_tells_index_freshness_verdict_and_share_rejected(browse: Browse) -> None:
    text = browse("viewer").get("/").text
    for told in ("Business registration", "enterprise", "published", "66.67\u00a0%", f'href="{TABLE}"'):
        assert told in text
    assert "Đăng ký kinh doanh" in browse("viewer").get("/?lang=vi").text


def test_a_run_tells_both_counts_of_every_rule(browse: Browse) -> None:
    text = browse("viewer").get(f"{TABLE}/runs/{RUN}").text
    row = text[text.index("capital-<wbr>not-<wbr>negative") :]
    row = row[: row.index("</tr>")]
    assert row.count(">1<") == 2
    assert "agree" in row


def test_rejected_rows_are_shown_by_rule_and_age_with_their_numbers(browse: Browse) -> None:
    text = browse("viewer").get(REJECTED).text
    assert "<strong>2</strong> rejected rows are open" in text
    assert "Under 1 day" in text
    assert "Row 1" in text
    assert "Row 2" in text
    only = browse("viewer").get(REJECTED, params={"rule": "business.enterprise.capital-not-negative"}).text
    assert "Row 1" not in only
    assert "Row 2" in only


def test_values_are_refused_to_a_role_that_may_not_see_them(browse: Browse, synced: PipelineContext) -> None:
    before = entries.head(synced.lake)
    answer = browse("viewer").post(REJECTED, data={"purpose": "curious"})
    assert answer.status_code == 403
    assert PLANTED not in answer.text
    assert "<form" not in browse("viewer").get(REJECTED).text
    assert entries.head(synced.lake) == before


def test_values_are_shown_to_a_role_that_may_and_the_ledger_knows(browse: Browse, synced: PipelineContext) -> None:
    answer = browse("op").post(REJECTED, data={"purpose": "call the ministry  about row 2"})
    assert answer.status_code == 200
    assert answer.text.count(PLANTED) == 2
    entry = entries.read(synced.lake).to_pylist()[-1]
    assert (entry["kind"], entry["actor"], entry["subject"]) == ("export", "op", "rejected/business/enterprise")
    assert json.loads(entry["payload"]) == {
        "rule_id": "",
        "rows": 2,
        "read": {RUN: [1, 2]},
        "purpose": "call the ministry about row 2",
    }


def test_no_purpose_no_values(browse: Browse, synced: PipelineContext) -> None:
    before = entries.head(synced.lake)
    answer = browse("op").post(REJECTED, data={"purpose": "  "})
    assert answer.status_code == 400
    assert PLANTED not in answer.text
    assert entries.head(synced.lake) == before


def test_no_ledger_no_values(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise LakeUnreachable("while appending to the ledger: the lake does not answer: check LAKE_URI")

    monkeypatch.setattr("include.audit.ledger.append", gone)
    answer = browse("op").post(REJECTED, data={"purpose": "call the ministry"})
    assert answer.status_code == 503
    assert PLANTED not in answer.text


def test_a_registry_that_the_visitor_may_not_see_is_not_there(browse: Browse) -> None:
    client = browse("op", registries=())
    assert "enterprise" not in client.get("/").text
    assert "enterprise" not in client.get("/rejected").text
    for path in (TABLE, f"{TABLE}/runs/{RUN}", REJECTED):
        assert client.get(path).status_code == 404
    assert client.post(REJECTED, data={"purpose": "x"}).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/tables/business/nothing",
        "/tables/../../etc/passwd",
        f"{TABLE}/runs/%27%3B--",
        f"{TABLE}?page=0",
        f"{TABLE}?page=x",
    ],
)
def test_what_is_not_there_is_a_friendly_404(browse: Browse, path: str) -> None:
    answer = browse("op").get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_what_a_visitor_types_is_shown_as_text(browse: Browse) -> None:
    text = browse("op").get(REJECTED, params={"rule": "<script>alert(1)</script>"}).text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_language_is_what_was_asked_then_remembered_then_preferred(browse: Browse) -> None:
    client = browse("viewer")
    assert '<html lang="en">' in client.get("/").text
    assert '<html lang="vi">' in client.get("/?lang=vi").text
    assert '<html lang="vi">' in client.get("/").text
    fresh = browse("viewer")
    preferred = {"en;q=0.5, vi": "vi", "en-GB": "en", "fr": "vi", "*": "vi", "vi;q=x, en;q=0.1": "en"}
    for header, language in preferred.items():
        assert f'<html lang="{language}">' in fresh.get("/", headers={"accept-language": header}).text


@pytest.mark.parametrize("path", ["/", TABLE, "/rejected", REJECTED, "/agreements", "/ledger"])
def test_an_empty_lake_is_told_in_plain_words(browse: Browse, tmp_path: Path, path: str) -> None:
    answer = browse("op", context=make_place(tmp_path)).get(path)
    assert answer.status_code == 200
    if path == "/":
        assert "The lake is empty" in answer.text
        assert "lienthong sync business" in answer.text


def test_a_lake_that_does_not_answer_is_told_with_the_remedy(
    browse: Browse, synced: PipelineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: QualityPages) -> None:
        raise LakeUnreachable("while opening a table: the lake does not answer: check LAKE_URI")

    monkeypatch.setattr(QualityPages, "overview", gone)
    answer = browse("op").get("/")
    assert answer.status_code == 503
    assert "The lake does not answer" in answer.text
    assert "Check LAKE_URI, AWS_ENDPOINT_URL" in answer.text
    assert "Traceback" not in answer.text


def test_verifying_from_the_page_is_for_those_who_run_the_lake(browse: Browse) -> None:
    assert browse("viewer").post("/ledger").status_code == 403
    answer = browse("op").post("/ledger")
    assert answer.status_code == 200
    assert "The ledger is whole" in answer.text


def test_a_table_says_what_was_asked_about_it_and_waits(tmp_path: Path, browse: Browse) -> None:
    context = make_place(tmp_path)
    assert "asks for data are open" not in browse("viewer", context=context).get(TABLE).text
    ask = Ask("Bộ Tư pháp", "a@moj.example", ("owner",), "", "Đối chiếu", ("Luật",), date(2026, 1, 1), date(2099, 1, 1))
    ask_for(context, "moj", "business.enterprise", ask)
    text = browse("viewer", context=context).get(TABLE).text
    assert "1 asks for data are open · 0 disputed rows are open" in text
    assert "Đối chiếu" not in text
