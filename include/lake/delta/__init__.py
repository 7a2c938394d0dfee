"""One Delta table, read and described: SQL views, rows, schema, commit metadata, versions, data files, maintenance."""

from include.lake.delta.commit_metadata import (
    OF_THE_SOURCE,
    PREFIX,
    RunCommit,
    carry_over,
    commit_of_run,
    commit_properties,
    epoch_milliseconds,
    greater_cursor,
    has_committed,
    last_commit,
    last_run_commit,
    overtaken_by,
    reader_of,
    run_commits,
)
from include.lake.delta.data_files import (
    DATA_FILES,
    File,
    add_actions,
    commit,
    live_files,
    now,
    patched_file,
    swap,
    types_of,
    write_files,
    written_files,
)
from include.lake.delta.log_position import LogPosition
from include.lake.delta.maintenance import (
    LOG_KEPT,
    clear_scratch,
    compact,
    expire_landing,
    expire_staging,
    find_landed,
    find_tables,
    maintain_table,
)
from include.lake.delta.row_sets import row_sums, rows_digest, same_rows
from include.lake.delta.sql_views import FILE, view, view_of
from include.lake.delta.table_rows import (
    PLACE,
    StagedFiles,
    accepted_rows,
    all_differ,
    as_published,
    listed,
    published_rows,
    run_variable,
    stage_nothing,
    staged_rows,
    without_warnings,
)
from include.lake.delta.table_schema import (
    CHECKPOINT_PROPERTY,
    CHECKPOINTS,
    LAKE_COLUMNS,
    NO_BOUNDS,
    RETENTION,
    RETENTION_PROPERTY,
    RUN_ID,
    WARNINGS,
    TableSchema,
    as_interval,
    evolve,
    published_schema,
    table_schema_of,
    without_bounds,
)
from include.lake.delta.version_history import (
    RESTORE,
    Version,
    VersionGone,
    open_version,
    restore,
    runs_between,
    version_at,
    versions,
)
