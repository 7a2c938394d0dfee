"""The running Airflow, with the registries of all stories: a new contract would become a DAG only within a minute."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from include.embedded.servers.postgres import start_postgres, stop_postgres, uri
from include.embedded.site import Site
from tests.integration.airflow import decided_registries, everyday_registries, owed_reports
from tests.integration.airflow.house import House, checkout, running
from tests.integration.everyday.ledger_source import PaymentSource
from tests.integration.servers.provinces import Provinces


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    checkout(folder)
    return folder


@pytest.fixture(scope="session")
def payment_sources(root: Path) -> dict[str, PaymentSource]:
    return everyday_registries.furnish(root)


_RUNNING = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None]:
    """Stop Airflow after the last test of this folder: an idle one takes a third of a processor from all others."""
    yield
    if nextitem is None or not nextitem.path.is_relative_to(Path(__file__).parent):
        _RUNNING.close()


@pytest.fixture(scope="session")
def provinces(root: Path) -> Provinces:
    """A registry on five servers: the second has lost its tables, the fourth is not connected, the fifth is held."""
    land = Provinces.at(root, 5)
    land.put("land-05", [f"land-05/{number}" for number in range(11)], area="no number")
    (root / "away").mkdir()
    (root / "away" / "land-02").touch()  # a database without tables: no reason to try again
    land.down, land.unconnected, land.lake_uri = {"land-02"}, {"land-04"}, Site(root, root / "var").lake_uri
    return land


@pytest.fixture(scope="session")
def live(root: Path, payment_sources: dict[str, PaymentSource], provinces: Provinces, site: Site) -> Iterator[House]:
    connections = decided_registries.furnish(root) | owed_reports.furnish(root) | provinces.connections
    connections |= {f"AIRFLOW_CONN_{name.upper()}_DB": source.uri for name, source in payment_sources.items()}
    own = Site(root, root / "var")
    start_postgres(own)  # for its port: the source of one registry, that is down when its first sync begins
    connections["AIRFLOW_CONN_LOST"] = uri(own, "lost")
    stop_postgres(own)
    with _RUNNING:
        house = _RUNNING.enter_context(running(root, connections, site))
        decided_registries.begin_unanswered(house)
        yield house
