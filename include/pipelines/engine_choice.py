"""What judges the rows of a table: DuckDB on this machine, or a Spark cluster.

ENGINE decides for all tables; where it is not set, a table's contract may (custom property `engine`). Of `auto` the
rows that were read decide: a cluster takes what one machine would judge for minutes, and is slower for all else.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from include.cluster import Spark
from include.contracts.model import Engine, Table
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse

_MANY_ROWS = 50_000_000


def cluster_for_all(context: PipelineContext) -> Spark | None:
    """The cluster, if ENGINE is `spark`; None if it is anything else.

    Raises:
        Misuse: ENGINE is none of the known, or what `spark` needs is not there.
    """
    return _cluster(context, "ENGINE=spark") if _asked_of_all(context) == "spark" else None


def engine_for(context: PipelineContext, table: Table, rows: int) -> tuple[Spark | None, str]:
    """What judges that many landed rows of a table, and the words of the run record: which engine, and why.

    Raises:
        Misuse: as `check_engines`.
    """
    of_all = _asked_of_all(context)
    asked, who = (of_all, "ENGINE") if of_all or not table.engine else (table.engine, "the contract")
    if asked in ("", "duckdb"):
        return None, f"duckdb: {who} asks for it" if asked else "duckdb: ENGINE does not ask for another"
    if not rows:
        return None, "duckdb: no row was read, so there is nothing to distribute"
    if asked == "spark":
        return _cluster(context, f"engine spark, which {who} asks for,"), f"spark: {who} asks for it"
    if not _setting(context, "SPARK_MASTER"):
        return None, "duckdb: no cluster is given (SPARK_MASTER)"
    if rows < (many := _many_rows(context)):
        return None, f"duckdb: fewer than {many:,} rows were read (SPARK_FROM_ROWS)"
    return _cluster(context, f"engine auto, from {many:,} rows on,"), f"spark: at least {many:,} rows were read"


def check_engines(context: PipelineContext, tables: Iterable[Table]) -> None:
    """Refuse an engine that is not there, before a source is asked for anything.

    Raises:
        Misuse: ENGINE is none of the known, what an engine needs is not there, or SPARK_FROM_ROWS is no number.
    """
    for engine in {_asked_of_all(context) or table.engine for table in tables}:
        if engine == "auto":
            _many_rows(context)
        if engine == "spark" or (engine == "auto" and _setting(context, "SPARK_MASTER")):
            _cluster(context, f"engine {engine}")


def _asked_of_all(context: PipelineContext) -> str:
    """What ENGINE asks for; empty if nothing."""
    if (asked := _setting(context, "ENGINE")) not in ("", *get_args(Engine)):
        raise Misuse.of_unknown("engine", asked, get_args(Engine), "the variable ENGINE says which")
    return asked


def _many_rows(context: PipelineContext) -> int:
    """Rows from which on a cluster judges them where the engine is `auto`."""
    if not (given := _setting(context, "SPARK_FROM_ROWS")):
        return _MANY_ROWS
    if not given.isdecimal():
        raise Misuse(f"SPARK_FROM_ROWS={given} is no number of rows: write 50000000, say")
    return int(given)


def _cluster(context: PipelineContext, what: str) -> Spark:
    """The cluster; the message of what is missing says what needs it."""
    master, folder = _setting(context, "SPARK_MASTER"), _setting(context, "SPARK_FOLDER")
    if not master:
        raise Misuse(f"{what} needs SPARK_MASTER, the cluster's address: spark://host:7077, say")
    if context.lake.is_s3 and not folder:
        raise Misuse(
            f"{what} hands records over in files, and PySpark by itself cannot read s3://: let SPARK_FOLDER "
            "name a folder that this machine and every worker see under the same path"
        )
    if importlib.util.find_spec("pyspark") is None:
        raise Misuse(f"{what} needs pyspark, which is not installed: pip install -r requirements-spark.txt")
    return Spark(master, Path(folder).absolute() if folder else None)


def _setting(context: PipelineContext, name: str) -> str:
    return context.environ.get(name, "").strip()
