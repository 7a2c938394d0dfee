"""Counts of requests in the report and on the pages of tables: numbers, and no word of a request."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from include.contracts.words import BilingualText
from include.pipelines.reporting import report_step
from include.pipelines.reporting.requests import OpenRequests, open_requests, request_counts
from include.pipelines.requests import accept, refuse
from include.sharing.requests import Refusal, Request
from tests.small_population import MONDAY, OWNER, STEWARD, At

from .conftest import DAY, share
from .test_disputes import ANH, pseudonym, report


def test_the_report_counts_what_was_asked_answered_and_refused(context: At, asked: Request, tmp_path: Path) -> None:
    share(context)
    disputed = report(context)
    context.clock[0] = MONDAY + 4 * DAY
    refuse(context, asked.request_id, STEWARD, Refusal("state_secret", "Điều 7", "Thuộc danh mục"))
    assert open_requests(context, "population", "citizen") == OpenRequests(asks=0, disputes=1, to_be_mended=0)
    accept(context, disputed.request_id, OWNER)
    assert open_requests(context, "population", "citizen") == OpenRequests(asks=0, disputes=0, to_be_mended=1)
    asks, disputes = request_counts(context, at=context.now())
    assert (asks.asked, asks.late, asks.refused) == (1, 1, ((BilingualText("a state secret", "Bí mật nhà nước"), 1),))
    assert (disputes.kind, disputes.accepted, disputes.late) == ("dispute", 1, 1)

    environ = {"LIENTHONG_VAR": str(tmp_path / "var")}
    report_step(context=replace(context, environ=environ), folder=tmp_path / "report")
    text = (tmp_path / "report" / "report.vi.html").read_text(encoding="utf-8")
    assert "Bí mật nhà nước: 1" in text
    with (tmp_path / "report" / "requests.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["asked"], row["late"], row["refused"]) for row in rows] == [
        ("ask", "1", "1", "a state secret: 1"),
        ("dispute", "1", "1", ""),
    ]
    for path in (tmp_path / "report").glob("*.[ch]*"):
        said = path.read_text(encoding="utf-8-sig")
        assert not any(word in said for word in (ANH, pseudonym(ANH), "Lập mẫu", "Phiếu điều tra", "Thuộc danh mục"))
