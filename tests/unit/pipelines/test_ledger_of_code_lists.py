"""Code lists are in the ledger, also one that a killed process published and did not record."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from include.audit.ledger import entries as ledger
from include.audit.verification.verify_lake import verify
from include.lake.publishing.code_lists import publish_reference
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.sync.registry_sync import prepare_step

SCHEMAS = Path(__file__).parents[3] / "schemas"


@pytest.fixture
def context(tmp_path: Path) -> PipelineContext:
    (tmp_path / "schemas" / "reference").mkdir(parents=True)
    for name in ("sex.csv", "taxpayer_types.csv"):
        shutil.copy2(SCHEMAS / "reference" / name, tmp_path / "schemas" / "reference")
    return PipelineContext(Lake(str(tmp_path / "lake"), (), tmp_path / "tmp"), tmp_path / "schemas", {})


def test_lists_that_a_killed_process_published_are_recorded_by_the_next(context: PipelineContext) -> None:
    publish_reference(context.lake, context.schemas)  # killed before its record
    assert "is not in the ledger" in verify(context.lake).why
    assert prepare_step(context=context) == []
    assert verify(context.lake, with_files=True).ok


def test_a_list_that_does_not_change_adds_no_entry(context: PipelineContext) -> None:
    assert prepare_step(context=context) == ["sex", "taxpayer_types"]
    entries = ledger.head(context.lake).sequence
    prepare_step(context=context)
    assert ledger.head(context.lake).sequence == entries
    with (context.schemas / "reference" / "sex.csv").open("a", encoding="utf-8") as file:
        file.write("9,Khác,other,2025-01-01,\n")
    assert prepare_step(context=context) == ["sex"]
    assert ledger.head(context.lake).sequence == entries + 3  # the commit, the list, and that all are known
    assert verify(context.lake, with_files=True).ok
