"""Servers that outlive who started them: known by pid and start, never confused with somebody else's process."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from include.embedded.servers import processes
from include.embedded.servers.processes import ServerFailedError, ServerProcess
from include.embedded.site import REPOSITORY, Site, free_port, is_free

SLEEPS = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, tmp_path / "var")


def start(site: Site, *command: str, name: str = "sleeper") -> None:
    processes.start(site, ServerProcess(name, command, dict(os.environ)))


def test_a_server_runs_until_it_is_stopped(site):
    start(site, *SLEEPS)
    assert processes.is_running(site, "sleeper")
    assert processes.stop(site, ["sleeper"]) == ["sleeper"]
    assert not processes.is_running(site, "sleeper")
    assert processes.stop(site, ["sleeper"]) == []


def test_its_output_is_in_its_log(site):
    start(site, *SLEEPS)
    processes.wait_until(site, "sleeper", lambda: "up" in site.log("sleeper").read_text(), seconds=10)
    processes.stop(site, ["sleeper"])


def test_its_children_go_with_it(site):
    start(site, "sh", "-c", "sleep 60 & wait")
    pid = json.loads((site.var / "run" / "sleeper.pid").read_text())["pid"]
    children: list[psutil.Process] = []
    processes.wait_until(
        site, "sleeper", lambda: bool(children.extend(psutil.Process(pid).children()) or children), seconds=10
    )
    processes.stop(site, ["sleeper"], seconds=2)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def alive(pids: list[int]) -> list[int]:
    return [p for p in pids if psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE]


def told_pids(site: Site, number: int) -> list[int]:
    """The pids that the server wrote into its log, once all are there."""
    processes.wait_until(site, "sleeper", lambda: len(site.log("sleeper").read_text().split()) == number, seconds=10)
    return [int(pid) for pid in site.log("sleeper").read_text().split()]


LEFT_BEHIND = {
    "a child": "sleep 300 & echo $!; wait",
    "a child of a child, whose parent is gone": "sh -c 'sleep 300 & echo $!'; sleep 300 & wait",
    "one that has left the session": "setsid sh -c 'echo $$; exec sleep 300' & wait",
    "one that does not listen": "sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & wait",
    "one that shows another environment": "env -i sh -c 'echo $$; exec sleep 300' & wait",
}


@pytest.mark.parametrize("how", LEFT_BEHIND)
def test_what_a_killed_server_leaves_behind_is_stopped(site, how):
    start(site, "sh", "-c", LEFT_BEHIND[how])
    left = told_pids(site, 1)
    os.kill(json.loads((site.var / "run" / "sleeper.pid").read_text())["pid"], signal.SIGKILL)
    assert alive(left) == left
    assert processes.stop(site, ["sleeper"], seconds=1) == ["sleeper"]
    assert alive(left) == []
    assert processes.stop(site, ["sleeper"]) == []


def test_a_server_whose_starter_was_killed_before_it_was_noted_is_stopped(site):
    start(site, *SLEEPS)
    pidfile = site.var / "run" / "sleeper.pid"
    pid = json.loads(pidfile.read_text())["pid"]
    pidfile.unlink()
    assert processes.stop(site, ["sleeper"], seconds=2) == ["sleeper"]
    assert alive([pid]) == []


def test_a_server_of_the_same_name_of_another_checkout_goes_on(site, tmp_path):
    other = Site(tmp_path, tmp_path / "other")
    start(other, *SLEEPS)
    assert processes.stop(site, ["sleeper"], seconds=1) == []
    assert processes.is_running(other, "sleeper")
    processes.stop(other, ["sleeper"])


def test_who_does_not_listen_is_killed(site):
    start(
        site,
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
    )
    processes.wait_until(site, "sleeper", lambda: "up" in site.log("sleeper").read_text(), seconds=10)
    assert processes.stop(site, ["sleeper"], seconds=0.5) == ["sleeper"]
    assert not processes.is_running(site, "sleeper")


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(site):
    start(site, *SLEEPS)
    pidfile = site.var / "run" / "sleeper.pid"
    mark = json.loads(pidfile.read_text())
    processes.stop(site, ["sleeper"])
    with subprocess.Popen(SLEEPS, start_new_session=True) as other:
        pidfile.write_text(json.dumps(mark | {"pid": other.pid, "started": mark["started"] - 100}))
        assert not processes.is_running(site, "sleeper")
        assert processes.stop(site, ["sleeper"]) == []
        assert other.poll() is None
        other.kill()


def of_a_session_without_leader(folder: Path, environ: dict[str, str]) -> tuple[int, int]:
    """A daemon as any is made: its session's leader has ended. The session's id, and the daemon's pid."""
    command = ["sh", "-c", "sleep 300 >/dev/null & echo $!"]
    leader = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, text=True, cwd=folder, env=environ
    )
    pid, _ = leader.communicate()
    return leader.pid, int(pid)


MARKED = {"PATH": os.defpath, "LIENTHONG_SERVER": "sleeper@/srv/other/var"}
STRANGERS = {
    # folder, environment, what the pid file says beside the pid
    "elsewhere": (Path("/"), {"PATH": os.defpath}, {}),
    "elsewhere, and hides its environment": (Path("/"), {}, {}),
    "in our folder, with an environment of its own": (None, {"PATH": os.defpath}, {}),
    "of another checkout": (None, MARKED, {}),
    "in our folder, hidden, of another start of the machine": (None, {}, {"boot": "before"}),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_a_daemon_whose_session_now_has_the_pid_of_a_server_is_left_alone(site, who):
    folder, environ, noted = STRANGERS[who]
    session, daemon = of_a_session_without_leader(folder or site.root, environ)
    mark = {"pid": session, "started": time.time() - 86400, "stop_signal": 15, **noted}
    pidfile = site.folder("run") / "sleeper.pid"
    pidfile.write_text(json.dumps(mark))
    try:
        assert processes.stop(site, ["sleeper"], seconds=1) == []
        assert alive([daemon]) == [daemon]
        assert not pidfile.exists()
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_process_of_a_former_start_of_the_machine_is_not_the_server(site):
    start(site, *SLEEPS)
    pidfile = site.var / "run" / "sleeper.pid"
    mark = json.loads(pidfile.read_text())
    pidfile.write_text(json.dumps(mark | {"boot": "before"}))
    assert not processes.is_running(site, "sleeper")
    assert not processes.listens(site, "sleeper", 1)
    pidfile.write_text(json.dumps({name: value for name, value in mark.items() if name != "boot"}))
    assert processes.is_running(site, "sleeper")  # started by a release that noted no boot
    assert processes.stop(site, ["sleeper"]) == ["sleeper"]


def test_a_server_that_ends_while_starting_is_told_with_its_log(site):
    start(site, "false")
    with pytest.raises(
        ServerFailedError, match=r"sleeper ended while starting; see .*sleeper\.log, then run `make down`"
    ):
        processes.wait_until(site, "sleeper", lambda: False, seconds=10)


def test_the_last_lines_of_the_log_are_in_the_message(site):
    start(site, "sh", "-c", "seq 1 40; echo '[init] port taken' >&2; exit 1")
    with pytest.raises(ServerFailedError) as refused:
        processes.wait_until(site, "sleeper", lambda: False, seconds=10)
    first, *lines = str(refused.value).splitlines()
    assert first.endswith("try again")
    assert lines == [f"  | {n}" for n in range(27, 41)] + ["  | [init] port taken"]


def test_a_server_that_does_not_answer_is_told(site):
    start(site, *SLEEPS)
    began = time.monotonic()
    with pytest.raises(ServerFailedError, match=r"did not answer within 0\.5 s"):
        processes.wait_until(site, "sleeper", lambda: False, seconds=0.5)
    assert time.monotonic() - began < 5
    processes.stop(site, ["sleeper"])


def test_a_server_that_died_is_noticed(site):
    start(site, *SLEEPS)
    processes.insist(site, ["sleeper"])
    os.kill(json.loads((site.var / "run" / "sleeper.pid").read_text())["pid"], signal.SIGKILL)
    time.sleep(0.2)
    with pytest.raises(ServerFailedError, match="sleeper ended by itself"):
        processes.insist(site, ["sleeper"])


def test_a_port_is_kept_while_it_is_free_and_changed_when_taken(site):
    first = site.port("server", 0) or site.given_port("server")
    assert site.port("server", first) == first == site.given_port("server")
    with socket.create_server(("127.0.0.1", first)):
        assert not is_free(first)
        assert site.port("server", first) != first


@pytest.mark.skipif(sys.platform != "linux", reason="claims of ports are of Linux")
def test_a_port_about_to_be_used_is_given_to_no_other_process(site, tmp_path):
    wanted = free_port()
    assert site.port("server", wanted) == wanted  # nothing listens there yet
    asks = (
        "import sys; from pathlib import Path; from include.embedded.site import Site;"
        "root = Path(sys.argv[1]); print(Site(root, root / 'other').port('server', int(sys.argv[2])))"
    )
    command = [sys.executable, "-c", asks, str(tmp_path), str(wanted)]
    given = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert int(given) != wanted
    assert site.port("server", wanted) == wanted


def test_a_secret_is_made_once_and_for_its_owner_only(site):
    secret = site.secret("password")
    assert len(secret) >= 32
    assert site.secret("password") == secret != site.secret("another")
    assert stat.S_IMODE((site.var / "run" / "secrets.json").stat().st_mode) == 0o600


def test_a_site_can_keep_its_state_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("LIENTHONG_VAR", str(tmp_path / "state"))
    monkeypatch.setenv("LAKE_URI", "s3://lake/prefix")
    assert Site.at(tmp_path).var == tmp_path / "state"
    assert Site.at(tmp_path).lake_uri == "s3://lake/prefix"


def test_a_port_of_somebody_else_is_not_taken_for_the_servers(site):
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    start(site, sys.executable, "-c", f"{listen}; time.sleep(60)")
    processes.wait_until(site, "sleeper", lambda: site.log("sleeper").read_text().endswith("\n"), seconds=10)
    assert processes.listens(site, "sleeper", int(site.log("sleeper").read_text()))
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert not processes.listens(site, "sleeper", other.getsockname()[1])
    processes.stop(site, ["sleeper"])
