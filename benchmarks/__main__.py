"""Time and peak memory of Liên Thông and of what users would pick instead, doing the same work on the same rows.

Writes benchmarks.json, benchmarks.md and its plots into `--out`. Every way runs in a process of its own, in turn;
figures are medians over `--rounds`. What counts are the ratios in one run: seconds differ from machine to machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import page, parts, sources
from benchmarks.environment import machine, versions
from benchmarks.running import prepare_peers
from include.embedded.site import REPOSITORY


def main() -> None:
    """Run the parts asked for, and write what all parts have come to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="default: 5,000,000")
    parser.add_argument("--rounds", type=int, default=1, help="default: 1")
    parser.add_argument("--only", nargs="+", choices=parts.NAMES, default=parts.NAMES, metavar="PART",
                        help=f"parts to run: {', '.join(parts.NAMES)} (others keep their figures)")  # fmt: skip
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "reference", help="default: docs/reference")
    parser.add_argument("--page", action="store_true", help="run nothing; write the page anew from its JSON")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "benchmarks.json"
    results: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {"parts": {}}
    if not given.page:
        prepare_peers()
        for name, cases in _run(given.only, given.rows, given.rounds):
            about = {"rows": given.rows, "rounds": given.rounds, "at": f"{datetime.now(UTC):%F}"}
            results["parts"][name] = {**about, "cases": cases}
            results.update(machine=machine(), versions=versions())
            kept.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(page.summary(name, results["parts"][name]), flush=True)
    page.write(given.out, results)


def _run(names: Iterable[str], rows: int, rounds: int) -> Iterator[tuple[str, parts.Cases]]:
    with ExitStack() as stack:
        server = None
        for name in names:
            print(f"{name}:", flush=True)
            if name == "sources":
                yield name, parts.other_sources(rows, rounds)
                continue
            server = server or parts.Server(stack.enter_context(sources.postgres()))
            yield name, parts.ON_POSTGRES[name](server, rows, rounds)


if __name__ == "__main__":
    main()
