"""A one-table contract, an extract of it into a lake of its own, and the rows that landed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from include.contracts.model import Column, Contract, ExtractPolicy, Server, Table
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.sync.extraction import extract_step
from include.sources.landing.landed import RECORD, Extract

AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
SERVER = Server("source", "custom")
VARIABLE = SERVER.connection_variable


def lake_at(folder: Path) -> Lake:
    """A lake in a folder, with its scratch beside it."""
    return Lake(str(folder / "lake"), scratch=folder / "scratch")


def contract_of(
    source_name: str,
    columns: Sequence[str | Column] = (),
    *,
    server: Server = SERVER,
    path: Path = Path("registry.odcs.yaml"),
    custom: Mapping[str, Any] | None = None,
    cursor: Sequence[str] = (),
) -> Contract:
    """A contract with one table, `registry.thing`, whose columns are read as text from columns of the same name."""
    read = tuple(c if isinstance(c, Column) else Column(c, c, "string", "VARCHAR") for c in columns)
    policy = ExtractPolicy(cursor=tuple(cursor))
    table = Table("registry", "thing", source_name, read, (), custom=dict(custom or {}), extract=policy)
    return Contract("registry", "1.0.0", path, "digest", server, (table,))


@dataclass(frozen=True)
class _OneContract(PipelineContext):
    """A context with one contract, which is in no file."""

    only: Contract

    def now(self) -> datetime:
        return AT

    def table(self, registry: str, table: str) -> tuple[Contract, Table]:
        return self.only, self.only.table(table)


def take(contract: Contract, uri: str | None, lake: Lake, *, run_id: str = "") -> Extract:
    """Extract the contract's one table, with `uri` as the connection."""
    environ = {} if uri is None else {contract.server.connection_variable: uri}
    table, run_id = contract.tables[0], run_id or uuid.uuid4().hex
    extract_step(table.registry, table.name, run_id, context=_OneContract(lake, Path(), environ, contract))
    folder = lake.landing_path(table.registry, table.name, run_id)
    return Extract.from_dict(json.loads(lake.read_text(f"{folder}/{RECORD}")))


def rows_of(extracted: Extract, columns: str = "*") -> list[tuple[Any, ...]]:
    """What landed, ordered."""
    with duckdb.connect() as duck:
        return duck.execute(
            f"SELECT {columns} FROM read_parquet('{extracted.uri}', hive_partitioning = false) ORDER BY ALL"
        ).fetchall()


def types_of(extracted: Extract) -> dict[str, str]:
    """Landed DuckDB types by column."""
    return dict(extracted.columns)
