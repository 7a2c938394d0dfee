"""Real database servers for the tests of extracts: PostgreSQL from its package, MariaDB where the machine has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pymysql
import pytest

from include.embedded.servers.postgres import start_postgres
from include.embedded.servers.postgres import uri as postgres_uri
from include.embedded.servers.processes import stop
from include.embedded.site import REPOSITORY, Site, free_port
from include.lake.storage.lake import Lake
from tests.extracts import lake_at
from tests.machine import needed


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_at(tmp_path)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that a server's own user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="lienthong-sources-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[str]:
    """URI of a database of a PostgreSQL server that asks for passwords."""
    site = Site(REPOSITORY, server_folder)
    start_postgres(site, "registry")
    yield postgres_uri(site, "registry")
    stop(site, ["postgres"])


@pytest.fixture
def pg(postgres: str) -> Iterator[psycopg.Connection]:
    """The owner's connection, to a database emptied of tables, types and readers."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA public")
        connection.execute("DROP ROLE IF EXISTS reader")
        yield connection


@dataclass
class MariaDb:
    port: int
    socket: Path

    def connect(self, database: str | None = None) -> pymysql.Connection:
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database, autocommit=True)


@pytest.fixture(scope="session")
def mariadb(server_folder: Path) -> Iterator[MariaDb]:
    program = needed("MariaDB")
    folder = server_folder / "mariadb"
    folder.mkdir()
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "mysql")
    common = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
    subprocess.run(
        ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    server = MariaDb(free_port(), folder / "server.sock")
    options = [
        f"--port={server.port}",
        f"--socket={server.socket}",
        f"--pid-file={folder}/pid",
        "--bind-address=127.0.0.1",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *common, *options, "--skip-name-resolve"], stdout=log, stderr=log)
    for _ in range(300):
        try:
            server.connect().close()
            break
        except pymysql.err.OperationalError:
            time.sleep(0.1)
    yield server
    process.terminate()
    process.wait(30)


@pytest.fixture
def my(mariadb: MariaDb) -> Iterator[pymysql.cursors.Cursor]:
    """The owner's cursor, in an empty database `registry`."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS registry")
        cursor.execute("CREATE DATABASE registry CHARACTER SET utf8mb4")
        cursor.execute("USE registry")
        cursor.execute("DROP USER IF EXISTS reader")
        yield cursor
