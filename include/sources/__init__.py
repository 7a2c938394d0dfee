"""Reading the registries: databases and file drops, into the landing zone as received."""

from include.sources.errors import (
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
from include.sources.extract import extract
from include.sources.landing import Extract, Landed
from include.sources.source import Source, open_source
from include.sources.wanted import Wanted, cursor_columns, key_columns

__all__ = [
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
    "cursor_columns",
    "extract",
    "key_columns",
    "open_source",
]
