"""Parts of a source, landed one after the other from one open source, and their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from include.contracts.model import Column, Contract, Drift, ExtractPolicy, Table
from include.lake.storage.lake import Lake
from include.sources.landing.landed import Landed
from include.sources.landing.source import Source, open_source
from include.sources.open_object import ReadRequest
from tests.extracts import AT, SERVER, VARIABLE

HANOI = {"defaultTimezone": "Asia/Ho_Chi_Minh"}
KEY = Column("k", "k", "integer", "BIGINT", primary_key_position=1)
UPDATED = Column("updated_at", "u", "timestamp", "TIMESTAMPTZ", options=HANOI)
VALUE = Column("v", "v", "string", "VARCHAR")


def contract_by(
    *columns: Column,
    source_name: str = "t",
    cursor: Sequence[str] = ("updated_at",),
    drift: Drift = "freeze",
    **options: Any,
) -> Contract:
    """A contract of one table `registry.thing`, read by a cursor; `options` are of its server."""
    policy = ExtractPolicy(cursor=tuple(cursor), drift=drift)
    table = Table("registry", "thing", source_name, columns or (KEY, UPDATED, VALUE), (), extract=policy)
    server = replace(SERVER, options=options) if options else SERVER
    return Contract("registry", "1.0.0", Path("registry.odcs.yaml"), "digest", server, (table,))


@contextmanager
def opened(
    contract: Contract,
    uri: str,
    lake: Lake,
    *,
    at: datetime = AT,
    before: Sequence[Sequence[str]] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Source]:
    given = {VARIABLE: uri, **(environ or {})}
    with open_source(contract, contract.tables[0], lake=lake, at=at, environ=given, since_columns=before) as source:
        yield source


def landed(source: Source, lake: Lake, wanted: ReadRequest = ReadRequest(), name: str = "part") -> Landed:  # noqa: B008
    return source.land(f"{lake.path('landing/registry/thing/run=r1')}/{name}.parquet", wanted)


def rows(part: Landed, columns: str = "*") -> list[tuple[Any, ...]]:
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        return duck.execute(
            f"SELECT {columns} FROM read_parquet('{part.uri}', hive_partitioning = false) ORDER BY ALL"
        ).fetchall()


def keys(contract: Contract, uri: str, lake: Lake, *since: str, **wanted: Any) -> list[Any]:
    """The keys (column k) of the rows that are read from a cursor on."""
    with opened(contract, uri, lake) as source:
        given = ReadRequest(since=since or None, **wanted)
        return [row[0] for row in rows(landed(source, lake, given), "k")]
