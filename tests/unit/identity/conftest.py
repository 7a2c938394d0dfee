"""An empty lake, and small Parquet files in the shape that linking passes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.identity.records.record_schema import CLUSTERS, EDGES, RECORDS
from include.lake.people.tables import EVENTS, INDEX, LINKS
from include.lake.storage.lake import Lake

SCHEMAS = {
    "records": RECORDS, "edges": EDGES, "clusters": CLUSTERS, "links": LINKS, "index": INDEX, "events": EVENTS,
    "reviews": pa.schema([(n, pa.string()) for n in ("left_id", "right_id", "decision")]),
}  # fmt: skip
Write = Callable[[str, Sequence[Mapping[str, Any]]], str]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / "lake").mkdir()
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


@pytest.fixture
def write(lake: Lake) -> Write:
    """`write("records", rows)`: the rows as a Parquet file; what a row does not say is null. Gives its URI."""

    def write(kind: str, rows: Sequence[Mapping[str, Any]]) -> str:
        uri = f"{lake.uri}/{kind}.parquet"
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], SCHEMAS[kind]), uri)
        return uri

    return write
