"""One small country for all tests of the simulator that only look."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.simulator import Country, DirtRates, simulate

PERSONS, SEED = 1_500, 11


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    return simulate(persons=PERSONS, seed=SEED, out=tmp_path_factory.mktemp("country"))


@pytest.fixture(scope="session")
def spotless(tmp_path_factory: pytest.TempPathFactory) -> Country:
    return simulate(persons=PERSONS, seed=SEED, out=tmp_path_factory.mktemp("spotless"), rates=DirtRates.none())


@pytest.fixture(scope="session")
def persons(country: Country) -> pa.Table:
    return pq.read_table(country.truth / "persons.parquet")


@pytest.fixture(scope="session")
def dirt(country: Country) -> pa.Table:
    return pq.read_table(country.truth / "dirt.parquet")
