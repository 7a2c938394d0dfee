"""A run's staged files, made by hand: what the split would leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from include.contracts.model import Column, Table
from include.lake.delta import StagedFiles
from include.lake.publishing import publication
from include.lake.publishing.publication import Mode, PublishedCommit, publish
from include.lake.storage.duckdb_engine import literal, quote
from include.lake.storage.lake import Lake
from include.lake.upsert import Judgement

START = datetime(2026, 1, 1, tzinfo=UTC)
FAULTS = pa.schema(
    [
        ("_row", pa.int64()),
        ("_outcome", pa.string()),
        (
            "_reasons",
            pa.list_(pa.struct([("rule_id", pa.string()), ("column", pa.string()), ("message", pa.string())])),
        ),
    ]
)
WARNINGS = pa.schema([("_row", pa.int64()), ("_warnings", pa.list_(pa.string()))])


@dataclass(frozen=True)
class Staged(StagedFiles):
    """URIs of the three staged files, and of the extract they were made from."""

    extract: str


def column(name: str, sql_type: str = "VARCHAR", key: int | None = None, **more: Any) -> Column:
    return Column(name, name, "string", sql_type, primary_key_position=key, **more)


def contract_table(*columns: Column, name: str = "citizen") -> Table:
    return Table("population", name, "cong_dan", columns, ())


PERSON = contract_table(column("personal_id", key=1), column("full_name"), column("age", "BIGINT"))


def staged_paths(lake: Lake, table: Table, run_id: str) -> Staged:
    """Where a run's files are."""
    folder = lake.staging_path(table.registry, table.name, run_id)
    landing = lake.landing_path(table.registry, table.name, run_id)
    return Staged(
        f"{folder}/conformed.parquet",
        f"{folder}/faults.parquet",
        f"{folder}/warnings.parquet",
        f"{landing}/extract.parquet",
    )


def stage(
    lake: Lake,
    table: Table,
    run_id: str,
    rows: Sequence[Sequence[Any]],
    *,
    rejected: Iterable[int] = (),
    superseded: Iterable[int] = (),
    warned: Iterable[int] = (),
) -> Staged:
    """Write the staged files of a run. `rejected`, `superseded` and `warned` are row numbers."""
    folder = lake.staging_path(table.registry, table.name, run_id)
    landing = lake.landing_path(table.registry, table.name, run_id)
    staged = staged_paths(lake, table, run_id)
    lake.make_folder(folder)
    lake.make_folder(landing)
    reason = {"rule_id": "population.citizen.age.required", "column": "age", "message": "must not be empty"}
    outcomes = {**dict.fromkeys(superseded, "superseded"), **dict.fromkeys(rejected, "rejected")}
    faults = pa.Table.from_pylist(
        [
            {"_row": row, "_outcome": outcome, "_reasons": [reason] if outcome == "rejected" else []}
            for row, outcome in outcomes.items()
        ],
        FAULTS,
    )
    warnings = pa.Table.from_pylist([{"_row": row, "_warnings": ["w1"]} for row in warned], WARNINGS)
    connection = lake.connect(memory_limit="800MB")
    try:
        casts = ", ".join(f"CAST(NULL AS {c.sql_type}) AS {quote(c.name)}" for c in table.columns)
        connection.execute(f"CREATE TABLE conformed AS SELECT {casts}, NULL::BIGINT AS _row WHERE false")
        if rows:
            marks = ", ".join(["?"] * (len(table.columns) + 1))
            numbered = [[*row, number] for number, row in enumerate(rows)]
            connection.executemany(f"INSERT INTO conformed VALUES ({marks})", numbered)
        whole = "SELECT *, NULL::UBIGINT AS _raw_key FROM conformed"
        connection.execute(f"COPY ({whole}) TO {literal(staged.conformed)} (FORMAT parquet)")
        raw = "SELECT * EXCLUDE (_row) FROM conformed ORDER BY _row"
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(f"COPY ({raw}) TO {literal(staged.extract)} (FORMAT parquet)")
        for uri, content in ((staged.faults, faults), (staged.warnings, warnings)):
            connection.register("content", content)
            connection.execute(f"COPY (FROM content) TO {literal(uri)} (FORMAT parquet)")
    finally:
        connection.close()
    return staged


def gone_keys(lake: Lake, table: Table, run_id: str, keys: Iterable[Sequence[Any]]) -> str:
    """Write the keys that the source no longer has, as reconciling leaves them; gives the URI."""
    uri = f"{lake.staging_path(table.registry, table.name, run_id)}/gone.parquet"
    connection = lake.connect()
    try:
        casts = ", ".join(f"CAST(NULL AS {table.column(n).sql_type}) AS {quote(n)}" for n in table.primary_key)
        connection.execute(f"CREATE TABLE gone AS SELECT {casts} WHERE false")
        for key in keys:
            connection.execute(f"INSERT INTO gone VALUES ({', '.join('?' * len(key))})", list(key))
        connection.execute(f"COPY gone TO {literal(uri)} (FORMAT parquet)")
    finally:
        connection.close()
    return uri


def merging(most: int) -> Any:
    """Inside, publishing merges up to so many changed rows; the files of more are rewritten."""
    return patch.object(publication, "MERGE_ROWS", most)


def run(
    lake: Lake,
    table: Table,
    number: int,
    rows: Sequence[Sequence[Any]],
    *,
    merge_rows: int = 400_000,
    mode: Mode = "full",
    gone: Iterable[Sequence[Any]] | None = None,
    metadata: Mapping[str, str] | None = None,
    judgement: Judgement | None = None,
    **outcomes: Any,
) -> PublishedCommit:
    """Stage and publish one run. `gone` are keys."""
    run_id = f"r{number}"
    staged = stage(lake, table, run_id, rows, **outcomes)
    with merging(merge_rows):
        return publish(
            lake,
            table,
            run_id=run_id,
            at=START + timedelta(days=number),
            staged=staged,
            metadata={"extract_digest": f"d{number}", "contract_version": "1.0.0", **(metadata or {})},
            mode=mode,
            gone=None if gone is None else gone_keys(lake, table, run_id, gone),
            judgement=judgement,
        )


def content(lake: Lake, table: Table) -> list[tuple[Any, ...]]:
    """Contract columns of the published rows, sorted."""
    delta = lake.table(lake.registry_table(table.registry, table.name))
    rows = pa.table(delta.to_pyarrow_table()).to_pylist()
    names = [c.name for c in table.columns]
    return sorted((tuple(row[name] for name in names) for row in rows), key=repr)
