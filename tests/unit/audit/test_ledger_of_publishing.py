"""What publishing and maintenance really commit is recorded, and verifies: merges, moves, new columns, compaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.audit.ledger import entries as ledger
from include.audit.verification.table_commits import record
from include.audit.verification.verify_lake import verify
from include.lake.delta.maintenance import find_tables, maintain_table
from include.lake.storage.lake import Lake
from tests.unit.lake.staging import PERSON, START, column, contract_table, run

SUBJECT = "registry/population/citizen"
WIDER = contract_table(column("personal_id", key=1), column("full_name"), column("age", "BIGINT"), column("sex"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


def put(lake: Lake) -> list[str]:
    """Record what is new; gives the operations recorded."""
    import json

    entries = record(lake, tables=[SUBJECT], at=START, actor="sync")
    return [json.loads(entry.payload)["operation"] for entry in entries]


def test_every_commit_of_publishing_is_recorded_and_verifies(lake: Lake) -> None:
    people = [(f"{n:04d}", f"Người {n}", n) for n in range(300)]
    run(lake, PERSON, 1, people)
    assert len(put(lake)) == 1
    run(lake, PERSON, 2, [*people[10:], ("9999", "Mới", 1)])
    run(lake, PERSON, 3, [(key, name, age + 1) for key, name, age in people], merge_rows=0)
    run(lake, PERSON, 4, [(key, name, age + 1) for key, name, age in people])  # nothing changes
    run(lake, WIDER, 5, [(key, name, age, "1") for key, name, age in people])  # a new column
    operations = put(lake)
    assert "MERGE" in operations
    assert len(operations) == lake.table(SUBJECT).version()
    found = verify(lake, with_files=True)
    assert found.ok, found.discrepancies
    assert found.commits == lake.table(SUBJECT).version() + 1
    assert found.files >= 1


def test_maintenance_of_all_tables_of_the_ledger_too_verifies(lake: Lake) -> None:
    for number in range(1, 7):
        run(lake, PERSON, number, [(f"{n:04d}", f"Người {n}", number) for n in range(50)])
        put(lake)
    for table in find_tables(lake):
        maintain_table(lake, table)
    put(lake)
    found = verify(lake, with_files=True)
    assert found.ok, found.discrepancies
    assert found.commits == lake.table(SUBJECT).version() + 1
    assert put(lake) == []


def test_no_name_is_in_the_ledger(lake: Lake) -> None:
    run(lake, PERSON, 1, [("001199000001", "Nguyễn Thị Ánh", 1)])
    put(lake)
    run(lake, PERSON, 2, [("001199000001", "Nguyễn Thị Anh", 2), ("001199000002", "Trần Văn Bình", 3)])
    put(lake)
    assert not any(value in repr(ledger.read(lake).to_pylist()) for value in ("Nguyễn", "Bình", "001199000001"))
    for file in Path(lake.path("audit")).rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        for value in ("Nguyễn", "Ánh", "Bình", "001199000001"):
            assert value.encode() not in content, file
