"""One way of doing a piece of work, run in a process of its own so that its peak memory is its own.

    python -m benchmarks.way MODULE:FUNCTION < arguments.json

Called by `benchmarks.running`, with the interpreter of the environment the way belongs to: this file needs nothing
that is installed.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys


def main() -> None:
    """Call the function and print its figures, with the process's peak memory in MiB, as the last line."""
    module, _, name = sys.argv[1].partition(":")
    figures = getattr(importlib.import_module(module), name)(**json.load(sys.stdin))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({**figures, "peak_mib": peak / 1024}))


if __name__ == "__main__":
    main()
