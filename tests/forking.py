"""Processes that a test starts, kills and hears, each forked from one that has imported the library already.

To import it takes seconds, most of them for Great Expectations; a fork takes milliseconds. One server does it for all
processes of a run. Nothing but its loop runs in there, so forking it is safe.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from include.embedded.servers.processes import ServerProcess, start, wait_until
from include.embedded.site import REPOSITORY
from tests.once import once, shared_site

NAME = "forking"
PRELOADED = (
    "include.cli",
    "include.pipelines.sync.registry_sync",
    "include.quality.expectations.data_docs",
    "include.quality.expectations.suite",
    "include.sharing.products.share",
    "tests.unit.lake.staging",
)
CLI = "tests.forking:command_line"
_MOST_BYTES = 100_000


class Forked:
    """A process that calls `target` ("module:function") with values of JSON, as `python -m module` would be called.

    Its exit status is what the function gives. `stdin` and `stdout` are pipes.
    """

    def __init__(
        self, target: str, *arguments: Any, env: dict[str, str] | None = None, stderr: int | None = None
    ) -> None:
        path = once(NAME, _start_server)
        order = {"target": target, "arguments": arguments, "env": dict(os.environ) if env is None else env}
        hear, said = os.pipe()
        told, tell = os.pipe()
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(path)
        socket.send_fds(self._server, [json.dumps(order).encode()], [told, said, 2 if stderr is None else stderr])
        os.close(told)
        os.close(said)
        self.stdin, self.stdout = os.fdopen(tell, "w"), os.fdopen(hear, encoding="utf-8")
        self.pid = int(self._server.recv(100))
        self.returncode: int | None = None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def has_ended(self, within: float) -> bool:
        """Whether it ends within so many seconds."""
        if self.returncode is None:
            self._server.settimeout(max(within, 1e-6))
            try:
                status = self._server.recv(100)
            except TimeoutError:
                return False
            self.returncode = int(status)
            self._server.close()
        return True

    def wait(self, timeout: float = 300) -> int:
        """Its status when it has ended: of who was killed, as `subprocess` has it."""
        if not self.has_ended(timeout) or self.returncode is None:
            raise TimeoutError(f"process {self.pid} runs on after {timeout} s")
        return self.returncode

    def communicate(self, words: str = "", timeout: float = 300) -> str:
        """Say something and hear all that it says to its end."""
        with suppress(BrokenPipeError):
            self.stdin.write(words)
            self.stdin.close()
        with self.stdout:
            heard = self.stdout.read()
        self.wait(timeout)
        return heard


def run(target: str, *arguments: Any, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Call `target` in a process of its own, to its end."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        process = Forked(target, *arguments, env=env, stderr=err.fileno())
        out = process.communicate()
        err.seek(0)
        return subprocess.CompletedProcess([target, *map(str, arguments)], process.wait(), out, err.read())


def command_line(*arguments: str) -> NoReturn:
    """`lienthong`, as somebody types it."""
    from include.cli import main

    sys.argv = ["lienthong", *arguments]
    main()


def _start_server() -> str:
    site = shared_site(NAME)
    path = site.folder("run") / "socket"
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    start(site, ServerProcess(NAME, [sys.executable, "-m", "tests.forking", str(path)], env, signal.SIGKILL))
    wait_until(site, NAME, path.exists, seconds=120)
    return str(path)


def _serve(path: Path) -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    templates = sys.modules["include.quality.expectations.data_docs"]._VIEW.env
    for template in templates.list_templates(extensions=["j2"]):
        templates.get_template(template)  # compiled here, and not in every process
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    draft = path.with_suffix(".new")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(draft))
        listener.listen(100)
        draft.rename(path)
        while True:
            asker, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _guard(asker)
                os._exit(0)
            asker.close()


def _guard(asker: socket.socket) -> None:
    """Start the process that is asked for, and tell its pid, and how it ended when it has."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, *_ = socket.recv_fds(asker, _MOST_BYTES, 3)
    pid = os.fork()
    if pid == 0:
        asker.close()
        _become(json.loads(message), streams)
    for stream in streams:
        os.close(stream)
    asker.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    asker.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(order: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be that process, to its end."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(REPOSITORY)
    module, _, function = order["target"].partition(":")
    status = 1
    try:
        status = int(getattr(importlib.import_module(module), function)(*order["arguments"]) or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
