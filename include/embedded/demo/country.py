"""Simulated country of the embedded stack: built once and loaded into its four source systems."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from include.console_words import local, number
from include.embedded import servers
from include.embedded.servers import REPOSITORY, Site, say

DATABASES = ("population", "land")
PERSONS, SEED = 2_000, 2025


def simulate_country(*, persons: int = PERSONS, seed: int = SEED, root: Path = REPOSITORY) -> int:
    """Build a country anew and load it into the source systems. Returns the exit status."""
    site = Site.at(root)
    ran_before = servers.is_up(site)
    start_sources(site)
    try:
        _build(site, persons, seed, say)
    finally:
        if not ran_before:
            servers.stop_postgres(site)
    return 0


def start_sources(site: Site) -> None:
    """Start the database server that holds population and land; the other two sources are files."""
    servers.start_postgres(site, *DATABASES)


def ensure_country(site: Site, *, persons: int = PERSONS, seed: int = SEED, phase: Callable[[str], None] = say) -> None:
    """Build the country and load it into the source systems, unless that was done before.

    A country of another size is replaced only if that size was asked for: `persons` is not the default.
    """
    marker = _marker(site)
    there = json.loads(marker.read_text())["persons"] if marker.exists() else None
    if there is None or persons not in (there, PERSONS):
        _build(site, persons, seed, phase)


def source_connections(site: Site) -> dict[str, str]:
    """AIRFLOW_CONN_* of the four simulated source systems."""
    folder = _folder(site)
    return {
        "AIRFLOW_CONN_POPULATION": servers.uri(site, "population"),
        "AIRFLOW_CONN_LAND": servers.uri(site, "land"),
        "AIRFLOW_CONN_INSURANCE": f"sqlite:///{quote(str(folder / 'insurance.sqlite'))}",
        "AIRFLOW_CONN_FINANCE": f"file://{quote(str(folder / 'drops' / 'finance'))}",
    }


def _build(site: Site, persons: int, seed: int, phase: Callable[[str], None]) -> None:
    from include.simulator import build_country

    phase(
        local(
            f"Mô phỏng một đất nước {number(persons)} dân và nạp các cơ sở dữ liệu",
            f"Simulating a country of {number(persons)} persons and loading its registries",
        )
    )
    _marker(site).unlink(missing_ok=True)
    # Never the connections of the environment: loading replaces what is there.
    rows = build_country(persons=persons, seed=seed, environ=source_connections(site), root=_folder(site))
    _marker(site).write_text(json.dumps({"persons": persons, "seed": seed, "rows": rows}))


def _folder(site: Site) -> Path:
    return site.folder("simulator")


def _marker(site: Site) -> Path:
    return _folder(site) / "loaded.json"
