"""What the person who waits sees on a terminal of 80 columns and 24 lines."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.live import Live

from include.embedded.demo.display import _Screen
from include.embedded.demo.watch import Snapshot

TABLES = {f"registry{n}.table": "published" for n in range(10)} | {"population.household_member": "assessing"}
RUNS = [("sync_land", "success"), ("link_people", "success"), ("report_quality", "success"), ("link_people", "running")]


@pytest.mark.parametrize(
    ("locale", "title", "stage", "state"),
    [
        ("C", "Syncing the registries  10/11 tables, 0 s", "assessing", "running"),
        ("vi_VN", "Syncing the registries  10/11 bảng, 0 s", "đang đánh giá", "đang chạy"),
    ],
)
def test_the_tables_stand_below_one_line_and_each_dag_once(
    monkeypatch: pytest.MonkeyPatch, locale: str, title: str, stage: str, state: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    console = Console(width=80, height=24, file=StringIO(), force_terminal=False)
    screen = _Screen(Live(console=console))
    screen.what = "Syncing the registries"
    screen.show(Snapshot(TABLES, RUNS))
    console.print(screen.live.get_renderable())
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines[0] == title
    assert len(lines) == 1 + len(TABLES) + 2
    (household,) = [line for line in lines if line.startswith("population.household_member")]
    assert stage in household
    (linking,) = [line for line in lines if line.startswith("link_people")]
    assert linking.split(maxsplit=1)[1] == state
    assert not [line for line in lines if line.startswith("sync_")]
