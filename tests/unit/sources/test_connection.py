"""AIRFLOW_CONN_<SERVER>: which forms are understood, and that no credential is ever shown."""

from __future__ import annotations

import pytest

from include.contracts.model import Server
from include.sources.access import SourceSecretMissing
from include.sources.access.connection import connect, parse
from include.sources.databases.postgres import _conninfo
from include.sources.databases.reflection import duckdb_secret
from tests.extracts import contract_of

SECRET = "p@ss:w/o'r d\\"
ENCODED = "p%40ss%3Aw%2Fo%27r%20d%5C"


@pytest.mark.parametrize(
    ("uri", "kind", "driver"),
    [
        ("postgres://u:p@h:5433/d", "postgresql", "postgresql+psycopg"),
        ("postgresql+psycopg2://u:p@h/d", "postgresql", "postgresql+psycopg"),
        ("mysql://u:p@h/d", "mysql", "mysql+pymysql"),
        ("mysql+pymysql://u:p@h/d", "mysql", "mysql+pymysql"),
        ("mariadb://u:p@h/d", "mysql", "mysql+pymysql"),
        ("oracle+oracledb://u:p@h/?service_name=x", "sqlalchemy", "oracle+oracledb"),
        ("mssql+pymssql://u:p@h/d", "sqlalchemy", "mssql+pymssql"),
    ],
)
def test_database_uris(uri: str, kind: str, driver: str) -> None:
    connection = parse(uri, "X")
    assert connection.kind == kind
    assert connection.engine_url.drivername == driver


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///data/a.sqlite", "data/a.sqlite"),
        ("sqlite:////data/a.sqlite", "/data/a.sqlite"),
        ("sqlite://%2Fdata%2Fa.sqlite", "/data/a.sqlite"),
        ("sqlite:///%2Fdata%2Fa%20b.sqlite", "/data/a b.sqlite"),
        ("file:///data/drop", "/data/drop"),
        ("file:///data/drop%20x", "/data/drop x"),
        ("fs://?path=%2Fdata%2Fdrop", "/data/drop"),
        ("file://localhost/data/drop", "/data/drop"),
    ],
)
def test_paths(uri: str, path: str) -> None:
    assert parse(uri, "X").path == path


def test_userinfo_is_percent_decoded_and_a_unix_socket_is_kept() -> None:
    connection = parse(f"postgresql://na%20me:{ENCODED}@/reg?host=/run/pg&sslmode=require", "X")
    assert connection.engine_url.username == "na me"
    assert connection.engine_url.password == SECRET
    assert "host='/run/pg'" in _conninfo(connection)
    assert "sslmode='require'" in _conninfo(connection)


def test_airflows_json_form() -> None:
    text = '{"conn_type": "postgres", "login": "u", "password": "p@/", "host": "h", "port": 5433, "schema": "d"}'
    url = connect(contract_of("t"), {"AIRFLOW_CONN_SOURCE": text}).engine_url
    assert (url.username, url.password, url.host, url.port, url.database) == ("u", "p@/", "h", 5433, "d")


def test_a_password_cannot_leave_the_sql_literal() -> None:
    assert "PASSWORD 'p@ss:w/o''r d\\'" in duckdb_secret(parse(f"postgresql://u:{ENCODED}@h/d", "X"), "postgres")


def test_the_password_is_in_no_repr() -> None:
    connection = parse(f"postgresql://u:{ENCODED}@h/d", "X")
    assert SECRET not in repr(connection)
    assert ENCODED not in repr(connection)


def test_a_missing_variable_is_named_with_an_example() -> None:
    with pytest.raises(SourceSecretMissing, match=r"AIRFLOW_CONN_SOURCE is not set.*AIRFLOW_CONN_SOURCE='sqlite:"):
        connect(contract_of("t"), {})


def test_a_drop_needs_no_variable() -> None:
    connection = connect(contract_of("t", server=Server("source", "local", path="drop")), {})
    assert (connection.kind, connection.path) == ("files", "drop")


@pytest.mark.parametrize(
    "text", ["hunter2secret", "postgresql://u:hunter2secret@h:port/d", "{hunter2secret", "sqlite://"]
)
def test_an_unreadable_uri_is_not_quoted(text: str) -> None:
    with pytest.raises(SourceSecretMissing, match="is not a URI that can be read") as caught:
        connect(contract_of("t"), {"AIRFLOW_CONN_SOURCE": text})
    assert "hunter2secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_connection_of_airflows_type_generic_is_of_the_contracts_server() -> None:
    environ = {"AIRFLOW_CONN_X": "generic://u:p@h:5433/d"}
    contract = contract_of("t", server=Server("x", "mysql"))
    assert connect(contract, environ).engine_url.drivername == "mysql+pymysql"
    assert connect(contract, {"AIRFLOW_CONN_X": '{"conn_type": "generic", "host": "h"}'}).kind == "mysql"
    contract = contract_of("t", server=Server("x", "custom"))
    with pytest.raises(SourceSecretMissing, match=r"airflow connections add x --conn-uri") as raised:
        connect(contract, environ)
    assert "u:p" not in str(raised.value)
