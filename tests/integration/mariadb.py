"""A real MariaDB for all processes of a test run."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pymysql

from include.embedded.servers.processes import ServerProcess, start, wait_until
from include.embedded.servers.site import Site
from tests.machine import needed

NAME = "mariadb"


@dataclass(frozen=True)
class MariaDb:
    port: int
    socket: Path

    @property
    def uri(self) -> str:
        """Of the server; a database's name follows."""
        return f"mysql://root@127.0.0.1:{self.port}/"

    def connect(self, database: str | None = None) -> pymysql.Connection:
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database, autocommit=True)

    def answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True


def start_mariadb(site: Site) -> MariaDb:
    """Start a server in the site's folder, with a user `root` who needs no password."""
    program, folder = needed("MariaDB"), site.folder(NAME)
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "mysql")
    common = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
    install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    server = MariaDb(site.port(NAME, 33061), folder / "socket")
    options = [
        f"--port={server.port}", f"--socket={server.socket}", f"--pid-file={folder}/pid", "--bind-address=127.0.0.1",
        "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite",
    ]  # fmt: skip
    start(site, ServerProcess(NAME, [program, *common, *options], dict(os.environ), signal.SIGKILL))
    wait_until(site, NAME, server.answers, seconds=60)
    return server
