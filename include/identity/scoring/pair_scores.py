"""Score every candidate pair of records, in order of certainty, with a model that was trained before."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field

import duckdb

from include.cluster import Spark
from include.identity import linkage_model
from include.identity.linkage_model import Model, ModelUnusable, Settings
from include.identity.records import block, prepare
from include.identity.scoring import pair_decisions
from include.identity.scoring.spark import compare_on
from include.lake.storage import Lake, literal, scan

MEMORY_LIMIT = "3GB"
_PARQUET = "FORMAT parquet, COMPRESSION zstd"


@dataclass(frozen=True, slots=True)
class Edges:
    """What scoring left: `uri` holds EDGES, `compared_uri` the levels of every pair for the next run (DuckDB's only).

    `model_uri`: EDGES as the model alone decides them, before people; the same file where people said nothing.

    `compared` pairs were compared now, `reused` of `pairs` were as the run before found them. `counts`: pairs by
    `pass` and `decision`. `seconds` by step.
    """

    uri: str
    model_uri: str
    compared_uri: str
    records: int
    persons: int
    pairs: int
    compared: int
    reused: int
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def score(
    lake: Lake,
    records_uri: str,
    model: Model,
    *,
    out: str,
    reviews_uri: str | None = None,
    previous: str | None = None,
    spark: Spark | None = None,
) -> Edges:
    """Find and weigh the pairs of records that may be one person.

    Two records' levels depend on them alone, so those of unchanged pairs are taken from the run before; what they weigh
    depends on how frequent names and places are now, so every pair is weighed. The result is that of a full run.

    Args:
        lake: where to, and whose engine.
        records_uri: RECORDS, as `collect` wrote them.
        model: never trained here.
        out: a folder inside the lake; the files of what is returned are written into it.
        reviews_uri: REVIEWS, decisions of people that stand above the model.
        previous: `compared_uri` of an earlier run, of any model; None to compare everything.
        spark: where the pairs are found, compared and weighed, every one of them; None for DuckDB, here.

    Raises:
        ModelUnusable: the records have roles that the model knows no comparison for.
        ClusterUnusable: the cluster cannot do its part.
    """
    clock = _Clock()
    lake.make_folder(out)
    edges_uri, compared_uri = f"{out}/edges.parquet", f"{out}/compared.parquet"
    with lake.connect(memory_limit=MEMORY_LIMIT) as connection:
        prepared = prepare(connection, records_uri)
        if not model.fits(prepared):
            raise ModelUnusable(
                f"the model `{model.name}` does not compare what these records hold "
                f"({', '.join(sorted(prepared.roles))}): train one with `lienthong link train`"
            )
        clock.lap("prepare")
        settings = model.settings_for(model.persons(prepared))
        if spark is not None:
            pairs = compared = compare_on(spark, connection, settings, folder=out)
        else:
            pairs = block(connection)
            clock.lap("block")
            compared = compare_pairs(connection, settings, previous, compared_uri)
        clock.lap("compare")
        pair_decisions.weigh(connection, model, prepared, is_weighed=spark is not None)
        clock.lap("weigh")
        pair_decisions.decide(connection, model, prepared)
        model_uri = edges_uri
        if reviews_uri is not None and _number(connection, f"SELECT count(*) FROM {scan(reviews_uri)}"):
            model_uri = f"{out}/model_edges.parquet"
            _save_edges(connection, model_uri)
            pair_decisions.review(connection, reviews_uri)
        _save_edges(connection, edges_uri)
        counts = pair_decisions.count_edges(connection)
        clock.lap("decide")
    return Edges(
        edges_uri, model_uri, compared_uri, prepared.records, model.persons(prepared), pairs, compared,
        pairs - compared, counts, clock.seconds,
    )  # fmt: skip


def compare_pairs(
    connection: duckdb.DuckDBPyConnection, settings: Settings, previous: str | None, compared_uri: str
) -> int:
    """Make `compared` from `pairs` and keep it at `compared_uri`; returns how many pairs were compared now.

    Levels are kept under a digest of what was compared of either record, and of how.
    """
    levels = linkage_model.gammas(settings)
    how = hashlib.sha256(json.dumps(linkage_model.conditions(settings)).encode()).hexdigest()
    columns = ", ".join(row[0] for row in connection.execute("DESCRIBE prepared").fetchall() if row[0] != "unique_id")
    # Who a record is and what it says, in 64 bits: numbers of records move, marks do not. A pair has two of them.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE marked AS SELECT unique_id, hash(row({columns})) AS mark FROM prepared"
    )
    known = previous is not None and _was_compared_so(connection, previous, how)
    if known:
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE known AS
            SELECT p.join_key_l, p.join_key_r, p.match_key, {", ".join(f"k.{level}" for level in levels)}
            FROM pairs AS p JOIN marked AS l ON l.unique_id = p.join_key_l
            JOIN marked AS r ON r.unique_id = p.join_key_r
            JOIN {scan(str(previous))} AS k ON k.mark_l = l.mark AND k.mark_r = r.mark"""
        )
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE fresh AS FROM pairs ANTI JOIN known USING (join_key_l, join_key_r)"
        )
    linkage_model.compare(connection, settings, pairs="fresh" if known else "pairs", into="compared")
    compared = _number(connection, "SELECT count(*) FROM compared")
    if known:
        connection.execute("INSERT INTO compared BY NAME SELECT * FROM known")
        connection.execute("DROP TABLE known; DROP TABLE fresh")
    connection.execute("DROP TABLE pairs")
    connection.execute(
        f"""COPY (SELECT l.mark AS mark_l, r.mark AS mark_r, {", ".join(levels)} FROM compared
        JOIN marked AS l ON l.unique_id = join_key_l JOIN marked AS r ON r.unique_id = join_key_r)
        TO {literal(compared_uri)} ({_PARQUET}, KV_METADATA {{compared_by: {literal(how)}}})"""
    )
    connection.execute("DROP TABLE marked")
    return compared


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _save_edges(connection: duckdb.DuckDBPyConnection, uri: str) -> None:
    connection.execute(f"COPY (SELECT * FROM edges ORDER BY left_id, right_id) TO {literal(uri)} ({_PARQUET})")


def _was_compared_so(connection: duckdb.DuckDBPyConnection, uri: str, how: str) -> bool:
    found = connection.execute(
        f"SELECT count(*) FROM parquet_kv_metadata({literal(uri)}) WHERE key = 'compared_by' AND decode(value) = $how",
        {"how": how},
    ).fetchone()
    return bool(found and found[0])


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, step: str) -> None:
        now = time.monotonic()
        self.seconds[step] = round(now - self._last, 3)
        self._last = now
