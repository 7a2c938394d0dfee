"""A sync of one server in a process of its own."""

from __future__ import annotations

from pathlib import Path

from include.pipelines.sync import sync_registry
from tests.forking import Forked
from tests.integration.servers.provinces import Provinces


def begin(land: Provinces, server: str, run_id: str) -> Forked:
    """Start it; `communicate` of what is given waits for its verdict."""
    return Forked(f"{__name__}:carry_out", str(land.folder), list(land.names), server, run_id)


def carry_out(folder: str, names: list[str], server: str, run_id: str) -> None:
    """What the process does."""
    context = Provinces(Path(folder), tuple(names)).context
    print(sync_registry("land", run_id=run_id, servers=[server], context=context).verdict, end="", flush=True)
