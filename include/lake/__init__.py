"""The lake: one folder or bucket with a zone each for landing, registry, rejected, reference, people, shared, audit.

Packages from the bottom up: `storage`, `delta`, `file_patch`, `upsert`, `run_log`, `people`, `rejected`, `incremental`,
`publishing`. Nothing here knows a source database, a rule or an agreement.
"""
