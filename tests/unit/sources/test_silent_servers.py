"""A server that takes a connection and then says nothing is a plain error soon: which server, and what to do."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect

from include.lake.storage import object_store
from include.lake.storage.errors import LakeUnreachable
from include.lake.storage.lake import Lake
from include.sources.access.errors import SourceUnavailable
from include.sources.databases import reflection
from tests.extracts import VARIABLE, contract_of, lake_at, take
from tests.repeats import held_by


@pytest.fixture
def port() -> Iterator[int]:
    """A port where connections are taken (by the system, in its queue) and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class Waits(DefaultDialect):
    """The dialect of a database whose driver, as some do, knows no limit of time."""

    name = driver = "waits"
    supports_statement_cache = False

    @classmethod
    def import_dbapi(cls) -> Any:
        def connect(*_: object, port: int, **__: object) -> None:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.recv(1)

        return SimpleNamespace(connect=connect, paramstyle="qmark", Error=OSError, version="1")


registry.register("waits", __name__, "Waits")


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "waits"])
def test_a_silent_database(scheme: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "ANSWER_SECONDS", 1)
    monkeypatch.setattr(reflection, "CONNECT_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match=f"does not answer.*{VARIABLE}"):
        take(contract_of("t", ["a"]), f"{scheme}://u:secret@127.0.0.1:{port}/d", lake_at(tmp_path))
    assert time.monotonic() - began < 6


def test_the_limits_are_seconds() -> None:
    assert (reflection.CONNECT_SECONDS, reflection.ANSWER_SECONDS, object_store.ANSWER_SECONDS) == (10, 30, 10)


def silent_lake(port: int, scratch: Path) -> Lake:
    options = {
        "LAKE_URI": "s3://lake/national", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "LIENTHONG_TMP": str(scratch),
    }  # fmt: skip
    return Lake.from_environment(options)


IN_MORE_WAYS = held_by("unit/sources/test_silent_servers.py::test_a_silent_store")


@pytest.mark.parametrize(
    "way", ["table", "list", "connect", *(pytest.param(way, marks=IN_MORE_WAYS) for way in ("is_table", "read_text"))]
)
def test_a_silent_store(way: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "ANSWER_SECONDS", 1)
    lake = silent_lake(port, tmp_path)
    began = time.monotonic()
    with pytest.raises(LakeUnreachable, match=f"127.0.0.1:{port}.*AWS_ENDPOINT_URL"):
        getattr(lake, way)(*[] if way == "connect" else [lake.path("registry/population/citizen")])
    assert time.monotonic() - began < 5
