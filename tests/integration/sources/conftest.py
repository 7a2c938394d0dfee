"""Databases of the shared servers, emptied for each test. Its files run in one process: database and role are fixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest

from include.embedded.servers.postgres import start_postgres, uri
from include.embedded.site import Site
from include.lake.storage.lake import Lake
from tests.extracts import lake_at
from tests.integration.mariadb import MariaDb


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_at(tmp_path)


@pytest.fixture(scope="session")
def postgres(site: Site) -> str:
    """URI of a database of a PostgreSQL server that asks for passwords."""
    start_postgres(site, "registry")
    return uri(site, "registry")


@pytest.fixture
def pg(postgres: str) -> Iterator[psycopg.Connection]:
    """The owner's connection, to a database emptied of tables, types and readers."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA public")
        connection.execute("DROP ROLE IF EXISTS reader")
        yield connection


@pytest.fixture
def my(mariadb: MariaDb) -> Iterator[pymysql.cursors.Cursor]:
    """The owner's cursor, in an empty database `registry`."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS registry")
        cursor.execute("CREATE DATABASE registry CHARACTER SET utf8mb4")
        cursor.execute("USE registry")
        cursor.execute("DROP USER IF EXISTS reader")
        yield cursor
