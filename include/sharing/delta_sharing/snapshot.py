"""A shared table as it stands at one version: description, schema and data files, from its Delta log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from include.lake.storage import Lake, LakeDenied, LakeError, LakeUnreachable, lake_errors
from include.sharing.delta_sharing.catalog import SharedTable
from include.sharing.delta_sharing.errors import Forbidden, Malformed, NotShared
from include.sharing.products import OPEN, opened

ChangeKind = Literal["add", "cdc", "remove"]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a table: path below its folder, bytes, rows, and the commit (version, milliseconds)."""

    path: str
    size: int
    rows: int
    kind: ChangeKind = "add"
    version: int = 0
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a shared table; `uri` is its folder in the lake."""

    uri: str
    version: int
    table_id: str
    name: str
    description: str
    created_ms: int
    schema: str
    columns: tuple[str, ...]
    configuration: Mapping[str, str]
    protocol: Mapping[str, object]
    reader_features: frozenset[str]
    files: tuple[DataFile, ...] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def newest_snapshot(lake: Lake, table: SharedTable) -> Snapshot:
    """The newest version of a shared table, if it was made by its agreement as it stands.

    Raises:
        Forbidden: the table is closed, or was made by another text of the agreement.
        NotShared: the agreement was not carried out yet.
    """
    shared = opened(lake, table.agreement.recipient, table.product.name)
    if shared is None or not shared.notes:
        raise NotShared("the provider has not published this table yet: ask again later")
    if shared.notes.get("state") != OPEN:
        raise Forbidden(f"closed: {shared.notes.get('reason') or 'the agreement does not hold'}")
    made_by = shared.notes.get("agreement"), shared.notes.get("agreement_digest")
    if made_by != (table.agreement.agreement_id, table.agreement.digest):
        raise Forbidden("the agreement changed, and this table is not made by its new text yet: ask again later")
    return snapshot_of(lake, shared.delta, lake.path(table.subject))


def snapshot_at(lake: Lake, newest: Snapshot, version: int) -> Snapshot:
    """A former version of the same table.

    Raises:
        Malformed: there is no such version, or its files are removed.
    """
    if version == newest.version:
        return newest
    if version > newest.version:
        raise Malformed(f"there is no version {version}: the newest is {newest.version}")
    try:
        with lake_errors("opening a former version"):
            found = snapshot_of(lake, lake.table(newest.uri, version=version), newest.uri)
    except (LakeUnreachable, LakeDenied):
        raise
    except LakeError:
        raise _gone(version) from None
    present = {uri.rpartition("/")[2] for uri in lake.list(newest.uri)}
    if found.table_id != newest.table_id or any(file.path not in present for file in found.files):
        raise _gone(version)
    return found


def snapshot_of(lake: Lake, delta: DeltaTable, uri: str) -> Snapshot:
    """The version that an open Delta table stands at."""
    with lake_errors("reading a table's log"):
        protocol, metadata = delta.protocol(), delta.metadata()
        actions = pa.table(delta.get_add_actions()).to_pylist()
        schema = delta.schema().to_json()
    features = frozenset(protocol.reader_features or ())
    described: dict[str, object] = {
        "minReaderVersion": protocol.min_reader_version,
        "minWriterVersion": protocol.min_writer_version,
    }
    if features:
        described |= {"readerFeatures": sorted(features), "writerFeatures": sorted(protocol.writer_features or ())}
    files = tuple(
        DataFile(
            unquote(action["path"]),
            int(action["size_bytes"]),
            _rows(lake, uri, action["path"], action["num_records"]),
            at_ms=int(action["modification_time"]),
        )
        for action in actions
    )
    return Snapshot(
        uri=uri,
        version=int(delta.version()),
        table_id=str(metadata.id),
        name=metadata.name or "",
        description=metadata.description or "",
        created_ms=int(metadata.created_time or 0),
        schema=schema,
        columns=tuple(column["name"] for column in json.loads(schema)["fields"]),
        configuration=dict(metadata.configuration),
        protocol=described,
        reader_features=features,
        files=files,
    )


def _rows(lake: Lake, uri: str, path: str, noted: int | None) -> int:
    return file_rows(lake, f"{uri}/{unquote(path)}") if noted is None else int(noted)


@lru_cache(maxsize=10_000)
def file_rows(lake: Lake, uri: str) -> int:
    """Rows of a Parquet file, by its footer; a file of the lake never changes."""
    with lake.open_input(uri) as file:
        return int(pq.read_metadata(file).num_rows)


def _gone(version: int) -> Malformed:
    return Malformed(f"version {version} is no longer kept (30 days): read the newest version")
