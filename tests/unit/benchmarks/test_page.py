"""The page of figures: every ratio in it comes from the results, and the lines that people grep for stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.parts import FLOOR, OURS
from benchmarks.running import median


def figures(seconds: float, **more: Any) -> dict[str, Any]:
    return {"seconds": seconds, "peak_mib": 512.0, "rows": 1000, **more}


RESULTS = {
    "machine": {"memory": "24 GiB"},
    "versions": {"both": {"Python": "3.11.7"}, OURS: {"duckdb": "1.5.5"}},
    "parts": {
        "sync": {
            "rows": 1000, "rounds": 3, "at": "2026-01-31",
            "cases": {"": {
                FLOOR: {"seconds": 2.0, "peak_mib": 9.0},
                OURS: figures(4.0, extract=1.0),
                "pandas + Great Expectations": figures(12.0, extract=5.0),
            }},
        },
        "growth": {
            "rows": 1000, "rounds": 1, "at": "2026-01-31",
            "cases": {f"{n:,} rows": {FLOOR: {"seconds": 1.0, "peak_mib": 9.0}, OURS: figures(n / 500)}
                      for n in (200, 1000, 4000)},
        },
        "incremental": {
            "rows": 1000, "rounds": 1, "at": "2026-01-31",
            "cases": {"full": {OURS: figures(8.0, changed=4000, mode="full")},
                      "1 % changed": {OURS: figures(2.0, changed=40, mode="incremental")}},
        },
    },
}  # fmt: skip


def test_the_page_holds_a_table_and_a_plot_for_every_part_that_has_figures(tmp_path: Path) -> None:
    page.write(tmp_path, RESULTS)
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| Liên Thông | 4.0 | 512 | 2.00 | 1.00 |" in text
    assert "| pandas + Great Expectations | 12.0 | 512 | 6.00 | 3.00 |" in text
    assert "| psql COPY BINARY > /dev/null | 2.0 | - | 1.00 | 0.50 |" in text
    assert "| 4,000 rows | Liên Thông | 8.0 | 512 | 8.00 |" in text
    assert "| 1 % changed | incremental | 1,000 | 40 | 2.0 | 512 | 25 % |" in text
    assert "A table of 4,000 rows" in text
    assert "| versions, Liên Thông | duckdb 1.5.5 |" in text
    assert "## Extraction" not in text
    plots = {path.name for path in tmp_path.glob("*.svg")}
    assert plots == {"benchmarks-sync.svg", "benchmarks-growth.svg", "benchmarks-incremental.svg"}
    assert all(f"]({name})" in text for name in plots)


def test_the_summary_of_a_sync_is_held_against_pandas() -> None:
    text = page.summary("sync", RESULTS["parts"]["sync"])
    lines = {line.split(",")[0]: line.split()[-3:] for line in text.splitlines() if line[:1].islower()}
    assert lines == {
        "extract": ["1.0", "5.0", "5.0x"],
        "whole sync": ["4.0", "12.0", "3.0x"],
        "peak memory": ["512.0", "512.0", "1.0x"],
    }


def test_a_median_of_runs() -> None:
    runs = [{"seconds": seconds, "mode": "full"} for seconds in (3.0, 1.0, 2.0)]
    assert median(runs) == {"seconds": 2.0, "mode": "full"}
