"""The ways of `benchmarks.linking`: a country in a lake, our steps, raw Splink, and the whole of `lienthong link`.

All work in the one folder of the benchmark. Each returns its seconds; `benchmarks.way` adds the peak memory.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from include.contracts.model import Table
from include.embedded.site import REPOSITORY
from include.identity.linkage_model import Model, load_model
from include.identity.persons import assign, cluster, load_golden, survive
from include.identity.records import block, collect, linked_tables, prepare
from include.identity.scoring import MEMORY_LIMIT, score
from include.lake.publishing import publish
from include.lake.storage import Lake
from include.pipelines import PipelineContext
from include.pipelines.people import link_persons
from include.quality.split import conform_and_split
from include.simulator import simulate

SCHEMAS = REPOSITORY / "schemas"
SEED = 2025


def country(folder: str, persons: int) -> dict[str, Any]:
    """Simulate; conform and split what the sources hold, without the sources; publish what is accepted."""
    started, context = time.perf_counter(), _place(folder)
    made = simulate(persons=persons, seed=SEED, out=Path(folder) / "country")
    for linked in linked_tables(context.contracts.values()):
        _publish(context.lake, linked.table, str(made.staged(linked.table.registry, linked.table.name)))
    shutil.rmtree(made.root)
    records = collect(context.lake, context.contracts.values(), SCHEMAS, _records(context.lake))
    return {"seconds": time.perf_counter() - started, "records": records}


def blocked(folder: str) -> dict[str, Any]:
    """What both are given: the prepared records and the candidate pairs, as Parquet."""
    started, lake = time.perf_counter(), _place(folder).lake
    with lake.connect(memory_limit=MEMORY_LIMIT) as connection:
        made = prepare(connection, _records(lake))
        pairs = block(connection)
        for name in ("prepared", "pairs"):
            connection.execute(f"COPY {name} TO '{folder}/{name}.parquet' (FORMAT parquet)")
    model = _model()
    persons = model.persons(made)
    settings = Path(folder) / "settings.json"
    settings.write_text(json.dumps({"persons": persons, "settings": model.settings_for(persons)}))
    return {"seconds": time.perf_counter() - started, "pairs": pairs, "records": made.records}


def ours(folder: str) -> dict[str, Any]:
    """Records to pairs, edges, clusters, ids and golden records; the seconds of every step."""
    lake, clock = _place(folder).lake, _Clock()
    out = f"{folder}/ours"
    records = _records(lake)
    edges = score(lake, records, _model(), out=out)
    clock.steps.update(edges.seconds)
    with clock.step("cluster"):
        clusters = cluster(lake, edges.uri, records, out_uri=f"{out}/clusters.parquet")
    with clock.step("ids"):
        ids = assign(
            lake, clusters_uri=clusters.uri, records_uri=records, edges_uri=edges.uri, folder=out, run_id="bench",
            at=datetime.now(UTC),
        )  # fmt: skip
    with clock.step("golden"):
        rules = load_golden(SCHEMAS / "models" / "golden.yaml")
        survive(lake, rules, records_uri=records, index_uri=ids.index_uri, uri=f"{out}/golden.parquet")
    return clock.figures() | {"persons": ids.persons}


def splink(folder: str) -> dict[str, Any]:
    """Splink's predict and cluster on the same pairs, with the same model, engine, memory and threads.

    The prepared records are its input table; the candidate pairs are registered as its blocked pairs, so that it does
    no blocking of its own. Pairs are kept, and records clustered, from the weights on that we use.
    """
    import splink as library

    lake, clock = _place(folder).lake, _Clock()
    given = json.loads((Path(folder) / "settings.json").read_text())
    persons, model = given["persons"], _model()
    link_weight = math.log2(persons * model.link_at / (1 - model.link_at))
    with lake.connect(memory_limit=MEMORY_LIMIT) as connection:
        for name in ("prepared", "pairs"):
            connection.execute(f"CREATE TABLE {name} AS FROM '{folder}/{name}.parquet'")
        api = library.DuckDBAPI(connection)
        with clock.step("predict"):
            linker = library.Linker(api.register("prepared"), given["settings"], log_level=None)
            linker.table_management.register_blocked_pairs_for_predict(api.register("pairs"))
            scored = linker.inference.predict(threshold_match_weight=math.log2(persons) - 6, warning_mode="never")
        with clock.step("cluster"):
            clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
                scored, threshold_match_weight=link_weight
            )
        persons_found = _one(connection, f"SELECT count(DISTINCT cluster_id) FROM {clusters.physical_name}")
    return clock.figures() | {"persons": persons_found}


def whole(folder: str) -> dict[str, Any]:
    """`lienthong link`: the same, and reading the registries, accuracy, findings, the gate and the commits."""
    started = time.perf_counter()
    done = link_persons("20260101T020000Z-00000001", context=_place(folder))
    return {"seconds": time.perf_counter() - started, "persons": done.row.persons, "verdict": done.verdict}


class _Clock:
    def __init__(self) -> None:
        self.steps: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.steps[name] = time.perf_counter() - started

    def figures(self) -> dict[str, Any]:
        return {"seconds": sum(self.steps.values()), "steps": self.steps}


def _publish(lake: Lake, table: Table, extract_uri: str) -> None:
    run: dict[str, Any] = {"lake": lake, "run_id": "bench"}
    split = conform_and_split(table, extract_uri, **run, schemas_dir=SCHEMAS)
    publish(**run, table=table, at=datetime.now(UTC), staged=split.staged, metadata={})
    lake.delete_tree(lake.staging_path(table.registry, table.name, "bench"))


def _place(folder: str) -> PipelineContext:
    environ = {"LAKE_URI": f"{folder}/lake", "LIENTHONG_TMP": f"{folder}/tmp"}
    return PipelineContext(Lake.from_environment(environ), SCHEMAS, environ)


def _records(lake: Lake) -> str:
    return lake.path("staging", "bench", "records.parquet")


def _model() -> Model:
    return load_model(SCHEMAS / "models" / "person.json")


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
