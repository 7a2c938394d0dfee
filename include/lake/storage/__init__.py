"""Where the lake's bytes lie and who may touch them: folder or S3, the DuckDB engine, locks, retries, errors."""

from __future__ import annotations

from include.lake.storage.commit_retry import until_it_commits
from include.lake.storage.duckdb_engine import (
    DEFAULT_SCRATCH,
    PARQUET,
    hold,
    literal,
    load_extension,
    quote,
    scan,
    shut,
)
from include.lake.storage.errors import (
    LakeConflict,
    LakeDenied,
    LakeError,
    LakeFull,
    LakeKeyBroken,
    LakeOutdated,
    LakeSchemaConflict,
    LakeTableMissing,
    LakeUnreachable,
    classify,
    lake_errors,
)
from include.lake.storage.lake import REPOSITORY, Lake
from include.lake.storage.object_store import Root, read
from include.lake.storage.table_lock import turn

__all__ = [
    "DEFAULT_SCRATCH",
    "PARQUET",
    "REPOSITORY",
    "Lake",
    "LakeConflict",
    "LakeDenied",
    "LakeError",
    "LakeFull",
    "LakeKeyBroken",
    "LakeOutdated",
    "LakeSchemaConflict",
    "LakeTableMissing",
    "LakeUnreachable",
    "Root",
    "classify",
    "hold",
    "lake_errors",
    "literal",
    "load_extension",
    "quote",
    "read",
    "scan",
    "shut",
    "turn",
    "until_it_commits",
]
