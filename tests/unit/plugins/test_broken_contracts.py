"""A contract or an agreement with mistakes stops nothing but itself: pages, report and sharing go on, and say so.

Older tests broke the only contract there was, or looked at the graph of Airflow only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from include.pipelines.context import Workplace
from include.pipelines.reporting.report import report_step
from include.pipelines.sharing.products import share_step
from tests.unit.plugins.test_agreements_page import AGREEMENT, place, sync

__all__ = ["place"]
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n" for a, b in
                                  zip("abcdefghij", "bcdefghijk", strict=True))  # fmt: skip


@pytest.fixture
def half_broken(place: Workplace, tmp_path: Path) -> Workplace:
    sync(place, tmp_path, 100)
    (place.schemas / "registries" / "misspelt.odcs.yaml").write_text("apiVersion: v3.2.0\nkind: Misspelt\n")
    (place.schemas / "registries" / "bomb.odcs.yaml").write_text(BOMB)
    (place.schemas / "agreements" / "halfway.yaml").write_text("version: 1.0.0\n")
    of_it = AGREEMENT.replace("business.enterprise", "misspelt.enterprise").replace("id: moh", "id: moj")
    (place.schemas / "agreements" / "to_justice.yaml").write_text(of_it)
    return Workplace(place.lake, place.schemas, place.environ)


def test_the_pages_show_the_others_and_name_what_is_broken(
    browse: Callable[..., TestClient], half_broken: Workplace
) -> None:
    client = browse("viewer", place=half_broken)
    first = client.get("/")
    assert first.status_code == 200
    assert "business" in first.text
    for name in ("misspelt.odcs.yaml", "bomb.odcs.yaml", "halfway.yaml"):
        assert name in first.text
    assert client.get("/agreements").status_code == 200
    assert client.get("/tables/business/enterprise").status_code == 200


def test_the_report_is_made_and_names_what_is_broken(half_broken: Workplace, tmp_path: Path) -> None:
    made = report_step(workplace=half_broken, folder=tmp_path / "report")
    assert made["published_tables"] == 1
    text = (tmp_path / "report" / "report.en.html").read_text(encoding="utf-8")
    assert "Not readable, and so not in this report: bomb.odcs.yaml, misspelt.odcs.yaml, halfway.yaml" in text


def test_agreements_over_sound_contracts_are_carried_out(half_broken: Workplace) -> None:
    done = share_step(None, "20260103T010000Z-0000000a", workplace=half_broken)
    errors = {entry["agreement"]: entry["error"] for entry in done["agreements"]}
    assert errors["to_health"] == ""
    assert "misspelt.odcs.yaml" in errors["to_justice"]
    assert done["verdict"] == "failed"
    assert half_broken.lake.is_table("shared", "moh", "enterprise")
