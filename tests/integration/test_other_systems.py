"""The other systems by contract alone: simulated, loaded into real sources and synced; the smaller ones from rows."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from include.contracts.model import Table
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.sync.registry_sync import sync_registry
from include.simulator import SystemRates, simulate
from include.simulator.loading import load_registry, system_uris
from include.simulator.staging import Country
from include.sources.landing import open_source
from tests.ascii_tables import SCHEMAS
from tests.repeats import held_by
from tests.unit.schemas import examples, system_examples

# Some tables of each; tests/unit/simulator/test_other_registries.py shows that every fault of all of them is found.
SYSTEMS = {
    "business": ("enterprise", "legal_representative"),
    "procedures": ("agency_service",),
    "dossiers": ("dossier@dossiers-38", "dossier@dossiers-central"),
    "documents": ("status_event",),
    "programme": ("task_agency",),
}
SMALLER = {
    "civil_status": "birth",
    "driving": "licence_class",
    "transport": "permit",
    "beneficiaries": "merit_person",
    "foreign_labour": "permit",
    "investment": "project",
}
ROWS = 40


def one_of(registries: Iterable[str], function: str) -> list[Any]:
    """The first; the others go the same way, and their rules are tried in tests/unit."""
    first, *others = registries
    mark = held_by(f"integration/test_other_systems.py::{function}")
    return [first, *(pytest.param(other, marks=mark) for other in others)]


def context_in(folder: Path, sources: dict[str, str]) -> PipelineContext:
    environ = {**sources, "LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
    return PipelineContext(Lake.from_environment(environ), SCHEMAS, environ)


def variable(server: str) -> str:
    return f"AIRFLOW_CONN_{server.upper().replace('-', '_')}"


def synced(
    context: PipelineContext, registry: str, tables: Sequence[str], *, second: int, verdict: str = "published"
) -> dict[str, dict[str, Any]]:
    run_id = f"20261001T0000{second:02}Z-00000000"
    result = sync_registry(registry, run_id=run_id, tables=tables, context=context).to_dict()
    assert {table["verdict"] for table in result["tables"]} == {verdict}, result
    return {table["table"]: table for table in result["tables"]}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Country, PipelineContext]:
    folder = tmp_path_factory.mktemp("systems")
    country = simulate(persons=800, seed=5, out=folder / "country", systems=SystemRates())
    uris = system_uris({}, folder)
    for server, uri in uris.items():
        load_registry(country, server, uri)
    return country, context_in(folder, {variable(server): uri for server, uri in uris.items()})


@pytest.mark.parametrize(
    "registry", one_of(SYSTEMS, "test_a_simulated_system_is_published_with_every_fault_and_only_those_rejected")
)
def test_a_simulated_system_is_published_with_every_fault_and_only_those_rejected(
    simulated: tuple[Country, PipelineContext], registry: str
) -> None:
    country, context = simulated
    truth = pq.read_table(country.truth / "dirt.parquet").to_pylist()
    for name, figures in synced(context, registry, SYSTEMS[registry], second=len(registry)).items():
        table, _, server = name.partition("@")
        staged = f"{server or registry}.{table}"
        if staged not in country.rows:
            continue
        told = Counter(
            row["outcome"]
            for row in truth
            if f"{row['registry']}.{row['table']}" == staged and (row["is_hard"] or row["outcome"] == "superseded")
        )
        expected = {"extracted": country.rows[staged], **{what: told[what] for what in ("rejected", "superseded")}}
        assert {what: figures[what] for what in expected} == expected, name


def test_lists_in_cells_are_rows_and_an_entry_that_left_its_list_leaves_the_lake(
    simulated: tuple[Country, PipelineContext],
) -> None:
    country, context = simulated
    listed = ("legal_representative",)
    contract, table = context.table("business", *listed)
    with open_source(contract, table, lake=context.lake, at=context.now(), environ=context.environ) as source:
        assert ("_position", "BIGINT") in source.landed_types()
    cells = pq.read_table(country.staged("business", "enterprise"))["LEGAL_NAMES"].to_pylist()
    entries = [entry for cell in cells for entry in cell.split(";") if entry.strip()]
    published = Path(context.lake.uri) / "registry" / "business" / "legal_representative"
    assert DeltaTable(published).to_pyarrow_table().num_rows == len(entries)
    synced(context, "business", listed, second=40, verdict="unchanged")
    first = next(cell for cell in cells if cell.count(";") == 1 and not cell.endswith(";"))
    with sqlite3.connect(country.root.parent / "business.sqlite") as source:
        source.execute("UPDATE doanh_nghiep SET LEGAL_NAMES = ? WHERE LEGAL_NAMES = ?", (first.split(";")[0], first))
    assert synced(context, "business", listed, second=41)["legal_representative"]["deleted"] == 1
    assert DeltaTable(published).to_pyarrow_table().num_rows == len(entries) - 1


def source_of(path: Path, table: Table) -> int:
    """Make a SQLite file of the table: sound rows and two that a rule rejects; how many of these."""
    name = table.qualified_name
    sound, keys = system_examples.SOUND[name], system_examples.KEYS[name]
    errors = {rule.rule_id.rpartition(".")[2] for rule in table.rules if rule.severity == "error"}
    broken = [change for rule, change in system_examples.BREAKS[name].items() if rule in errors]
    rows = [
        {**sound, **{k: v.format(n=n + 1, mst=examples.tax_code(n + 1)) for k, v in keys.items()}, **change}
        for n, change in enumerate([{}] * ROWS + broken[:2])
    ]
    with sqlite3.connect(path) as source:
        columns, marks = ", ".join(f'"{column}" TEXT' for column in sound), ", ".join("?" * len(sound))
        source.execute(f'CREATE TABLE "{table.source_name}" ({columns})')
        source.executemany(f'INSERT INTO "{table.source_name}" VALUES ({marks})', [[*row.values()] for row in rows])
    return len(broken[:2])


@pytest.mark.parametrize("registry", one_of(SMALLER, "test_the_smaller_systems_are_synced_by_their_contracts"))
def test_the_smaller_systems_are_synced_by_their_contracts(registry: str, tmp_path: Path) -> None:
    table = SMALLER[registry]
    context = context_in(tmp_path, {variable(registry): f"sqlite:///{tmp_path / registry}.sqlite"})
    rejected = source_of(tmp_path / f"{registry}.sqlite", context.table(registry, table)[1])
    figures = synced(context, registry, (table,), second=len(registry))[table]
    assert (figures["accepted"], figures["rejected"]) == (ROWS, rejected)
