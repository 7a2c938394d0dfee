"""Whatever happened to a table before, `verify` names a live file that is gone, today and long after.

Older tests took files from tables whose every live file had been added once: none had been replaced and restored.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from include.audit.verification.table_commits import record
from include.audit.verification.verify_lake import verify
from include.lake.storage.lake import Lake
from tests.repeats import held_by

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
CITIZEN = "registry/population/citizen"
OWN = "property/test_live_files_gone.py::test_a_live_file_that_is_gone_is_named_at_any_later_time"


QUICK = (3, 5, 9)  # in each of which a table is replaced, restored, and written again or maintained


@pytest.mark.parametrize(
    "seed", [*QUICK, *(pytest.param(seed, marks=held_by(OWN)) for seed in range(12) if seed not in QUICK)]
)
def test_a_live_file_that_is_gone_is_named_at_any_later_time(tmp_path: Path, seed: int) -> None:
    chance, lake = random.Random(seed), Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    for number in range(chance.randint(4, 9)):
        done = CommitProperties(custom_metadata={"lienthong.run_id": f"r{number}"})
        step = chance.choice(["write", "replace", "restore", "maintain"]) if number > 1 else "write"
        if step == "restore":
            table = lake.table(CITIZEN)
            table.restore(chance.randrange(table.version()), commit_properties=done)
        elif step == "maintain":
            lake.table(CITIZEN).optimize.compact()
        else:
            rows = pa.table({"personal_id": [f"{number:012d}"]})
            mode = "append" if step == "write" else "overwrite"
            write_deltalake(lake.path(CITIZEN), rows, mode=mode, commit_properties=done)
        record(lake, tables=[CITIZEN], at=AT, actor="sync")
    for days in (0, 31):
        now = datetime.now(UTC) + timedelta(days=days)
        found = verify(lake, with_files=True, now=now)
        assert found.ok, found.why
        for file in map(Path, lake.table(CITIZEN).file_uris()):
            content = file.read_bytes()
            file.unlink()
            assert f"{file.name} of {CITIZEN} is gone" in verify(lake, with_files=True, now=now).why
            file.write_bytes(content)
