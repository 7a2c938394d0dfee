"""Simulation of a country from a seed: staging tables, truth and file deliveries."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from include.simulator.dirt import DirtRates, SystemRates
from include.simulator.other_registries import (
    build_business,
    build_documents,
    build_dossiers,
    build_procedures,
    build_programme,
)
from include.simulator.registries import build_finance, build_insurance, build_land, build_population
from include.simulator.society import Society, found_society
from include.simulator.staging import Country, TruthWriter

AS_OF = date(2026, 9, 30)  # the day the registries were read: nothing in them is younger
REFERENCE = Path(__file__).parents[2] / "schemas" / "reference"

Progress = Callable[[str], None]


def simulate(
    *,
    persons: int,
    seed: int,
    out: Path,
    rates: DirtRates | None = None,
    systems: SystemRates | None = None,
    progress: Progress = lambda step: None,
) -> Country:
    """Builds the country under `out`; whatever an earlier country left there is replaced.

    Same arguments, same bytes. `progress` is told the name of each step before it begins. With `systems`, business,
    procedures, dossiers, documents and the programme are built too, with faults at those rates; the four registries are
    the same with and without.

    Raises:
        ValueError: fewer than 100 persons, who cannot make four generations.
        ReferenceMissing: the code lists are not in schemas/reference.
    """
    if persons < 100:
        raise ValueError(f"a country needs at least 100 persons, not {persons}")
    rates = rates or DirtRates()
    for old in ("staging", "drops", "truth"):
        shutil.rmtree(out / old, ignore_errors=True)
    (out / "country.json").unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    with TruthWriter(out) as writer:
        progress("families")
        society = found_society(persons=persons, seed=seed, as_of=AS_OF, reference=REFERENCE)
        pq.write_table(society.truth(), writer.root / "truth" / "persons.parquet", compression="zstd")
        for name, build in STEPS:
            progress(name)
            build(society, rates, writer)
        if systems:
            for name, build_system in SYSTEM_STEPS:
                progress(name)
                build_system(society, systems, writer)
        rows = dict(writer.rows)
    country = Country(root=out, persons=persons, seed=seed, as_of=AS_OF.isoformat(), rows=rows)
    country.save()
    return country


STEPS: tuple[tuple[str, Callable[[Society, DirtRates, TruthWriter], None]], ...] = (
    ("population", build_population),
    ("land", build_land),
    ("insurance", build_insurance),
    ("finance", build_finance),
)

SYSTEM_STEPS: tuple[tuple[str, Callable[[Society, SystemRates, TruthWriter], None]], ...] = (
    ("business", build_business),
    ("procedures", build_procedures),
    ("dossiers", build_dossiers),
    ("documents", build_documents),
    ("programme", build_programme),
)
