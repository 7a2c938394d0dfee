"""Run ways in turn, each in a process of its own, and take medians."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.embedded.site import REPOSITORY

Figures = dict[str, Any]
VAR = REPOSITORY / "var" / "benchmarks"
PEERS = VAR / "peers"
_PINNED = Path(__file__).with_name("peers") / "requirements.txt"


@dataclass(frozen=True)
class Way:
    """`function` is `module:name`; a way of the peers runs in their environment."""

    name: str
    function: str
    arguments: Figures = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter that has what the way needs."""
        return PEERS / "bin" / "python" if ".peers." in self.function else Path(sys.executable)


def prepare_peers() -> None:
    """Install what users would pick instead, pinned, into an environment of its own; nothing if it is there."""
    done = PEERS / "requirements.txt"
    if done.exists() and done.read_text() == _PINNED.read_text():
        return
    print(f"installing the peers into {PEERS} ...", file=sys.stderr)
    uv = Path(sys.executable).with_name("uv")
    python = PEERS / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, PEERS], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, "-r", _PINNED], check=True)
    done.write_text(_PINNED.read_text())


def run(way: Way, folder: Path | None = None, **arguments: Any) -> Figures:
    """The figures of one run: what its function says, and `peak_mib`. It works in a folder that is new unless given."""
    print(f"  {way.name} ...", end=" ", file=sys.stderr, flush=True)
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR, prefix="work-") as own:
        done = subprocess.run(
            [way.python, "-m", "benchmarks.way", way.function],
            input=json.dumps({**way.arguments, **arguments, "folder": str(folder or own)}),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        print("failed", file=sys.stderr)
        raise SystemExit(f"{way.name} failed: see its error above")
    figures = dict(json.loads(done.stdout.splitlines()[-1]))
    print(f"{figures['seconds']:,.1f} s", file=sys.stderr)
    return figures


def compare(ways: Iterable[Way], rounds: int, **arguments: Any) -> dict[str, Figures]:
    """Each way once in every round, so that all meet the machine as it is at the time; medians by way."""
    ways = list(ways)
    turns = [{way.name: run(way, **arguments) for way in ways} for _ in range(rounds)]
    return {way.name: median([turn[way.name] for turn in turns]) for way in ways}


def median(runs: Sequence[Figures]) -> Figures:
    """Medians of what is a number, the first run's value of what is not."""
    return {
        name: statistics.median(one[name] for one in runs) if isinstance(value, int | float) else value
        for name, value in runs[0].items()
    }
