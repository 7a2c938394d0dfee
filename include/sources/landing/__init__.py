"""Landing: opens a source object in one state and writes parts of it to the landing zone, with a record."""

from __future__ import annotations

from include.sources.landing.landed import FILE, RECORD, Extract, Landed, record
from include.sources.landing.source import Source, open_source

__all__ = ["FILE", "RECORD", "Extract", "Landed", "Source", "open_source", "record"]
