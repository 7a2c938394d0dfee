"""Real servers, and a small simulated country in them, shared by the integration tests of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from include.embedded.country import source_connections
from include.embedded.servers.postgres import start_postgres, stop_postgres, uri
from include.embedded.site import Site
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.step_results import Facts
from include.pipelines.sync.registry_sync import sync_registry
from include.simulator.build import build_country
from tests.machine import needed

SCHEMAS = Path(__file__).parents[2] / "schemas"
PERSONS, SEED = 2_000, 7
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class SyncedCountry:
    """The country, its lake after one sync of every registry, and what each sync said."""

    context: PipelineContext
    runs: dict[str, Facts]
    truth: Path
    root: Path

    @property
    def tables(self) -> list[Facts]:
        return [facts for run in self.runs.values() for facts in run["tables"]]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A folder of its own with a real PostgreSQL in it; stopped at the end."""
    made = Site.at(tmp_path_factory.mktemp("site"))
    start_postgres(made, "population", "land")
    yield made
    stop_postgres(made)


@pytest.fixture
def database(site: Site, request: pytest.FixtureRequest) -> str:
    """The URI of an empty PostgreSQL database of this test's own."""
    name = f"test_{abs(hash(request.node.nodeid))}"
    start_postgres(site, name)
    return uri(site, name)


@pytest.fixture(scope="session")
def country(site: Site) -> SyncedCountry:
    """Two thousand persons in four source systems, synced once."""
    environ = source_connections(site)
    root = site.folder("simulator")
    build_country(persons=PERSONS, seed=SEED, environ=environ, root=root)
    environ |= {"LAKE_URI": str(site.var / "lake"), "LIENTHONG_TMP": str(site.var / "tmp")}
    context = PipelineContext(Lake.from_environment(environ), SCHEMAS, environ)
    runs = {
        registry: sync_registry(registry, run_id=f"20260101T0000{i:02}Z-00000000", context=context)
        for i, registry in enumerate(context.contracts)
    }
    return SyncedCountry(context, runs, root / "truth", root)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program. Asked for by session, so that no country is built for tests that are skipped without it."""
    return needed("Chromium")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield launched
        launched.close()
