"""State folder of the embedded servers, which write nothing outside it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

_claims: dict[int, socket.socket] = {}  # by port, until this process ends


@dataclass(frozen=True, slots=True)
class Site:
    """A checkout (`root`) and the folder that holds all state (`var`, by default `<root>/var`)."""

    root: Path
    var: Path

    @classmethod
    def at(cls, root: Path) -> Site:
        """The site of a checkout; `LIENTHONG_VAR` moves its state elsewhere."""
        root = root.resolve()
        return cls(root, Path(os.environ.get("LIENTHONG_VAR") or root / "var").resolve())

    def folder(self, *parts: str) -> Path:
        """A folder under `var`, created if missing."""
        path = self.var.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def airflow_home(self) -> Path:
        return self.folder("airflow")

    @property
    def lake_uri(self) -> str:
        """The lake's root: LAKE_URI, else a folder of `var`."""
        return os.environ.get("LAKE_URI", "").strip() or str(self.var / "lake")

    @property
    def schemas(self) -> Path:
        """The contracts' folder: SCHEMAS_DIR, else `schemas/` of the checkout."""
        return Path(os.environ.get("SCHEMAS_DIR") or self.root / "schemas").absolute()

    def log(self, name: str) -> Path:
        """The log file of the process of that name."""
        return self.folder("log") / f"{name}.log"

    def secret(self, name: str) -> str:
        """A generated secret, stored under `var`, readable by its owner only."""
        known = self._noted("secrets")
        if name not in known:
            known[name] = secrets.token_hex(16)
            self._note("secrets", known)
        return str(known[name])

    def port(self, name: str, preferred: int) -> int:
        """A free port of 127.0.0.1 for a server about to start: its last one, the preferred one, or any.

        No other process is given it meanwhile, though the server begins to listen only later.
        """
        known = self._noted("ports")
        last = int(known.get(name, preferred))
        known[name] = next((port for port in (last, preferred) if is_free(port) and _claim(port)), None) or free_port()
        self._note("ports", known)
        return int(known[name])

    def given_port(self, name: str) -> int:
        """The last port of the server of that name; 0 if it was never started."""
        return int(self._noted("ports").get(name, 0))

    def _noted(self, what: str) -> dict[str, str | int]:
        path = self.folder("run") / f"{what}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _note(self, what: str, known: dict[str, str | int]) -> None:
        write_private(self.folder("run") / f"{what}.json", json.dumps(known, indent=1))


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _claim(port: int) -> bool:
    """Whether this process, and no other on this machine, may give that port to a server."""
    if port in _claims or sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0lienthong-port-{port}")  # an abstract name: there is no file, and it ends with the process
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True


def free_port() -> int:
    """A free port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
