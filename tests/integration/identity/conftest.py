"""A small country that was linked once, and copies of it to go on from."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Airflow reads its settings when it is first imported.
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "lienthong-airflow-tests"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from fastapi.testclient import TestClient

from include.lake.people.index import people_table
from include.lake.people.tables import LINKS
from include.pipelines.people.linkage_model import train_step
from include.pipelines.people.linking import link_persons
from include.pipelines.reporting.pages import QualityPages
from tests.integration.identity.registers import Country, country

FIRST = "20260101T020000Z-00000001"


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """A country that was linked once."""
    made = country(tmp_path_factory.mktemp("first"), persons=150)
    train_step(seed=1, context=made.context)
    assert link_persons(FIRST, context=made.context).verdict == "published"
    return made


@pytest.fixture
def nation(linked: Country, tmp_path: Path) -> Country:
    """The same in a folder of its own."""
    return copy(linked, tmp_path / "own")


def copy(nation: Country, folder: Path) -> Country:
    shutil.copytree(nation.context.schemas.parent, folder)
    environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
    context = type(nation.context)(nation.context.lake.from_environment(environ), folder / "schemas", environ)
    return Country(context, dict(nation.citizens), dict(nation.members))


@dataclass(frozen=True)
class Role:
    """A visitor; `reads` are the registries whose values they may read."""

    name: str
    reads: tuple[str, ...] = ()
    sees: tuple[str, ...] = ("population", "insurance")

    def may_see(self, registry: str) -> bool:
        return registry in self.sees

    def may_read_values(self, contract, server="") -> bool:
        return contract.registry in self.reads


@pytest.fixture
def pair(nation: Country) -> tuple[str, str]:
    """A citizen and a stranger's membership, that the model was not sure of."""
    citizens = sorted(nation.citizens.values(), key=lambda row: row.person)
    member = next(row for row in nation.members.values() if row.person > citizens[0].person)
    ends = (f'insurance.member:["{member.number}"]', f'population.citizen:["{citizens[0].number}"]')
    names = ("left_id", "right_id", "pass", "weight", "probability", "decision", "why", "holds")
    row = dict(zip(names, (*ends, "model", 4.0, 0.7, "review", "", False), strict=True))
    uri = people_table(nation.context.lake, "links")
    write_deltalake(uri, pa.Table.from_pylist([row], LINKS), mode="append")
    return ends


@pytest.fixture
def browse(nation: Country) -> Callable[..., TestClient]:
    from plugins.pages.access import signed_in
    from plugins.pages.app import pages_app

    def browse(**role) -> TestClient:
        app = pages_app(QualityPages(nation.context))
        app.dependency_overrides[signed_in] = lambda: Role(**{"name": "lan", **role})
        return TestClient(app, headers={"accept-language": "en"}, follow_redirects=False)

    return browse


@pytest.fixture
def reviews(nation: Country) -> Callable[[], list[dict[str, Any]]]:
    """What was decided in the nation, the oldest first."""

    def reviews() -> list[dict[str, Any]]:
        lake, uri = nation.context.lake, people_table(nation.context.lake, "reviews")
        rows = lake.table(uri).to_pyarrow_table().to_pylist() if lake.is_table(uri) else []
        return sorted(rows, key=lambda row: row["at"])

    return reviews
