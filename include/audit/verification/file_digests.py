"""Verification of file contents: SHA-256 of data files and of single files against the ledger's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from include.audit.verification.findings import Discrepancy
from include.audit.verification.recorded_state import RecordedFile, RecordedState, RecordedTable
from include.lake.delta import RETENTION
from include.lake.storage import Lake

FOR_READERS = ("audit/data_docs", "audit/reports", "audit/government")
"""Folders in which every file must be in the ledger."""
INDEX_OF_PAGES = "audit/data_docs/index.html"
_SHARED_PAGES = "audit/data_docs/"
"""Folder of pages rewritten by every run, held ones too: any content recorded in the ledger is valid."""
_LARGE = ("landing/", "audit/gx/")


@dataclass(frozen=True, slots=True)
class FilesChecked:
    """Number of files read with the recorded content, and discrepancies of the others."""

    files: int
    discrepancies: tuple[Discrepancy, ...]


def compare_files(lake: Lake, table: RecordedTable, live: Iterable[str], *, now: datetime) -> FilesChecked:
    """Compare the SHA-256 of every file of a table with the ledger's: live, of older versions, and of the change feed.

    It reads all of them. `live` are the paths that a reader of the newest version opens. Of the others
    maintenance removes those that are older than RETENTION.
    """
    recorded, gone = table.files(), table.removed_at()
    needed = {*live, *(table.live() or ())}
    paths = {*needed, *recorded}
    findings: list[Discrepancy] = []
    agreed = 0
    for path, digest in _digests(lake, {path: lake.path(table.subject, path) for path in sorted(paths)}):
        record = recorded.get(path)
        if record is not None and digest == record.sha256:
            agreed += 1
            continue
        if digest is None and path not in needed and path in gone and gone[path] < now - RETENTION:
            continue  # no readable version needs it any more
        kind = "data file gone" if digest is None else "data file altered" if record else "data file unknown"
        entry = record.sequence if record else None
        findings.append(Discrepancy.of(kind, table.subject, entry, path=path, table=table.subject))
    return FilesChecked(agreed, tuple(findings))


def compare_bound(lake: Lake, recorded: RecordedState, *, with_large: bool) -> FilesChecked:
    """Compare the SHA-256 of reports, Data Docs, published contracts and the model; `with_large`: of extracts too."""
    files = {f"{folder}/{name}": file for folder, record in recorded.bound.items() for name, file in record.items()}
    findings, agreed = list(_unrecorded_files(lake, files)), 0
    looked = {path: file for path, file in files.items() if with_large or not path.startswith(_LARGE)}
    for path, digest in _digests(lake, {path: lake.path(path) for path in sorted(looked)}):
        record = looked[path]
        if digest == record.sha256 or (path.startswith(_SHARED_PAGES) and digest in record.former):
            agreed += 1
            continue
        kind = "file gone" if digest is None else "file altered"
        findings.append(Discrepancy.of(kind, path, record.sequence, path=path, entry=record.sequence))
    return FilesChecked(agreed, tuple(findings))


def _unrecorded_files(lake: Lake, record: dict[str, RecordedFile]) -> Iterator[Discrepancy]:
    for folder in FOR_READERS:
        for path in lake.files_below(lake.path(folder)):
            if path not in record:
                yield Discrepancy.of("file unknown", path, None, path=path)


def _digests(lake: Lake, files: dict[str, str]) -> Iterator[tuple[str, str | None]]:
    """The SHA-256 of each file; None if it does not exist."""

    def digest(uri: str) -> str | None:
        try:
            return lake.digest(uri)
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(4) as pool:
        yield from zip(files, pool.map(digest, files.values()), strict=True)


def digests_of(lake: Lake, paths: Iterable[str]) -> dict[str, str]:
    """Current SHA-256 of files, by their lake path, for a record's payload; missing files are left out.

    In a payload, `bound` states the content of files from now on, `unbound` the files (or folders) removed
    legitimately.
    """
    return {path: digest for path, digest in _digests(lake, {p: lake.path(p) for p in paths}) if digest is not None}
