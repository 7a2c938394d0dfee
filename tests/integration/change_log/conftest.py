"""A PostgreSQL and a MariaDB that log what changes, for the tests of change logs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from include.embedded.servers.postgres import start_postgres, stop_postgres, uri
from include.embedded.site import free_port
from tests.integration.change_log.binlog_server import BinlogServer
from tests.integration.change_log.registered_source import Session
from tests.machine import needed
from tests.once import once, shared_site


@pytest.fixture
def logged_database(request: pytest.FixtureRequest) -> str:
    """The URI of an empty database of this test's own, with a table and its publication.

    On a server of its file's own: the log is the server's, and what a slot keeps grows by what other tests write.
    """
    name = f"change-log-{request.path.stem}"
    site = shared_site(name)

    def start() -> bool:
        start_postgres(site)
        with psycopg.connect(uri(site, "postgres"), autocommit=True) as connection:
            for setting in ("wal_level = logical", "max_replication_slots = 40", "max_prepared_transactions = 10"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
        stop_postgres(site)
        start_postgres(site)
        return True

    once(name, start)
    database = f"test_{uuid.uuid4().hex}"
    start_postgres(site, database)
    made = uri(site, database)
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE cong_dan (so_dinh_danh int PRIMARY KEY, ho_ten text, so_tien bigint, ghi_chu text)"
        )
        connection.execute("CREATE PUBLICATION lienthong_citizens FOR TABLE cong_dan")
    return made


@pytest.fixture
def source(logged_database: str) -> Session:
    """A session of that database, with a hundred citizens in the table."""
    session = psycopg.connect(logged_database, autocommit=True)
    session.execute("INSERT INTO cong_dan SELECT n, 'Lê ' || n, n, 'x' FROM generate_series(1, 100) n")
    return session


@pytest.fixture(scope="module")
def binlog_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BinlogServer]:
    """A MariaDB of this module's own, as its log and its past are what is tested."""
    needed("MariaDB")
    server = BinlogServer(tmp_path_factory.mktemp("mariadb"), free_port())
    yield server
    server.stop()


@pytest.fixture
def binlog(binlog_server: BinlogServer) -> BinlogServer:
    """The server, with an empty table of this test's own."""
    with binlog_server.connect("mysql") as session, session.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS citizens")
        cursor.execute("CREATE DATABASE citizens")
    binlog_server.run(
        "CREATE TABLE cong_dan (so_dinh_danh int unsigned PRIMARY KEY, ho_ten varchar(50), so_tien bigint, "
        "ma uuid DEFAULT uuid(), ngay timestamp(3), vi_tri point, so decimal(60, 5)) CHARACTER SET utf8mb4"
    )
    return binlog_server
