"""`lienthong serve` as a process of its own, as operators run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from include.embedded.site import free_port
from tests import forking

ROOT = Path(__file__).parents[3]
RECIPIENT = ROOT / ".venv" / "recipient" / "bin" / "python"
"""The Python of a recipient: the stock client with the pandas and pyarrow it wants (`make` installs it)."""


@dataclass(frozen=True)
class Serving:
    """A running server; `environ` is that of the commands beside it."""

    process: subprocess.Popen[bytes]
    environ: Mapping[str, str]
    url: str

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """Tell it to end, and wait until the last records are in the lake."""
        self.process.terminate()
        assert self.process.wait(timeout=30) in (0, -signal.SIGTERM)

    def run(self, *command: str) -> str:
        """Run a command of `lienthong`; its standard output."""
        done = forking.run(forking.CLI, *command, env={**self.environ})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def profile(self, recipient: str, folder: Path) -> Path:
        """A new profile file of a recipient."""
        file = folder / f"{recipient}.share"
        self.run("recipient", "token", recipient, "--out", str(file))
        return file


@contextmanager
def serving(environ: Mapping[str, str], folder: Path, *flags: str) -> Iterator[Serving]:
    """A server on a lake and agreements, until the end of the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LIENTHONG_VAR") if name in os.environ}
    environ = {
        **kept, **environ, "LIENTHONG_SHARING_URL": url, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1", "LIENTHONG_TMP": environ.get("LIENTHONG_TMP", str(folder / "tmp")),
    }  # fmt: skip
    log = folder / "serve.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "include.cli", "serve", "--port", str(port), *flags]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output)
    try:
        end = time.monotonic() + 60
        while not _answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield Serving(process, environ, url)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
