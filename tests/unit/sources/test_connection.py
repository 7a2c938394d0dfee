"""AIRFLOW_CONN_<SERVER>: which forms are understood, and that no credential is ever shown."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from include.contracts.model import Server
from include.sources.access import SourceSecretMissing
from include.sources.access.connection import connect, connect_replica, parse
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


SETTINGS = {
    "texts": ("postgres", {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "options": "-c search_path=a,b"}),
    "a number makes Airflow put all into one": ("postgres", {"sslmode": "verify-full", "connect_timeout": 10}),
    "MySQL's": ("mysql", {"ssl_ca": "/ca.pem", "ssl_check_hostname": False, "charset": "utf8mb4"}),
    "MariaDB's": ("mariadb", {"ssl_mode": "required", "connect_timeout": 5}),
    "of another dialect": ("mssql+pymssql", {"tds_version": "7.4", "timeout": 9}),
    "null says nothing": ("postgres", {"sslmode": "require", "sslcert": None}),
    "none": ("postgres", {}),
}


def forms(conn_type: str, extra: dict[str, object]) -> dict[str, str]:
    """One connection as a URI, in JSON (its extra an object, or text), and as Airflow prints its own."""
    parts = {"conn_type": conn_type, "host": "h", "port": 5433, "login": "u", "password": "p@/", "schema": "d"}
    place = f"{conn_type}://u:p%40%2F@h:5433/d"
    texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in extra.items() if v is not None}
    return {
        "URI": f"{place}?{urlencode(texts, quote_via=quote)}",
        "JSON": json.dumps({**parts, "extra": extra}),
        "JSON in JSON": json.dumps({**parts, "extra": json.dumps(extra)}),
        "Airflow's database": f"{place}?{urlencode({'__extra__': json.dumps(extra)})}",
    }


@pytest.mark.parametrize("what", SETTINGS)
@pytest.mark.parametrize("suffix", ["", "_REPLICA"])
def test_every_form_of_a_connection_gives_the_same_url(what: str, suffix: str) -> None:
    conn_type, extra = SETTINGS[what]
    contract = contract_of("t", server=Server("x", "custom"))
    urls = set()
    for text in forms(conn_type, extra).values():
        environ = {f"AIRFLOW_CONN_X{suffix}": text}
        found = connect_replica(contract, environ) if suffix else connect(contract, environ)
        assert found is not None
        urls.add(found.engine_url)
    (url,) = urls
    assert set(url.query) == {name for name, value in extra.items() if value is not None}
    assert (url.password, url.port, url.database) == ("p@/", 5433, "d")


def test_a_folder_in_airflows_extras_is_found() -> None:
    drop = contract_of("t", server=Server("x", "local"))
    for text in (
        '{"conn_type": "fs", "extra": {"path": "/drop"}}',
        "fs:///?__extra__=%7B%22path%22%3A%20%22%2Fdrop%22%7D",
    ):
        assert connect(drop, {"AIRFLOW_CONN_X": text}).path == "/drop"


@pytest.mark.parametrize(
    ("conn_type", "extra", "said"),
    [
        ("postgres", {"ssl": {"ca": "/hunter2"}}, "the setting `ssl` in its `extra` holds several values"),
        ("oracle", {"hosts": ["hunter2"]}, "the setting `hosts` in its `extra` holds several values"),
        ("postgres", {"iam": "hunter2"}, "the setting `iam` is not honoured"),
        ("mysql", {"init_command": "hunter2"}, "the setting `init_command` is not honoured.* ssl_ca"),
        ("mysql", {"ssl_verify_cert": "hunter2"}, "the setting `ssl_verify_cert` is not honoured"),
        ("mysql", {"ssl_mode": "hunter2"}, "`ssl_mode` must be one of"),
        ("mysql", {"ssl_mode": "VERIFY_CA"}, "by no authority: add ssl_ca"),
        ("mysql", {"ssl_mode": "required", "ssl_ca": "/hunter2"}, "without effect"),
        ("mysql", {"ssl_mode": "verify_ca", "ssl_ca": "/hunter2", "ssl_check_hostname": True}, "say the same"),
        ("sqlite", {"timeout": "hunter2"}, "the setting `timeout` is not honoured"),
        ("file", {"mode": "hunter2"}, "the setting `mode` is not honoured"),
    ],
)
def test_a_setting_that_cannot_be_honoured_is_refused_by_name(
    conn_type: str, extra: dict[str, object], said: str
) -> None:
    contract = contract_of("t", server=Server("x", "custom"))
    for text in forms(conn_type, extra).values():
        if text.startswith("{") or "__extra__" in text:
            with pytest.raises(SourceSecretMissing, match=rf"AIRFLOW_CONN_X: .*{said}") as raised:
                connect(contract, {"AIRFLOW_CONN_X": text})
            assert "hunter2" not in str(raised.value)


def test_what_may_be_a_part_of_a_password_is_not_named() -> None:
    with pytest.raises(SourceSecretMissing, match="is not a URI that can be read") as raised:
        connect(contract_of("t"), {"AIRFLOW_CONN_SOURCE": "postgresql://u:p@ss?hunter2=x@h/d"})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("extra", ["hunter2", ["hunter2"], 7])
def test_an_extra_that_is_no_object_is_refused(extra: object) -> None:
    text = json.dumps({"conn_type": "postgres", "host": "h", "extra": extra})
    with pytest.raises(SourceSecretMissing, match="its `extra` is no object of JSON") as raised:
        connect(contract_of("t"), {"AIRFLOW_CONN_SOURCE": text})
    assert "hunter2" not in str(raised.value)
