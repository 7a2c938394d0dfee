"""The commands over requests: a letter is recorded, answered and drafted by hand; JSON for programs; exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from include.cli import app
from include.pipelines.decisions import NotASteward
from include.pipelines.errors import Misuse
from include.pipelines.requests import RequestRefused
from include.sharing.agreements import load_agreement
from tests.small_population import STEWARD, At

from .conftest import KEY, share
from .test_disputes import ANH, report

FIRST = "moj-population-citizen-1"
Run = Callable[..., str]


@pytest.fixture
def run(context: At, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("LAKE_URI", context.lake.uri)
    monkeypatch.setenv("SCHEMAS_DIR", str(context.schemas))
    monkeypatch.delenv("LIENTHONG_PSEUDONYM_KEY", raising=False)

    def invoke(*words: str) -> str:
        done = CliRunner().invoke(app, ["requests", *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return invoke


def ask(run: Run, *more: str) -> str:
    return run(
        "ask", "population.citizen", "--recipient", "moj", "--name", "Bộ Tư pháp", "--contact", "a@moj.example",
        "--column", "full_name", "--column", "birth_date", "--legal-basis", "Luật Hộ tịch 60/2014/QH13",
        "--purpose", "Đối chiếu hộ tịch", "--until", "2099-12-31", *more,
    )  # fmt: skip


def test_an_office_without_an_agreement_asks_by_letter_and_is_granted(run: Run, context: At, tmp_path: Path) -> None:
    assert FIRST in ask(run)
    assert FIRST in run("list", "--registry", "population")
    assert "no request" in run("list", "--registry", "land")
    given = run(
        "grant", FIRST, "--by", STEWARD, "--column", "birth_date:year", "--reason", "không cần họ tên", "--json"
    )
    assert json.loads(given)["state"] == "granted"
    run("draft", FIRST, "--out", str(tmp_path / "citizen_for_moj.yaml"))
    agreement = load_agreement(tmp_path / "citizen_for_moj.yaml")
    assert (agreement.recipient, agreement.recipient_name) == ("moj", "Bộ Tư pháp")
    shown = run("show", FIRST)
    assert "không cần họ tên" in shown
    assert "legal basis: Luật Hộ tịch" in shown
    assert "valid_from" not in shown
    (counted,) = json.loads(run("summary", "--json"))
    assert (counted["registry"], counted["granted_less"], counted["in_time"]) == ("population", 1, 1)
    assert "Nothing new" in run("follow")
    run("draft", FIRST, "--out", str(context.schemas / "agreements" / "citizen_for_moj.yaml"))
    assert run("follow") == f"{FIRST}: in force\n"


def test_a_protection_that_is_none_is_told_with_those_that_are(run: Run, context: At) -> None:
    ask(run)
    done = CliRunner().invoke(app, ["requests", "grant", FIRST, "--by", STEWARD, "--column", "full_name:bogus"])
    assert (done.exit_code, "pseudonym" in done.output) == (2, True)
    assert json.loads(run("show", FIRST, "--json"))["state"] == "open"


def test_a_letter_without_what_it_needs_is_sent_back(run: Run) -> None:
    with pytest.raises(RequestRefused, match="name of the asking office and its mailbox"):
        run("ask", "population.citizen", "--recipient", "moj", "--column", "full_name", "--purpose", "x",
            "--legal-basis", "y", "--until", "2099-12-31")  # fmt: skip
    with pytest.raises(Misuse, match="no table `x`"):
        run("ask", "population.x", "--recipient", "moj", "--column", "a", "--purpose", "x", "--legal-basis", "y",
            "--until", "2099-12-31")  # fmt: skip


def test_an_answer_of_nobody_in_office_and_a_draft_of_nothing_are_refused(run: Run) -> None:
    ask(run)
    with pytest.raises(NotASteward):
        run("refuse", FIRST, "--by", "nobody", "--ground", "state_secret", "--article", "x", "--reason", "y")
    with pytest.raises(Misuse, match="only what was granted has a draft"):
        run("draft", FIRST)
    run("withdraw", FIRST, "--recipient", "moj")
    assert "Nothing waits; closed: 1" in run("list")
    assert "withdrawn" in run("list", "--all")


def test_a_disputed_row_is_shown_for_a_purpose_alone(run: Run, context: At, monkeypatch: pytest.MonkeyPatch) -> None:
    share(context)
    disputed = report(context).request_id
    assert "1998" not in run("show", disputed)
    assert "1998" not in run("show", disputed, "--json")
    with pytest.raises(Misuse, match="say what for"):
        run("show", disputed, "--row")
    monkeypatch.setenv("LIENTHONG_PSEUDONYM_KEY", KEY.hex())
    shown = run("show", disputed, "--row", "--purpose", "compare with the file")
    assert "1998" in shown
    assert f"personal_id={ANH}; birth_date=1999-05-17" in shown
    rows = json.loads(run("show", disputed, "--row", "--purpose", "compare with the file", "--json"))["rows"]
    assert rows[0]["value"] == "1999-05-17"
