"""Report files in the lake: the list of kept reports, and one file of one report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from include.audit.verification import REPORTS
from include.lake.storage import Lake, lake_errors

LATEST = "latest"
_EDITION = re.compile(rf"{LATEST}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}")
_FILE = re.compile(r"[a-z_]{1,60}(\.(vi|en))?\.(html|csv|xlsx)")
_BYTES_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One file of a report; `parts` reads it from the lake as it is asked for."""

    name: str
    size: int
    parts: Iterator[bytes]


def editions(lake: Lake) -> tuple[str, ...]:
    """The reports that are kept: `latest`, then by day, the newest first."""
    names = [uri.rpartition("/")[2] for uri in lake.list(lake.path(REPORTS))]
    days = sorted((name for name in names if _EDITION.fullmatch(name) and name != LATEST), reverse=True)
    return tuple([LATEST] * (LATEST in names) + days)


def files(lake: Lake, edition: str) -> tuple[str, ...]:
    """The files of one report, sorted; empty if there is no such report."""
    if not _EDITION.fullmatch(edition):
        return ()
    names = [uri.rpartition("/")[2] for uri in lake.list(lake.path(REPORTS, edition))]
    return tuple(sorted(name for name in names if _FILE.fullmatch(name)))


def report_file(lake: Lake, edition: str, name: str) -> ReportFile | None:
    """A file of a report; None if that report has no such file. No other place of the lake can be named."""
    if not (_EDITION.fullmatch(edition) and _FILE.fullmatch(name)) or name not in files(lake, edition):
        return None
    uri = lake.path(REPORTS, edition, name)
    return ReportFile(name, lake.size(uri), _parts(lake, uri))


def _parts(lake: Lake, uri: str) -> Iterator[bytes]:
    with lake_errors("reading a report"), lake.open_input(uri) as file:
        while part := file.read(_BYTES_AT_ONCE):
            yield part
