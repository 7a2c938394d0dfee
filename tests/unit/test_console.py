"""What a run says in a terminal. Nothing looked at its words before, only at its figures in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from include.cli.application import end
from include.cli.explained import show_explained
from include.console import runs_table, show_run
from include.contracts.words.finding import Finding
from include.contracts.words.language import BilingualText, figure
from include.identity.scoring.explanations import Step
from include.pipelines.people.explanations import Explained, ExplainedLink, PersonEvent
from include.pipelines.step_results import Held, RegistryResult, Skipped
from tests.repeats import held_by

NOT_WRITTEN = "unit/test_console.py::test_an_output_that_cannot_be_written_is_told_as_that"
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


RULES = {"r.t.a.required": BilingualText("a must be given", "Số hiệu: bắt buộc có giá trị")}
RUN: dict[str, Any] = {
    "registry": "r", "run_id": "20260131T020000Z-1a2b3c4d", "verdict": "held",
    "tables": [
        TABLE | {
            "verdict": "held", "extracted": 12_345, "accepted": 11_111, "rejected": 1_234, "seconds": 1.5,
            "reasons": [["r.t.a.required", 1_234], ["r.t.gone", 1]],
            "findings": [{"what": "w", "message": "10.0 % break rules", "vietnamese": "10,0 % vi phạm quy tắc"}],
        },
        TABLE | {"verdict": "unchanged", "mode": "unchanged", "same_as_run": "20260130T020000Z-0"},
    ],
}  # fmt: skip


def test_a_run_is_told_in_the_language_of_the_locale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {}
    for locale in ("en_US.UTF-8", "vi_VN.UTF-8"):
        monkeypatch.setenv("LC_ALL", locale)
        show_run(RUN, RULES)
        said[locale[:2]] = " ".join(capsys.readouterr().out.split())
    for text in (
        "held",
        "12,345",
        "a must be given r.t.a.required",
        "r.t.gone",
        "10.0 % break rules",
        "nothing changed",
    ):
        assert text in said["en"]
        assert text.startswith("r.t.") or text not in said["vi"]
    for text in ("tạm giữ", "12.345", "Số hiệu: bắt buộc có giá trị r.t.a.required", "10,0 % vi phạm quy tắc", "1,5"):
        assert text in said["vi"]
    assert "r.t: không có gì thay đổi từ lần chạy 20260130T020000Z-0" in said["vi"]
    command = "lienthong sync r --resume --approve-as NAME --note REASON"
    assert all(command in text for text in said.values())


def test_a_held_run_shows_its_rejected_rows_by_rule_and_key_and_whom_it_waits_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = {"waits": "another steward must approve", "waits_vi": "cần một người khác duyệt"}
    broken = [["r.t.a.required", 1_234, 1_200], ["r.t.gone", 7, None]]
    table = {"verdict": "held", "broken": broken, **waits}
    for locale, texts in (("en_US", ("1,234 1,200 a must be given", "7 - r.t.gone", "r.t: another steward must")),
                          ("vi_VN", ("1.234 1.200 Số hiệu", "r.t: cần một người khác duyệt"))):  # fmt: skip
        monkeypatch.setenv("LC_ALL", locale)
        show_run({**RUN, "tables": [TABLE | table]}, RULES)
        said = " ".join(capsys.readouterr().out.split())
        assert all(text in said for text in texts), said
    show_run({**RUN, "tables": [TABLE | table | {"mode": "replay"}]}, RULES)
    assert "lienthong rejected replay r --approve-as NAME" in capsys.readouterr().out


def test_a_replay_that_accepts_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    said = "r.t: no row was accepted; the published rows are as they were."
    assert said in shown(capsys, mode="replay", accepted=0, rejected=3)
    assert said not in shown(capsys, mode="replay", accepted=1, rejected=3)
    assert said not in shown(capsys, mode="replay", accepted=0, deleted=1)
    assert said not in shown(capsys, mode="incremental", accepted=0, rejected=3)
    assert said not in shown(capsys, mode="replay", verdict="held", accepted=0)


@pytest.mark.parametrize("locale", ["C", "vi_VN"])
def test_json_says_the_same_in_every_locale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    one = {"registry": "r", "run_id": "1", "started_at": "2026-01-31T02:00:00+00:00"}
    skipped = Skipped(**one, table="a", mode="unchanged", same_as_run="0", extracted=3)
    found = Finding("rejectedPercent", 10.0, "5", "10.0 % break rules", "10,0 % vi phạm quy tắc")
    counts = {"extracted": 3, "accepted": 2, "rejected": 1, "superseded": 0}
    held = Held(**one, table="b", mode="full", **counts, findings=(found,), bound={}, seconds=1.0, waits="an")
    with pytest.raises(typer.Exit) as ended:
        end(RegistryResult("1", "r", (skipped, held)), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.exit_code, told["verdict"], told["run_id"]) == (1, "held", "1")
    assert [table["verdict"] for table in told["tables"]] == ["unchanged", "held"]
    assert told["tables"][0]["same_as_run"] == "0"
    assert told["tables"][1] | counts | {"held": True, "waits": "an", "version": None} == told["tables"][1]
    assert told["tables"][1]["findings"][0]["vietnamese"] == "10,0 % vi phạm quy tắc"


@pytest.mark.parametrize("locale", ["C", "vi_VN"])
@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_table_of_a_run_keeps_to_the_width(monkeypatch: pytest.MonkeyPatch, locale: str, width: int) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    row = {"registry": "population", "table": "household_member", "verdict": "unchanged", "mode": "incremental"}
    figures = {"extracted": 98_765_432, "accepted": 98_765_432, "rejected": 1_234_567, "superseded": 7_654}
    console = Console(width=width, file=StringIO())
    console.print(runs_table([{**row, **figures, "version": 1234, "seconds": 86_400}], "t", width=width))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width
    for value in figures.values():
        assert figure("vi" if locale == "vi_VN" else "en", value) in shown
    assert "…" not in shown


ENGLISH = ["one person", "holds, model, probability 0.9876", "name +9.2 -1.8", "2026-01-31 merged", "linked by model"]
VIETNAMESE = [
    "một người",
    "giữ, model, xác suất 0,9876",
    "họ tên +9,2 -1,8",
    "31/01/2026 được gộp",
    "liên kết theo model",
]


@pytest.mark.parametrize(
    ("locale", "words"), [("C", [*ENGLISH, "same name"]), ("vi_VN", [*VIETNAMESE, "trùng họ tên"])]
)
def test_a_pair_is_explained_in_the_language_of_the_locale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, locale: str, words: list[str]
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    steps = (
        Step("before comparing", "one of 1,950 persons", -10.9, -10.9),
        Step("name", "same name", 9.15, -1.75),
        Step("shoe size", "same shoe", 0.0, -1.75),
    )
    link = ExplainedLink("a", "b", "model", probability=0.98764, holds=True, steps=steps)
    event = PersonEvent(datetime(2026, 1, 31, tzinfo=UTC), "merged", "p" * 32, "", "linked by model", "r1")
    show_explained(Explained(("a", "b"), ("p" * 32,), (), (link,), (event,)))
    said = " ".join(capsys.readouterr().out.split())
    for text in (*words, "shoe size", "same shoe"):
        assert text in said
    assert ("1,950" in said) == ("same name" in said) == (locale == "C")


def test_help_is_shown_without_what_a_command_needs() -> None:
    """Who asks for help waits for the terminal only: everything else takes a second and 200 MB to import."""
    heavy = ("pyarrow", "duckdb", "pandas", "sqlalchemy", "deltalake")
    program = (
        "import sys; sys.argv = ['lienthong', 'sync', '--help']\n"
        "from include.cli.application import _run\n"
        f"assert _run() == 0 and not {{*{heavy!r}}} & {{*sys.modules}}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "lienthong sync" in done.stdout


def test_a_sync_starts_without_what_only_other_processes_need() -> None:
    """In production every task of a sync is a process of its own: what it imports is paid for each time."""
    others = ("matplotlib", "fpdf", "openpyxl", "great_expectations", "httpx", "pandas", "include.identity",
              "include.indicators", "include.sharing", "include.embedded.servers")  # fmt: skip
    program = (
        "import sys, include.cli.registries, include.embedded.site, include.pipelines.sync\n"
        f"found = {{*{others!r}}} & {{*sys.modules}}\nassert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("contract", "land"), ("--help",), pytest.param(("status", "--json"), marks=held_by(NOT_WRITTEN)),
        pytest.param(("plan", "land"), marks=held_by(NOT_WRITTEN)),
    ],
)  # fmt: skip
def test_an_output_that_cannot_be_written_is_told_as_that(command: tuple[str, ...]) -> None:
    """The advice was to run the same again, and that the text might quote a row."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "include.cli", *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("OutputNotWritten: the output could not be written (No space left on device).")
    assert done.stderr.count("could not be written") == 1
    assert "make room where the output goes" in done.stderr
