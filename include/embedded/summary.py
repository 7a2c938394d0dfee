"""How the demo ends: what happened to each table, from the lake's own records, and what to do next."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from include.console import reasons_table, runs_table
from include.embedded import airflow
from include.embedded.site import Site
from include.embedded.terminal import console, say
from include.embedded.watch import DONE, FailedTask, Snapshot
from include.lake import evidence
from include.lake.link_runs import last_link_run
from include.lake.root import Lake


def show_end(site: Site, since: datetime, seen: Snapshot) -> int:
    """Print the end of the demo; returns its exit status."""
    rows = recorded_rows(site, since, [*seen.tables])
    recorded = {f"{row['registry']}.{row['table']}" for row in rows}
    console.print(runs_table(rows, "What happened"))
    if (grid := reasons_table(rows)) is not None:
        console.print(grid)
    _tell_persons(site)
    for name, stage in seen.tables.items():
        if name not in recorded:
            say(f"[yellow]{name}: {stage}")
    unchanged = sum(row["verdict"] == "unchanged" for row in rows)
    if unchanged:
        how_many = "Nothing changed" if unchanged == len(rows) else f"{unchanged} of {len(rows)} tables did not change"
        say(
            f"{how_many}: the source holds what it held at the last sync and the contract is the same, "
            "so nothing was written and the version is that of the last sync."
        )
    failed = [*(_failure(site, task) for task in seen.failed)]
    for line in failed:
        say(f"[red]{line}")
    if seen.only_stewards_can_go_on:
        say(
            "[yellow]A table is outside its tolerance and waits for a steward: run `make up`, open "
            f"{airflow.url(site)}/required_actions and approve or reject it."
        )
    is_well = not failed and seen.has_ended and all(stage in DONE for stage in seen.tables.values())
    if not seen.has_ended and not seen.only_stewards_can_go_on:
        say(f"[red]Airflow had not finished in time; its logs are in {site.var / 'log'}. Run `make demo` again.")
    _next_steps(site)
    return 0 if is_well else 1


def _tell_persons(site: Site) -> None:
    """What linking came to, in a line."""
    linked = last_link_run(Lake.from_environment({**os.environ, "LAKE_URI": site.lake_uri}))
    if linked:
        say(
            f"Persons: {linked['records']:,} records are {linked['persons']:,} persons with one id each; "
            f"{linked['waiting'] or 0:,} pairs wait for a person to look at them (lienthong link queue)."
        )


def recorded_rows(site: Site, since: datetime, tables: Sequence[str]) -> list[dict[str, Any]]:
    """The last record in `audit/runs` of each `registry.table` since then, in the order given."""
    lake = Lake.from_environment({**os.environ, "LAKE_URI": site.lake_uri})
    last: dict[str, dict[str, Any]] = {}
    for row in sorted(evidence.read(lake, "runs").to_pylist(), key=evidence.place_of):
        if row["started_at"] >= since:
            last[f"{row['registry']}.{row['table']}"] = {**row, "reasons": json.loads(row["reasons"] or "[]")}
    return [last[name] for name in tables if name in last]


def _failure(site: Site, task: FailedTask) -> str:
    """What a failed task said last, and the log that tells more."""
    log = site.var / "log" / "airflow" / task.log
    return f"{task.name} failed: {_last_error(log) or 'see its log'}\n  log: {log}"


def _last_error(log: Path) -> str:
    said = ""
    for line in log.read_text().splitlines() if log.exists() else ():
        try:
            details = json.loads(line).get("error_detail") or []
        except ValueError:
            continue
        if details:
            said = f"{details[0]['exc_type']}: {details[0]['exc_value']}"
    return said


def _next_steps(site: Site) -> None:
    user = f"user {airflow.USER}, password {site.secret('airflow_password')}"
    say(
        f"""
Next
  1. See it in Airflow:      make up, then {airflow.url(site)}, {user}
  2. Read a published table: .venv/bin/python
                             >>> from deltalake import DeltaTable
                             >>> DeltaTable("{site.lake_uri}/registry/population/citizen").to_pandas()
  3. Add a registry:         one file schemas/registries/NAME.odcs.yaml and AIRFLOW_CONN_NAME, then
                             .venv/bin/lienthong check && .venv/bin/lienthong sync NAME"""
    )
