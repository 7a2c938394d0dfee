"""Find, compare and weigh the pairs on a Spark cluster, for more records than one machine can take.

The same pairs, levels and weights as DuckDB's: blocking and the levels are the same SQL, put into Spark's words by
sqlglot; the weights are Splink's own, by its Spark API. The two functions of likeness are DuckDB's, in the workers'
Python: those of Spark and of Splink's jar count characters and not bytes, and their Jaro-Winkler is another. Every pair
is compared: the levels of an earlier run serve DuckDB only.
"""

from __future__ import annotations

import copy
import logging
import os
import shutil
import socket
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from include.identity import linkage_model
from include.identity.records import SIDES, steps
from include.known_error import KnownError
from include.lake.storage import lake_errors, literal

PATIENCE_SECONDS = 60.0
# What they return. Spark has a jaro_winkler_similarity of its own, which is another one, so they get another name.
_LIKENESS = {"damerau_levenshtein": "long", "jaro_winkler_similarity": "double"}
_RENAMED = {"hash": "xxhash64", "list_intersect": "array_intersect", **{name: f"duckdb_{name}" for name in _LIKENESS}}
# Spark quotes values in its messages and logs, so it is told to be silent; other settings are in spark-defaults.conf.
_QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "OFF"}
_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_REMEDIES = {
    ("JAVA_GATEWAY_EXITED",): "Spark needs Java 17 or newer on this machine too: install it, or set JAVA_HOME",
    ("ModuleNotFoundError", "PYTHON_VERSION_MISMATCH", "Cannot run program"): (
        "the workers' Python lacks something: PYSPARK_PYTHON must name, on every worker, an interpreter of this "
        f"version ({sys.version_info[0]}.{sys.version_info[1]}) with pyarrow and duckdb"
    ),
    ("FileNotFoundException", "FILE_NOT_EXIST", "PATH_NOT_FOUND", "Mkdirs failed", "AccessControlException"): (
        "the workers do not see the folder that this machine hands records over in: let SPARK_FOLDER name one that is "
        "mounted everywhere under the same path, and that the workers' user may write to"
    ),
}


class ClusterUnusable(KnownError, RuntimeError):
    """The Spark cluster cannot do its part; the message names the remedy and holds no value of a record."""


class ClusterUnreachable(ClusterUnusable):
    """No master answers, or no worker is free. Worth trying again."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A cluster: the address of its `master`; a `folder` that all its machines see, None for the run's own."""

    master: str
    folder: Path | None = None


def compare_on(where: Spark, connection: duckdb.DuckDBPyConnection, settings: dict[str, Any], *, folder: str) -> int:
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
        _predict(where.master, settings, shared)
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


def _predict(master: str, settings: dict[str, Any], shared: Path) -> None:
    """Write `weighed`, the levels and the weight of each pair, from `prepared.parquet`."""
    with _session(master) as session:
        from splink import Linker  # here, as they take seconds to import and pyspark may not be there
        from splink.backends.spark import SparkAPI

        for function, returns in _LIKENESS.items():
            session.udf.register(_RENAMED[function], _of_duckdb(function, returns))
        session.read.parquet(f"file://{shared}/prepared.parquet").createOrReplaceTempView("prepared")
        for name, query in steps().items():
            session.sql(in_sparks_words(query)).createOrReplaceTempView(name)
        api = SparkAPI(  # type: ignore[no-untyped-call]
            spark_session=session,
            break_lineage_method="persist",
            num_partitions_on_repartition=3 * session.sparkContext.defaultParallelism,
            register_udfs_automatically=False,
        )
        linker = Linker(api.register("prepared"), settings_for_spark(settings), log_level=logging.CRITICAL)
        linker.table_management.register_blocked_pairs_for_predict(api.register("pairs"))
        weighed = linker.inference.predict(warning_mode="never").as_spark_dataframe()
        kept = weighed.select(
            "unique_id_l", "unique_id_r", "match_key", "match_weight", *linkage_model.gammas(settings)
        )
        kept.write.parquet(f"file://{shared}/weighed")


@contextmanager
def _session(master: str) -> Iterator[Any]:
    """A session on the cluster, once a worker has taken it. What Spark says of a failure is read and not passed on."""
    _knock(master)
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    for logger in _LOGGERS:
        PySparkLogger.getLogger(logger).setLevel(logging.CRITICAL + 1)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # It warns of pandas 3, which nothing here goes through.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    session = None
    try:
        builder = SparkSession.builder.master(master).appName("lienthong link")
        session = builder.config(map=_QUIET).getOrCreate()
        _await_workers(session, master)
        yield session
    except (PySparkException, Py4JError, Py4JNetworkError) as error:
        said = str(error)
        remedies = (remedy for signs, remedy in _REMEDIES.items() if any(sign in said for sign in signs))
        kind = type(error).__name__
        told = next(remedies, f"{kind}; its text is withheld because it may quote a row. See the cluster's own logs")
        raise ClusterUnusable(f"while comparing records on {master}: {told}") from None
    finally:
        if session is not None:
            session.stop()


def _knock(master: str) -> None:
    """Spark itself would try for a minute, and say so in its log only."""
    scheme, _, addresses = master.partition("://")
    refused = []
    for address in addresses.split(",") if scheme == "spark" else []:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
            return
        except (OSError, ValueError, OverflowError):
            refused.append(address)
    if refused:
        raise ClusterUnreachable(
            f"no Spark master answers at {', '.join(refused)}: check SPARK_MASTER and that the cluster is up, "
            "or set ENGINE=duckdb to compare on this machine"
        )


def _await_workers(session: Any, master: str) -> None:
    if master.startswith("local") and not master.startswith("local-cluster"):
        return
    status, end = session.sparkContext._jsc.sc().statusTracker(), time.monotonic() + PATIENCE_SECONDS
    while len(status.getExecutorInfos()) < 2:  # the first is this machine
        if time.monotonic() > end:
            raise ClusterUnreachable(
                f"no worker of {master} took the job within {PATIENCE_SECONDS:.0f} s: see whether workers are alive, "
                "have a core and memory to spare, and can reach this machine (spark.driver.host)"
            )
        time.sleep(0.2)


def _of_duckdb(function: str, returns: str) -> Any:
    """A function of DuckDB on two columns, for Spark. It is sent to the workers, who need not know this module."""
    from pyspark.sql.functions import arrow_udf

    def batch(left: pa.Array, right: pa.Array) -> pa.Array:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.register("texts", pa.table({"l": left, "r": right}))
            found = connection.execute(f"SELECT {function}(l, r) AS likeness FROM texts").to_arrow_table()
        return found.column(0).combine_chunks()

    return arrow_udf(batch, returns)


def settings_for_spark(settings: dict[str, Any]) -> dict[str, Any]:
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
