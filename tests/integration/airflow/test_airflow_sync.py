"""Syncs through a real scheduler: published, unchanged, held and declined, approved by one, by two, unanswered, lost.

A registry for each story; the stories run side by side, and each test reads the end of one. At the end
people open it in a browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from deltalake import DeltaTable
from playwright.sync_api import Browser, Page

from include.audit.ledger import entries as ledger
from include.embedded.servers import airflow
from include.embedded.servers.airflow_api import AirflowApi, AirflowRefusedError
from include.embedded.servers.postgres import start_postgres, stop_postgres, uri
from tests.integration.airflow.decided_registries import BAD, GOOD, REGISTRIES, SECRET_NAME, fill
from tests.integration.airflow.house import House

pytestmark = [pytest.mark.slow, pytest.mark.live_scheduler]

ANSWERS = {"approved": ("Approve", "known gap, agreed with the ministry"), "declined": ("Reject", "ask them first")}
# Who tries to answer which question of the registry with four eyes, in this order; the last of each may.
TRIES = {"sync_table.gate": ("admin", "minh", "lan"), "sync_table.second_gate": ("lan", "admin", "an")}


@dataclass
class DecidedHouse(House):
    """Besides: what stewards were asked, and what was said to those who answered."""

    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def meanwhile(self) -> None:
        """Answer as a person would: not in the same moment."""
        for registry, (option, note) in ANSWERS.items():
            for question in self.api.questions(f"sync_{registry}"):
                self.asked[registry] = question
                age = datetime.now(UTC) - datetime.fromisoformat(question["created_at"])
                if age > timedelta(seconds=6):
                    self.api.answer(question, option, note)
        for question in self.api.questions("sync_foureyes"):
            task = question["task_instance"]["task_id"]
            age = datetime.now(UTC) - datetime.fromisoformat(question["created_at"])
            if age > timedelta(seconds=6) and task not in self.asked:
                self.asked[task] = question
                self.places[task] = next(self.site.var.glob("lake/staging/foureyes/**/_asked.txt")).read_text()
                for name in TRIES[task]:
                    self.answers.append((task, name, self.answer_as(name, question)))

    def answer_as(self, name: str, question: dict[str, Any]) -> str:
        """Approve in somebody's name; what Airflow says to it."""
        api = AirflowApi(airflow.url(self.site), name, self.site.secret("airflow_password"))
        try:
            api.answer(question, "Approve", f"says {name}")
        except AirflowRefusedError as error:
            return str(error)
        finally:
            api.close()
        return "taken"


@pytest.fixture(scope="module")
def house(live: House) -> DecidedHouse:
    site = live.site
    start_postgres(site, "lost")
    with psycopg.connect(uri(site, "lost")) as database:
        database.execute("CREATE TABLE person (person_id text, full_name text, age text)")
        database.cursor().executemany("INSERT INTO person VALUES (%s, %s, %s)", GOOD)
    stop_postgres(site)
    told = DecidedHouse(site, live.api, live.connections, live.metadata, live.began)
    tell(told)
    return told


def tell(house: DecidedHouse) -> None:
    """Let every story happen."""
    wanted = {"after_steady", *(f"sync_{registry}" for registry in REGISTRIES)}
    house.until(lambda: wanted <= {dag["dag_id"] for dag in house.api.dags()})
    for dag_id in wanted:
        house.api.unpause(dag_id)
    for registry in REGISTRIES:
        house.start(registry, "first")
    house.until(lambda: "SourceUnavailable" in house.log_of("lost", "extract"))
    start_postgres(house.site)
    house.until(lambda: house.has_ended(("sync_steady", "first"), ("sync_declined", "first")))
    fill(house.site.root / "declined.sqlite", person=BAD, other=[*GOOD, ("4", "Võ Bốn", "63")])
    house.start("declined", "second")
    house.start("steady", "second")
    ends = [(f"sync_{registry}", "first") for registry in REGISTRIES]
    house.until(lambda: house.has_ended(*ends, ("sync_declined", "second"), ("sync_steady", "second")))
    house.until(lambda: "after_steady" in {run["dag_id"] for run in house.api.runs(house.began)})


def test_a_sync_publishes_and_starts_what_waits_for_its_table(house: DecidedHouse) -> None:
    assert house.run_state("sync_steady", "first") == "success"
    assert house.versions("steady", "person") == 0
    assert house.api.events().count("registry/steady/person") == 1
    assert [run["run_type"] for run in house.api.runs(house.began) if run["dag_id"] == "after_steady"] == [
        "asset_triggered"
    ]


def test_a_broken_contract_is_told_and_stops_nobody_else(house: DecidedHouse) -> None:
    (error,) = house.api.import_errors(house.began)
    assert "broken.odcs.yaml" in error
    assert "sync_broken" not in {dag["dag_id"] for dag in house.api.dags()}


def test_the_run_in_the_lake_is_named_by_the_instant_of_the_dag_run(house: DecidedHouse) -> None:
    (first, _) = house.records("steady")
    days = {f"{at:%Y%m%d}" for at in (datetime.fromisoformat(house.began), datetime.now(UTC))}
    assert first["run_id"][:8] in days
    assert len(first["run_id"]) == len("20260131T020000Z-1a2b3c4d")


def test_an_unchanged_table_is_skipped_and_tells_nobody(house: DecidedHouse) -> None:
    assert house.run_state("sync_steady", "second") == "success"
    states = house.states("sync_steady", "second")
    assert {states[step, 0] for step in ("extract", "assess", "gate", "publish")} == {"skipped"}
    assert [record["verdict"] for record in house.records("steady")] == ["published", "unchanged"]


def test_pools_were_made_when_the_syncs_first_ran(house: DecidedHouse) -> None:
    pools = house.api.pools()
    assert (pools["source_steady"], pools["lake_steady"], pools["lake_reference"]) == (2, 1, 1)


def test_a_declined_table_leaves_the_lake_as_it_was_and_the_others_go_on(house: DecidedHouse) -> None:
    assert house.run_state("sync_declined", "second") == "failed"
    states = house.states("sync_declined", "second")
    assert [states[step, 0] for step in ("assess", "gate", "publish")] == ["success", "failed", "upstream_failed"]
    assert [states[step, 1] for step in ("assess", "gate", "publish")] == ["success", "skipped", "success"]
    assert house.versions("declined", "person") == 0
    assert house.versions("declined", "other") == 1
    (declined,) = [record for record in house.records("declined") if record["verdict"] == "declined"]
    assert (declined["table"], declined["refused_by"], declined["refusal_note"]) == (
        "person", airflow.USER, "ask them first",
    )  # fmt: skip
    rows = DeltaTable(house.lake.registry_table("declined", "person")).to_pyarrow_table().to_pylist()
    assert {(row["person_id"], row["full_name"], row["age"]) for row in rows} == {
        (key, name, int(age)) for key, name, age in GOOD
    }


def test_the_steward_saw_figures_and_no_value(house: DecidedHouse) -> None:
    question = house.asked["declined"]
    assert "Publish declined.person although it is outside tolerance?" in question["subject"]
    assert "| extracted | 4 |" in question["body"]
    assert "| rejected | 3 |" in question["body"]
    assert "declined.person.full_name.required" in question["body"]
    assert SECRET_NAME not in question["body"]


def test_an_approved_table_is_published_in_the_stewards_name(house: DecidedHouse) -> None:
    assert house.run_state("sync_approved", "first") == "success"
    assert house.versions("approved", "person") == 0
    told = {record["verdict"]: record for record in house.records("approved")}
    assert set(told) == {"held", "published"}
    assert (told["published"]["accepted"], told["published"]["rejected"]) == (1, 3)
    assert (told["published"]["approved_by"], told["published"]["approval_note"]) == (
        airflow.USER,
        "known gap, agreed with the ministry",
    )


def test_two_different_stewards_approve_and_nobody_else_is_heard(house: DecidedHouse) -> None:
    assert house.run_state("sync_foureyes", "first") == "success"
    taken = [(task, name) for task, name, said in house.answers if said == "taken"]
    assert taken == [("sync_table.gate", "lan"), ("sync_table.second_gate", "an")]
    refused = [(task, name) for task, name, said in house.answers if "403" in said]
    assert refused == [(task, name) for task, names in TRIES.items() for name in names[:-1]]
    (published,) = [record for record in house.records("foureyes") if record["verdict"] == "published"]
    assert (published["approved_by"], published["approval_note"]) == ("lan, an", "lan: says lan; an: says an")
    assert "two stewards" in house.asked["sync_table.gate"]["body"]
    assert "**lan** has approved" in house.asked["sync_table.second_gate"]["body"]
    entries = [row for row in ledger.read(house.lake).to_pylist() if row["subject"] == "registry/foureyes/person"]
    kinds = [(row["kind"], row["actor"]) for row in entries if row["kind"] in ("approval", "commit")]
    assert kinds == [("approval", "lan"), ("approval", "an"), ("commit", "lienthong")]


def test_the_gate_shows_the_rejected_rows_by_rule_and_key(house: DecidedHouse) -> None:
    body = house.asked["sync_table.gate"]["body"]
    assert "| Rows | Keys |" in body
    line = next(line for line in body.splitlines() if "`foureyes.person.age.unreadable`" in line)
    assert line.endswith("| 2 | 2 |")
    (run_id,) = {record["run_id"] for record in house.records("foureyes")}
    assert f"(/quality/tables/foureyes/person/runs/{run_id}#rejected)" in body


@pytest.fixture(scope="module")
def page(house: DecidedHouse, browser: Browser) -> Iterator[Page]:
    """A page of the running Airflow, signed in once as who runs it; each test begins with an address."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000}, locale="en")
    page.set_default_timeout(30_000)
    page.goto(airflow.url(house.site))
    page.fill("input[name=username]", airflow.USER)
    page.fill("input[name=password]", house.site.secret("airflow_password"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    yield page
    page.close()


def test_the_run_page_leads_to_the_gate_that_asked(house: DecidedHouse, page: Page) -> None:
    for task in TRIES:
        assert f"/tasks/{task}/mapped/0/required_actions" in house.places[task]
        page.goto(airflow.url(house.site) + house.places[task])
        page.get_by_text("Publish foureyes.person although it is outside tolerance?").first.wait_for()


def test_the_page_of_a_refused_run_says_by_whom_and_why(house: DecidedHouse, page: Page) -> None:
    (run_id,) = {record["run_id"] for record in house.records("declined") if record["verdict"] == "declined"}
    page.goto(f"{airflow.url(house.site)}/quality/tables/declined/person/runs/{run_id}?lang=en")
    assert f"Declined by {airflow.USER}: “ask them first”" in page.inner_text("main")
    assert page.locator("#t-rejected ~ tbody tr").count() == 2


def test_the_form_of_a_replay_can_be_triggered_as_it_opens(house: DecidedHouse, page: Page) -> None:
    house.api.unpause("replay_rejected")
    page.goto(f"{airflow.url(house.site)}/quality/rejected/foureyes/person?lang=en")
    page.get_by_role("link", name="replay_rejected").click()
    page.get_by_role("button", name="Trigger").first.click()
    submit = page.get_by_test_id("trigger-dag-submit")
    submit.wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=trigger-dag-submit]').disabled")
    submit.click()
    house.until(lambda: [run for run in house.api.runs(house.began) if run["dag_id"] == "replay_rejected"], 60)


def test_without_an_answer_nothing_is_published(house: DecidedHouse) -> None:
    assert house.run_state("sync_unanswered", "first") == "failed"
    states = house.states("sync_unanswered", "first")
    assert (states["gate", 0], states["publish", 0]) == ("failed", "upstream_failed")
    assert house.versions("unanswered", "person") is None
    assert "HeldTableUnanswered" in house.log_of("unanswered", "gate")
    assert {record["verdict"] for record in house.records("unanswered")} == {"held", "timed out"}


def test_each_decision_is_one_entry_of_the_ledger(house: DecidedHouse) -> None:
    told = [f"registry/{registry}/" for registry in REGISTRIES]
    rows = [row for row in ledger.read(house.lake).to_pylist() if row["kind"] in ("approval", "refusal")]
    rows = [row for row in rows if row["subject"].startswith(tuple(told))]
    assert sorted((row["kind"], row["actor"], row["subject"]) for row in rows) == [
        ("approval", airflow.USER, "registry/approved/person"),
        ("approval", "an", "registry/foureyes/person"),
        ("approval", "lan", "registry/foureyes/person"),
        ("refusal", airflow.USER, "registry/declined/person"),
        ("refusal", "lienthong", "registry/unanswered/person"),
    ]


def test_a_run_past_its_deadline_is_told(house: DecidedHouse) -> None:
    triggerer = house.site.log("airflow-triggerer").read_text()
    assert "sync_unanswered first has not ended within" in triggerer
    assert (
        "sync_steady" not in triggerer.replace("sync_steady first", "")
        or "has not ended" not in triggerer.split("sync_steady")[-1]
    )


def test_a_lost_source_is_tried_again(house: DecidedHouse) -> None:
    assert house.run_state("sync_lost", "first") == "success"
    assert house.versions("lost", "person") == 0
    assert "SourceUnavailable" in house.log_of("lost", "extract")


def test_airflow_never_saw_a_name(house: DecidedHouse) -> None:
    kept = [path for path in (house.site.var / "log").rglob("*") if path.is_file()]
    kept += [path for path in house.site.airflow_home.rglob("*") if path.is_file()]
    needles = (SECRET_NAME.encode(), SECRET_NAME.encode("unicode_escape"))
    assert not [path for path in kept if any(needle in path.read_bytes() for needle in needles)]
    texts = (SECRET_NAME, needles[1].decode())
    for table, row in house.metadata_rows():
        assert not any(text in row for text in texts), table
