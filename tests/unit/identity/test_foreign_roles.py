"""Passport and nationality: evidence for persons who have no number of the country."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from include.identity.linkage_model.comparisons import comparisons_for
from include.identity.records.blocking import block
from include.identity.records.prepared import prepare
from include.identity.records.record_schema import RECORDS


def test_a_passport_makes_a_pair_and_both_roles_are_compared(tmp_path: Path) -> None:
    """Two registers, a name in another order: only the passport brings the two records together."""
    rows = [
        {"record_id": "a:1", "registry": "labour", "table": "permit", "name": "JOHN SMITH", "name_key": "john smith"},
        {"record_id": "b:1", "registry": "business", "table": "member", "name": "Smith J.", "name_key": "smith j"},
        {"record_id": "b:2", "registry": "business", "table": "member", "name": "Ann Lee", "name_key": "ann lee"},
    ]
    told = [{"passport": "C1234567", "nationality": "GB"}] * 2 + [{"passport": "K7654321", "nationality": "FR"}]
    path = tmp_path / "records.parquet"
    table = pa.Table.from_pylist([{**row, **more, "is_split": False} for row, more in zip(rows, told, strict=True)])
    pq.write_table(pa.Table.from_pylist(table.to_pylist(), RECORDS), path)
    with duckdb.connect() as connection:
        prepared = prepare(connection, str(path))
        block(connection)
        pairs = connection.execute("SELECT join_key_l, join_key_r FROM pairs").fetchall()
    assert {"passport", "nationality"} <= prepared.roles
    made = comparisons_for(prepared.roles, is_split=False, is_ward=True)
    assert {"passport", "nationality"} <= {comparison["output_column_name"] for comparison in made}
    assert [set(pair) for pair in pairs] == [{1, 2}]  # records are numbered from 1, in order of their ids
