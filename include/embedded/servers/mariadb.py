"""The embedded MariaDB, where the machine has one: the land system of one simulated province."""

from __future__ import annotations

import os
import shutil
import subprocess
from urllib.parse import quote

import pymysql

from include.embedded.servers.processes import ServerFailedError, ServerProcess, is_running, start, wait_until
from include.embedded.site import Site, write_private

MARIADB = "mariadb"
PREFERRED_PORT = 33061
# Debian keeps servers where the search path of a plain user does not look.
_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def mariadb_program() -> str | None:
    """The path of the server's program; None where it is not installed."""
    return shutil.which("mariadbd", path=_PLACES)


def mariadb_uri(site: Site, database: str = "") -> str:
    """The connection URI of a database of the embedded server."""
    password, port = quote(site.secret("mariadb_password")), site.given_port(MARIADB)
    return f"mysql://root:{password}@127.0.0.1:{port}/{database}"


def start_mariadb(site: Site) -> None:
    """Start the server unless it runs. The country can be simulated again: speed matters here, durability does not.

    Raises:
        ServerFailedError: with the log to read.
    """
    if not is_running(site, MARIADB):
        program, folder = str(mariadb_program()), site.folder(MARIADB)
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "mysql")
        common = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
        if not (folder / "data" / "mysql").exists():
            install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
            with site.log(MARIADB).open("ab") as log:
                if subprocess.run(install, check=False, stdout=log, stderr=log).returncode:
                    raise ServerFailedError(MARIADB, site.log(MARIADB), "could not make its data folder")
        init = folder / "init.sql"
        write_private(init, _of_root(site.secret("mariadb_password")))
        options = [
            f"--port={site.port(MARIADB, PREFERRED_PORT)}", "--bind-address=127.0.0.1", "--socket=socket",
            f"--pid-file={folder}/pid", f"--init-file={init}", "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite",
        ]  # fmt: skip
        start(site, ServerProcess(MARIADB, [program, *common, *options], dict(os.environ)))
    wait_until(site, MARIADB, lambda: _answers(site), seconds=60)


def _of_root(password: str) -> str:
    """Statements that give `root` its password, and no other account a way in; each on a line of its own."""
    return "".join(
        f"CREATE OR REPLACE USER root@'{host}' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO root@'{host}' WITH GRANT OPTION;\n"
        for host in ("localhost", "127.0.0.1")
    )


def _answers(site: Site) -> bool:
    try:
        port, password = site.given_port(MARIADB), site.secret("mariadb_password")
        pymysql.connect(host="127.0.0.1", port=port, user="root", password=password).close()
    except pymysql.err.OperationalError:
        return False
    return True
