"""Real servers, and a small simulated country in them, shared by the integration tests of a session."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from include.cluster import held_session
from include.embedded.demo.country import source_connections
from include.embedded.servers.postgres import start_postgres, uri
from include.embedded.site import Site
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.sync.registry_sync import sync_registry
from include.simulator.build import build_country
from tests.integration.lake.weed import S3, start_weed
from tests.integration.mariadb import MariaDb, start_mariadb
from tests.integration.sharing.recipients import identities_of_recipients
from tests.integration.standalone import standalone_cluster
from tests.machine import needed
from tests.once import once, shared_site
from tests.whole_land import schemas_with_whole_land

PERSONS, SEED = 2_000, 7
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class SyncedCountry:
    """The country, its lake after one sync of every registry, and what each sync said."""

    context: PipelineContext
    runs: dict[str, dict[str, Any]]
    truth: Path
    root: Path

    @property
    def tables(self) -> list[dict[str, Any]]:
        return [facts for run in self.runs.values() for facts in run["tables"]]

    def copied_to(self, folder: Path) -> SyncedCountry:
        """The same with a lake of one's own, that may be changed."""
        shutil.copytree(self.context.lake.uri, folder / "lake")
        environ = {**self.context.environ, "LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
        return replace(self, context=replace(self.context, lake=Lake.from_environment(environ), environ=environ))


@pytest.fixture(scope="session")
def site() -> Site:
    """The site of a real PostgreSQL, one for all processes of the run."""
    shared = shared_site("sources")
    once("postgres", lambda: start_postgres(shared, "population", "land"))
    return shared


@pytest.fixture
def database(site: Site) -> str:
    """The URI of an empty PostgreSQL database of this test's own."""
    name = f"test_{uuid.uuid4().hex}"
    start_postgres(site, name)
    return uri(site, name)


@pytest.fixture(scope="session")
def mariadb() -> MariaDb:
    """A real MariaDB, one for all processes of the run; skipped where the machine has none."""
    needed("MariaDB")
    return once("mariadb", lambda: start_mariadb(shared_site("mariadb")))


@pytest.fixture(scope="session")
def s3() -> S3:
    """A real S3 server, one for all processes of the run: ask for an `environ` with a prefix of the test's own."""
    return once("seaweedfs", lambda: start_weed(shared_site("seaweedfs"), identities_of_recipients()))


@pytest.fixture(scope="session")
def country(site: Site) -> SyncedCountry:
    """Two thousand persons in four source systems, synced once for all processes of the run; to be read only.

    The land of all provinces is in one database here: of the registry on many servers see tests/integration/servers.
    """
    root = site.folder("simulator")
    sources = {name: uri for name, uri in source_connections(site).items() if "_LAND_" not in name}
    sources["AIRFLOW_CONN_LAND"] = uri(site, "land")
    environ = sources | {"LAKE_URI": str(site.var / "lake"), "LIENTHONG_TMP": str(site.var / "tmp")}
    context = PipelineContext(Lake.from_environment(environ), schemas_with_whole_land(), environ)

    def sync() -> dict[str, dict[str, Any]]:
        build_country(persons=PERSONS, seed=SEED, environ=environ, root=root)
        return {
            registry: sync_registry(registry, run_id=f"20260101T0000{i:02}Z-00000000", context=context).to_dict()
            for i, registry in enumerate(context.contracts)
        }

    return SyncedCountry(context, once("country", sync), root / "truth", root)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Spark cluster of two workers."""
    needed("Spark")
    folder = tmp_path_factory.mktemp("spark")
    defaults = "spark.sql.shuffle.partitions 4\nspark.driver.memory 512m\nspark.executor.memory 512m\n"
    (folder / "spark-defaults.conf").write_text(defaults, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("SPARK_CONF_DIR", str(folder))
        with standalone_cluster(folder, workers=2) as address:
            yield address


@pytest.fixture(scope="module")
def one_session() -> Iterator[None]:
    """One session on the cluster for all tests of the module."""
    with held_session():
        yield


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
