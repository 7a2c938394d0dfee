"""The embedded Airflow: LocalExecutor on SQLite, every setting in one place, nothing beyond 127.0.0.1."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import version

import httpx

from include.contracts.model import stewards
from include.contracts.reading import contract_paths, load_contract
from include.contracts.yaml_files import ContractError
from include.embedded.servers.processes import (
    ServerFailedError,
    ServerProcess,
    is_running,
    listens,
    start,
    stop,
    wait_until,
)
from include.embedded.site import Site, is_free, keep, write_private
from include.telemetry import is_json_asked

USER = "admin"
PREFERRED_PORT = 8080
API, SCHEDULER = "airflow-api-server", "airflow-scheduler"
PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    # What Airflow loads for every task, half of its time: the listener of lineage, the DAGs' own modules, contracts.
    "airflow.providers.openlineage.extractors.manager",
    "airflow.providers.openlineage.plugins.listener",
    "plugins.lineage_events",
    "plugins.processes.dag_modules",
    "include.pipelines.sync.registry_sync",
    "include.pipelines.reporting.report",
    # Imported when first used:
    "plugins.processes.task_modules",
    "duckdb_sqlalchemy",
    "psycopg",
)
# Modules and their arguments. Logs are read from disk; the log server would listen beyond 127.0.0.1.
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    API: ("airflow", "api-server"),
    SCHEDULER: ("airflow", "scheduler", "--skip-serve-logs"),
    "airflow-dag-processor": ("plugins.processes.dag_processor",),
    "airflow-triggerer": ("airflow", "triggerer", "--skip-serve-logs"),
}


def url(site: Site) -> str:
    """URL of the UI and the API."""
    return f"http://127.0.0.1:{site.given_port(API)}"


def airflow_environment(site: Site, sources: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of the Airflow processes; `sources` are the AIRFLOW_CONN_* of the source systems."""
    home, port = site.airflow_home, site.given_port(API)
    passwords = home / "passwords.json"
    users = {USER: "ADMIN"} | dict.fromkeys(stewards_of(site), "OP")
    write_private(passwords, json.dumps(dict.fromkeys(users, site.secret("airflow_password"))))
    events = site.folder("lineage") / "events.jsonl"
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AIRFLOW__") and name not in ("AIRFLOW_CONFIG", "PYTHONDONTWRITEBYTECODE")
    }
    settings = {
        "CORE__DAGS_FOLDER": site.root / "dags",
        "CORE__PLUGINS_FOLDER": site.root / "plugins",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "LocalExecutor",
        # Each task is a process with a multi-threaded engine.
        "CORE__PARALLELISM": max(2, os.cpu_count() or 2),
        "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in users.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": passwords,
        "CORE__FERNET_KEY": "",
        "CORE__EXECUTION_API_SERVER_URL": f"{url(site)}/execution/",
        "CORE__DEFAULT_TIMEZONE": "Asia/Ho_Chi_Minh",
        # SQLite has one writer at a time: on a busy machine the default timeout of 5 s is too short.
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=60",
        "LOGGING__BASE_LOG_FOLDER": site.folder("log", "airflow"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": site.folder("log", "airflow", "dag_processor"),
        "LOGGING__LOGGING_LEVEL": "INFO",
        "LOGGING__COLORED_CONSOLE_LOG": False,
        "LOGGING__JSON_LOGS": is_json_asked(),
        "API__HOST": "127.0.0.1",
        "API__PORT": port,
        "API__BASE_URL": url(site),
        "API__WORKERS": 1,
        "API__SECRET_KEY": site.secret("airflow_session_key"),
        "API__EXPOSE_CONFIG": False,
        "API_AUTH__JWT_SECRET": site.secret("airflow_jwt_secret"),
        # Every task is forked from a process that has the library loaded already; each would spend seconds on importing
        # Great Expectations otherwise. Code changed under include/ is seen after `make down up`; contracts at once.
        "SCHEDULER__MP_START_METHOD": "forkserver",
        "SCHEDULER__MP_FORKSERVER_PRELOAD": ",".join(PRELOADED),
        # Polling interval for two cores: no long wait after a short task, little load.
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": 1,
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
        # In turn, not all in each look: with nine syncs at once the looks took a third of the machine.
        "SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": 2,
        # Time until the tasks of a dead scheduler are adopted (default: 5 minutes).
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 30,
        # A task's supervisor may miss the end of its process and then sleeps this long (default: 5 s).
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        "WORKERS__EXECUTION_API_TIMEOUT": 60,
        # Time until a new contract becomes a DAG. A look at all files takes three seconds of processor.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 45,
        "DAG_PROCESSOR__REFRESH_INTERVAL": 30,
        "DAG_PROCESSOR__PRINT_STATS_INTERVAL": 0,
        "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": site.folder("airflow", "bundles"),
        "SECRETS__USE_CACHE": False,
        # OpenLineage events in a file: columns, no values.
        "OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(events), "append": True}),
        "OPENLINEAGE__NAMESPACE": "lienthong",
        "OPENLINEAGE__EXTRACTORS": "plugins.lineage_events.ContractLineage",
        "OPENLINEAGE__DISABLE_SOURCE_CODE": True,
        "OPENLINEAGE__EXECUTE_IN_THREAD": True,
    }
    return {
        # Connections of these names, or the pseudonyms' key, in the caller's environment take precedence.
        **sources,
        "LIENTHONG_PSEUDONYM_KEY": hashlib.sha256(site.secret("pseudonym_key").encode()).hexdigest(),
        **inherited,
        **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(site.root),
        "LAKE_URI": site.lake_uri,
        "LIENTHONG_TMP": os.environ.get("LIENTHONG_TMP") or str(site.folder("tmp")),
        "SCHEMAS_DIR": str(site.schemas),
        "GX_ANALYTICS_ENABLED": "false",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def environment_of(component: str, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a component: only the scheduler, whose forks run steps, gets the pseudonyms' key."""
    return {name: env[name] for name in env if name != "LIENTHONG_PSEUDONYM_KEY" or component == SCHEDULER}


def stewards_of(site: Site) -> list[str]:
    """The usernames of all stewards in valid contracts, sorted.

    They are users of the embedded Airflow: only they may decide at a gate, not even its administrator.
    """
    found: set[str] = set()
    with suppress(ContractError):
        for path in contract_paths(site.schemas).values():
            with suppress(ContractError):
                found |= {steward.username for steward in stewards(load_contract(path))}
    # Airflow's setting cannot express other names.
    return sorted(name for name in found - {USER} if re.fullmatch(r"[^\s:,]+", name))


def launch_airflow(site: Site, sources: Mapping[str, str]) -> None:
    """Start the components that do not run yet, without waiting (see `await_airflow`).

    Raises:
        ServerFailedError: Airflow's own database could not be prepared; with the log to read.
    """
    if not is_running(site, API):
        site.port(API, PREFERRED_PORT)
    env = airflow_environment(site, sources)
    keep(site, env)
    _migrate(site, env)
    for name, arguments in COMPONENTS.items():
        if not is_running(site, name):
            start(site, ServerProcess(name, [sys.executable, "-m", *arguments], environment_of(name, env)))


def await_airflow(site: Site, sources: Mapping[str, str]) -> None:
    """Wait until all components are healthy; restarts once if the API server's port was taken meanwhile.

    The API server takes many seconds to start, and binds its port only then.

    Raises:
        ServerFailedError: one ended or did not answer in time; with the log to read.
    """
    try:
        _await(site)
    except ServerFailedError:
        if is_running(site, API) or is_free(site.given_port(API)):
            raise
        stop(site, [*COMPONENTS])
        launch_airflow(site, sources)
        _await(site)


def _await(site: Site) -> None:
    for name in COMPONENTS:
        wait_until(site, name, partial(_is_healthy, site, name), seconds=180)


def _is_healthy(site: Site, name: str) -> bool:
    return health(site).get(name) == "healthy"


def health(site: Site) -> dict[str, str]:
    """Health of each component, `healthy` or `unhealthy`; empty while the API server does not answer."""
    if not listens(site, API, site.given_port(API)):
        return {}
    try:
        states = httpx.get(f"{url(site)}/api/v2/monitor/health", timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return {}
    parts = {name: name.removeprefix("airflow-").replace("-", "_") for name in COMPONENTS if name != API}
    return {API: "healthy"} | {name: (states.get(part) or {}).get("status") or "" for name, part in parts.items()}


def _migrate(site: Site, env: Mapping[str, str]) -> None:
    """Migrate Airflow's database to this release; takes seconds, so only when the release changed."""
    mark, release = site.airflow_home / "migrated", version("apache-airflow-core")
    if mark.exists() and mark.read_text() == release:
        return
    with site.log("airflow-migrate").open("ab") as log:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=dict(env), cwd=site.root, stdout=log, stderr=log, check=False)
    if done.returncode:
        raise ServerFailedError("airflow db migrate", site.log("airflow-migrate"), "failed")
    mark.write_text(release)
