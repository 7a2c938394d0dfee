"""What was landed expires, registry by registry, whatever the contracts are like."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.audit.verification.verify_lake import verify
from include.contracts.yaml_files.problems import ContractError
from include.lake.delta.table_schema import RETENTION
from include.lake.run_log import log_tables
from include.lake.storage.lake import Lake
from include.pipelines.audit_log import record_commits
from include.pipelines.context import Workplace
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
def place(tmp_path: Path) -> Workplace:
    (tmp_path / "schemas" / "registries").mkdir(parents=True)
    return Workplace(Lake(str(tmp_path / "lake"), scratch=tmp_path / "scratch"), tmp_path / "schemas", {})


def put_contract(place: Workplace, registry: str, text: str) -> None:
    (place.schemas / "registries" / f"{registry}.odcs.yaml").write_text(text)


def land(place: Workplace, registry: str, *days_old: int) -> None:
    """An extract of each of these ages."""
    for days in days_old:
        path = f"{place.lake.landing_path(registry, 't', f'r{days}')}/t.parquet"
        place.lake.write_text(path, "12345")
        landed_at = (AT - timedelta(days=days)).timestamp()
        os.utime(path, (landed_at, landed_at))


def left(place: Workplace) -> dict[str, list[str]]:
    """Runs whose extract is still there, by registry."""
    landing = Path(place.lake.path("landing"))
    return {folder.name: sorted(run.name for run in folder.glob("t/*")) for folder in sorted(landing.iterdir())}


def test_each_registry_by_its_own_contract_and_without_one_by_the_default(place: Workplace) -> None:
    put_contract(place, "long", CONTRACT + KEPT % 400)
    put_contract(place, "short", CONTRACT + KEPT % 10)
    for registry in ("long", "short", "removed"):
        land(place, registry, 9, 80, 100)
    done = maintain_lake(place, at=AT)
    assert done["landing_folders_expired"] == 3
    assert left(place) == {
        "long": ["run=r100", "run=r80", "run=r9"],
        "removed": ["run=r80", "run=r9"],
        "short": ["run=r9"],
    }


def test_a_broken_contract_is_told_after_everything_expired(place: Workplace) -> None:
    put_contract(place, "sound", CONTRACT + KEPT % 10)
    put_contract(place, "broken", "apiVersion: v3.2.0\nkind: nonsense\n")
    put_contract(place, "not_yaml", "[")
    for registry in ("sound", "broken", "not_yaml"):
        land(place, registry, 9, 80, 100)
    place.lake.write_text(place.lake.staging_path("sound", "t", "r1") + "/t.parquet", "x")
    work = Path(place.lake.staging_path("sound", "t", "r1")) / "t.parquet"
    os.utime(work, (0, 0))
    with pytest.raises(ContractError, match=r"(?s)broken\.odcs\.yaml.*not_yaml\.odcs\.yaml"):
        maintain_lake(place, at=AT)
    kept = ["run=r80", "run=r9"]
    assert left(place) == {"broken": kept, "not_yaml": kept, "sound": ["run=r9"]}
    assert not work.exists(), "what comes after landing is done too"


def test_where_no_contract_is_found_nothing_landed_expires(place: Workplace) -> None:
    """SCHEMAS_DIR leads astray, say: a contract may keep its extracts for longer than the default."""
    land(place, "population", 100)
    with pytest.raises(ContractError, match="holds no contract"):
        maintain_lake(place, at=AT)
    assert left(place) == {"population": ["run=r100"]}


def test_what_falls_out_of_a_log_with_time_breaks_no_verification(place: Workplace) -> None:
    """Delta itself cleans the log of `audit/runs`, at a checkpoint; what was appended stays and is vouched for."""
    put_contract(place, "r", CONTRACT)
    runs = Path(place.lake.audit_table("runs"))

    def append(first: int, last: int) -> None:
        for number in range(first, last):
            facts = {"run_id": f"r{number}", "registry": "r", "table": "t", "verdict": "published"}
            log_tables.append_run(place.lake, facts)
            record_commits(place, ["audit/runs"])

    append(0, 1)
    place.lake.table("audit/runs").alter.set_table_properties({"delta.checkpointInterval": "10"})
    append(1, 15)
    for path in runs.rglob("*.*"):
        os.utime(path, (0, 0))
    append(15, 35)
    maintain_lake(place, at=AT)
    assert not (runs / "_delta_log" / f"{0:020d}.json").exists()
    found = verify(place.lake, with_files=True, now=datetime.now(UTC) + RETENTION)
    assert found.ok, found.why
    assert found.commits_past_checking > 0
    assert log_tables.read(place.lake, "runs").num_rows == 35
