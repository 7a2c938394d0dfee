"""Which engine judges the rows of a table: ENGINE before the contract, of `auto` the rows that were read decide."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from importlib.machinery import ModuleSpec

import pytest

from include.cluster import Spark
from include.contracts.model import Engine, Table
from include.contracts.reading.load import load_contract
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.engine_choice import check_engines, engine_for
from include.pipelines.errors import Misuse
from tests.unit.identity.linked import SCHEMAS

MASTER = {"SPARK_MASTER": "spark://host:7077"}
MANY, FEW = 50_000_000, 49_999_999


@pytest.fixture(autouse=True)
def is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None))


@pytest.fixture(scope="module")
def citizen() -> Table:
    return load_contract(SCHEMAS / "registries" / "population.odcs.yaml").tables[0]


def context_of(environ: dict[str, str]) -> PipelineContext:
    return PipelineContext(Lake("/nowhere"), SCHEMAS, environ)


@pytest.mark.parametrize(
    ("environ", "stated", "rows", "why"),
    [
        ({}, None, MANY, "duckdb: ENGINE does not ask for another"),
        (MASTER, "duckdb", MANY, "duckdb: the contract asks for it"),
        ({"ENGINE": "duckdb", **MASTER}, "spark", MANY, "duckdb: ENGINE asks for it"),
        (MASTER, "spark", 1, "spark: the contract asks for it"),
        ({"ENGINE": "spark", **MASTER}, "duckdb", 1, "spark: ENGINE asks for it"),
        ({"ENGINE": "spark", **MASTER}, None, 0, "duckdb: no row was read, so there is nothing to distribute"),
        (MASTER, "auto", MANY, "spark: at least 50,000,000 rows were read"),
        (MASTER, "auto", FEW, "duckdb: fewer than 50,000,000 rows were read"),
        ({}, "auto", MANY, "duckdb: no cluster is given (SPARK_MASTER)"),
        ({"ENGINE": "auto", "SPARK_FROM_ROWS": "7", **MASTER}, None, 7, "spark: at least 7 rows were read"),
        ({"ENGINE": "auto", "SPARK_FROM_ROWS": "8", **MASTER}, "spark", 7, "duckdb: fewer than 8 rows were read"),
    ],
)
def test_the_engine_and_why(
    environ: dict[str, str], stated: Engine | None, rows: int, why: str, citizen: Table
) -> None:
    spark, told = engine_for(context_of(environ), replace(citizen, engine=stated), rows)
    assert told.removesuffix(" (SPARK_FROM_ROWS)") == why
    assert (spark == Spark("spark://host:7077")) is why.startswith("spark")
    assert (spark is None) is why.startswith("duckdb")


@pytest.mark.parametrize(
    ("environ", "stated", "remedy"),
    [
        ({"ENGINE": "atuo"}, None, "did you mean `auto`"),
        ({}, "spark", "engine spark needs SPARK_MASTER"),
        ({"SPARK_FROM_ROWS": "many", **MASTER}, "auto", "SPARK_FROM_ROWS=many is no number of rows: write 50000000"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_read(
    environ: dict[str, str], stated: Engine | None, remedy: str, citizen: Table
) -> None:
    with pytest.raises(Misuse, match=remedy):
        check_engines(context_of(environ), [citizen, replace(citizen, engine=stated)])


def test_the_engine_is_no_part_of_what_rows_become(citizen: Table) -> None:
    context = context_of({})
    assert context.definition_digest(replace(citizen, engine="auto")) == context.definition_digest(citizen)
