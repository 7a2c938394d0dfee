"""After a restore the open rejections are those of the restored version: as a table of runs and of what was open then.

Older tests restored over one rejection that one undone run had closed; none had an undone run reject the row again.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.lake.delta import version_history
from include.lake.delta.maintenance import maintain_table
from include.lake.rejected.backlog import open_counts
from include.lake.rejected.close import restore_rejected
from include.lake.storage.lake import Lake
from tests.unit.lake.rejecting import lives, run_name, sync
from tests.unit.lake.staging import PERSON, START

AN, BINH, NOBODY = ("a", "An", 1), ("b", "Bình", 2), (None, "?", 0)
STEPS = {"both": ([AN, BINH], [0, 1]), "keyless": ([AN, NOBODY], [1]), "none": ([AN, BINH], [])}
STEPS |= {"one": ([AN, BINH], [0]), "other": ([AN, BINH], [1]), "part": ([AN], [0]), "mended": ([AN], [])}


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def opened(lake: Lake) -> set[tuple[str, int]]:
    return {(run, row) for run, row, life, _ in lives(lake, PERSON) if life == "open"}


def run(lake: Lake, number: int, step: str | int) -> None:
    """Version `number`: a sync of that name, or a restore of that version."""
    if isinstance(step, str):
        rows, rejected = STEPS[step]
        mode = "incremental" if step in ("part", "mended") else "full"
        sync(lake, PERSON, number, rows, mode=mode, rejected=rejected)
        return
    at, name = START + timedelta(days=number), run_name(number)
    done = version_history.restore(lake, PERSON, version=step, run_id=name, at=at, metadata={})
    before = opened(lake)
    reopened = restore_rejected(lake, PERSON, run_id=name, at=at, undone=done.undone)
    assert reopened == len(opened(lake) - before)
    assert restore_rejected(lake, PERSON, run_id=name, at=at, undone=done.undone) == reopened


@pytest.mark.parametrize("steps", [
    ("one", "one", 0),  # the reported fault: one broken row, received again
    ("keyless", "keyless", 0),
    ("none", "one", 0),  # first rejected by what was undone
    ("both", "part", "mended", 0),
    ("one", "none", "other", 1),  # closed by a run that stands
    ("one", "none", 0, 1),  # the restore was a mistake: what it opened is closed again
], ids=str)  # fmt: skip
def test_open_is_what_was_open_then(lake, steps):
    open_at: list[set[tuple[str, int]]] = []
    for number, step in enumerate(steps):
        run(lake, number, step)
        if isinstance(step, int):
            assert opened(lake) == open_at[step]
            assert open_counts(lake, PERSON)[0] == len(open_at[step])
        open_at.append(opened(lake))


def test_it_is_told_by_who_closed_a_row_where_the_files_of_then_are_gone(lake):
    for number, step in enumerate(("both", "part")):
        run(lake, number, step)
    maintain_table(lake, "rejected/population/citizen", retention=timedelta(0))
    run(lake, 2, 0)
    assert opened(lake) == {("r0", 0), ("r0", 1)}
