"""What the figures were taken on: the machine, and the versions of what ran."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.running import PEERS
from benchmarks.sources import psql

_OURS = ("duckdb", "deltalake", "great-expectations", "sqlalchemy", "pyarrow")
_PEERS = (
    "pandas",
    "great-expectations",
    "sqlalchemy",
    "psycopg",
    "connectorx",
    "adbc-driver-postgresql",
    "dlt",
    "pyarrow",
)


def machine() -> dict[str, str]:
    """Processor, memory, system."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
    }


def versions() -> dict[str, dict[str, str]]:
    """Of our libraries, of the peers', of Python and PostgreSQL."""
    ask = f"import json; from importlib.metadata import version; print(json.dumps({{n: version(n) for n in {_PEERS}}}))"
    peers = subprocess.run([PEERS / "bin" / "python", "-c", ask], check=True, stdout=subprocess.PIPE, text=True).stdout
    server = subprocess.run([psql(), "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {
        "both": {"Python": platform.python_version(), "PostgreSQL": server.split()[-1]},
        "Liên Thông": {name: version(name) for name in _OURS},
        "peers": json.loads(peers),
    }
