"""Find, compare and weigh the pairs on a Spark cluster, for more records than one machine can take.

The same pairs, levels and weights as DuckDB's: blocking and the levels are the same SQL, put into Spark's words by
sqlglot; the weights are Splink's own, by its Spark API. The two functions of likeness are DuckDB's, in the workers'
Python: those of Spark and of Splink's jar count characters and not bytes, and their Jaro-Winkler is another. Every pair
is compared: the levels of an earlier run serve DuckDB only.
"""

from __future__ import annotations

import copy
import logging
import shutil
import uuid
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from include.cluster import Spark, session
from include.identity import linkage_model
from include.identity.linkage_model import Settings
from include.identity.records import SIDES, steps
from include.lake.storage import lake_errors, literal

# What they return. Spark has a jaro_winkler_similarity of its own, which is another one, so they get another name.
_LIKENESS = {"damerau_levenshtein": "long", "jaro_winkler_similarity": "double"}
_RENAMED = {"hash": "xxhash64", "list_intersect": "array_intersect", **{name: f"duckdb_{name}" for name in _LIKENESS}}


def compare_on(where: Spark, connection: duckdb.DuckDBPyConnection, settings: Settings, *, folder: str) -> int:
    """Make the temporary tables `sides` and `compared` (with `match_weight`) from `prepared`; returns how many pairs.

    Args:
        where: the cluster.
        connection: holds `prepared`.
        settings: Splink's, as for DuckDB.
        folder: the run's own, where the cluster names none.

    Raises:
        ClusterUnreachable: no master answers, or no worker is free.
        ClusterUnusable: the workers lack Python packages or the folder, or fail.
    """
    shared = (where.folder or Path(folder)) / f"spark-{uuid.uuid4().hex}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE sides AS {SIDES}")
    try:
        with lake_errors("handing records to the Spark cluster"):
            shared.mkdir(parents=True)
            connection.execute(f"COPY prepared TO {literal(str(shared / 'prepared.parquet'))} (FORMAT parquet)")
        _predict(where, settings, shared)
        columns = ", ".join(f"CAST({level} AS TINYINT) AS {level}" for level in linkage_model.gammas(settings))
        with lake_errors("reading what the Spark cluster found"):
            connection.execute(
                f"""CREATE OR REPLACE TEMP TABLE compared AS
                SELECT unique_id_l AS join_key_l, unique_id_r AS join_key_r, {columns}, match_key, match_weight
                FROM read_parquet({literal(str(shared / "weighed" / "*.parquet"))}, hive_partitioning = false)"""
            )
    finally:
        with lake_errors("removing what the Spark cluster was given"):
            if shared.exists():
                shutil.rmtree(shared)
    counted = connection.execute("SELECT count(*) FROM compared").fetchone()
    return int(counted[0]) if counted else 0


def _predict(where: Spark, settings: Settings, shared: Path) -> None:
    """Write `weighed`, the levels and the weight of each pair, from `prepared.parquet`."""
    with session(where, doing="comparing records") as spark:
        from splink import Linker  # here, as they take seconds to import and pyspark may not be there
        from splink.backends.spark import SparkAPI

        for function, returns in _LIKENESS.items():
            spark.udf.register(_RENAMED[function], _of_duckdb(function, returns))
        spark.read.parquet(f"file://{shared}/prepared.parquet").createOrReplaceTempView("prepared")
        for name, query in steps().items():
            spark.sql(in_sparks_words(query)).createOrReplaceTempView(name)
        api = SparkAPI(  # type: ignore[no-untyped-call]
            spark_session=spark,
            break_lineage_method="persist",
            num_partitions_on_repartition=3 * spark.sparkContext.defaultParallelism,
            register_udfs_automatically=False,
        )
        linker = Linker(
            api.register("prepared"), cast("dict[str, Any]", settings_for_spark(settings)), log_level=logging.CRITICAL
        )
        linker.table_management.register_blocked_pairs_for_predict(api.register("pairs"))
        weighed = linker.inference.predict(warning_mode="never").as_spark_dataframe()
        kept = weighed.select(
            "unique_id_l", "unique_id_r", "match_key", "match_weight", *linkage_model.gammas(settings)
        )
        kept.write.parquet(f"file://{shared}/weighed")


def _of_duckdb(function: str, returns: str) -> Any:
    """A function of DuckDB on two columns, for Spark. It is sent to the workers, who need not know this module."""
    from pyspark.sql.functions import arrow_udf

    def batch(left: pa.Array, right: pa.Array) -> pa.Array:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.register("texts", pa.table({"l": left, "r": right}))
            found = connection.execute(f"SELECT {function}(l, r) AS likeness FROM texts").to_arrow_table()
        return found.column(0).combine_chunks()

    return arrow_udf(batch, returns)


def settings_for_spark(settings: Settings) -> Settings:
    """Splink's settings with the conditions of the levels in Spark's words."""
    made = copy.deepcopy(settings) | {"sql_dialect": "spark", "retain_matching_columns": True}
    for level in (level for comparison in made["comparisons"] for level in comparison["comparison_levels"]):
        if level["sql_condition"].strip().upper() != "ELSE":
            level["sql_condition"] = in_sparks_words(level["sql_condition"])
    return made


def in_sparks_words(sql: str) -> str:
    """DuckDB's SQL as Spark's."""
    return sqlglot.parse_one(sql, read="duckdb").transform(_in_sparks_words).sql("spark")


def _in_sparks_words(node: exp.Expression) -> exp.Expression:
    """What sqlglot leaves as it is, or gives a name that Spark does not know."""
    if isinstance(node, exp.Anonymous) and node.name.lower() in _RENAMED:
        node.set("this", _RENAMED[node.name.lower()])
    if isinstance(node, exp.ArrayOverlaps):
        return exp.Anonymous(this="arrays_overlap", expressions=[node.this, node.expression])
    if isinstance(node, exp.JarowinklerSimilarity):
        return exp.Anonymous(this=_RENAMED["jaro_winkler_similarity"], expressions=[node.this, node.expression])
    if isinstance(node, exp.Length) and isinstance(node.this, exp.Split | exp.Anonymous):
        return exp.Anonymous(this="size", expressions=[node.this.transform(_in_sparks_words)])
    return node
