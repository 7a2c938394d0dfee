"""A contract or an agreement with mistakes stops nothing but itself: pages, report and sharing go on, and say so.

Older tests broke the only contract there was, or looked at the graph of Airflow only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from include.pipelines.context import PipelineContext
from include.pipelines.reporting.report import report_step
from include.pipelines.sharing.products import share_step
from tests.unit.plugins.test_agreements_page import AGREEMENT, context, sync

__all__ = ["context"]
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n" for a, b in
                                  zip("abcdefghij", "bcdefghijk", strict=True))  # fmt: skip


@pytest.fixture
def half_broken(context: PipelineContext, tmp_path: Path) -> PipelineContext:
    sync(context, tmp_path, 100)
    (context.schemas / "registries" / "misspelt.odcs.yaml").write_text("apiVersion: v3.2.0\nkind: Misspelt\n")
    (context.schemas / "registries" / "bomb.odcs.yaml").write_text(BOMB)
    (context.schemas / "agreements" / "halfway.yaml").write_text("version: 1.0.0\n")
    of_it = AGREEMENT.replace("business.enterprise", "misspelt.enterprise").replace("id: moh", "id: moj")
    (context.schemas / "agreements" / "to_justice.yaml").write_text(of_it)
    return PipelineContext(context.lake, context.schemas, context.environ)


def test_the_pages_show_the_others_and_name_what_is_broken(
    browse: Callable[..., TestClient], half_broken: PipelineContext
) -> None:
    client = browse("viewer", context=half_broken)
    first = client.get("/")
    assert first.status_code == 200
    assert "business" in first.text
    for name in ("misspelt.odcs.yaml", "bomb.odcs.yaml", "halfway.yaml"):
        assert name in first.text
    assert client.get("/agreements").status_code == 200
    assert client.get("/tables/business/enterprise").status_code == 200


def test_the_report_is_made_and_names_what_is_broken(half_broken: PipelineContext, tmp_path: Path) -> None:
    made = report_step(context=half_broken, folder=tmp_path / "report")
    assert made.published_tables == 1
    text = (tmp_path / "report" / "report.en.html").read_text(encoding="utf-8")
    assert "Not readable, and so not in this report: bomb.odcs.yaml, misspelt.odcs.yaml, halfway.yaml" in text


def test_agreements_over_sound_contracts_are_carried_out(half_broken: PipelineContext) -> None:
    done = share_step(None, "20260103T010000Z-0000000a", context=half_broken)
    errors = {entry.agreement: entry.error for entry in done.agreements}
    assert errors["to_health"] == ""
    assert "misspelt.odcs.yaml" in errors["to_justice"]
    assert done.verdict == "failed"
    assert half_broken.lake.is_table("shared", "moh", "enterprise")
