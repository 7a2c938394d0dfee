"""One running Airflow for all tests that need a scheduler, with a registry for each story."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from deltalake import DeltaTable

from include.embedded.servers import airflow
from include.embedded.servers.airflow_api import ENDED, AirflowApi
from include.embedded.servers.postgres import start_postgres, uri
from include.embedded.servers.processes import insist, stop
from include.embedded.site import Site
from include.lake.run_log import log_tables
from include.lake.storage.lake import Lake

ROOT = Path(__file__).parents[3]
NIGHTS = "0 2 2-4 3 *"  # three nights of March: none is due while the tests run
APPROVAL_SECONDS = 120  # a triggerer beside other servers may look only once a minute
SETTINGS = {
    # The tasks of a dead scheduler are looked for every few seconds, not every five minutes.
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    # No DAG changes.
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
}


@dataclass
class House:
    """A running Airflow, and what it says of its runs."""

    site: Site
    api: AirflowApi
    connections: Mapping[str, str]
    metadata: str
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    @property
    def lake(self) -> Lake:
        return Lake(self.site.lake_uri)

    def versions(self, registry: str, table: str) -> int | None:
        path = self.lake.registry_table(registry, table)
        return DeltaTable(path).version() if DeltaTable.is_deltatable(path) else None

    def records(self, registry: str) -> list[dict[str, Any]]:
        rows = log_tables.read(self.lake, "runs").to_pylist()
        return sorted((r for r in rows if r["registry"] == registry), key=lambda r: r["started_at"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        return next(r["state"] for r in self.api.runs(self.began) if (r["dag_id"], r["dag_run_id"]) == (dag_id, run_id))

    def states(self, dag_id: str, run_id: str) -> dict[tuple[str, int], str]:
        return {(t["task_id"].rpartition(".")[2], t["map_index"]): t["state"] for t in self.tasks(dag_id, run_id)}

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of one run: to tell those of all runs, again and again, keeps Airflow from its work."""
        return [*self.api._all(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")]

    def start(self, registry: str, run_id: str) -> None:
        self.api.trigger(f"sync_{registry}", run_id)

    def until(self, is_so: Callable[[], Any], seconds: float = 300) -> Any:
        end = time.monotonic() + seconds
        while not (found := is_so()):
            insist(self.site, airflow.COMPONENTS)
            self.meanwhile()
            assert time.monotonic() < end, f"not so within {seconds} s; {self.site.var / 'log'}"
            time.sleep(2)
        return found

    def has_ended(self, *runs: tuple[str, str]) -> bool:
        ended = {(r["dag_id"], r["dag_run_id"]) for r in self.api.runs(self.began) if r["state"] in ENDED}
        return ended.issuperset(runs)

    def have_ended(self, dag_ids: Collection[str]) -> bool:
        """Whether all runs of these DAGs ended."""
        return all(run["state"] in ENDED for run in self.api.runs(self.began) if run["dag_id"] in dag_ids)

    def metadata_rows(self) -> Iterator[tuple[str, str]]:
        """Every row of Airflow's metadata as text, with the name of its table."""
        with psycopg.connect(self.metadata) as database:
            tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            assert len(tables) > 20
            for (table,) in tables:
                query = psycopg.sql.SQL("SELECT t::text FROM {} AS t").format(psycopg.sql.Identifier(table))
                yield from ((table, row) for (row,) in database.execute(query))

    def meanwhile(self) -> None:
        """What happens in a second of waiting."""

    def log_of(self, registry: str, step: str) -> str:
        """The log of the first try of a table's step in the first run of a registry; empty before it began."""
        run = self.site.var / "log" / "airflow" / f"dag_id=sync_{registry}" / "run_id=first"
        log = run / f"task_id=sync_table.{step}" / "map_index=0" / "attempt=1.log"
        return log.read_text() if log.exists() else ""


def checkout(root: Path) -> None:
    """The real DAGs and library in a folder, for contracts of its own."""
    shutil.copytree(
        ROOT / "dags", root / "dags", ignore=shutil.ignore_patterns("__pycache__", "report_quality*", "share_*")
    )
    for shared in ("plugins", "include"):
        (root / shared).symlink_to(ROOT / shared)
    (root / "schemas" / "registries").mkdir(parents=True)


def let_no_registry_be_due(root: Path) -> None:
    """State a schedule for those that have none: what the clock begins at midnight is a run that no story knows of."""
    for path in (root / "schemas" / "registries").glob("*.odcs.yaml"):
        contract = yaml.safe_load(path.read_text(encoding="utf-8"))
        promised = contract.setdefault("slaProperties", [])
        if not any("schedule" in one for one in promised):
            promised.append({"property": "frequency", "value": 1, "unit": "d", "schedule": NIGHTS})
            path.write_text(yaml.safe_dump(contract, allow_unicode=True, sort_keys=False), encoding="utf-8")


@contextmanager
def running(root: Path, connections: Mapping[str, str], metadata: Site) -> Iterator[House]:
    """Airflow over a checkout, its metadata in a database of a PostgreSQL that runs already.

    SQLite refuses a writer whose snapshot is old, however patient it is; Airflow then leaves half a backfill. It is the
    metadata of `lienthong demo`.
    """
    let_no_registry_be_due(root)
    site = Site(root, root / "var")
    database = f"airflow_{uuid.uuid4().hex}"
    start_postgres(metadata, database)
    where = uri(metadata, database).replace("://", "+psycopg://", 1)
    settings = {f"AIRFLOW__DATABASE__{name}": where for name in ("SQL_ALCHEMY_CONN", "SQL_ALCHEMY_CONN_ASYNC")}
    settings |= {f"AIRFLOW__{name}": value for name, value in SETTINGS.items()}
    stated, began = airflow.airflow_environment, datetime.now(UTC).isoformat()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("SCHEMAS_DIR", "LAKE_URI", "LIENTHONG_VAR"):
                patch.delenv(name, raising=False)
            patch.setenv("LIENTHONG_APPROVAL_HOURS", str(APPROVAL_SECONDS / 3600))
            patch.setattr(airflow, "airflow_environment", lambda *given: stated(*given) | settings)
            airflow.launch_airflow(site, connections)
            airflow.await_airflow(site, connections)
            api = AirflowApi(airflow.url(site), airflow.USER, site.secret("airflow_password"))
            yield House(site, api, connections=connections, metadata=uri(metadata, database), began=began)
            api.close()
    finally:
        stop(site, [*airflow.COMPONENTS, "postgres"], seconds=3)  # not for the tasks that still run
