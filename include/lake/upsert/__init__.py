"""Delta upsert: the difference by key, then one commit by a merge or by rewritten files with a change feed."""

from include.lake.upsert.cdf_commit import ensure_writable
from include.lake.upsert.change_set import COMPARE_MEMORY, KEY_FIGURE, Changes, Mode, find_changes, key_text, preview
from include.lake.upsert.delta_merge import Writing, append, create, merge, overwrite
from include.lake.upsert.diff_sql import later, rows_to_remove, rows_to_write
from include.lake.upsert.file_rewrite import apply, empty_commit
from include.lake.upsert.judgement import Judgement
from include.lake.upsert.table_upsert import MERGE_ROWS, Upserted, count, stream, upsert, write
