"""The embedded stack: `up` starts all servers that do not run yet, `down` stops them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.text import Text

from include.console_words import local
from include.embedded import servers
from include.embedded.demo.country import PERSONS, ensure_country, source_connections, start_sources
from include.embedded.servers import ServerFailedError, is_running, say, say_error, show_command, stop
from include.embedded.site import REPOSITORY, Site

# In the order they are stopped.
SERVERS = (servers.PORTAL, servers.SHARING, *reversed([*servers.COMPONENTS]), servers.MARIADB, servers.NAME)


class BusyError(Exception):
    """Another `demo`, `up` or `down` is using the same `var/`."""


def up(root: Path = REPOSITORY) -> int:
    """Start PostgreSQL, the simulated sources, Airflow, the sharing server and the portal; leave them running.

    Returns the exit status.
    """
    site = Site.at(root)
    try:
        with alone(site):
            launch(site)
    except (ServerFailedError, BusyError) as error:
        say_error(error)
        return 1
    say(local("Airflow đang chạy:", "Airflow is up:"))
    show_command(servers.url(site))
    user, password = (servers.USER, "bold"), (site.secret("airflow_password"), "bold")
    sign_in, with_password = local("Đăng nhập: người dùng ", "Sign in as "), local(", mật khẩu ", ", password ")
    say(Text.assemble(sign_in, user, with_password, password))
    if names := ", ".join(servers.stewards_of(site)):
        label = local(
            "Người được quyết định ở cổng duyệt (cùng mật khẩu):", "Who may decide at a gate (same password):"
        )
        say(f"{label} {names}")
    say(
        local(
            "Các bảng chia sẻ (Delta Sharing), xem lienthong recipient:",
            "Shared tables (Delta Sharing), see lienthong recipient:",
        )
    )
    show_command(servers.sharing_url(site))
    say(local("Cổng dữ liệu, xem lienthong official:", "The data portal, see lienthong official:"))
    show_command(servers.portal_url(site))
    say(local("Dừng tất cả: make down. Nhật ký ở:", "Stop everything: make down. Logs are in:"))
    show_command(str(site.var / "log"))
    return 0


def launch(site: Site, *, persons: int = PERSONS, phase: Callable[[str], None] = say) -> None:
    """Start every server that does not run yet. A missing country is built while Airflow starts.

    Raises:
        ServerFailedError: with the log to read and what to do.
    """
    phase(local("Khởi động các cơ sở dữ liệu nguồn", "Starting the source databases"))
    start_sources(site)
    sources = source_connections(site, persons=persons)
    with ThreadPoolExecutor(1) as meanwhile:
        launched = meanwhile.submit(servers.launch_airflow, site, sources)
        ensure_country(site, persons=persons, phase=phase)
        phase(local("Khởi động Airflow", "Starting Airflow"))
        launched.result()
    servers.start_sharing(site)
    servers.start_portal(site)
    servers.await_airflow(site, sources)


def down(root: Path = REPOSITORY) -> int:
    """Stop every server that was started from this checkout. Returns the exit status."""
    stopped = stop(Site.at(root), SERVERS)
    done = f"{local('Đã dừng', 'Stopped')}: {', '.join(stopped)}."
    say(done if stopped else local("Không có gì đang chạy.", "Nothing was running."))
    return 0


def running(site: Site) -> list[str]:
    """The servers of this checkout that run now."""
    return [name for name in SERVERS if is_running(site, name)]


@contextmanager
def alone(site: Site) -> Iterator[None]:
    """Lock the checkout's `var/` for the block.

    Raises:
        BusyError: another process holds it.
    """
    path = site.folder("run") / "lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise BusyError(
                f"another `make demo` or `make up` works here now (process {lock.read()}): wait for it, or end it"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
