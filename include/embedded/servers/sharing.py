"""The Delta Sharing server and the portal of the embedded lake, on 127.0.0.1."""

from __future__ import annotations

import os
import sys
from functools import partial

import httpx

from include.embedded.servers.processes import ServerProcess, is_running, listens, start, wait_until
from include.embedded.site import Site, keep_sharing_url
from include.telemetry import JSON_LOGS, is_json_asked

SHARING, PORTAL = "sharing", "portal"
PREFERRED_PORT, PORTAL_PORT = 8765, 8770
_WITHHELD = ("AIRFLOW", "LIENTHONG_PSEUDONYM_KEY", "LIENTHONG_SIGNING_KEY")  # they read the lake, no source


def sharing_url(site: Site) -> str:
    """Where recipients on this machine reach it."""
    return f"http://127.0.0.1:{site.given_port(SHARING)}"


def portal_url(site: Site) -> str:
    """Where people on this machine open the portal."""
    return f"http://127.0.0.1:{site.given_port(PORTAL)}"


def start_sharing(site: Site) -> None:
    """Start it, if it does not run, and store its address for the commands that make profile files.

    Raises:
        ServerFailedError: it ended or did not answer in time; with the log to read.
    """
    if is_running(site, SHARING):
        return
    port = site.port(SHARING, PREFERRED_PORT)
    _start(site, SHARING, ["serve", "--port", str(port)])
    wait_until(site, SHARING, partial(answers, site, SHARING), seconds=60)


def start_portal(site: Site) -> None:
    """Start the portal, if it does not run; `start_sharing` comes before, whose address its pages name.

    Raises:
        ServerFailedError: it ended or did not answer in time; with the log to read.
    """
    if is_running(site, PORTAL):
        return
    _start(site, PORTAL, ["portal", "--port", str(site.port(PORTAL, PORTAL_PORT))])
    wait_until(site, PORTAL, partial(answers, site, PORTAL), seconds=60)


def _start(site: Site, name: str, command: list[str]) -> None:
    settings = keep_sharing_url(site, sharing_url(site))
    environment = {name: value for name, value in {**os.environ, **settings}.items() if not name.startswith(_WITHHELD)}
    environment[JSON_LOGS] = str(is_json_asked())
    start(site, ServerProcess(name, [sys.executable, "-m", "include.cli", *command], environment))


def answers(site: Site, name: str) -> bool:
    """Whether that server of the two answers on its port, and no other server does."""
    port = site.given_port(name)
    if not listens(site, name, port):
        return False
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
