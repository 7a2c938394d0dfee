"""The Delta Sharing server of the embedded lake, on 127.0.0.1."""

from __future__ import annotations

import os
import sys
from functools import partial

import httpx

from include.embedded.servers.processes import ServerProcess, is_running, start, wait_until
from include.embedded.servers.settings import keep_sharing_url
from include.embedded.servers.site import Site

SHARING = "sharing"
PREFERRED_PORT = 8765
_WITHHELD = ("AIRFLOW", "LIENTHONG_PSEUDONYM_KEY", "LIENTHONG_SIGNING_KEY")  # it reads shared tables, no source


def sharing_url(site: Site) -> str:
    """Where recipients on this machine reach it."""
    return f"http://127.0.0.1:{site.given_port(SHARING)}"


def start_sharing(site: Site) -> None:
    """Start it, if it does not run, and store its address for the commands that make profile files.

    Raises:
        ServerFailedError: it ended or did not answer in time; with the log to read.
    """
    if is_running(site, SHARING):
        return
    port = site.port(SHARING, PREFERRED_PORT)
    settings = keep_sharing_url(site, sharing_url(site))
    environment = {name: value for name, value in {**os.environ, **settings}.items() if not name.startswith(_WITHHELD)}
    command = [sys.executable, "-m", "include.cli", "serve", "--port", str(port)]
    start(site, ServerProcess(SHARING, command, environment))
    wait_until(site, SHARING, partial(answers, sharing_url(site)), seconds=60)


def answers(url: str) -> bool:
    """Whether a Delta Sharing server answers at that address."""
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
