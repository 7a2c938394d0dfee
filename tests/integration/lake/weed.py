"""A real S3 server (SeaweedFS) on free ports of 127.0.0.1: one for all processes of a run, or one of a test's own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from include.embedded.servers.processes import ServerFailedError, ServerProcess, start, stop, wait_until
from include.embedded.site import Site

NAME = "seaweedfs"
_ATTEMPTS = 3
WEED = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
BUCKET = "lake"
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
IDENTITIES: list[dict[str, Any]] = [
    {
        "name": "writer",
        "credentials": [{"accessKey": "writer", "secretKey": "writer-secret"}],
        "actions": ["Admin", "Read", "List", "Tagging", "Write"],
    },
    {
        "name": "reader",
        "credentials": [{"accessKey": "reader", "secretKey": "reader-secret"}],
        "actions": [f"Read:{BUCKET}/shared/moh/*", f"List:{BUCKET}/shared/moh/*"],
    },
]


@dataclass(frozen=True)
class S3:
    """A running server."""

    endpoint: str
    site: Site

    def stop(self) -> None:
        """As a power cut does it."""
        stop(self.site, [NAME])

    def environ(self, prefix: str = "", *, key: str = "writer", secret: str = "writer-secret") -> dict[str, str]:
        """The environment of somebody who works with the bucket."""
        return {
            "LAKE_URI": f"s3://{BUCKET}" + (f"/{prefix}" if prefix else ""),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def serve(folder: Path) -> Iterator[S3]:
    """A server of one's own, with an empty bucket; stopped at the end."""
    server = start_weed(Site(folder, folder))
    try:
        yield server
    finally:
        server.stop()


def start_weed(site: Site, others: Sequence[dict[str, Any]] = (), flags: Sequence[str] = ()) -> S3:
    """Start a server with an empty bucket, with identities besides the writer and the reader, and with further flags.

    Ports that were free a moment ago may be another's by now: then it is tried with others.
    """
    for _ in range(_ATTEMPTS):
        server = _launch(site, [*IDENTITIES, *others], flags)
        with suppress(ServerFailedError):
            wait_until(site, NAME, lambda: _has_bucket(server), seconds=60)  # noqa: B023
            return server
        server.stop()
    raise ServerFailedError(NAME, site.log(NAME), "did not start")


def _launch(site: Site, identities: list[dict[str, Any]], flags: Sequence[str]) -> S3:
    config = site.folder(NAME) / "identities.json"
    config.write_text(json.dumps({"identities": identities}))
    *ports, s3_port, s3_grpc = free_ports(len(_PORTS) + 2)
    command = [
        WEED,
        "server",
        f"-dir={site.folder(NAME, 'data')}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{name}={port}" for name, port in zip(_PORTS, ports, strict=True)),
        "-filer",
        "-s3",
        f"-s3.port={s3_port}",
        f"-s3.port.grpc={s3_grpc}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        "-s3.ip.bind=127.0.0.1",
        f"-s3.config={config}",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=40",
        "-master.telemetry=false",
        *flags,
    ]
    # Asked politely, it waits for clients' idle connections.
    start(site, ServerProcess(NAME, command, {**os.environ, "HOME": str(site.var)}, signal.SIGKILL))
    return S3(f"http://127.0.0.1:{s3_port}", site)


def _has_bucket(s3: S3) -> bool:
    files = fs.S3FileSystem(
        access_key="writer",
        secret_key="writer-secret",
        endpoint_override=s3.endpoint.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
        connect_timeout=2,
    )
    try:
        files.create_dir(BUCKET)
    except OSError:
        return False
    return True
