"""A sync of a registry on several servers, by Airflow: one fails, one is not connected, one is held, the
others are published and told. And the report to the Government, which names who owes one."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from include.audit.verification import GOVERNMENT
from include.pipelines import PipelineContext, verify_report
from include.pipelines.sync import sync_registry
from tests.integration.airflow.house import House
from tests.integration.servers.provinces import Provinces

pytestmark = [pytest.mark.slow, pytest.mark.live_scheduler]


def events(live: House) -> int:
    told = live.api._all("/api/v2/assets/events", "asset_events")
    return [event["name"] for event in told].count("registry/land/parcel")


def test_the_servers_that_deliver_are_published_and_told_once_and_what_was_held_when_it_is_released(
    live: House, provinces: Provinces
) -> None:
    live.until(lambda: "sync_land" in {dag["dag_id"] for dag in live.api.dags()})
    live.api.unpause("sync_land")
    live.start("land", "several")
    (asked,) = live.until(lambda: live.api.questions("sync_land"))
    live.until(lambda: events(live) == 1)
    assert provinces.published() == provinces.content(["land-01", "land-03"])
    assert live.run_state("sync_land", "several") == "running", "the gate of one server keeps no other's rows"
    # Airflow takes an answer in the moment of the question for a task killed from outside.
    time.sleep(max(0, 6 - (datetime.now(UTC) - datetime.fromisoformat(asked["created_at"])).total_seconds()))
    live.api.answer(asked, "Approve", "known gap")
    live.until(lambda: live.has_ended(("sync_land", "several")))
    states = {task["task_id"]: task["state"] for task in live.tasks("sync_land", "several")}
    publish = {server: states[f"land_{server}.sync_table.publish"] for server in ("01", "02", "03", "04", "05")}
    assert publish == {"01": "success", "02": "upstream_failed", "03": "success", "04": "skipped", "05": "success"}
    whole = provinces.content(["land-01", "land-03"]) | {("land-05", "land-05/11", "10.50")}
    assert provinces.published() == whole
    # Three of five servers are enough by the contract, which wants half of them.
    assert {states[name] for name in ("follow_relationships", "follow_released", "enough_delivered")} == {"success"}
    assert live.run_state("sync_land", "several") == "success"
    assert events(live) == 2
    assert live.api._call("GET", "/api/v2/pools/source_land-01")["slots"] == 2


def test_the_report_to_the_government_is_drafted_and_who_owes_is_named(live: House) -> None:
    context = PipelineContext(live.lake, live.site.root / "schemas", live.connections)
    assert sync_registry("programme", run_id="reports-owed", context=context).verdict == "published"
    live.until(lambda: "report_government" in {dag["dag_id"] for dag in live.api.dags()})
    live.api.unpause("report_government")
    body = {"dag_run_id": "draft", "logical_date": None, "conf": {"period": "2018Q1"}}
    live.api._call("POST", "/api/v2/dags/report_government/dagRuns", json=body)
    live.until(lambda: live.has_ended(("report_government", "draft")))
    assert live.run_state("report_government", "draft") == "success"
    (folder,) = (live.site.var / "lake" / GOVERNMENT / "2018Q1").iterdir()
    assert {file.suffix for file in folder.iterdir()} == {".html", ".pdf", ".xlsx"}
    assert verify_report(context, folder / "bao-cao-chinh-phu.pdf").ok
    logs = live.site.var / "log" / "airflow" / "dag_id=report_government" / "run_id=draft" / "task_id=remind"
    said = next(logs.rglob("*.log")).read_text(encoding="utf-8")
    assert "G09: 1" in said
    assert "H56: 1" in said, "due in the month after"
    assert "G03" not in said
