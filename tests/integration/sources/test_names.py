"""Which object a physicalName with dots and quotes is, on servers that hold more than one that it may be.

Older tests had one table for each name.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pymysql
import pytest

from include.contracts.model import Server
from include.lake.storage.lake import Lake
from include.sources.access import SourceMissing
from tests.extracts import contract_of, rows_of, take
from tests.integration.sources.conftest import MariaDb

pytestmark = pytest.mark.slow

# physicalName, the server's schema, which table is read
MEANT = [
    ("t.u", "", "public t.u"),
    ('"t.u"', "", "public t.u"),
    ('"t"."u"', "", "schema t"),
    ("t.v", "", "schema t, v"),
    ("t.u", "s", "s t.u"),
    ("t.v", "s", "schema t, v"),
    ("x.y.z", "", "schema x.y"),
    ('"x.y"."z"', "", "schema x.y"),
    ('say "hi"', "", "quoted"),
]


@pytest.fixture
def named(pg: psycopg.Connection) -> None:
    pg.execute('DROP SCHEMA IF EXISTS t CASCADE; DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS "x.y" CASCADE')
    pg.execute('CREATE SCHEMA t; CREATE SCHEMA s; CREATE SCHEMA "x.y"')
    for table, content in (
        ('public."t.u"', "public t.u"), ("t.u", "schema t"), ("t.v", "schema t, v"), ('s."t.u"', "s t.u"),
        ('"x.y".z', "schema x.y"), ('public."say ""hi"""', "quoted"),
    ):  # fmt: skip
        pg.execute(f"CREATE TABLE {table} AS SELECT '{content}' AS a".encode())


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(("name", "schema", "content"), MEANT)
def test_postgresql(postgres: str, lake: Lake, name: str, schema: str, content: str) -> None:
    server = Server("source", "postgresql", schema=schema)
    extracted = take(contract_of(name, ["a"], server=server), postgres, lake)
    assert rows_of(extracted) == [(content,)]
    is_told = any("table 'u' in schema 't' is written \"t\".\"u\"" in note for note in extracted.drift)
    assert is_told == (name == "t.u")


@pytest.mark.usefixtures("named")
def test_a_name_that_is_nowhere(postgres: str, lake: Lake) -> None:
    with pytest.raises(
        SourceMissing, match=r"no table or view 't\.w' in the source.*and no table or view 'w' in .*'t'"
    ):
        take(contract_of("t.w", ["a"]), postgres, lake)
    with pytest.raises(SourceMissing, match=r"It is in schema 'x\.y': write '\"x\.y\"\.\"z\"'"):
        take(contract_of("z", ["a"]), postgres, lake)


@pytest.mark.parametrize(
    ("name", "schema", "content"),
    [("a.b", "", "own"), ('"a"."b"', "", "other"), ("a.c", "", "other c"), ("a.b", "registry", "own"),
     ("`a.b`", "", "ticks")],
)  # fmt: skip
def test_mariadb(
    my: pymysql.cursors.Cursor, mariadb: MariaDb, lake: Lake, name: str, schema: str, content: str
) -> None:
    my.execute("DROP DATABASE IF EXISTS a")
    my.execute("CREATE DATABASE a")
    my.execute("CREATE TABLE `a.b` AS SELECT 'own' AS a")
    my.execute("CREATE TABLE ```a.b``` AS SELECT 'ticks' AS a")
    my.execute("CREATE TABLE a.b AS SELECT 'other' AS a")
    my.execute("CREATE TABLE a.c AS SELECT 'other c' AS a")
    uri = f"mysql://root@/registry?unix_socket={mariadb.socket}"
    server = Server("source", "mysql", schema=schema)
    assert rows_of(take(contract_of(name, ["a"], server=server), uri, lake)) == [(content,)]


def test_sqlite(tmp_path: Path, lake: Lake) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as file:
        file.execute("""CREATE TABLE "a.b" AS SELECT 'dotted' AS a""")
        file.execute("CREATE TABLE b AS SELECT 'plain' AS a")
    uri = f"sqlite:///{tmp_path}/a.sqlite"
    for name, content in (("a.b", "dotted"), ('"a.b"', "dotted"), ("main.b", "plain"), ('"main"."b"', "plain")):
        assert rows_of(take(contract_of(name, ["a"]), uri, lake)) == [(content,)]
    with pytest.raises(SourceMissing, match=r"no table or view 'x\.c' in the source, and no table or view 'c'"):
        take(contract_of("x.c", ["a"]), uri, lake)
