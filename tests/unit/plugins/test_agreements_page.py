"""The page of agreements: all that was agreed, and what the lake says is really delivered."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from include.audit.reads import ReadRecord
from include.audit.reads.record import to_arrow
from include.audit.report_words.words import LOCALES
from include.lake.run_log import append
from include.pipelines.context import PipelineContext
from include.pipelines.reporting.pages import QualityPages
from include.pipelines.sharing.products import share_step
from include.pipelines.sync.registry_sync import sync_registry
from tests.unit.plugins.conftest import PLANTED, make_place

AGREEMENT = """\
version: 1.2.0
title: Chia sẻ doanh nghiệp
provider: Bộ Tài chính
recipient: {id: moh, name: Bộ Y tế}
purpose: Cấp phép <thử>
legalBasis: [Luật Doanh nghiệp 59/2020/QH14]
from: 2020-01-01
until: 2099-12-31
contact: {provider: a@mof.example, recipient: b@moh.example}
products:
  - name: enterprise
    title: Doanh nghiệp được cấp phép
    table: business.enterprise
    rows: capital_vnd > 1
    columns:
      - {name: code, protection: keep_last, keep: 4}
      - {name: capital_vnd, protection: none}
      - {name: owner, protection: drop}
"""


@pytest.fixture
def context(tmp_path: Path) -> PipelineContext:
    made = make_place(tmp_path)
    (tmp_path / "schemas" / "agreements").mkdir()
    (tmp_path / "schemas" / "agreements" / "to_health.yaml").write_text(AGREEMENT, encoding="utf-8")
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute("CREATE TABLE doanh_nghiep (ma_dn, chu, von)")
        source.execute("INSERT INTO doanh_nghiep VALUES ('0100000001', ?, '100')", (PLANTED,))
    return made


def sync(context: PipelineContext, tmp_path: Path, capital: int) -> None:
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute("UPDATE doanh_nghiep SET von = ?", (capital,))
    done = sync_registry("business", context=context, run_id=f"20260102T0100{capital:02}Z-0000000a")
    assert done.verdict == "published"


def shown(browse: Callable[..., TestClient], context: PipelineContext, language: str) -> str:
    page = browse("viewer", context=context).get(f"/agreements?lang={language}").text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_every_column_protection_ground_purpose_and_contact_is_told(
    browse: Callable[..., TestClient], context: PipelineContext
) -> None:
    vi, en = (shown(browse, context, language) for language in ("vi", "en"))
    for text in (vi, en):
        for said in (
            "Chia sẻ doanh nghiệp", "Bộ Tài chính → Bộ Y tế", "Cấp phép &lt;thử&gt;", "Luật Doanh nghiệp 59/2020/QH14",
            "a@mof.example", "b@moh.example", "capital_vnd &gt; 1", "to_health 1.2.0", "Doanh nghiệp được cấp phép",
        ):  # fmt: skip
            assert said in text
    assert "code – nội bộ chỉ 4 ký tự cuối" in vi
    assert "capital_vnd – nội bộ cung cấp nguyên bản" in vi
    assert "owner – dữ liệu cá nhân cơ bản không cung cấp" in vi
    assert "owner – basic personal data not given" in en
    assert "chưa cung cấp" in vi
    assert "Cung cấp từ" not in vi


def test_delivery_is_told_from_the_lake_not_from_the_agreement(
    browse: Callable[..., TestClient], context: PipelineContext, tmp_path: Path
) -> None:
    def delivered() -> tuple[datetime, datetime]:
        (agreement,) = QualityPages(context).agreements()
        (product,) = agreement.products
        assert product.since is not None
        assert product.last_at is not None
        return product.since, product.last_at

    before = datetime.now(UTC).replace(microsecond=0)
    sync(context, tmp_path, 2)
    share_step(None, "20260102T020000Z-00000001", context=context)
    since, last = delivered()
    assert before <= since <= last <= datetime.now(UTC)
    time.sleep(0.01)
    sync(context, tmp_path, 3)
    share_step(None, "20260103T020000Z-00000001", context=context)
    grown = delivered()
    assert grown[0] == since
    assert grown[1] > last
    # a run that brings nothing delivers nothing, though it may note the agreement's new text
    file = tmp_path / "schemas" / "agreements" / "to_health.yaml"
    file.write_text(AGREEMENT.replace("1.2.0", "1.3.0"), encoding="utf-8")
    share_step(None, "20260104T020000Z-00000001", context=context)
    assert delivered() == grown
    text = shown(browse, context, "vi")
    assert f"Cung cấp từ {LOCALES['vi'].instant(since)}" in text
    assert "đang cung cấp 1 bản ghi, phiên bản" in text
    file.write_text(AGREEMENT.replace("2099-12-31", "2021-12-31"), encoding="utf-8")
    share_step(None, "20260105T020000Z-00000001", context=context)
    text = shown(browse, context, "vi")
    assert "đã làm trống" in text
    assert "Cung cấp từ" not in text


def test_who_read_personal_columns_lately_is_told(
    browse: Callable[..., TestClient], context: PipelineContext, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    named: dict[str, Any] = {
        "action": "query", "recipient": "moh", "agreement": "to_health", "purpose": "P", "registry": "business",
        "table": "enterprise", "product": "enterprise", "version": 1, "address": "10.0.0.1",
    }  # fmt: skip
    made = [
        ReadRecord(read_id="1", at=now, verdict="offered", status=200, rows=7, columns=("code", "owner"), **named),
        ReadRecord(read_id="2", at=now, verdict="refused", status=403, reason="ended", **named),
        ReadRecord(read_id="3", at=now - timedelta(days=31), verdict="offered", status=200, rows=7, **named),
    ]
    append(context.lake, "reads", to_arrow(made, "batch"))
    vi, en = (shown(browse, context, language) for language in ("vi", "en"))
    assert "Lượt đọc trong 30 ngày qua đã cung cấp 1, bị từ chối 1" in vi
    assert "Read in the last 30 days offered 1, refused 1" in en
    assert "personal columns: owner" in en
