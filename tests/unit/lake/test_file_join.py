"""Parts laid into one file: the same rows in the same order, whatever the parts are."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from include.lake.file_patch.file_join import join_files
from include.lake.file_patch.not_patchable import NotPatchable
from include.lake.storage.duckdb_engine import scan
from include.lake.storage.lake import Lake
from include.quality.conversion.conforming import parquet_to

QUERY = """
SELECT i AS _row, nullif(i % 7, 3)::DECIMAL(9, 2) AS amount, CASE WHEN i % 5 > 0 THEN 'x' || (i % 11) END AS name,
       CASE WHEN i % 9 = 0 THEN ['a', NULL, 'b' || i] END AS _unreadable, TIMESTAMPTZ '2026-01-01' + to_seconds(i) AS at
FROM range({0}, {1}) AS t(i)
"""


@pytest.mark.parametrize("store", ["", "s3://"])
def test_joined_parts_are_the_rows_in_their_order(tmp_path: Path, store: str) -> None:
    """By either set of options: those of a folder, and those of S3. A part may be empty."""
    bounds = [(0, 3_000), (3_000, 3_000), (3_000, 3_001), (3_001, 150_000)]
    paths = [tmp_path / f"{number}.parquet" for number, _ in enumerate(bounds)]
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    lake.make_folder(lake.uri)
    uri = lake.path("whole.parquet")
    with duckdb.connect() as db:
        for path, between in zip(paths, bounds, strict=True):
            options = parquet_to(f"{store}{path}").replace(store, "") if store else parquet_to(str(path))
            db.execute(f"COPY ({QUERY.format(*between)}) TO {options}")
        assert join_files(lake, paths, uri) == 150_000
        joined = db.execute(f"FROM {scan(uri)}").to_arrow_table()
        assert joined.equals(db.execute(QUERY.format(0, 150_000)).to_arrow_table())
        assert (
            db.execute(f"DESCRIBE FROM {scan(uri)}").fetchall()
            == db.execute(f"DESCRIBE {QUERY.format(0, 1)}").fetchall()
        )
        # By the bounds of row groups, as readers skip them.
        assert db.execute(f"SELECT count(*) FROM {scan(uri)} WHERE _row BETWEEN 2999 AND 3001").fetchall() == [(3,)]


def test_a_damaged_part_is_not_joined(tmp_path: Path) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and no more")
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    lake.make_folder(lake.uri)
    with pytest.raises(NotPatchable):
        join_files(lake, [tmp_path / "half.parquet"], lake.path("whole.parquet"))
