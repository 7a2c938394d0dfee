"""Linking a simulated country: our steps beside raw Splink's predict and cluster, on the same pairs.

    python -m benchmarks.linking --persons 280000           # about a million records

A country is simulated and published to a lake; prepared records and candidate pairs are made of it once. Then, each in
a process of its own: our whole way (prepare, block, compare, weigh, decide, cluster, ids, golden), and Splink 5 with
the same settings, which is given the prepared records as its table and the pairs as its blocked pairs, so that it
neither prepares nor blocks. Both have DuckDB with the same memory limit and threads. What counts are the ratios and
the peak memory: seconds differ from machine to machine.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.running import VAR, Figures, Way, median, run

OURS, SPLINK, WHOLE = "Liên Thông", "Splink", "lienthong link"
_WAYS = {
    OURS: Way(OURS, "benchmarks.linked:ours"),
    SPLINK: Way(SPLINK, "benchmarks.linked:splink"),
    WHOLE: Way(WHOLE, "benchmarks.linked:whole"),
}
# What Splink does of our steps: it is given its table and its pairs, and makes no golden records.
_SAME_WORK = ("compare", "weigh", "decide", "cluster", "ids")
_MADE_READY = ("prepare", "block")


def main() -> None:
    """Simulate, run every way as often as asked, print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.linking", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--persons", type=int, default=280_000, help="of the country; 3.6 records each (280,000)")
    parser.add_argument("--rounds", type=int, default=1, help="how often, in turn; medians are told (1)")
    parser.add_argument("--only", nargs="+", choices=list(_WAYS), default=list(_WAYS), metavar="WAY",
                        help=f"ways to run: {', '.join(_WAYS)}")  # fmt: skip
    given = parser.parse_args()
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR, prefix="linking-") as name:
        folder = Path(name)
        made = run(Way(f"a country of {given.persons:,}", "benchmarks.linked:country"), folder, persons=given.persons)
        ready = run(Way("prepared records and pairs", "benchmarks.linked:blocked"), folder)
        turns = [{way: run(_WAYS[way], folder) for way in given.only if way != WHOLE} for _ in range(given.rounds)]
        ways = {way: _middle([turn[way] for turn in turns]) for way in turns[0]}
        if WHOLE in given.only:
            ways[WHOLE] = run(_WAYS[WHOLE], folder)
    print(f"{made['records']:,} records, {ready['pairs']:,} pairs, {given.persons:,} persons")
    print("\n".join(_told(ways)))


def _middle(turns: list[Figures]) -> Figures:
    return median(turns) | {"steps": median([turn["steps"] for turn in turns])}


def _told(ways: dict[str, Figures]) -> list[str]:
    lines = []
    for way, figures in ways.items():
        lines += [f"{way:28}{figures['seconds']:>10.1f} s{figures['peak_mib']:>10,.0f} MiB"]
        lines += [f"  {step:26}{seconds:>10.1f} s" for step, seconds in figures.get("steps", {}).items()]
    if {OURS, SPLINK} <= ways.keys():
        steps, splink = ways[OURS]["steps"], ways[SPLINK]["seconds"]
        same = sum(steps[step] for step in _SAME_WORK)
        ready = sum(steps[step] for step in _MADE_READY)
        lines += [
            f"scoring, clustering and ids: {same / splink:.2f} x Splink",
            f"with prepare and block:      {(same + ready) / splink:.2f} x Splink",
        ]
    return lines


if __name__ == "__main__":
    main()
