"""What the executors of this process's Spark cluster take: memory while they work, bytes through the shuffle."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import psutil

_EVERY_SECONDS = 0.5


class Memory:
    """The greatest memory that one executor had, its Python included; pages that processes share count once."""

    def __init__(self) -> None:
        self.peak_mib = 0.0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            for executor in executors():
                taken = 0
                with suppress(psutil.Error):  # one that ends meanwhile
                    taken = sum(one.memory_full_info().pss for one in (executor, *executor.children(recursive=True)))
                self.peak_mib = max(self.peak_mib, taken / 1024**2)


def executors() -> list[psutil.Process]:
    """The executors of the clusters that this process started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # one that has ended
            if "CoarseGrainedExecutorBackend" in " ".join(process.cmdline()):
                found.append(process)
    return found


@contextmanager
def event_log() -> Iterator[Path]:
    """Let the sessions of this process write what they do into the folder it gives: to be entered before the first."""
    with tempfile.TemporaryDirectory(prefix="spark-events-") as name, patch.dict(os.environ, SPARK_CONF_DIR=name):
        log = Path(name) / "events"
        log.mkdir()
        settings = {"enabled": "true", "dir": log.as_uri(), "compress": "false", "rolling.enabled": "false"}
        lines = [f"spark.eventLog.{setting} {value}" for setting, value in settings.items()]
        (Path(name) / "spark-defaults.conf").write_text("\n".join(lines), encoding="utf-8")
        yield log


def shuffled_bytes(log: Path, started: float, ended: float) -> int:
    """Bytes that tasks wrote for Spark's shuffle which ended between two instants (seconds since 1970)."""
    total = 0
    for file in log.iterdir():
        for line in file.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["Event"] != "SparkListenerTaskEnd" or not event.get("Task Metrics"):
                continue
            if started <= event["Task Info"]["Finish Time"] / 1000 <= ended:
                total += event["Task Metrics"]["Shuffle Write Metrics"]["Shuffle Bytes Written"]
    return total
