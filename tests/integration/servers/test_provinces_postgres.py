"""Provinces in PostgreSQL: a server computes the checksum of its rows, and its keys are read only if it differs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import psycopg
import pytest
from deltalake import DeltaTable

from include.embedded.servers import start_postgres, uri
from include.embedded.site import Site
from include.pipelines.context import PipelineContext
from include.pipelines.sync import sync_registry
from tests.integration.servers.provinces import Provinces
from tests.repeats import repeats

SERVERS, DAYS = repeats(3, 34), repeats(3, 10)


@pytest.fixture
def databases(site: Site, tmp_path: Path) -> dict[str, str]:
    """The URI of each province's database."""
    names = {f"land-{n:02}": f"land_{n:02}_{tmp_path.name}"[:60] for n in range(1, SERVERS + 1)}
    start_postgres(site, *names.values())
    return {server: uri(site, name) for server, name in names.items()}


def content(databases: dict[str, str]) -> set[tuple[str, str, str]]:
    found = set()
    for server, address in databases.items():
        with psycopg.connect(address) as database:
            rows = database.execute("SELECT parcel_id, area FROM parcel").fetchall()
        found |= {(server, key, f"{area:.2f}") for key, area in rows}
    return found


def test_every_day_the_table_is_the_union_and_a_quiet_server_is_asked_for_a_checksum_only(databases, tmp_path):
    land = Provinces(tmp_path, tuple(databases))
    land.contract["schema"][0]["customProperties"][1]["value"]["rowCountChangePercent"] = 100_000
    land.write_contract()
    environ: dict[str, Any] = {
        "LAKE_URI": str(tmp_path / "lake"),
        "SCHEMAS_DIR": str(tmp_path / "schemas"),
        **{f"AIRFLOW_CONN_{name.upper().replace('-', '_')}": address for name, address in databases.items()},
    }
    context = PipelineContext.from_environment(environ)
    luck = random.Random(34)
    for server, address in databases.items():
        with psycopg.connect(address) as database:
            database.execute(
                "CREATE TABLE parcel (parcel_id text PRIMARY KEY, owner text, area numeric(10,2), updated_at timestamp)"
            )
            database.execute(
                "INSERT INTO parcel SELECT %s || '/' || n, 'Chủ', n %% 90 + 0.5, "
                "timestamp '2026-01-01' + n * interval '1 minute' FROM generate_series(1, 300) n",
                [server],
            )
    for day in range(DAYS):
        changed = luck.sample(sorted(databases), k=len(databases) // 2) if day else list(databases)
        for server in changed if day else ():
            with psycopg.connect(databases[server]) as database:
                at = f"2026-02-{day:02} 08:00"
                # One row is gone, one came late under an old clock, one is changed.
                database.execute("DELETE FROM parcel WHERE parcel_id = %s", [f"{server}/{100 + day}"])
                database.execute(
                    "INSERT INTO parcel VALUES (%s, 'Chủ', 5, '2026-01-01 03:00')", [f"{server}/late-{day}"]
                )
                database.execute(
                    "UPDATE parcel SET area = 77.25, updated_at = %s WHERE parcel_id = %s", [at, f"{server}/{day}"]
                )
        run = sync_registry("land", run_id=f"day-{day}", context=context)
        ended = {result.table.partition("@")[2]: result for result in run.tables}
        assert {server for server, result in ended.items() if result.verdict == "published"} == set(changed)
        rows = DeltaTable(context.lake.registry_table("land", "parcel")).to_pyarrow_table().to_pylist()
        assert {(row["_server"], row["parcel_id"], f"{row['area']:.2f}") for row in rows} == content(databases)
        assert len(rows) == len(content(databases))
        quiet = [result for server, result in ended.items() if server not in changed]
        assert all("all others are as the lake has them" in result.why for result in quiet)
