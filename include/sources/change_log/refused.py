"""The error of a source that does not log a table as `changes: log` needs it."""

from __future__ import annotations

from include.sources.access import SourceError


class ChangeLogRefused(SourceError):
    """The source does not log the table so that `changes: log` could be kept."""
