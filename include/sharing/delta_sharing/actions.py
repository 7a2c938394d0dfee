"""Lines of a response in both formats of the protocol: newline-delimited JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from include.sharing.delta_sharing.capabilities import ResponseFormat
from include.sharing.delta_sharing.snapshot import DataFile, Snapshot

_FEED = "delta.enableChangeDataFeed"
_WORDS = {"add": "add", "cdc": "cdf", "remove": "remove"}


def head(snapshot: Snapshot, response_format: ResponseFormat, *, version: int | None = None) -> list[dict[str, Any]]:
    """The first two lines: protocol and metadata; `version` is stated where the client asked for one."""
    sizes: dict[str, Any] = {"size": snapshot.size, "numFiles": len(snapshot.files)}
    if version is not None:
        sizes["version"] = version
    named = {"name": snapshot.name, "description": snapshot.description}
    described: dict[str, Any] = {
        "id": snapshot.table_id,
        **{key: text for key, text in named.items() if text},
        "format": {"provider": "parquet"},
        "schemaString": snapshot.schema,
        "partitionColumns": [],
    }
    if response_format == "parquet":
        configuration = {"enableChangeDataFeed": "true"} if snapshot.configuration.get(_FEED) == "true" else {}
        metadata = {**described, "configuration": configuration, **sizes}
        return [{"protocol": {"minReaderVersion": 1}}, {"metaData": metadata}]
    described |= {
        "format": {"provider": "parquet", "options": {}},
        "configuration": dict(snapshot.configuration),
        "createdTime": snapshot.created_ms,
    }
    return [
        {"protocol": {"deltaProtocol": dict(snapshot.protocol)}},
        {"metaData": {**sizes, "deltaMetadata": described}},
    ]


def files(
    listed: Sequence[DataFile],
    urls: Sequence[str],
    response_format: ResponseFormat,
    *,
    expires_ms: int,
    is_change: bool = False,
    version: int | None = None,
) -> Iterable[dict[str, Any]]:
    """A line for each file; of changes with the commit that made it, of a table with `version` if one was asked for."""
    for file, url in zip(listed, urls, strict=True):
        common: dict[str, Any] = {"id": file_id(file.path), "size": file.size, "expirationTimestamp": expires_ms}
        if is_change:
            common |= {"version": file.version, "timestamp": file.at_ms}
        elif version is not None:
            common |= {"version": version, "timestamp": file.at_ms}
        if response_format == "delta":
            yield {"file": {**common, "deltaSingleAction": {file.kind: _delta_action(file, url)}}}
            continue
        stats = {"stats": _stats(file)} if file.kind == "add" else {}
        yield {_WORDS[file.kind] if is_change else "file": {"url": url, "partitionValues": {}, **common, **stats}}


def end(expires_ms: int) -> dict[str, Any]:
    """The last line, where the client asked for one."""
    return {"endStreamAction": {"minUrlExpirationTimestamp": expires_ms}}


def encode(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """The lines as they are sent."""
    return b"".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines)


def file_id(path: str) -> str:
    """An id of a file in its table, the same in every response."""
    return hashlib.sha256(path.encode()).hexdigest()[:32]


def _delta_action(file: DataFile, url: str) -> dict[str, Any]:
    action: dict[str, Any] = {"path": url, "partitionValues": {}, "size": file.size, "dataChange": file.kind != "cdc"}
    if file.kind == "add":
        action |= {"modificationTime": file.at_ms, "stats": _stats(file)}
    elif file.kind == "remove":
        action |= {"deletionTimestamp": file.at_ms, "extendedFileMetadata": True}
    return action


def _stats(file: DataFile) -> str:
    return json.dumps({"numRecords": file.rows}, separators=(",", ":"))
