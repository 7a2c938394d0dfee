"""A small land registry on several servers: one SQLite database for each province, which live through days."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from deltalake import DeltaTable

from include.pipelines import PipelineContext, RegistryResult
from include.pipelines.sync import sync_registry

CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "land",
    "version": "1.0.0",
    "status": "active",
    "name": "land",
    "slaProperties": [{"property": "deliveredServers", "value": 50, "unit": "percent"}],
    "schema": [
        {
            "name": "parcel",
            "properties": [
                {"name": "parcel_id", "logicalType": "string", "primaryKey": True, "required": True},
                {"name": "owner", "logicalType": "string", "classification": "confidential"},
                {"name": "area", "logicalType": "number", "physicalType": "decimal(10,2)", "required": True},
                {
                    "name": "updated_at",
                    "logicalType": "timestamp",
                    "logicalTypeOptions": {"defaultTimezone": "UTC"},
                    "required": True,
                },
            ],
            "customProperties": [
                {
                    "property": "extract",
                    "value": {
                        "cursor": ["updated_at"],
                        "lag": "PT0S",
                        "deletes": "reconcile",
                        "deleteLimitPercent": 100,
                    },
                },
                {"property": "tolerance", "value": {"rejectedPercent": 90, "rowCountChangePercent": 95}},
            ],
        }
    ],
}


WIDE = {"rejectedPercent": 90, "rowCountChangePercent": 100_000}


@dataclass
class Provinces:
    """The servers `land-01`, ... in a folder, and a lake beside them."""

    folder: Path
    names: tuple[str, ...]
    contract: dict[str, Any] = field(default_factory=lambda: yaml.safe_load(yaml.safe_dump(CONTRACT)))
    down: set[str] = field(default_factory=set)
    unconnected: set[str] = field(default_factory=set)
    lake_uri: str = ""
    moment: int = 0

    @classmethod
    def at(cls, folder: Path, count: int, *, rows: int = 12, **table: Any) -> Provinces:
        """So many servers with rows; `table` are custom properties of the table, beside or instead of CONTRACT's."""
        made = cls(folder, tuple(f"land-{number:02}" for number in range(1, count + 1)))
        custom = {entry["property"]: entry["value"] for entry in made.contract["schema"][0]["customProperties"]} | table
        made.contract["schema"][0]["customProperties"] = [{"property": k, "value": v} for k, v in custom.items()]
        made.write_contract()
        for name in made.names:
            with made.database(name) as database:
                database.execute("CREATE TABLE parcel (parcel_id TEXT, owner TEXT, area TEXT, updated_at TEXT)")
            made.put(name, [f"{name}/{number}" for number in range(rows)])
        return made

    def write_contract(self, names: Sequence[str] = (), **of_server: Any) -> None:
        """The contract with these servers, or all."""
        servers = [{"server": name, "type": "custom", **of_server.get(name, {})} for name in names or self.names]
        path = self.folder / "schemas/registries/land.odcs.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({**self.contract, "servers": servers}, allow_unicode=True))

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    @contextmanager
    def database(self, name: str) -> Iterator[sqlite3.Connection]:
        """One server's database; what was written is committed."""
        database = sqlite3.connect(self.path(name))
        try:
            with database:
                yield database
        finally:
            database.close()

    @property
    def lake(self) -> str:
        return self.lake_uri or str(self.folder / "lake")

    @property
    def connections(self) -> dict[str, str]:
        """The URIs of the servers that are connected, by their variables; nothing answers at those that are down."""
        return {
            f"AIRFLOW_CONN_{name.upper().replace('-', '_')}": "sqlite:///"
            + str(self.folder / "away" / name if name in self.down else self.path(name))
            for name in self.names
            if name not in self.unconnected
        }

    @property
    def context(self) -> PipelineContext:
        """A context with the servers' connections."""
        return PipelineContext.from_environment(
            {"LAKE_URI": self.lake, "SCHEMAS_DIR": str(self.folder / "schemas"), **self.connections}
        )

    def tick(self) -> str:
        """The next instant of the servers' clocks."""
        self.moment += 1
        return f"{datetime(2026, 1, 1) + timedelta(seconds=self.moment)}"

    def put(self, name: str, keys: Sequence[str], *, area: str = "10.50") -> None:
        """New or changed parcels at a server."""
        with self.database(name) as database:
            for key in keys:
                database.execute("DELETE FROM parcel WHERE parcel_id = ?", (key,))
                database.execute("INSERT INTO parcel VALUES (?, ?, ?, ?)", (key, f"Chủ {key}", area, self.tick()))

    def remove(self, name: str, keys: Sequence[str]) -> None:
        with self.database(name) as database:
            database.executemany("DELETE FROM parcel WHERE parcel_id = ?", [(key,) for key in keys])

    def keys(self, name: str) -> list[str]:
        with self.database(name) as database:
            return [key for (key,) in database.execute("SELECT parcel_id FROM parcel ORDER BY 1")]

    def live_day(self, name: str, luck: random.Random) -> None:
        """Some parcels come, change and go."""
        keys = self.keys(name)
        self.remove(name, luck.sample(keys, k=min(len(keys) - 1, luck.randint(0, 2))))
        self.put(name, luck.sample(self.keys(name), k=1), area=f"{luck.randint(1, 999)}.{luck.randint(10, 99)}")
        self.put(name, [f"{name}/{luck.randint(100, 10_000)}"])

    def content(self, names: Sequence[str] = ()) -> set[tuple[str, str, str]]:
        """Server, key and area of every row of these servers."""
        found = set()
        for name in names or self.names:
            with self.database(name) as database:
                found |= {
                    (name, k, f"{float(a):.2f}") for k, a in database.execute("SELECT parcel_id, area FROM parcel")
                }
        return found

    def published(self) -> set[tuple[str, str, str]]:
        """The same of the published table, as any reader of Delta tables has it."""
        rows = DeltaTable(f"{self.lake}/registry/land/parcel").to_pyarrow_table().to_pylist()
        found = {(row["_server"], row["parcel_id"], f"{row['area']:.2f}") for row in rows}
        assert len(found) == len(rows)
        return found

    def files(self) -> dict[str, set[str]]:
        """The published table's files by server."""
        found: dict[str, set[str]] = {}
        for uri in DeltaTable(f"{self.lake}/registry/land/parcel").file_uris():
            found.setdefault(uri.partition("/_server=")[2].partition("/")[0], set()).add(uri)
        return found


def sync(land: Provinces, run_id: str, **how: Any) -> RegistryResult:
    return sync_registry("land", run_id=run_id, context=land.context, **how)


def verdicts(run: RegistryResult) -> dict[str, str]:
    return {result.table.partition("@")[2]: result.verdict for result in run.tables}
