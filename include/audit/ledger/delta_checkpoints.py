"""Delta checkpoints in a table's log, at which readers begin, and the records that vouch for them."""

from __future__ import annotations

import json
import re

from include.audit.ledger.record import Record
from include.lake.storage import Lake

LAST_CHECKPOINT = "_last_checkpoint"
_COMMIT_FILE = re.compile(r"^\d{20}\.json$")
_UNFINISHED = re.compile(r"^_commit_.*\.tmp$|#\d+$")
_CHECKPOINT_FILE = re.compile(r"^(\d{20})\.checkpoint(\.\d{10}\.\d{10})?\.parquet$")


def other_files(lake: Lake, table: str) -> dict[str, str]:
    """Files in the log of the table at URI `table` other than commits (checkpoints and their pointer), name to URI.

    Unfinished files of a writer, which no reader opens, are left out.
    """
    names = {uri.rpartition("/")[2]: uri for uri in lake.list(table + "/_delta_log")}
    return {name: uri for name, uri in names.items() if not (_COMMIT_FILE.match(name) or _UNFINISHED.search(name))}


def version_of(name: str) -> int | None:
    """The version of a checkpoint, by its file name; None if it is no checkpoint."""
    match = _CHECKPOINT_FILE.match(name)
    return int(match.group(1)) if match else None


def newest_checkpoint(lake: Lake, subject: str) -> int | None:
    """The version of the checkpoint to which the table's log points; None if it points to none."""
    try:
        return int(json.loads(lake.read_text(f"{lake.path(subject)}/_delta_log/{LAST_CHECKPOINT}"))["version"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def recorded_checkpoint(subject: str, table_id: str) -> str:
    """Name of the application transaction with the last recorded checkpoint of a table."""
    return f"log/{subject}/{table_id}"


def checkpoint_record(lake: Lake, subject: str, table_id: str, newest: int, recorded: int | None) -> Record:
    """The record of the newest checkpoint and of those since the `recorded` one, with the digest of each file."""
    new = {
        file: uri
        for file, uri in other_files(lake, lake.path(subject)).items()
        if file == LAST_CHECKPOINT or recorded is None or (version_of(file) or 0) > recorded
    }
    payload = {"table_id": table_id, "checkpoint": newest, "log": {file: lake.digest(uri) for file, uri in new.items()}}
    return Record("maintenance", subject, payload, once=(recorded_checkpoint(subject, table_id), newest))
