"""Reading the registries: databases and file drops, into the landing zone as received."""

from include.sources.errors import (
    DropBroken,
    SourceDenied,
    SourceError,
    SourceLost,
    SourceMissing,
    SourceSecretMissing,
    SourceUnavailable,
)
from include.sources.extract import extract
from include.sources.landing import Extract

__all__ = [
    "DropBroken",
    "Extract",
    "SourceDenied",
    "SourceError",
    "SourceLost",
    "SourceMissing",
    "SourceSecretMissing",
    "SourceUnavailable",
    "extract",
]
