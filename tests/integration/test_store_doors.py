"""The store of docker-compose.yaml: every port it listens on, tried without a key and with a ministry's."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
import yaml
from pyarrow import fs

from include.embedded.production import production_stack
from include.embedded.production.production_settings import Production
from include.embedded.servers.processes import stop

from .test_stack import furnish

OTHERS = "lake/national/registry/clinics/doctor/part.parquet"
OWN = "lake/national/shared/nso/doctor/part.parquet"
SECRET, SHARED = b"nobody else reads this " * 500, b"nso reads this " * 500
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HTTP = ("master.port", "volume.port", "filer.port")
GRPC = ("master.port.grpc", "volume.port.grpc", "filer.port.grpc", "s3.port.grpc")


@dataclass(frozen=True)
class Store:
    """The running store, with a file of a registry and a file shared with `nso`."""

    stack: Production

    def as_(self, access_key: str, secret_key: str) -> fs.S3FileSystem:
        return fs.S3FileSystem(
            access_key=access_key,
            secret_key=secret_key,
            endpoint_override=f"127.0.0.1:{self.stack.ports['s3.port']}",
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
            connect_timeout=5,
        )

    def owner(self) -> fs.S3FileSystem:
        return self.as_("lienthong", self.stack.site.secret("lake_secret_key"))

    def ministry(self) -> fs.S3FileSystem:
        access_key, _, secret_key = production_stack.readers(self.stack.site)["LIENTHONG_READER_NSO"].partition(":")
        return self.as_(access_key, secret_key)

    def url(self, flag: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.stack.ports[flag]}{path}"

    def file_ids(self) -> list[str]:
        """The volume server's names of all files, as its own data files have them: what an attacker would guess."""
        found = []
        for volume in (self.stack.site.var / "store").glob("*.dat"):
            content, at = volume.read_bytes(), 8
            while at + 16 <= len(content):
                cookie, key, size = struct.unpack(">IQI", content[at : at + 16])
                found.append(f"{volume.stem.rpartition('_')[2]},{key:x}{cookie:08x}")
                at += ((16 + size + 4 + 8) // 8 + 1) * 8  # header, data, checksum, instant; padded by 1 to 8 bytes
        return found


def read(files: fs.S3FileSystem, path: str) -> bytes:
    with files.open_input_file(path) as file:
        return bytes(file.read())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    root = tmp_path_factory.mktemp("store")
    furnish(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LIENTHONG_VAR", raising=False)
        site = production_stack.site_of(root)
        stack = Production.at(site, production_stack.ports_of(site))
        try:
            production_stack.start_store(stack)
            store = Store(stack)
            files = store.owner()
            files.create_dir("lake")
            for path, content in ((OTHERS, SECRET), (OWN, SHARED)):
                with files.open_output_stream(path) as file:
                    file.write(content)
            yield store
            assert read(files, OTHERS) == SECRET
            assert read(files, OWN) == SHARED
        finally:
            stop(site, [production_stack.STORE], seconds=1)


def test_the_list_of_ports_is_whole(store: Store) -> None:
    mark = yaml.safe_load((store.stack.site.folder("run") / f"{production_stack.STORE}.pid").read_text())
    sockets = psutil.Process(mark["pid"]).net_connections("inet")
    listening = {(s.laddr.ip, s.laddr.port) for s in sockets if s.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", store.stack.ports[flag]) for flag in (*HTTP, *GRPC, "s3.port")}


def test_by_s3_a_ministry_has_its_own_folder_and_nothing_else(store: Store) -> None:
    files = store.ministry()
    assert read(files, OWN) == SHARED
    attempts = (
        lambda: read(files, OTHERS),
        lambda: files.get_file_info(fs.FileSelector("lake/national", recursive=True)),
        lambda: files.open_output_stream(OTHERS).close(),
        lambda: files.open_output_stream(OWN).close(),
        lambda: files.delete_file(OWN),
        lambda: files.copy_file(OTHERS, "lake/national/shared/nso/stolen"),
        lambda: files.create_dir("elsewhere"),
    )
    for attempt in attempts:
        with pytest.raises(OSError, match=r"(?i)access.?denied|forbidden|not authorized"):
            attempt()


PATHS = [
    "/", "/buckets/" + OTHERS, "/buckets/" + OTHERS + "?metadata=true", "/buckets/lake/?pretty=y", "/etc/",
    "/dir/assign", "/dir/status", "/dir/lookup?volumeId=1", "/dir/lookup?fileId={fid}&read=yes", "/vol/status",
    "/vol/grow?count=1", "/vol/vacuum?garbageThreshold=0.0001", "/col/delete?collection=lake", "/submit", "/{fid}",
    "/debug/pprof/", "/metrics", "/admin/assign_volume?volume=99", "/ui/index.html", "/stats/disk",
]  # fmt: skip
# What a part says of itself: its release, its volumes' sizes; nothing of a file.
TOLD = {
    ("master.port", "/"),
    ("master.port", "/ui/index.html"),
    ("master.port", "/healthz"),
    ("volume.port", "/healthz"),
}


@pytest.mark.parametrize("flag", HTTP)
def test_by_http_the_other_parts_do_nothing(store: Store, flag: str) -> None:
    names = store.file_ids()
    assert names
    answered = []
    with httpx.Client(timeout=10) as client:
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            for path in PATHS:
                for fid in names if "{fid}" in path else [""]:
                    content = b"x" if method in ("PUT", "POST") else None
                    answer = client.request(method, store.url(flag, path.format(fid=fid)), content=content)
                    assert SECRET[:23] not in answer.content
                    if answer.status_code < 400 and (flag, path) not in TOLD:
                        answered.append((method, path, answer.status_code))
    assert answered == []


@pytest.mark.parametrize("flag", GRPC)
def test_by_grpc_they_ask_for_a_certificate(store: Store, flag: str) -> None:
    address = ("127.0.0.1", store.stack.ports[flag])
    with socket.create_connection(address, 5) as plain:
        plain.settimeout(5)
        plain.sendall(PREFACE)
        with suppress(ConnectionResetError):
            assert plain.recv(100) == b""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(address, 5) as plain, context.wrap_socket(plain) as encrypted:
        encrypted.sendall(PREFACE)
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            encrypted.recv(100)


def test_nobody_makes_a_user_or_a_key_at_the_store(store: Store) -> None:
    for action in ("ListUsers", "CreateUser&UserName=x", "CreateAccessKey&UserName=nso", "GetCallerIdentity"):
        body = f"Action={action}&Version=2010-05-08"
        answer = httpx.post(
            store.url("s3.port"), content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code >= 400, action


def test_the_keys_of_the_parts_are_the_store_s_alone(store: Store) -> None:
    home: Path = store.stack.site.var / "identities" / ".seaweedfs"
    assert home.stat().st_mode & 0o077 == 0
    assert {path.name: path.stat().st_mode & 0o077 for path in home.iterdir()} == dict.fromkeys(
        ("security.toml", "store.crt", "store.key"), 0
    )
