"""The lake: one folder or bucket with a zone each for landing, registry, rejected, reference, people, shared, audit.

Packages from the bottom up: `storage`, `delta`, `file_patch`, `upsert`, `run_log`, `people`, `rejected`, `incremental`,
`publishing`. Nothing here knows a source database, a rule or an agreement.
"""

from __future__ import annotations

from include.lake.reference import digest_of, list_files, publish_reference

__all__ = [
    "digest_of",
    "list_files",
    "publish_reference",
]
