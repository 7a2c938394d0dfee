"""A small country that was linked once, and copies of it to go on from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from include.pipelines.link import link_persons
from include.pipelines.persons import train_step
from tests.integration.identity.registers import Country, country

FIRST = "20260101T020000Z-00000001"


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """A country that was linked once."""
    made = country(tmp_path_factory.mktemp("first"), persons=150)
    train_step(seed=1, workplace=made.place)
    assert link_persons(FIRST, workplace=made.place)["verdict"] == "published"
    return made


@pytest.fixture
def nation(linked: Country, tmp_path: Path) -> Country:
    """The same in a folder of its own."""
    return copy(linked, tmp_path / "own")


def copy(nation: Country, folder: Path) -> Country:
    shutil.copytree(nation.place.schemas.parent, folder)
    environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
    place = type(nation.place)(nation.place.lake.from_environment(environ), folder / "schemas", environ)
    return Country(place, dict(nation.citizens), dict(nation.members))
