"""The data files themselves: does each live file of a table have the content that its commit added?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from include.audit.verification import Discrepancy
from include.lake.errors import lake_errors
from include.lake.root import Lake


@dataclass(frozen=True, slots=True)
class FilesChecked:
    """How many live files were read and had the recorded content, and which did not."""

    files: int
    discrepancies: tuple[Discrepancy, ...]


def compare_files(lake: Lake, subjects: Iterable[str], entries: pa.Table) -> FilesChecked:
    """Read every live data file of the tables and compare its SHA-256 with the ledger's. Takes as long as reading."""
    recorded = _recorded(entries)
    found: list[Discrepancy] = []
    agreed = 0
    for subject in subjects:
        with lake_errors("listing a table's files"):
            paths = pa.table(lake.table(subject).get_add_actions())["path"].to_pylist()
        with ThreadPoolExecutor(4) as pool:
            digests = list(pool.map(partial(_digest, lake, subject), map(unquote, paths)))
        for path, digest in zip(map(unquote, paths), digests, strict=True):
            sequence, expected = recorded.get((subject, path), (None, ""))
            if digest == expected:
                agreed += 1
                continue
            what = "was altered" if expected else "is in no entry of the ledger"
            what = what if digest else "is gone"
            found.append(Discrepancy(sequence, subject, f"the data file {path} of {subject} {what}"))
    return FilesChecked(agreed, tuple(found))


def _digest(lake: Lake, subject: str, path: str) -> str:
    try:
        return lake.digest(lake.path(subject, path))
    except FileNotFoundError:
        return ""


def _recorded(entries: pa.Table) -> dict[tuple[str, str], tuple[int, str]]:
    """The digest of each file by (subject, path), with the entry that tells it."""
    entries = entries.filter(pc.equal(entries["kind"], "commit"))
    columns = [entries[name].to_pylist() for name in ("sequence", "subject", "payload")]
    recorded: dict[tuple[str, str], tuple[int, str]] = {}
    for sequence, subject, text in zip(*columns, strict=True):
        try:
            files = json.loads(text)["files"]
            recorded |= {(subject, path): (sequence, digest) for path, digest in files.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # an altered entry: the walk of the chain has named it
    return recorded
