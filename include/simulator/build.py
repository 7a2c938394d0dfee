"""Simulation of a country and loading into its source systems, as run by `lienthong simulate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from include.simulator.country import STEPS, SYSTEM_STEPS, simulate
from include.simulator.dirt import SystemRates
from include.simulator.land_provinces import divide_land
from include.simulator.loading import load_registry, source_uris, system_uris

# Called with the step that begins, the number done, and the total.
Report = Callable[[str, int, int], None]


def build_country(
    *,
    persons: int,
    seed: int,
    environ: Mapping[str, str],
    root: Path,
    systems: SystemRates | None = None,
    progress: Report = lambda step, done, total: None,
) -> dict[str, int]:
    """Simulates the country under `root` and loads it into the systems that `environ` names.

    With `systems`, the other systems too, with faults at those rates; where no connection is named, into SQLite files
    under `root`. `progress(step, done, total)` is called before each step. Returns source rows by `registry.table`.

    Raises:
        UnknownTarget: a registry has no connection, before anything is simulated.
    """
    uris = source_uris(environ, root) | (system_uris(environ, root) if systems else {})
    total, done = 1 + len(STEPS) + (len(SYSTEM_STEPS) if systems else 0) + len(uris), 0

    def step(name: str) -> None:
        nonlocal done
        progress(name, done, total)
        done += 1

    country = simulate(
        persons=persons, seed=seed, out=root, systems=systems, progress=lambda name: step(f"simulating {name}")
    )
    if provinces := [name.removeprefix("land-") for name in uris if name.startswith("land-")]:
        divide_land(country, provinces)
    for registry, uri in uris.items():
        step(f"loading {registry}")
        load_registry(country, registry, uri)
    progress("done", total, total)
    return country.rows
