"""Parquet files of a drop: types are kept as they are."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from include.lake.engine import literal
from include.sources.delivery import Delivery
from include.sources.errors import DropBroken
from include.sources.manifest import check_rows
from include.sources.needs import judge_columns
from include.sources.reading import Reading


def read_parquet(delivery: Delivery, duck: duckdb.DuckDBPyConnection) -> Reading:
    """Open a reading of Parquet files, which together are one table. All must have the same columns and types."""
    drift = delivery.notes
    shapes: dict[str, set[tuple[str, str]]] = {}
    for copy in delivery.copies:
        try:
            file = pq.ParquetFile(copy.path)
            rows, schema = file.metadata.num_rows, file.schema_arrow
            file.close()
        except (pa.ArrowException, OSError):
            raise DropBroken(f"{copy.name} is not a whole Parquet file: ask the sender to deliver it again") from None
        check_rows(delivery.entry(copy), rows)
        drift += judge_columns(delivery.table, schema.names, copy.name)
        shapes[copy.name] = {(field.name, str(field.type)) for field in schema}
    first, *others = shapes
    for name in others:
        if shapes[name] != shapes[first]:
            differing = sorted({column for column, _ in shapes[name] ^ shapes[first]})
            raise DropBroken(
                f"{name} and {first} differ in {', '.join(differing)} (column or type): files of one table must "
                "agree; ask the sender to write them alike"
            )
    paths = ", ".join(literal(str(copy.path)) for copy in delivery.copies)
    query = f"SELECT * FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"

    def explain(error: BaseException) -> DropBroken | None:
        if not isinstance(error, duckdb.Error) or str(error).startswith("IO Error: Could not write"):
            return None
        names = ", ".join(copy.name for copy in delivery.copies)
        return DropBroken(f"{names}: a page of the Parquet file cannot be read: ask the sender to deliver it again")

    return Reading(query, tuple(dict.fromkeys(drift)), explain, threads=None)
