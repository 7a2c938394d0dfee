"""A registry that is followed in its source's log, every five minutes: an ordinary schedule."""

from __future__ import annotations

import dataclasses

from plugins.dag_settings import sync_settings


def test_a_schedule_of_minutes_runs_one_at_a_time_and_makes_up_for_nothing(contracts):
    contract = next(iter(contracts.values()))
    often = dataclasses.replace(contract, sla=dataclasses.replace(contract.sla, schedule="*/5 * * * *"))
    settings = sync_settings(often, doc="")
    assert settings["schedule"].expression == "*/5 * * * *"
    assert (settings["max_active_runs"], settings["catchup"]) == (1, False)
