"""A sync of a registry on several servers, by Airflow: one fails, one is not connected, the others are published."""

from __future__ import annotations

import pytest

from tests.integration.airflow.house import House
from tests.integration.servers.provinces import Provinces

pytestmark = [pytest.mark.slow, pytest.mark.live_scheduler]


def test_the_servers_that_deliver_are_published_and_airflow_is_told_of_the_table_once(
    live: House, provinces: Provinces
) -> None:
    live.until(lambda: "sync_land" in {dag["dag_id"] for dag in live.api.dags()})
    live.api.unpause("sync_land")
    live.start("land", "several")
    live.until(lambda: live.has_ended(("sync_land", "several")))
    states = {task["task_id"]: task["state"] for task in live.tasks("sync_land", "several")}
    publish = {server: states[f"land_{server}.sync_table.publish"] for server in ("01", "02", "03", "04")}
    assert publish == {"01": "success", "02": "upstream_failed", "03": "success", "04": "skipped"}
    assert provinces.published() == provinces.content(["land-01", "land-03"])
    # Two of four servers are enough by the contract, which wants half of them.
    assert (states["follow_relationships"], states["enough_delivered"]) == ("success", "success")
    assert live.run_state("sync_land", "several") == "success"
    events = live.api._all("/api/v2/assets/events", "asset_events")
    assert [event["name"] for event in events].count("registry/land/parcel") == 1
    assert live.api._call("GET", "/api/v2/pools/source_land-01")["slots"] == 2
