"""Split and assess on a real S3 store: engine and Great Expectations read and write it with the lake's own rights."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from include.lake.storage.duckdb_engine import restrict_access
from include.lake.storage.errors import LakeDenied
from include.lake.storage.lake import Lake
from include.quality.expectations.assessment import assess
from include.quality.split.row_outcomes import conform_and_split
from tests.ascii_tables import SCHEMAS, contract_table, rows_of, write_extract
from tests.integration.lake.weed import S3

pytestmark = pytest.mark.slow
CONTRACT = """
properties:
  - {name: personal_id, physicalName: a, logicalType: string, primaryKey: true}
  - {name: sex, physicalName: b, logicalType: string, relationships: [{to: reference.sex.code}]}
  - {name: card, physicalName: c, logicalType: string, unique: true}
"""
ROWS = """
    a | b | c
    1 | 1 | k
    1 | 1 | l
    2 | 9 | -
    3 | 2 | m
    4 | 2 | m
"""


def lake_of(s3: S3, tmp_path: Path, **who: str) -> Lake:
    return Lake.from_environment({**s3.environ("quality", **who), "LIENTHONG_TMP": str(tmp_path / "tmp")})


def test_split_and_assess_on_s3(s3: S3, tmp_path: Path) -> None:
    lake, table = lake_of(s3, tmp_path), contract_table(CONTRACT, tmp_path)
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert split.staged.conformed.startswith("s3://lake/quality/staging/population/citizen/run=r1/")
    assert (split.accepted, split.rejected, split.superseded) == (1, 3, 1)
    assessment = assess(table, split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert assessment.counts == {count.rule_id: count.violations for count in split.counts}
    assert assessment.results == "s3://lake/quality/audit/gx/population/citizen/run=r1.json"
    assert "population.citizen.card.unique" in lake.read_text(assessment.data_docs)


def test_people_s_sql_reaches_no_other_object_and_no_other_host(s3: S3, tmp_path: Path) -> None:
    """On S3 the engine keeps its network: only what the step was given by name may be asked for."""
    lake = lake_of(s3, tmp_path)
    own, other = lake.path("landing", "a.parquet"), lake.path("registry", "b.parquet")
    with lake.connect() as connection:
        for uri in (own, other):
            connection.execute(f"COPY (SELECT 1 AS i) TO '{uri}'")
        restrict_access(connection, reads=[own], writes=[lake.path("staging", "c.parquet")])
        assert connection.execute(f"FROM read_parquet('{own}')").fetchall() == [(1,)]
        for _ in range(2):
            connection.execute(f"COPY (SELECT 1 AS i) TO '{lake.path('staging', 'c.parquet')}'")
        for uri in (
            other, f"{lake.uri}/landing/../registry/b.parquet", f"{lake.uri}/landing/%2e%2e/registry/b.parquet",
            f"{own}?s3_endpoint=localhost:9", f"{own}?s3_region=x", own.replace("s3://", "s3a://"),
            f"{s3.endpoint}/lake/quality/registry/b.parquet", f"{lake.uri}/*/*.parquet", "/etc/passwd",
        ):  # fmt: skip
            with pytest.raises(duckdb.PermissionException):
                connection.execute(f"FROM read_blob('{uri}')")
        told = str(connection.execute("FROM duckdb_secrets()").fetchall())
        assert s3.environ()["AWS_SECRET_ACCESS_KEY"] not in told


def test_a_store_that_says_no_is_told_as_such(s3: S3, tmp_path: Path) -> None:
    lake, table = lake_of(s3, tmp_path, key="reader", secret="reader-secret"), contract_table(CONTRACT, tmp_path)
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    with pytest.raises(LakeDenied, match="AWS_ACCESS_KEY_ID"):
        conform_and_split(table, extract, lake=lake, run_id="r2", schemas_dir=SCHEMAS)
