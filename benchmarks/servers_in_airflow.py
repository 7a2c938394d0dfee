"""What a night of many servers costs in Airflow: a registry on 63 servers, three tables each, in a live scheduler.

Prints, of a first sync, a quiet one and one after a row of one server changed: seconds, seconds of processor of all
Airflow processes and their tasks, and how many task processes were started. Sources are SQLite files; Airflow's
metadata lies in PostgreSQL, as in production.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from include.embedded import servers
from include.embedded.servers import ENDED, AirflowApi
from include.embedded.site import REPOSITORY, Site

TABLES, ROWS = ("parcel", "certificate", "ownership"), 50
METADATA = ("SQL_ALCHEMY_CONN", "SQL_ALCHEMY_CONN_ASYNC")


def main() -> None:
    """Start Airflow over a checkout of its own, sync three times, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers_in_airflow", description=__doc__)
    parser.add_argument("--servers", type=int, default=63, help="default: 63, the provinces before 2025-07-01")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lienthong-airflow-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        site = Site(root, root / "var")
        connections = _checkout(root, [f"land-{number:02}" for number in range(1, given.servers + 1)])
        servers.start_postgres(site, "airflow")
        uri = servers.uri(site, "airflow").replace("://", "+psycopg://", 1)
        os.environ |= {f"AIRFLOW__DATABASE__{name}": uri for name in METADATA}
        try:
            servers.launch_airflow(site, connections)
            servers.await_airflow(site, connections)
            _measure(site, root, given.servers)
        finally:
            servers.stop(site, [*servers.COMPONENTS, servers.NAME], seconds=5)


def _measure(site: Site, root: Path, count: int) -> None:
    api = AirflowApi(servers.url(site), servers.USER, site.secret("airflow_password"))
    while not any(dag["dag_id"] == "sync_land" for dag in api.dags()):
        time.sleep(1)
    api.unpause("sync_land")
    print(f"{count} servers x {len(TABLES)} tables", flush=True)
    for name in ("first", "quiet", "changed"):
        if name == "changed":
            with sqlite3.connect(root / "land-01.db") as database:
                database.execute("UPDATE parcel SET updated_at = '2026-02-01', note = 'changed' WHERE id = '7'")
        began, spent, state, tasks = time.perf_counter(), _processor(site), "", []
        api.trigger("sync_land", name)
        since = "2000-01-01T00:00:00+00:00"
        while state not in ENDED:
            time.sleep(5)
            state = next((run["state"] for run in api.runs(since) if run["dag_run_id"] == name), "")
        tasks = [task for task in api.task_instances(since, since) if task["dag_run_id"] == name]
        started = sum(1 for task in tasks if task["pid"])
        seconds, processor = time.perf_counter() - began, _processor(site) - spent
        print(f"{name:8} {state}: {seconds:6.1f} s, processor {processor:6.1f} s, {started} task processes", flush=True)
    api.close()


def _processor(site: Site) -> float:
    """Seconds of processor of Airflow's processes and of their ended children."""
    spent = 0.0
    for process in psutil.process_iter(["cmdline"]):
        try:
            if str(site.root) in process.environ().get("AIRFLOW_HOME", ""):
                times = process.cpu_times()
                spent += times.user + times.system + times.children_user + times.children_system
        except psutil.Error:
            continue
    return spent


def _checkout(root: Path, names: list[str]) -> dict[str, str]:
    """The real DAGs and library in a folder, with a contract of these servers; returns their connections."""
    shutil.copytree(REPOSITORY / "dags", root / "dags", ignore=shutil.ignore_patterns("__pycache__", "[!s]*.py"))
    for shared in ("plugins", "include"):
        (root / shared).symlink_to(REPOSITORY / shared)
    registries = root / "schemas" / "registries"
    registries.mkdir(parents=True)
    (registries / "land.odcs.yaml").write_text(yaml.safe_dump(_contract(names), sort_keys=False))
    for name in names:
        with sqlite3.connect(root / f"{name}.db") as database:
            for table in TABLES:
                database.execute(f"CREATE TABLE {table} (id TEXT, note TEXT, updated_at TEXT)")
                rows = [(f"{number}", name, "2026-01-01") for number in range(ROWS)]
                database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
    return {f"AIRFLOW_CONN_{name.upper().replace('-', '_')}": f"sqlite:///{root / name}.db" for name in names}


def _contract(names: list[str]) -> dict[str, Any]:
    def column(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "logicalType": "string", "required": True, **more}

    updated = {"name": "updated_at", "logicalType": "timestamp", "logicalTypeOptions": {"defaultTimezone": "UTC"}}
    extract = {"cursor": ["updated_at"], "lag": "PT0S", "deletes": "reconcile", "deleteLimitPercent": 100}
    custom = [{"property": "extract", "value": extract}, {"property": "keyScope", "value": "server"}]
    columns = [column("id", primaryKey=True), column("note"), updated]
    return {
        "apiVersion": "v3.2.0", "kind": "DataContract", "id": "land", "name": "land", "version": "1.0.0",
        "status": "active", "servers": [{"server": name, "type": "custom"} for name in names],
        "schema": [{"name": table, "properties": columns, "customProperties": custom} for table in TABLES],
    }  # fmt: skip


if __name__ == "__main__":
    main()
