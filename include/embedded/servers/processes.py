"""Start, find and stop servers that outlive the command that started them.

A process is identified by its pid, start time and the machine's boot, so that a reused pid is never signalled. Its
children are identified by a mark in their environment, also when the server itself was killed. Those that show no
environment must be of its session and work in a folder of ours: the session's id is a pid too, and may be reused.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from include.embedded.site import Site, write_private

_MARK = "LIENTHONG_SERVER"  # of its environment
_LAST_LINES = 15  # of a server's log, that a message shows


class ServerFailedError(Exception):
    """A server ended, or did not answer in time, while it was being started. The message ends with its last lines."""

    def __init__(self, name: str, log: Path, why: str) -> None:
        lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
        told = "".join(f"\n  | {line}" for line in lines)
        super().__init__(f"{name} {why}; see {log}, then run `make down` and try again{told}")


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A process to run: `popen` holds what subprocess.Popen needs beyond the command (user, stdin)."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    popen: Mapping[str, object] = field(default_factory=dict)


def start(site: Site, server: ServerProcess) -> None:
    """Start a server in the background, in a session of its own; its output goes to its log file."""
    with site.log(server.name).open("ab") as log:
        process = subprocess.Popen(
            [*server.command],
            env={**server.env, _MARK: _mark(site, server.name)},
            cwd=site.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **server.popen,  # type: ignore[call-overload]
        )
    mark = {
        "boot": _boot(),
        "pid": process.pid,
        "started": psutil.Process(process.pid).create_time(),
        "stop_signal": int(server.stop_signal),
    }
    write_private(_pidfile(site, server.name), json.dumps(mark))


def is_running(site: Site, name: str) -> bool:
    """Whether the server of that name, started here, still runs."""
    return _process(site, name) is not None


def listens(site: Site, name: str, port: int) -> bool:
    """Whether that server itself listens on a port."""
    process = _process(site, name)
    if process is None:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in (process, *process.children(recursive=True)):
            if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in member.net_connections("tcp")):
                return True
    return False


def insist(site: Site, names: Iterable[str]) -> None:
    """Check that all those servers still run.

    Raises:
        ServerFailedError: one does not; with the log to read.
    """
    for name in names:
        if not is_running(site, name):
            raise ServerFailedError(name, site.log(name), "ended by itself")


def wait_until(site: Site, name: str, is_ready: Callable[[], bool], *, seconds: float) -> None:
    """Wait until `is_ready()`.

    Raises:
        ServerFailedError: the process ended before, or the time is over.
    """
    end = time.monotonic() + seconds
    while not is_ready():
        if not is_running(site, name):
            raise ServerFailedError(name, site.log(name), "ended while starting")
        if time.monotonic() > end:
            raise ServerFailedError(name, site.log(name), f"did not answer within {seconds:g} s")
        time.sleep(0.2)


def stop(site: Site, names: Sequence[str], *, seconds: float = 20) -> list[str]:
    """Stop servers and their children: SIGTERM to all, then SIGKILL to the rest. Returns the names of stopped servers.

    Orphans of a killed server are stopped as well.
    """
    asked: dict[str, list[psutil.Process]] = {}
    everywhere = _started_here(site)
    for name in names:
        process = _process(site, name)
        family = {*_session(site, name), *everywhere.get(name, ())}
        with contextlib.suppress(psutil.NoSuchProcess):
            family |= {process, *process.children(recursive=True)} if process else set()
        if not family:
            _pidfile(site, name).unlink(missing_ok=True)
            continue
        asked[name] = [*family]
        ask = signal.Signals(json.loads(_pidfile(site, name).read_text())["stop_signal"]) if process else signal.SIGTERM
        for one in [process] if process else family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(ask)
    everybody = [process for family in asked.values() for process in family]
    _, alive = psutil.wait_procs(everybody, timeout=seconds)
    alive += [one for name in asked for one in _session(site, name) if one not in alive]  # started meanwhile
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    for name in asked:
        _pidfile(site, name).unlink(missing_ok=True)
    return [*asked]


def _mark(site: Site, name: str) -> str:
    return f"{name}@{site.var}"


def _started_here(site: Site) -> dict[str, list[psutil.Process]]:
    """Processes with the mark of a server of this site, by the server's name; PostgreSQL's processes overwrite it."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            name, _, var = process.environ().get(_MARK, "").partition("@")
            if var == str(site.var):
                found.setdefault(name, []).append(process)
    return found


def _session(site: Site, name: str) -> list[psutil.Process]:
    """Processes of a server's session, whose id is its pid, that prove to be ours, also after the server's end."""
    mark = _noted(site, name)
    if mark is None:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        if abs(psutil.Process(mark.pid).create_time() - mark.started) >= 0.5:
            return []  # the pid is reused, and so may the session id be
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            is_member = os.getsid(process.pid) == mark.pid and process.status() != psutil.STATUS_ZOMBIE
            if is_member and process.create_time() >= mark.started - 0.5 and _is_ours(site, process):
                found.append(process)
    return found


def _is_ours(site: Site, process: psutil.Process) -> bool:
    """Whether a member of a session that was ours has our mark; or no environment, and works in a folder of ours."""
    environ: dict[str, str] = {}
    with contextlib.suppress(psutil.AccessDenied, OSError):
        environ = process.environ()
    if _MARK in environ or "PATH" in environ:
        return environ.get(_MARK, "").partition("@")[2] == str(site.var)
    folder = Path(process.cwd())
    return any(folder.is_relative_to(ours.resolve()) for ours in (site.root, site.var))


def _boot() -> str:
    """What tells this start of the machine from the one before; empty where the system says nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class _Noted:
    """A server's process, as its pid file has it; `started` in seconds since 1970."""

    pid: int
    started: float


def _noted(site: Site, name: str) -> _Noted | None:
    """What a server's pid file says; None without one, or if it is of a former start of the machine."""
    try:
        mark = json.loads(_pidfile(site, name).read_text())
    except FileNotFoundError:
        return None
    return _Noted(mark["pid"], mark["started"]) if mark.get("boot", _boot()) == _boot() else None


def _pidfile(site: Site, name: str) -> Path:
    return site.folder("run") / f"{name}.pid"


def _process(site: Site, name: str) -> psutil.Process | None:
    mark = _noted(site, name)
    if mark is None:
        return None
    with contextlib.suppress(ChildProcessError):
        os.waitpid(mark.pid, os.WNOHANG)  # reap it if it is an ended child of ours
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(mark.pid)
        if abs(process.create_time() - mark.started) < 0.5 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None
