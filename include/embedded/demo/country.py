"""Simulated country of the embedded stack: built once and loaded into its source systems."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from include.console_words import local, number
from include.embedded import servers
from include.embedded.servers import say
from include.embedded.site import REPOSITORY, Site, keep_connections

# The country of that size and seed lives in six provinces, from Hà Nội to Cần Thơ.
PERSONS, SEED = 2_000, 2028


def simulate_country(*, persons: int = PERSONS, seed: int = SEED, root: Path = REPOSITORY) -> int:
    """Build a country anew and load it into the source systems. Returns the exit status."""
    site = Site.at(root)
    ran_before = servers.is_up(site)
    start_sources(site)
    try:
        before = _there(site)
        _build(site, persons, seed, say)
        connections = _connections(site, persons, seed)
        keep_connections(site, connections)
    finally:
        if not ran_before:
            stop_sources(site)
    if before and ran_before and connections.keys() != _connections(site, *before).keys():
        say(
            local(
                "Đất nước mới ở các tỉnh khác: chạy make down rồi make up để Airflow kết nối với các tỉnh đó.",
                "The new country lies in other provinces: make down, then make up, and Airflow is connected to them.",
            )
        )
    return 0


def start_sources(site: Site) -> None:
    """Start the database servers that hold population and each province's land; all other sources are files.

    One province has its land in MariaDB, where the machine has one.
    """
    servers.start_postgres(site, "population")
    if servers.mariadb_program():
        servers.start_mariadb(site)


def stop_sources(site: Site) -> None:
    """Stop them, if they run."""
    servers.stop(site, [servers.MARIADB, servers.NAME])


def ensure_country(site: Site, *, persons: int = PERSONS, phase: Callable[[str], None] = say) -> None:
    """Build the country and load it into the source systems, unless that was done before.

    A country of another size is replaced only if that size was asked for: `persons` is not the default.
    """
    if _there(site) != (wanted := _wanted(site, persons)):
        _build(site, *wanted, phase)


def source_connections(site: Site, *, persons: int = PERSONS) -> dict[str, str]:
    """AIRFLOW_CONN_* of the simulated source systems that are there once the country is ensured.

    Land has one of each province in which somebody lives; the other provinces are not connected.
    """
    return _connections(site, *_wanted(site, persons))


def _connections(site: Site, persons: int, seed: int) -> dict[str, str]:
    from include.simulator import inhabited_provinces

    folder, provinces = _folder(site), inhabited_provinces(persons=persons, seed=seed)
    land = {code: servers.uri(site, f"land_{code}") for code in provinces}
    if servers.mariadb_program():
        last = max(provinces)
        land[last] = servers.mariadb_uri(site, f"land_{last}")
    return {
        "AIRFLOW_CONN_POPULATION": servers.uri(site, "population"),
        **{f"AIRFLOW_CONN_LAND_{code}": uri for code, uri in land.items()},
        "AIRFLOW_CONN_INSURANCE": f"sqlite:///{quote(str(folder / 'insurance.sqlite'))}",
        "AIRFLOW_CONN_FINANCE": f"file://{quote(str(folder / 'drops' / 'finance'))}",
        **{variable: f"sqlite:///{quote(str(file))}" for variable, file in _systems(site).items()},
    }


def _systems(site: Site) -> dict[str, Path]:
    """The SQLite file of each server of the other systems, by its variable."""
    from include.simulator import SYSTEM_SERVERS

    folder = _folder(site)
    return {f"AIRFLOW_CONN_{s.upper().replace('-', '_')}": folder / f"{s}.sqlite" for s in SYSTEM_SERVERS}


def _there(site: Site) -> tuple[int, int] | None:
    """Persons and seed of the country that is loaded; None if there is none.

    One that was loaded before MariaDB was installed or removed is none: a province of it lies elsewhere. Nor is one of
    a former release, without the other systems.
    """
    marker = _marker(site)
    if not marker.exists() or not all(file.exists() for file in _systems(site).values()):
        return None
    noted = json.loads(marker.read_text())
    if noted.get("mariadb", False) != bool(servers.mariadb_program()):
        return None
    return int(noted["persons"]), int(noted["seed"])


def _wanted(site: Site, persons: int) -> tuple[int, int]:
    """Persons and seed of the country to have: the one that is there, unless another size is asked for."""
    there = _there(site)
    return there if there and persons in (there[0], PERSONS) else (persons, SEED)


def _build(site: Site, persons: int, seed: int, phase: Callable[[str], None]) -> None:
    from include.simulator import SystemRates, build_country

    phase(
        local(
            f"Mô phỏng một đất nước {number(persons)} dân và nạp các cơ sở dữ liệu",
            f"Simulating a country of {number(persons)} persons and loading its registries",
        )
    )
    _marker(site).unlink(missing_ok=True)
    for file in _systems(site).values():
        file.unlink(missing_ok=True)
    # Never the connections of the environment: loading replaces what is there.
    environ = _connections(site, persons, seed)
    rows = build_country(persons=persons, seed=seed, environ=environ, root=_folder(site), systems=SystemRates())
    noted = {"persons": persons, "seed": seed, "rows": rows, "mariadb": bool(servers.mariadb_program())}
    _marker(site).write_text(json.dumps(noted))


def _folder(site: Site) -> Path:
    return site.folder("simulator")


def _marker(site: Site) -> Path:
    return _folder(site) / "loaded.json"
