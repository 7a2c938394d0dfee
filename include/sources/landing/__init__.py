"""Landing: opens a source object in one state and writes parts of it to the landing zone, with a record."""

from include.sources.landing.landed import FILE, RECORD, Extract, Landed, record
from include.sources.landing.source import Source, open_source
