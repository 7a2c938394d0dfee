"""What was landed expires, registry by registry, whatever the contracts are like."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.audit.verification.verify_lake import verify
from include.contracts.yaml_files.problems import ContractError
from include.lake.delta.table_schema import CHECKPOINT_PROPERTY, RETENTION
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.lake import Lake
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.upkeep.maintenance import maintain_lake

AT = datetime(2026, 3, 1, tzinfo=UTC)
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: r
version: 1.0.0
status: active
servers: [{server: source, type: custom}]
schema:
  - name: t
    properties:
      - {name: id, logicalType: string, primaryKey: true}
"""
KEPT = "slaProperties: [{property: retention, value: %s, unit: d}]\n"


@pytest.fixture
def context(tmp_path: Path) -> PipelineContext:
    (tmp_path / "schemas" / "registries").mkdir(parents=True)
    return PipelineContext(Lake(str(tmp_path / "lake"), scratch=tmp_path / "scratch"), tmp_path / "schemas", {})


def put_contract(context: PipelineContext, registry: str, text: str) -> None:
    (context.schemas / "registries" / f"{registry}.odcs.yaml").write_text(text)


def land(context: PipelineContext, registry: str, *days_old: int) -> None:
    """An extract of each of these ages."""
    for days in days_old:
        path = f"{context.lake.landing_path(registry, 't', f'r{days}')}/t.parquet"
        context.lake.write_text(path, "12345")
        landed_at = (AT - timedelta(days=days)).timestamp()
        os.utime(path, (landed_at, landed_at))


def left(context: PipelineContext) -> dict[str, list[str]]:
    """Runs whose extract is still there, by registry."""
    landing = Path(context.lake.path("landing"))
    return {folder.name: sorted(run.name for run in folder.glob("t/*")) for folder in sorted(landing.iterdir())}


def test_each_registry_by_its_own_contract_and_without_one_by_the_default(context: PipelineContext) -> None:
    put_contract(context, "long", CONTRACT + KEPT % 400)
    put_contract(context, "short", CONTRACT + KEPT % 10)
    for registry in ("long", "short", "removed"):
        land(context, registry, 9, 80, 100)
    done = maintain_lake(context, at=AT)
    assert done.landing_folders_expired == 3
    assert left(context) == {
        "long": ["run=r100", "run=r80", "run=r9"],
        "removed": ["run=r80", "run=r9"],
        "short": ["run=r9"],
    }


def test_a_broken_contract_is_told_after_everything_expired(context: PipelineContext) -> None:
    put_contract(context, "sound", CONTRACT + KEPT % 10)
    put_contract(context, "broken", "apiVersion: v3.2.0\nkind: nonsense\n")
    put_contract(context, "not_yaml", "[")
    for registry in ("sound", "broken", "not_yaml"):
        land(context, registry, 9, 80, 100)
    context.lake.write_text(context.lake.staging_path("sound", "t", "r1") + "/t.parquet", "x")
    work = Path(context.lake.staging_path("sound", "t", "r1")) / "t.parquet"
    os.utime(work, (0, 0))
    with pytest.raises(ContractError, match=r"(?s)broken\.odcs\.yaml.*not_yaml\.odcs\.yaml"):
        maintain_lake(context, at=AT)
    kept = ["run=r80", "run=r9"]
    assert left(context) == {"broken": kept, "not_yaml": kept, "sound": ["run=r9"]}
    assert not work.exists(), "what comes after landing is done too"


def test_where_no_contract_is_found_nothing_landed_expires(context: PipelineContext) -> None:
    """SCHEMAS_DIR leads astray, say: a contract may keep its extracts for longer than the default."""
    land(context, "population", 100)
    with pytest.raises(ContractError, match="holds no contract"):
        maintain_lake(context, at=AT)
    assert left(context) == {"population": ["run=r100"]}


def test_older_tables_get_what_they_lack_and_keep_what_somebody_set(context: PipelineContext) -> None:
    put_contract(context, "r", CONTRACT)
    uris = {name: context.lake.path("rejected", "r", name) for name in ("plain", "set")}
    for name, uri in uris.items():
        context.lake.make_folder(uri)
        own = {CHECKPOINT_PROPERTY: "50"} if name == "set" else None
        write_deltalake(uri, pa.table({"n": [1]}), configuration=own)
    maintain_lake(context, at=AT)
    maintain_lake(context, at=AT)
    every = {name: context.lake.table(uri).metadata().configuration[CHECKPOINT_PROPERTY] for name, uri in uris.items()}
    assert every == {"plain": "10", "set": "50"}
    assert context.lake.table(uris["plain"]).version() == 1


def test_what_falls_out_of_a_log_with_time_breaks_no_verification(context: PipelineContext) -> None:
    """Delta itself cleans the log of `audit/runs`, at a checkpoint; what was appended stays and is vouched for."""
    put_contract(context, "r", CONTRACT)
    runs = Path(context.lake.audit_table("runs"))

    def append(first: int, last: int) -> None:
        for number in range(first, last):
            facts = {"run_id": f"r{number}", "registry": "r", "table": "t", "verdict": "published"}
            log_tables.append_run(context.lake, RunRow.from_dict(facts))
            record_commits(context, ["audit/runs"])

    append(0, 1)
    context.lake.table("audit/runs").alter.set_table_properties({"delta.checkpointInterval": "10"})
    append(1, 15)
    for path in runs.rglob("*.*"):
        os.utime(path, (0, 0))
    append(15, 35)
    maintain_lake(context, at=AT)
    assert not (runs / "_delta_log" / f"{0:020d}.json").exists()
    found = verify(context.lake, with_files=True, now=datetime.now(UTC) + RETENTION)
    assert found.ok, found.why
    assert found.commits_past_checking > 0
    assert log_tables.read(context.lake, "runs").num_rows == 35
