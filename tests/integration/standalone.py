"""A Spark cluster of its own: a master and two workers of one core each, as processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.embedded.site import free_port

PATIENCE_SECONDS = 60.0
_DEPLOY = "org.apache.spark.deploy"


@contextmanager
def standalone_cluster(folder: Path, *, workers: int = 2) -> Iterator[str]:
    """The master's address, once every worker has registered."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environ = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    ports = f"--host 127.0.0.1 --port {free_port()} --webui-port 0".split()
    master = f"spark://127.0.0.1:{ports[3]}"
    worker = f"{_DEPLOY}.worker.Worker --host 127.0.0.1 --port 0 --webui-port 0 --cores 1 --memory 1g".split()
    commands = [[f"{_DEPLOY}.master.Master", *ports]]
    commands += [[*worker, "--work-dir", str(folder / f"worker-{n}"), master] for n in range(workers)]
    running = []
    try:
        for n, command in enumerate(commands):
            with (folder / f"{n}.log").open("w") as log:
                start = [str(home / "bin" / "spark-class"), *command]
                running.append(subprocess.Popen(start, env=environ, stdout=log, stderr=log, start_new_session=True))
            _await(folder / f"{n}.log", "Starting Spark master" if n == 0 else "Successfully registered with master")
        yield master
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGTERM)
        for process in running:
            process.wait(timeout=30)


def _await(log: Path, sign: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while sign not in log.read_text(encoding="utf-8", errors="replace"):
        assert time.monotonic() < end, log.read_text(encoding="utf-8", errors="replace")[-2000:]
        time.sleep(0.1)
