"""A sharing run killed at any instant leaves nothing wrong: run again, and all is as if nothing had happened.

The run is a process of its own that gets SIGKILL after a while that grows from try to try, over the length of a run.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from include.audit.ledger.record import Record
from include.audit.verification.table_commits import record
from include.audit.verification.verify_lake import verify
from include.contracts.reading.load import load_contracts
from include.lake.storage.lake import Lake
from include.sharing.agreements.loading import load_agreement
from include.sharing.products.keys import MasterKey
from include.sharing.products.share import share_agreement
from tests.forking import Forked
from tests.repeats import held_by, repeats

ROOT = Path(__file__).parents[2]
TRIES = repeats(2, 5)
OWN = "property/test_share_killed.py::test_killed_and_run_again"
NAME, SECRET = "Nguyễn Thị Ánh", "Trần Bí Mật"


def share(lake: Lake, run_id: str, year: int) -> None:
    """One run of sharing, to its end."""
    agreement = load_agreement(ROOT / "schemas/agreements/citizens_for_land.yaml")
    at, contracts = datetime(year, 3, 1, tzinfo=UTC), load_contracts(ROOT / "schemas")
    done = share_agreement(agreement, contracts, lake=lake, at=at, run_id=run_id, key=MasterKey(bytes(range(32))))
    tables = [result.subject for result in done.results]
    records = [Record(one.kind, one.subject, one.payload, on_change=True) for one in done.records]
    record(lake, records, tables=tables, at=at, actor="share")


def share_when_told(uri: str, run_id: str, year: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    share(Lake(uri, (), Path(uri).parent / "tmp"), run_id, year)


def start(lake: Lake, run_id: str, year: int) -> Forked:
    """A process that is about to share: its imports are done, it waits for a line."""
    process = Forked(f"{__name__}:share_when_told", lake.uri, run_id, year)
    assert process.stdout.readline() == "ready\n"
    return process


def seconds_to_share(lake: Lake, run_id: str, year: int) -> float:
    """Share undisturbed, in a process like those that will be killed."""
    process = start(lake, run_id, year)
    began = time.monotonic()
    process.communicate("go\n")
    assert process.wait() == 0
    return time.monotonic() - began


def share_and_be_killed(lake: Lake, run_id: str, year: int, after: float) -> None:
    process = start(lake, run_id, year)
    process.stdin.write("go\n")
    process.stdin.flush()
    time.sleep(after)
    process.kill()


def publish(lake: Lake, names: list[str], mode: str = "overwrite") -> None:
    rows = {
        "personal_id": [f"{number:012d}" for number in range(len(names))],
        "full_name": names,
    }
    write_deltalake(lake.registry_table("population", "citizen"), pa.table(rows), mode=mode)


def content(lake: Lake) -> list[tuple[str, str]]:
    table = pa.table(DeltaTable(f"{lake.uri}/shared/mae/citizen").to_pyarrow_table())
    return sorted((row["personal_id"], row["full_name"]) for row in table.to_pylist())


def everything_below(folder: Path) -> str:
    files = [pq.read_table(file).to_pylist() for file in folder.rglob("*.parquet") if "_delta_log" not in file.parts]
    return repr(files)


def make_anew(lake: Lake) -> None:
    """The table stands as another agreement left it."""
    table = pa.table({"full_name": [SECRET]})
    write_deltalake(lake.path("shared", "mae", "citizen"), table)


def change(lake: Lake) -> None:
    publish(lake, [f"Người {number}" for number in range(1, 3000)])


CASES: dict[str, tuple[Callable[[Lake], None], int]] = {
    "first publication": (lambda lake: None, 2026),
    "other terms": (make_anew, 2026),
    "a difference": (change, 2026),
    "the end": (lambda lake: None, 2030),
}


# Of what must be gone, another's rows or those whose time is over, something left behind would do harm.
QUICK = ("other terms", "the end")


@pytest.mark.parametrize(
    "case", [*QUICK, *(pytest.param(case, marks=held_by(OWN)) for case in CASES if case not in QUICK)]
)
def test_killed_and_run_again(tmp_path: Path, case: str) -> None:
    prepare, year = CASES[case]
    before = Lake(str(tmp_path / "before" / "lake"), (), tmp_path / "tmp")
    publish(before, [NAME, *(f"Người {number}" for number in range(3000))])
    if case in ("a difference", "the end"):
        share(before, "r1", 2026)
    prepare(before)

    def fresh(name: str) -> Lake:
        shutil.copytree(tmp_path / "before", tmp_path / name)
        return Lake(str(tmp_path / name / "lake"), (), tmp_path / "tmp")

    undisturbed = fresh("undisturbed")
    seconds = seconds_to_share(undisturbed, "r2", year)
    for number in range(TRIES):
        lake = fresh(str(number))
        share_and_be_killed(lake, "r2", year, after=seconds * (number + 1) / (TRIES + 1))
        share(lake, "r3", year)
        assert content(lake) == content(undisturbed)
        left = everything_below(Path(lake.uri, "shared"))
        assert SECRET not in left
        assert (NAME in left) == (case in ("first publication", "other terms", "a difference"))
        found = [d for d in verify(lake, with_files=True).discrepancies if not d.subject.startswith("registry/")]
        assert found == [], number
        shutil.rmtree(tmp_path / str(number))
