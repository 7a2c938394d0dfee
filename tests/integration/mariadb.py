"""A real MariaDB for all processes of a test run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pymysql

from include.embedded.servers import mariadb
from include.embedded.site import Site
from include.simulator.loading.mariadb import connect
from tests.machine import needed


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
    needed("MariaDB")
    mariadb.start_mariadb(site)
    with connect(mariadb.mariadb_uri(site), with_database=False) as connection, connection.cursor() as cursor:
        for host in ("localhost", "127.0.0.1"):
            cursor.execute("ALTER USER root@%s IDENTIFIED BY ''", (host,))
    return MariaDb(site.given_port(mariadb.MARIADB), site.folder(mariadb.MARIADB) / "data" / "socket")
