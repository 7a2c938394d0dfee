"""Publication of the code lists in `schemas/reference/*.csv` as Delta tables."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

from include.lake.delta import CHECKPOINTS, PREFIX
from include.lake.storage import Lake, lake_errors, quote, retry_on_conflict

_DATES = ("valid_from", "valid_until")
_DIGEST = f"{PREFIX}file_digest"


def publish_reference(lake: Lake, schemas_dir: Path) -> list[str]:
    """Publish every code list whose file changed to `reference/<list>`; returns their names, sorted.

    Codes stay text (leading zeros matter); `valid_from` and `valid_until` are dates. The file's SHA-256 is on the
    commit, so a list that did not change is not touched.
    """
    return [path.stem for path in list_files(schemas_dir) if _publish_list(lake, path)]


def list_files(schemas_dir: Path) -> list[Path]:
    """The files of the code lists."""
    return sorted((schemas_dir / "reference").glob("*.csv"))


def digest_of(path: Path) -> str:
    """SHA-256 of a list's file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _publish_list(lake: Lake, path: Path) -> bool:
    uri, digest = lake.reference_table(path.stem), digest_of(path)
    with lake_errors(f"publishing the code list {path.stem}"):
        if _is_published(_current(lake, uri), digest):
            return False
    return retry_on_conflict(lake, uri, lambda: _write(lake, path, uri, digest))


def _current(lake: Lake, uri: str) -> DeltaTable | None:
    return lake.table(uri) if lake.is_table(uri) else None


def _is_published(current: DeltaTable | None, digest: str) -> bool:
    if current is None:
        return False
    return next((entry[_DIGEST] for entry in current.history() if _DIGEST in entry), None) == digest


def _write(lake: Lake, path: Path, uri: str, digest: str) -> bool:
    """Publish the list, if no other process has meanwhile."""
    with lake_errors(f"publishing the code list {path.stem}"):
        current = _current(lake, uri)
        if _is_published(current, digest):
            return False
        lake.make_folder(uri)
        write_deltalake(
            current if current is not None else uri,
            _read(lake, path),
            mode="overwrite" if current is not None else "error",
            schema_mode="overwrite" if current is not None else None,
            name=None if current is not None else f"reference.{path.stem}",
            configuration=None if current is not None else {**CHECKPOINTS, "delta.enableChangeDataFeed": "true"},
            storage_options=lake.storage_options(),
            commit_properties=CommitProperties(
                custom_metadata={_DIGEST: digest, f"{PREFIX}list": path.stem, f"{PREFIX}run_id": f"list/{digest[:16]}"},
                max_commit_retries=0,  # it would overwrite what another process published
            ),
        )
    return True


def _read(lake: Lake, path: Path) -> pa.Table:
    with lake.connect(memory_limit="256MB") as connection:
        connection.execute("SET preserve_insertion_order = true")
        options = "all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"'"
        described = connection.execute(f"DESCRIBE FROM read_csv($path, {options})", {"path": str(path)}).fetchall()
        columns = ", ".join(
            f"CAST({quote(name)} AS DATE) AS {quote(name)}" if name in _DATES else quote(name) for name, *_ in described
        )
        query = f"SELECT {columns} FROM read_csv($path, {options})"
        return connection.execute(query, {"path": str(path)}).to_arrow_table()
