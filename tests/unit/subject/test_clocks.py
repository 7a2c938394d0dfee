"""The answer where clocks went back: a version is told by what identifies it, or it is said that nothing tells it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.audit.reads.record import ReadRecord, to_arrow
from include.audit.verification import table_commits
from include.lake.run_log import append
from include.pipelines.decisions import Look
from include.pipelines.subject import answer_person
from tests.repeats import held_by
from tests.unit.subject import country as simulated
from tests.unit.subject.country import HEALTH, Country, new_country

pytestmark = pytest.mark.slow
LOOK = Look("dpo", "thư đề nghị của công dân")
HOUR = timedelta(hours=1)
BY_ITS_HISTORY = (
    "unit/subject/test_subject.py::test_of_versions_that_are_not_kept_the_history_tells_or_it_is_said_that_nothing_does"
)
CITIZEN = "registry/population/citizen"


def ahead(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, commits of the citizens are dated as by a worker whose clock is an hour ahead."""
    log = Path(country.lake.uri) / CITIZEN / "_delta_log"
    former, record = {*log.glob("*.json")}, simulated.commit_records

    def recorded(lake: object, subjects: list[str]) -> object:
        for file in sorted({*log.glob("*.json")} - former):
            actions = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            for action in actions:
                if "commitInfo" in action:
                    action["commitInfo"]["timestamp"] += HOUR // timedelta(milliseconds=1)
            file.write_text("".join(f"{json.dumps(action)}\n" for action in actions), encoding="utf-8")
            former.add(file)
        return record(lake, subjects)

    monkeypatch.setattr(simulated, "commit_records", recorded)


@pytest.mark.parametrize("are_dated_ahead", [pytest.param(False, marks=held_by(BY_ITS_HISTORY)), True])
def test_a_history_is_not_asked_for_a_version_by_an_instant_of_which_it_has_another(
    tmp_path: Path, *, are_dated_ahead: bool
) -> None:
    """She is in one version only. The one before it is dated an hour later, so that at its instant she was already in.

    The older tests let the clock go on, so every instant was of one version.
    """
    country = new_country(tmp_path, humans=8)
    human = next(one for one in country.humans if country.citizens[one.ids[0]]["sex"] == "female")
    row = country.citizens.pop(human.ids[0])
    country.publish()
    with pytest.MonkeyPatch.context() as patch:
        if are_dated_ahead:
            ahead(country, patch)
        country.publish()
    country.citizens[human.ids[0]] = row
    country.publish()
    del country.citizens[human.ids[0]]
    country.publish()
    ((table_id, held),) = ((key[2], {*of}) for key, of in country.truth(human).items() if key[1] == "names")
    country.lake.table(CITIZEN).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
    given = answer_person(country.context, human.person_id, look=LOOK).given
    (names,) = (one for one in given if one.table_id == table_id)
    found, unknown = (
        {number for span in spans for number in range(span.first, span.last + 1)}
        for spans in (names.spans, names.unknown)
    )
    assert held == {2}
    assert (found, unknown) == ((set(), {1, 2}) if are_dated_ahead else (held, set()))


def test_a_read_is_of_the_table_whose_id_is_on_its_record(tmp_path: Path) -> None:
    """The one who shared was an hour ahead on the first day; the product was made anew on the second.

    A record of before the id was recorded counts by the clocks of both, in the ledger's order of the tables.
    """
    country = new_country(tmp_path, humans=8)
    human = next(one for one in country.humans if one.numbers)
    real = table_commits.read_commit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            table_commits, "read_commit",
            lambda lake, uri: replace(
                commit := real(lake, uri),
                committed_ms=commit.committed_ms + (HOUR // timedelta(milliseconds=1) if "/shared/" in uri else 0),
            ),
        )  # fmt: skip
        country.publish()
    former = country.lake.table("shared/moh/member").metadata().id
    country.agree("health", HEALTH.replace("{name: sex, protection: none}", "{name: sex, protection: drop}"))
    country.publish()
    newest = country.lake.table("shared/moh/member").metadata().id
    assert newest != former
    now = datetime.now(UTC)
    reads = {
        "by the id": (now, former), "by the id, of today's": (now - 2 * HOUR, newest),
        "by the clocks": (now, None), "by the clocks, late": (now + 2 * HOUR, None), "early": (now - 2 * HOUR, None),
    }  # fmt: skip
    records = [
        ReadRecord(
            read_id=name, at=at, action="query", verdict="offered", status=200, address="203.0.113.9", recipient="moh",
            product="member", version=0, table_id=table_id,
        )
        for name, (at, table_id) in reads.items()
    ]  # fmt: skip
    append(country.lake, "reads", to_arrow(records, "b"), once="reads/b")
    given = answer_person(country.context, human.person_id, look=LOOK).given
    told = {one.table_id: {read.read_id for read in one.reads} for one in given if one.product == "member"}
    assert told == {
        former: {"by the id", "early"}, newest: {"by the id, of today's", "by the clocks", "by the clocks, late"}
    }  # fmt: skip
    assert all(len(one.purposes) == 1 for one in given if one.product == "member")
