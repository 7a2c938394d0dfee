"""The base of errors whose message may be shown: it names a remedy and holds no value of a row."""

from __future__ import annotations


class KnownError(Exception):
    """An error that was foreseen. Of any other exception only the type and the place in the code are told."""
