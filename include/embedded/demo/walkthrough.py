"""The demo: a simulated country, Airflow, nine registries synced to the lake, and a summary table."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from include.console_words import local
from include.contracts.model import Contract
from include.contracts.reading import load_contracts
from include.contracts.yaml_files import ContractError
from include.embedded import servers
from include.embedded.demo.country import PERSONS, source_connections
from include.embedded.demo.display import Display, display
from include.embedded.demo.stack import SERVERS, BusyError, alone, launch, running
from include.embedded.demo.summary import show_end
from include.embedded.demo.watch import Snapshot, TaskGroup, Watch, wait
from include.embedded.servers import AirflowApi, AirflowRefusedError, ServerFailedError, insist, say, say_error, stop
from include.embedded.site import REPOSITORY, Site
from include.sources.access import has_connection, is_connected

MINUTES = 15
INTERRUPTED = 130


def run(*, persons: int = PERSONS, root: Path = REPOSITORY) -> int:
    """Run the demo; returns its exit status: 0 if every table was published or had not changed."""
    site = Site.at(root)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with alone(site):
            return _run(site, persons)
    except BusyError as error:
        say_error(error)
        return 1


def _run(site: Site, persons: int) -> int:
    ran_before = running(site)
    try:
        with display() as shown:
            since, seen = _walk(site, persons, shown)
        return show_end(site, since, seen)
    except (ServerFailedError, AirflowRefusedError, httpx.HTTPError, ContractError) as error:
        say_error(error)
        return 1
    except KeyboardInterrupt:
        say(
            local(
                "Đã dừng. Những gì đã công bố vẫn giữ nguyên; `make demo` sẽ chạy tiếp từ đó.",
                "Interrupted. What was published stays published; `make demo` goes on from there.",
            )
        )
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if ours := [name for name in SERVERS if name not in ran_before]:
            say(local("Đang dừng các máy chủ ...", "Stopping the servers ..."), "dim")
            stop(site, ours)
        signal.signal(signal.SIGINT, signal.default_int_handler)


# DAGs triggered by the registries' tables; one parsed later than those would never be switched on.
CONSUMERS = frozenset({"link_people", "report_quality"})


def _walk(site: Site, persons: int, shown: Display) -> tuple[datetime, Snapshot]:
    """Start everything, sync every connected registry, wait for the end; returns the start and the last snapshot."""
    environ = {**os.environ, **source_connections(site, persons=persons)}
    tables = {
        group: names
        for contract in load_contracts(site.schemas).values()
        for group, names in _task_groups(contract, environ).items()
    }
    syncs = [*dict.fromkeys(dag_id for dag_id, _ in tables)]
    launched = datetime.now(UTC)
    launch(site, persons=persons, phase=shown.phase)
    shown.phase(local("Đọc các DAG", "Reading the DAGs"))
    api = AirflowApi(servers.url(site), servers.USER, site.secret("airflow_password"))
    try:
        dags = _dags(api, {*syncs, *CONSUMERS}, launched)
        consumers = [dag_id for dag_id, is_asset_triggered in dags.items() if is_asset_triggered]
        since = datetime.now(UTC)
        name, watch = f"demo__{since:%Y-%m-%dT%H:%M:%S}", Watch(api, tables, since)

        def run(started: Sequence[str], watched: Sequence[str]) -> Snapshot:
            def take() -> Snapshot:
                insist(site, SERVERS)
                return watch.look(watched)

            for dag_id in started:
                api.unpause(dag_id)
                api.trigger(dag_id, name)
            return wait(take, shown.show, minutes=MINUTES, pause=time.sleep)

        for dag_id in dags:
            if dag_id not in consumers and not dag_id.startswith("sync_"):
                api.unpause(dag_id)
        shown.phase(local("Đồng bộ các cơ sở dữ liệu", "Syncing the registries"))
        seen = run(syncs, ())
        if not seen.has_ended:
            return since, seen
        # Left to themselves they begin with the first tables, and again with every later one.
        shown.phase(local("Đối khớp, chia sẻ và báo cáo", "Linking, sharing and reporting"))
        return since, run(consumers, consumers)
    finally:
        api.close()


def _task_groups(contract: Contract, environ: Mapping[str, str]) -> dict[TaskGroup, list[str]]:
    """The tables that are synced, by task group; of several servers those of each that is connected."""
    dag_id = f"sync_{contract.registry}"
    if not contract.is_federated:
        names = [table.qualified_name for table in contract.tables]
        return {(dag_id, "sync_table"): names} if has_connection(contract, environ) else {}
    return {
        (dag_id, f"{server.name.replace('-', '_')}.sync_table"): [
            table.qualified_name for table in contract.of_server(server.name).tables
        ]
        for server in contract.servers
        if is_connected(server, environ)
    }


def _dags(api: AirflowApi, expected: Collection[str], launched: datetime) -> dict[str, bool]:
    """The DAGs, once each was read after `launched`, and whether assets trigger them.

    Raises:
        AirflowRefusedError: a file of the DAG folder cannot be read, or it takes too long.
    """
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if errors := api.import_errors(launched.isoformat()):
            raise AirflowRefusedError("Airflow cannot read a DAG file:\n" + "\n".join(errors))
        fresh = [d for d in api.dags() if datetime.fromisoformat(d["last_parsed_time"] or "1970-01-01T00Z") >= launched]
        if set(expected) <= {dag["dag_id"] for dag in fresh}:
            return {dag["dag_id"]: "asset" in (dag["timetable_summary"] or "").lower() for dag in fresh}
        time.sleep(0.5)
    raise AirflowRefusedError("Airflow did not read the DAG folder in time; see var/log/airflow-dag-processor.log")
