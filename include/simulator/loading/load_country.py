"""Loading the simulated country into source systems: the URI decides which kind of system a registry lives in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from include.simulator.finance_delivery import write_drop
from include.simulator.loading.mariadb import load_mariadb
from include.simulator.loading.postgres import load_postgres
from include.simulator.loading.sqlite import load_sqlite
from include.simulator.staging import SOURCES, SYSTEM_SERVERS, Country

_LAND_OF = "AIRFLOW_CONN_LAND_"
Loader = Callable[[Country, str, str], dict[str, int]]


class UnknownTarget(Exception):
    """The URI names a kind of system the simulator cannot fill."""


def drop_folder(uri: str) -> Path:
    """The folder of `file:///absolute/folder`."""
    return Path(unquote(urlsplit(uri).path))


def _load_drop(country: Country, registry: str, uri: str) -> dict[str, int]:
    if registry != "finance":
        raise UnknownTarget(f"{registry} is no file drop: give a postgresql://, sqlite:// or mysql:// URI")
    write_drop(country, drop_folder(uri))
    return {name.partition(".")[2]: rows for name, rows in country.rows.items() if name.startswith("finance.")}


LOADERS: dict[str, Loader] = {
    "postgresql": load_postgres,
    "postgres": load_postgres,
    "sqlite": load_sqlite,
    "mysql": load_mariadb,
    "mariadb": load_mariadb,
    "file": _load_drop,
}


def load_registry(country: Country, registry: str, uri: str) -> dict[str, int]:
    """Fills one registry, replacing what an earlier country left in the same tables or files.

    Returns rows by published table name.

    Raises:
        UnknownTarget: no loader for the URI's scheme, or finance anywhere but in a folder.
    """
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme not in LOADERS or (registry == "finance") != (scheme == "file"):
        raise UnknownTarget(
            f"{registry} cannot be loaded into a {scheme or 'schemeless'} URI: finance takes file:///folder, the "
            "others postgresql://, sqlite:/// or mysql://"
        )
    return LOADERS[scheme](country, registry, uri)


def source_uris(environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """Where each registry is loaded: `AIRFLOW_CONN_<REGISTRY>`; insurance and finance have defaults under `root`.

    Land is loaded whole into `AIRFLOW_CONN_LAND`, or else province by province (`land-38`) into those of the provinces
    that have an `AIRFLOW_CONN_LAND_<PROVINCE>`.

    Raises:
        UnknownTarget: population or land without a connection.
    """
    defaults = {
        "insurance": f"sqlite:///{(root / 'insurance.sqlite').resolve()}",
        "finance": (root / "drops" / "finance").resolve().as_uri(),
    }
    uris: dict[str, str] = {}
    for registry in SOURCES:
        uri = environ.get(f"AIRFLOW_CONN_{registry.upper()}", defaults.get(registry))
        if registry == "land" and not uri and (provinces := _provinces(environ)):
            uris |= provinces
            continue
        if not uri:
            raise UnknownTarget(
                f"set AIRFLOW_CONN_{registry.upper()} to the PostgreSQL database to fill, e.g. "
                f"postgresql://user@localhost/{registry}"
            )
        uris[registry] = uri
    return uris


def system_uris(environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """Where each server of the other systems is loaded: `AIRFLOW_CONN_<SERVER>`, or a SQLite file under `root`."""
    uris = {}
    for server in SYSTEM_SERVERS:
        variable = f"AIRFLOW_CONN_{server.upper().replace('-', '_')}"
        uris[server] = environ.get(variable) or f"sqlite:///{(root / f'{server}.sqlite').resolve()}"
    return uris


def _provinces(environ: Mapping[str, str]) -> dict[str, str]:
    found = sorted((name.removeprefix(_LAND_OF), uri) for name, uri in environ.items() if name.startswith(_LAND_OF))
    return {f"land-{province}": uri for province, uri in found if province.isdigit()}
