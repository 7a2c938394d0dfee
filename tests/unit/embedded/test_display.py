"""What the person who waits sees on a terminal of 80 columns and 24 lines."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.live import Live

from include.embedded.demo.display import _Screen
from include.embedded.demo.watch import HELD, Snapshot

REGISTRIES = (
    "business",
    "documents",
    "dossiers",
    "finance",
    "insurance",
    "land",
    "population",
    "procedures",
    "programme",
)
TABLES = {f"{registry}.table{n}": "published" for registry in REGISTRIES for n in range(6)} | {
    "population.citizen": "extracting",
    "population.household_member": HELD,
}
RUNS = [("sync_land", "success"), ("link_people", "success"), ("report_quality", "success"), ("link_people", "running")]


@pytest.mark.parametrize(
    ("locale", "title", "stage", "state"),
    [
        ("C", "Syncing the registries  54/56 tables, 0 s", "waits for a steward", "running"),
        ("vi_VN", "Syncing the registries  54/56 bảng, 0 s", "chờ cán bộ quản trị dữ liệu", "đang chạy"),
    ],
)
def test_a_line_per_registry_says_how_far_it_is_and_who_is_needed_first(
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
    assert len(lines) == 1 + len(REGISTRIES) + 2 < console.height
    assert max(map(len, lines)) <= console.width
    told = {line.split()[0]: line.split(maxsplit=3)[2:] for line in lines[1 : 1 + len(REGISTRIES)]}
    assert told["land"] == ["6/6"]
    assert told["population"][0] == "6/8"
    assert told["population"][1].startswith(f"household_member {stage[:15]}")
    (linking,) = [line for line in lines if line.startswith("link_people")]
    assert linking.split(maxsplit=1)[1] == state
    assert not [line for line in lines if line.startswith("sync_")]
