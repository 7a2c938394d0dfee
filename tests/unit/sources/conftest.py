"""A lake, and a drop to put files into, for each test."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from include.contracts.model import Server
from include.lake.storage.lake import Lake
from include.sources.landing.landed import Extract
from tests.extracts import contract_of, lake_at, take


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_at(tmp_path)


@dataclass
class Drop:
    folder: Path
    lake: Lake

    def put(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def manifest(self, *names: str, **stated: Any) -> None:
        """A manifest of these files, true unless `stated` says otherwise of every one."""
        files = [
            {"name": name, "sha256": hashlib.sha256((self.folder / name).read_bytes()).hexdigest(), **stated}
            for name in names
        ]
        self.put("manifest.json", json.dumps({"files": files}))

    def take(self, source_name: str, *columns: str, custom: dict[str, Any] | None = None, **server: Any) -> Extract:
        contract = contract_of(source_name, columns, server=Server("source", "local", **server), custom=custom)
        return take(contract, self.folder.as_uri(), self.lake)


@pytest.fixture
def drop(tmp_path: Path, lake: Lake) -> Drop:
    folder = tmp_path / "drop"
    folder.mkdir()
    return Drop(folder, lake)
