"""A real S3 server: SeaweedFS from its wheel, every port its own, with the identities under test."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from include.contracts.model import Column, Contract, Relationship, Server, Table
from include.lake.storage.lake import Lake
from include.sharing.agreements.loading import load_agreement
from include.sharing.recipients.store_identities import Credential, identities, render

BUCKET, PREFIX = "lake", "national"
LAKE_URI = f"s3://{BUCKET}/{PREFIX}"
OWNER = Credential("owner-access", "owner-secret-0123456789")
READERS = {
    "LIENTHONG_READER_NSO": "nso-access:nso-secret-0123456789",
    "LIENTHONG_READER_MOH": "moh-access:moh-secret-0123456789",
}
PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
         "s3.port", "s3.port.grpc", "s3.port.iceberg", "s3.port.lance")  # fmt: skip


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def options(access_key: str, secret_key: str, endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }


AGREEMENT = """\
version: 1.0.0
title: Chia sẻ dữ liệu dân cư
provider: Bộ Công an
recipient: {id: RECIPIENT, name: NAME}
purpose: Thống kê
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2026-01-01
until: UNTIL
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
  - name: citizen
    table: population.citizen
    columns:
      - {name: personal_id, protection: pseudonym}
      - {name: full_name, protection: none}
      - {name: status_code, protection: STATUS}
"""
CITIZEN = Table(
    "population",
    "citizen",
    "cong_dan",
    (
        Column("personal_id", "so_dinh_danh", "string", "VARCHAR", primary_key_position=1, classification="restricted"),
        Column("full_name", "ho_ten", "string", "VARCHAR", classification="confidential"),
        Column("status_code", "trang_thai", "string", "VARCHAR"),
    ),
    (),
    (Relationship(("status_code",), "reference", "person_statuses", ("code",)),),
)
CONTRACTS = {"population": Contract("population", "1.0.0", Path("x"), "d", Server("s", "postgres"), (CITIZEN,))}


def write_agreement(folder: Path, recipient: str, *, until: str = "2026-12-31") -> Path:
    path = folder / "schemas" / "agreements" / f"to_{recipient}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = AGREEMENT.replace("RECIPIENT", recipient).replace("NAME", recipient).replace("UNTIL", until)
    text = text.replace("STATUS", "none" if recipient == "nso" else "drop")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a running store whose identities come from two agreements."""
    from datetime import UTC, datetime

    weed = shutil.which("weed") or str(Path(sys.executable).parent / "weed")
    folder = tmp_path_factory.mktemp("s3")
    agreements = [load_agreement(write_agreement(folder, recipient)) for recipient in ("nso", "moh")]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    config = folder / "identities.json"
    config.write_text(render(identities(agreements, CONTRACTS, lake_uri=LAKE_URI, at=at, owner=OWNER, environ=READERS)))
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    command = [weed, "server", "-s3", "-filer", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
               "-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=20", f"-s3.config={config}",
               *(f"-{name}={port}" for name, port in ports.items())]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as server:
        try:
            url = f"http://127.0.0.1:{ports['s3.port']}"
            await_store(url, server, folder / "log")
            yield url
        finally:
            server.kill()  # asked politely it takes half a minute, and its files go anyway
            server.wait(timeout=30)


def await_store(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    files = filesystem(url, OWNER)
    for _ in range(120):
        if server.poll() is not None:
            break
        try:
            files.create_dir(BUCKET)
            files.create_dir(f"{BUCKET}/probe")
            files.delete_dir(f"{BUCKET}/probe")
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the store did not start: {log.read_text(errors='replace')[-2000:]}")


def filesystem(url: str, credential: Credential) -> fs.S3FileSystem:
    return fs.S3FileSystem(
        access_key=credential.access_key,
        secret_key=credential.secret_key,
        endpoint_override=url.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
        request_timeout=10,
        connect_timeout=2,
    )


@pytest.fixture
def lake(endpoint: str, tmp_path: Path) -> Lake:
    """The lake on that store, emptied."""
    given = options(OWNER.access_key, OWNER.secret_key, endpoint)
    lake = Lake(LAKE_URI, tuple(sorted(given.items())), tmp_path / "tmp")
    for zone in ("registry", "shared", "audit", "reference"):
        lake.delete_tree(lake.path(zone))
    return lake
