"""The session of this process on a Spark cluster. What Spark says of a failure is read and never passed on."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.known_error import KnownError

PATIENCE_SECONDS = 60.0
# Spark quotes values in its messages and logs, so it is told to be silent; other settings are in spark-defaults.conf.
_QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "OFF"}
_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_REMEDIES = {
    ("JAVA_GATEWAY_EXITED",): "Spark needs Java 17 or newer on this machine too: install it, or set JAVA_HOME",
    ("worker-disk-full", "No space left on device"): (
        "a worker's disk is full: free the disk of its scratch folder (spark.local.dir) and of SPARK_FOLDER, then run "
        "again; nothing was published"
    ),
    ("worker-other-duckdb",): "a worker has another version of DuckDB: install the same duckdb there as here",
    ("ModuleNotFoundError", "PYTHON_VERSION_MISMATCH", "Cannot run program"): (
        "the workers' Python lacks something: PYSPARK_PYTHON must name, on every worker, an interpreter of this "
        f"version ({sys.version_info[0]}.{sys.version_info[1]}) with pyarrow and duckdb"
    ),
    (
        "FileNotFoundException", "FILE_NOT_EXIST", "PATH_NOT_FOUND", "Mkdirs failed", "AccessControlException",
        "worker-sees-no-folder",
    ): (
        "the workers do not see the folder that this machine hands records over in: let SPARK_FOLDER name one that is "
        "mounted everywhere under the same path, and that the workers' user may write to; the lake's landing/, "
        "staging/ and registry/ they must be able to read, too"
    ),
}  # fmt: skip


class ClusterUnusable(KnownError, RuntimeError):
    """The Spark cluster cannot do its part; the message names the remedy and holds no value of a record."""


class ClusterUnreachable(ClusterUnusable):
    """No master answers, or no worker is free. Worth trying again."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A cluster: the address of its `master`; a `folder` that all its machines see, None for the run's own."""

    master: str
    folder: Path | None = None


class _Shared:
    """The one session that Spark allows a process, and how many use it or hold it."""

    lock = threading.RLock()
    session: Any = None
    master = ""
    users = 0

    @classmethod
    def end(cls) -> None:
        """Stop it, if there is one."""
        ended, cls.session, cls.master = cls.session, None, ""
        if ended is not None:
            with suppress(Exception):  # of a cluster that is gone, which whoever used it was told
                ended.stop()

    @classmethod
    def on(cls, master: str) -> Any:
        """The one on that cluster."""
        with cls.lock:
            if cls.master != master:
                cls.end()
                cls.session, cls.master = _begun(master), master
            return cls.session


@contextmanager
def held_session() -> Iterator[None]:
    """Keep a session that is begun in this block, for the next one who asks; none is begun by this."""
    with _Shared.lock:
        _Shared.users += 1
    try:
        yield
    finally:
        with _Shared.lock:
            _Shared.users -= 1
            if not _Shared.users:
                _Shared.end()


@contextmanager
def session(where: Spark, *, doing: str) -> Iterator[Any]:
    """This process's session on the cluster, once a worker has taken it; stopped when its last user leaves.

    Raises:
        ClusterUnreachable: no master answers, or no worker is free.
        ClusterUnusable: the workers lack something, or fail while `doing`.
    """
    if _Shared.master != where.master:
        _knock(where.master)
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    with held_session():
        try:
            yield _Shared.on(where.master)
        except (PySparkException, Py4JError, Py4JNetworkError) as error:
            said = str(error)
            remedies = (remedy for signs, remedy in _REMEDIES.items() if any(sign in said for sign in signs))
            kind = type(error).__name__
            told = next(
                remedies, f"{kind}; its text is withheld because it may quote a row. See the cluster's own logs"
            )
            raise ClusterUnusable(f"while {doing} on {where.master}: {told}") from None


def _begun(master: str) -> Any:
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    for logger in _LOGGERS:
        PySparkLogger.getLogger(logger).setLevel(logging.CRITICAL + 1)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # It warns of pandas 3, which nothing here goes through.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    begun = SparkSession.builder.master(master).appName("lienthong").config(map=_QUIET).getOrCreate()
    try:
        _await_workers(begun, master)
    except ClusterUnreachable:
        begun.stop()
        raise
    return begun


def _knock(master: str) -> None:
    """Spark itself would try for a minute, and say so in its log only."""
    scheme, _, addresses = master.partition("://")
    refused = []
    for address in addresses.split(",") if scheme == "spark" else []:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
            return
        except (OSError, ValueError, OverflowError):
            refused.append(address)
    if refused:
        raise ClusterUnreachable(
            f"no Spark master answers at {', '.join(refused)}: check SPARK_MASTER and that the cluster is up, "
            "or set ENGINE=duckdb to work on this machine"
        )


def _await_workers(session: Any, master: str) -> None:
    if master.startswith("local") and not master.startswith("local-cluster"):
        return
    status, end = session.sparkContext._jsc.sc().statusTracker(), time.monotonic() + PATIENCE_SECONDS
    while len(status.getExecutorInfos()) < 2:  # the first is this machine
        if time.monotonic() > end:
            raise ClusterUnreachable(
                f"no worker of {master} took the job within {PATIENCE_SECONDS:.0f} s: see whether workers are alive, "
                "have a core and memory to spare, and can reach this machine (spark.driver.host)"
            )
        time.sleep(0.2)
