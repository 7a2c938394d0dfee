"""A Spark cluster: this process's session on it, its failures with their remedies, and DuckDB on its workers."""

from include.cluster.part_sizes import equal_ranges, fills_parts, part_ranges
from include.cluster.spark_session import ClusterUnreachable, ClusterUnusable, Spark, held_session, session
from include.cluster.worker_engine import (
    Part,
    WorkerEngine,
    WorkerFault,
    Written,
    new_folder,
    remove_folder,
    shuffle_hash,
)
