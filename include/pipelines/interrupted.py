"""Find the run to go on with: the last one that landed a table and did not publish it."""

from __future__ import annotations

from include.pipelines.errors import Misuse
from include.pipelines.workplace import Workplace


def interrupted_run(place: Workplace, registry: str) -> str:
    """The newest run of a registry that was stopped, or held by its gate, between a table's extract and its commit.

    Raises:
        Misuse: every run has ended.
    """
    unfinished = {
        folder.rpartition("run=")[2]
        for table in place.contract(registry).tables
        for folder in place.lake.list(place.lake.path("landing", registry, table.name))[-1:]
        if place.lake.exists(f"{folder}/_extracted.json") and not place.lake.exists(f"{folder}/_published.json")
    }
    if not unfinished:
        raise Misuse(f"no run of {registry} was interrupted: begin a new one, without --resume")
    return max(unfinished)
