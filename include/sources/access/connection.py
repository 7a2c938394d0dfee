"""Connections of sources, from `AIRFLOW_CONN_<SERVER>`: a variable, or in a task what Airflow knows by that name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from include.contracts.model import Contract, Server
from include.sources.access.connection_settings import EXTRA, check_settings, settings_of
from include.sources.access.errors import SourceSecretMissing

Kind = Literal["postgresql", "mysql", "sqlite", "files", "sqlalchemy"]
READ_WHOLE = "a file drop is always read whole"

_FAMILY: dict[str, Kind] = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_PREFIX, _GENERIC = "AIRFLOW_CONN_", "generic://"
_EXAMPLES = {
    "mysql": "mysql://user:password@host:3306/database",
    "mariadb": "mysql://user:password@host:3306/database",
    "local": "file:///folder/of/the/drop",
    "sqlite": "sqlite:////folder/file.sqlite",
    "custom": "sqlite:////folder/file.sqlite",
}
_POSTGRES_EXAMPLE = "postgresql://user:password@host:5432/database"


@dataclass(frozen=True, slots=True)
class Connection:
    """Connection parameters of one source.

    `url` is for SQLAlchemy and holds the password, so it stays out of the repr; `path` is a file or folder.
    """

    variable: str
    kind: Kind
    url: URL | None = field(default=None, repr=False)
    path: str = ""
    is_replica: bool = False

    @property
    def engine_url(self) -> URL:
        """The URL for SQLAlchemy."""
        if self.url is None:
            raise TypeError("a file drop has no database URL")
        return self.url


def connect(contract: Contract, environ: Mapping[str, str]) -> Connection:
    """The connection of a contract's server. Raises SourceSecretMissing, naming the variable and an example."""
    server = contract.server
    variable = server.connection_variable
    return _connect(server, variable, contract.registry, environ)


def has_connection(contract: Contract, environ: Mapping[str, str]) -> bool:
    """Whether any server of the contract can be read here: its variable is set, or it is a folder with a path."""
    return any(is_connected(server, environ) for server in contract.servers)


def is_connected(server: Server, environ: Mapping[str, str]) -> bool:
    """Whether one server can be read here."""
    return bool(environ.get(server.connection_variable, "").strip()) or bool(server.type == "local" and server.path)


def connect_replica(contract: Contract, environ: Mapping[str, str]) -> Connection | None:
    """The connection of the server's read replica, `AIRFLOW_CONN_<SERVER>_REPLICA`; None if there is none."""
    variable = f"{contract.server.connection_variable}_REPLICA"
    if not environ.get(variable, "").strip():
        return None
    return replace(_connect(contract.server, variable, contract.registry, environ), is_replica=True)


def _connect(server: Server, variable: str, registry: str, environ: Mapping[str, str]) -> Connection:
    text = environ.get(variable, "").strip()
    example = f"export {variable}='{_EXAMPLES.get(server.type, _POSTGRES_EXAMPLE)}'"
    if not text:
        if server.type == "local" and server.path:
            return Connection(variable, "files", path=server.path)
        raise SourceSecretMissing(
            f"{variable} is not set: it holds the URI of the source of registry '{registry}', "
            f"for example {example} (special characters percent-encoded). In Airflow a connection "
            f"`{variable.removeprefix(_PREFIX).lower()}` does as well"
        )
    try:
        uri = _from_json(text, variable) if text.startswith("{") else text
        if uri.startswith(_GENERIC):
            uri = _of_server_type(uri, server, variable)
        return parse(uri, variable)
    except (ArgumentError, ValueError, TypeError, KeyError):
        raise SourceSecretMissing(
            f"{variable} is not a URI that can be read: write it like {example}, with special characters in the user "
            "and password percent-encoded"
        ) from None


def _of_server_type(uri: str, server: Server, variable: str) -> str:
    """The URI of a connection of Airflow's type `generic`, which tells no database, as that of the contract's server.

    Its form for connections offers that type where a database's provider is not installed.
    """
    if server.type not in _FAMILY:
        name = variable.removeprefix(_PREFIX).lower()
        raise SourceSecretMissing(
            f"the connection `{name}` is of type generic, and the contract's server of type {server.type}: nothing "
            f"tells which database it is. Add it by its URI: airflow connections add {name} --conn-uri dialect://..."
        )
    return f"{server.type}://{uri.removeprefix(_GENERIC)}"


def parse(text: str, variable: str) -> Connection:
    """Parse a connection URI in SQLAlchemy's form or the one that Airflow prints. Raises ValueError and the like.

    Raises SourceSecretMissing if it holds a setting that is not honoured.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ValueError("no scheme")
    dialect, _, driver = scheme.lower().partition("+")
    rest, kind = _with_extras(rest, variable), _FAMILY.get(dialect, "sqlalchemy")
    if dialect in {"file", "fs"}:
        kind = "files"
    elif dialect == "sqlite":
        kind = "sqlite"
    query = rest.partition("?")[2]
    try:
        check_settings(kind, dict(parse_qsl(query, keep_blank_values=True)), variable)
    except SourceSecretMissing:
        if "@" in query:
            raise ValueError("a part of a password that is not encoded looks like a setting") from None
        raise
    if kind == "files":
        return Connection(variable, kind, path=_folder(f"{dialect}://{rest}"))
    if kind == "sqlite":
        path = _sqlite_path(rest)
        return Connection(variable, kind, URL.create("sqlite", database=path), path)
    url = make_url(f"{'postgresql' if dialect == 'postgres' else dialect}{'+' + driver if driver else ''}://{rest}")
    if kind == "postgresql":
        url = url.set(drivername="postgresql+psycopg", password=url.password or None)
    elif kind == "mysql":
        url = url.set(drivername="mysql+pymysql", password=url.password or None)
    return Connection(variable, kind, url)


def _with_extras(rest: str, variable: str) -> str:
    """What follows a URI's scheme, with the extras that Airflow puts into one parameter as parameters of their own."""
    place, _, query = rest.partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    extras = [setting for name, value in given if name == EXTRA for setting in settings_of(value, variable).items()]
    if not any(name == EXTRA for name, _ in given):
        return rest
    return f"{place}?{urlencode([one for one in given if one[0] != EXTRA] + extras)}".removesuffix("?")


def _folder(text: str) -> str:
    """`file:///dir`, or Airflow's `fs://` with the path percent-encoded as host or as `?path=`."""
    parts = urlsplit(text)
    given = dict(parse_qsl(parts.query)).get("path")
    path = given or unquote(parts.netloc) + unquote(parts.path)
    if not path:
        raise ValueError("no path")
    return path.removeprefix("localhost")


def _sqlite_path(rest: str) -> str:
    """`/rel`, `//abs`, or Airflow's `%2Fabs` (as host or as path)."""
    path = rest.partition("?")[0]
    decoded = unquote(path)
    if path.startswith("/"):
        decoded = unquote(path[1:])
    if not decoded or decoded == ":memory:":
        raise ValueError("no path")
    return decoded


def _from_json(text: str, variable: str) -> str:
    """Airflow's JSON form of a connection, as a URI."""
    given = json.loads(text)
    login = quote(str(given.get("login") or ""), safe="")
    password = quote(str(given.get("password") or ""), safe="")
    user = f"{login}:{password}@" if password else (f"{login}@" if login else "")
    host = str(given.get("host") or "")
    host = quote(host, safe="") if "/" in host else host
    port = f":{given['port']}" if given.get("port") else ""
    uri = f"{given['conn_type']}://{user}{host}{port}/{quote(str(given.get('schema') or ''), safe='')}".removesuffix(
        "/"
    )
    settings = urlencode(settings_of(given.get("extra"), variable))
    return f"{uri}?{settings}" if settings else uri
