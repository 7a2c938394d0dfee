"""Values and free texts on a screen are shown as they are. Older tests looked at brackets in the messages of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from rich.text import Text
from typer.testing import CliRunner

from include.cli import app
from include.console import errors, output, show_lines, show_plan, show_run, show_sharing
from include.embedded.servers import console, say, say_error, show_command
from include.pipelines.indicators.findings import FindingRows
from include.pipelines.subject import Opened
from include.pipelines.upkeep.version_reading import VersionRows
from include.pipelines.upkeep.versions import VersionLine
from tests.unit.subject.test_letter import SUBJECT

TEXT = "thửa [b] cũ [/12] :smile: \x1b[31m\x9b2J\r"
SHOWN = r"thửa [b] cũ [/12] :smile: \u001b[31m\u009b2J\u000d"
AT = datetime(2026, 3, 1, tzinfo=UTC)
LOOK = ["--values", "--purpose", "p"]
READ = SimpleNamespace(recipient="r", agreement="a", purpose=TEXT, reads=1, refused=0, last_at=AT, columns=["c"])
SCREENS: dict[str, tuple[list[str], str, object]] = {
    "read": (["read", "land", TEXT], "upkeep.read_version", VersionRows(1, ("a", TEXT), (TEXT,), [(1, TEXT)])),
    "history": (
        ["history", "land", TEXT],
        "upkeep.list_versions",
        [VersionLine(1, AT.isoformat(), "full", "run", "1.0.0", "lan", note=TEXT)],
    ),
    "findings": (
        ["indicators", "findings", TEXT, "--period", "2026Q1", *LOOK],
        "indicators.finding_rows",
        FindingRows(TEXT, ("a",), 1, ((TEXT,),)),
    ),
    "subject": (
        ["subject", "x", "--purpose", "p"],
        "subject.answer_person",
        replace(SUBJECT, way=(TEXT,), opened=(Opened(1, AT, "lan", "land.book", TEXT, "certain"),)),
    ),
    "reads": (["reads", "land.book"], "reporting.reads_of_table", [READ]),
}


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (output, errors, console):
        monkeypatch.setattr(each, "_width", 500)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_command_shows_texts_as_they_are(monkeypatch: pytest.MonkeyPatch, screen: str) -> None:
    command, asked, answer = SCREENS[screen]
    monkeypatch.setattr(f"include.pipelines.{asked}", lambda *_, **__: answer)
    monkeypatch.setattr("include.pipelines.history_kept", lambda *_: None)
    done = CliRunner().invoke(app, command)
    assert done.exception is None
    told = sum(part.count(TEXT) for part in (*command, repr_of(answer)))
    assert done.stdout.count(SHOWN) == told > 0
    assert not {"\x1b", "\x9b", "\r"} & {*done.stdout}


def repr_of(answer: object) -> str:
    """Every text in an answer, however deep."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list | tuple):
        return " ".join(map(repr_of, answer))
    of = getattr(answer, "__dict__", None) or {name: getattr(answer, name) for name in getattr(answer, "__slots__", ())}
    return " ".join(map(repr_of, of.values()))


TABLE: dict[str, Any] = {"table": TEXT, "verdict": "held", "mode": "full", "version": 0, "drift": [TEXT]}
RUN = {"registry": TEXT, "run_id": TEXT, "verdict": "held", "tables": [TABLE | {"error": TEXT, "error_type": TEXT}]}
PRODUCT = {"product": TEXT, "recipient": TEXT, "verdict": "held", "reason": TEXT, "rows": 1, "version": 1}
SHARED = {"agreement": TEXT, "products": [PRODUCT], "standing": "living", "error": TEXT}
PLAN = {"table": TEXT, "published_version": 1, "published_contract": TEXT, "mode": "full", "why": TEXT}
PLAN |= {"cannot_find": TEXT, "changes": []}


@pytest.mark.parametrize(
    "show",
    [
        lambda: show_run(RUN),
        lambda: show_sharing({"run_id": TEXT, "agreements": [SHARED]}),
        lambda: show_plan(TEXT, [PLAN]),
        lambda: show_lines(TEXT, f"  {TEXT}"),
        lambda: output.print(Text(TEXT), r"\u000d", sep=""),  # `Text` itself drops the carriage return
        lambda: say(TEXT),
        lambda: say_error(ValueError(TEXT)),
        lambda: show_command(TEXT),
    ],
)
def test_what_is_printed_is_as_it_is(show: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    show()
    told = capsys.readouterr()
    assert SHOWN in told.out
    assert not {"\x1b", "\x9b", "\r"} & {*told.out, *told.err}


def test_json_on_a_screen_is_the_same_value() -> None:
    with output.capture() as shown:
        output.print_json(json.dumps({"note": TEXT}, ensure_ascii=False))
    assert json.loads(shown.get()) == {"note": TEXT}
    assert "\x9b" not in shown.get()
