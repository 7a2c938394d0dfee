"""Reading the registries: databases and file deliveries, into the landing zone exactly as received.

`open_source` opens one source object in one state; a `Source` lands parts of it. Packages: `databases`, `deliveries`
with one package per file format, and `source_schema` for what a contract needs and how the source differs from it.
"""

from __future__ import annotations

from include.sources.connection import READ_WHOLE, connect
from include.sources.errors import (
    ColumnsMissing,
    DropBroken,
    SourceClosed,
    SourceDenied,
    SourceDrifted,
    SourceError,
    SourceLost,
    SourceMissing,
    SourceSecretMissing,
    SourceUnavailable,
)
from include.sources.landing import FILE, RECORD, Extract, Landed, record
from include.sources.load_limits import protection_of
from include.sources.read_request import Wanted, cursor_columns, key_columns
from include.sources.source import Source, open_source

__all__ = [
    "FILE",
    "READ_WHOLE",
    "RECORD",
    "ColumnsMissing",
    "DropBroken",
    "Extract",
    "Landed",
    "Source",
    "SourceClosed",
    "SourceDenied",
    "SourceDrifted",
    "SourceError",
    "SourceLost",
    "SourceMissing",
    "SourceSecretMissing",
    "SourceUnavailable",
    "Wanted",
    "connect",
    "cursor_columns",
    "key_columns",
    "open_source",
    "protection_of",
    "record",
]
