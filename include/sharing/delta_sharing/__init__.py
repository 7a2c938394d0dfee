"""The open Delta Sharing protocol over shared tables: names, requests, actions in both formats, signed URLs of files.

Nothing here serves or records anything: `include.pipelines.serving` does.
"""

from include.sharing.delta_sharing.actions import encode, end, files, head
from include.sharing.delta_sharing.capabilities import HEADER, Capabilities
from include.sharing.delta_sharing.catalog import Catalog, Share, SharedTable, page, schemas, tables
from include.sharing.delta_sharing.changes import changed_files, span, version_from, version_until
from include.sharing.delta_sharing.errors import (
    Forbidden,
    Malformed,
    NotShared,
    Refused,
    Unauthenticated,
    Unavailable,
)
from include.sharing.delta_sharing.hints import wanted_files
from include.sharing.delta_sharing.links import URL_SECONDS, FileLinks, SignedFile
from include.sharing.delta_sharing.requests import ChangesAsked, Query, instant
from include.sharing.delta_sharing.snapshot import DataFile, Snapshot, newest_snapshot, snapshot_at
