"""Landing: one source object opened in one state, parts of it written to the landing zone with a record of how."""

from __future__ import annotations

from include.sources.landing.landed import FILE, RECORD, Extract, Landed, record
from include.sources.landing.source import Source, open_source

__all__ = ["FILE", "RECORD", "Extract", "Landed", "Source", "open_source", "record"]
