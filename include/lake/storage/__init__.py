"""Storage of the lake: folder or S3 bucket, DuckDB connections, table locks, commit retries, errors."""

from include.lake.storage.commit_retry import retry_on_conflict
from include.lake.storage.duckdb_engine import (
    DEFAULT_SCRATCH,
    PARQUET,
    create_temp_table,
    free_name,
    literal,
    load_extension,
    quote,
    restrict_access,
    restrictions,
    scan,
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
from include.lake.storage.server_slice import (
    SERVER,
    LakeTable,
    partition_folder,
    partition_values,
    run_mark_of,
    server_mark,
    slice_of,
)
