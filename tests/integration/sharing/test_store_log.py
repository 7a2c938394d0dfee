"""What recipients read at the store is on record, once each and nothing besides, also when the receiver is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from include.embedded.site import Site, free_port
from include.lake.storage import Lake
from include.pipelines.sharing.store import write_log_config
from include.sharing.recipients import Credential
from tests.integration.lake.weed import S3, start_weed
from tests.integration.sharing.recipients import (
    BUCKET,
    LAKE_URI,
    OWNER,
    PREFIX,
    filesystem,
    identities_of_recipients,
    options,
    write_agreement,
)
from tests.integration.sharing.serving import Serving, serving
from tests.integration.sharing.test_s3_identities import MOH, NSO, publish, share

pytestmark = pytest.mark.slow


@pytest.fixture
def log_port() -> int:
    return free_port()


@pytest.fixture
def store(tmp_path: Path, log_port: int) -> Iterator[S3]:
    write_log_config(tmp_path, f"127.0.0.1:{log_port}")
    flag = f"-s3.auditLogConfig={tmp_path / 'store-log.json'}"
    store = start_weed(Site(tmp_path / "weed", tmp_path / "weed"), identities_of_recipients(), [flag])
    try:
        yield store
    finally:
        store.stop()


def lake_of(store: S3, folder: Path) -> Lake:
    given = options(OWNER.access_key, OWNER.secret_key, store.endpoint)
    return Lake(LAKE_URI, tuple(sorted(given.items())), folder / "tmp")


def start(store: S3, folder: Path, log_port: int) -> Any:
    environ = {
        **options(OWNER.access_key, OWNER.secret_key, store.endpoint), "LAKE_URI": LAKE_URI,
        "SCHEMAS_DIR": str(folder / "schemas"),
    }  # fmt: skip
    return serving(environ, folder, "--store-log-port", str(log_port))


def read(store: S3, who: Credential, path: str, times: int) -> None:
    """So many requests for a whole file, and no other for its content."""
    reader = filesystem(store.endpoint, who)
    for _ in range(times):
        with reader.open_input_stream(f"{BUCKET}/{PREFIX}/{path}") as file:
            file.read()


def reads(lake: Lake) -> list[dict[str, Any]]:
    return sorted(lake.table("audit/reads").to_pyarrow_table().to_pylist(), key=lambda row: row["at"])


def ended(server: Serving) -> None:
    time.sleep(6)  # the store tries again every five seconds at the latest
    server.end()


def test_reads_at_the_store_are_on_record_once_each(store: S3, tmp_path: Path, log_port: int) -> None:
    lake = lake_of(store, tmp_path)
    publish(lake, "Nguyễn Thị Ánh", "Trần Văn Bình")
    for recipient in ("nso", "moh"):
        write_agreement(tmp_path, recipient)
        share(lake, tmp_path, recipient, f"r-{recipient}")
    (nso,) = (file.removeprefix(f"{LAKE_URI}/") for file in lake.table("shared/nso/citizen").file_uris())
    (moh,) = (file.removeprefix(f"{LAKE_URI}/") for file in lake.table("shared/moh/citizen").file_uris())
    read(store, NSO, nso, 3)  # before there is anybody to tell
    with start(store, tmp_path, log_port) as server:
        read(store, NSO, nso, 4)
        read(store, MOH, moh, 2)
        read(store, OWNER, nso, 5)
        with pytest.raises(OSError, match=r"ACCESS_DENIED|AccessDenied|403"):
            read(store, NSO, moh, 1)
        DeltaTable(f"{LAKE_URI}/shared/nso/citizen", storage_options=options(*_keys(NSO), store.endpoint)).history()
        time.sleep(1)
        server.kill()
    read(store, NSO, nso, 3)  # while it is down
    publish(lake, "Nguyễn Thị Ánh", "Lê Cường")
    share(lake, tmp_path, "nso", "r-2")
    read(store, NSO, nso, 1)  # a file that the newest version has no more
    with start(store, tmp_path, log_port) as server:
        read(store, MOH, moh, 1)
        ended(server)
    found = reads(lake)
    assert len({row["read_id"] for row in found}) == len(found)
    assert {row["action"] for row in found} == {"store"}
    offered = [row for row in found if row["verdict"] == "offered"]
    assert [row["recipient"] for row in offered].count("nso") == 3 + 4 + 3 + 1
    assert [row["recipient"] for row in offered].count("moh") == 2 + 1
    assert len(offered) == 14
    assert {row["product"] for row in offered} == {"citizen"}
    refused = [row for row in found if row["verdict"] == "refused"]
    assert {(row["recipient"], row["status"], row["product"]) for row in refused} == {("nso", 403, None)}
    of_nso = [row for row in offered if row["recipient"] == "nso"]
    assert {(row["from_version"], row["version"]) for row in of_nso} == {(0, 0)}
    assert {(row["agreement"], row["purpose"], tuple(row["columns"])) for row in of_nso} == {
        ("to_nso", "Thống kê", ("personal_id", "full_name", "status_code")),
    }  # fmt: skip


def _keys(who: Credential) -> tuple[str, str]:
    return who.access_key, who.secret_key
