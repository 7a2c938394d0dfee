"""What a run says in a terminal. Nothing looked at its words before, only at its figures in JSON."""

from __future__ import annotations

from typing import Any

import pytest

from include.console import show_run

TABLE: dict[str, Any] = {"table": "t", "verdict": "published", "mode": "full", "version": 0}


def shown(capsys: pytest.CaptureFixture[str], **facts: Any) -> str:
    show_run({"registry": "r", "run_id": "1", "verdict": "published", "tables": [TABLE | facts]})
    told = capsys.readouterr()
    return " ".join((told.out + told.err).split())


def test_what_a_source_tells_of_a_delivery_is_told_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    note = "c.csv: the longest quoted value spans 201 lines, beginning at line 65,202: is a quote missing?"
    assert f"r.t: {note}" in shown(capsys, drift=[note])


@pytest.mark.parametrize("text", ["column [dbo] is gone", "`^[0-9]` says", "at [/tmp] it"])
def test_brackets_of_a_contract_are_no_markup(capsys: pytest.CaptureFixture[str], text: str) -> None:
    failed = shown(capsys, verdict="failed", error=text, error_type="SourceError")
    assert f"r.t: SourceError: {text}" in failed
    assert f"r.t: {text}" in shown(capsys, findings=[{"message": text}])
