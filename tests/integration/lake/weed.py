"""A real S3 server (SeaweedFS) on free ports of 127.0.0.1, for as long as a test module needs it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

WEED = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
BUCKET = "lake"
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
IDENTITIES = {
    "identities": [
        {
            "name": "lienthong",
            "credentials": [{"accessKey": "writer", "secretKey": "writer-secret"}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        },
        {
            "name": "moh",
            "credentials": [{"accessKey": "reader", "secretKey": "reader-secret"}],
            "actions": [f"Read:{BUCKET}/shared/moh/*", f"List:{BUCKET}/shared/moh/*"],
        },
    ]
}


@dataclass(frozen=True)
class S3:
    """A running server."""

    endpoint: str
    process: subprocess.Popen[bytes]

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
    """Start the server with an empty bucket; stop it at the end."""
    (folder / "data").mkdir(parents=True)
    (folder / "identities.json").write_text(json.dumps(IDENTITIES))
    *ports, s3_port, s3_grpc = free_ports(len(_PORTS) + 2)
    log = (folder / "weed.log").open("wb")
    process = subprocess.Popen(
        [
            WEED,
            "server",
            f"-dir={folder / 'data'}",
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
            f"-s3.config={folder / 'identities.json'}",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=40",
            "-master.telemetry=false",
        ],
        stdout=log,
        stderr=log,
        cwd=folder,
    )
    try:
        s3 = S3(f"http://127.0.0.1:{s3_port}", process)
        _make_bucket(s3, folder)
        yield s3
    finally:
        process.kill()  # asked politely, it waits for clients' idle connections
        process.wait()
        log.close()


def _make_bucket(s3: S3, folder: Path) -> None:
    files = fs.S3FileSystem(
        access_key="writer",
        secret_key="writer-secret",
        endpoint_override=s3.endpoint.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
        connect_timeout=2,
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            files.create_dir(BUCKET)
            return
        except OSError:
            if time.monotonic() > deadline or s3.process.poll() is not None:
                raise RuntimeError((folder / "weed.log").read_text(errors="replace")[-2000:]) from None
            time.sleep(0.3)
