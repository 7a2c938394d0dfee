"""Delta commits with change data files (CDF), which delta-rs cannot write.

The change feed of a commit without such files is its removed and added rows; with them, it is their content, so that a
file may be replaced of which few rows change. The commit is one JSON file, created only if absent: of two writers one
succeeds. Its content: the Delta protocol, "Actions" (github.com/delta-io/delta, PROTOCOL.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deltalake import DeltaTable

from include.lake.delta import CHECKPOINT_PROPERTY, File, epoch_milliseconds, now
from include.lake.storage import SERVER, LakeConflict, LakeSchemaConflict
from include.lake.upsert.delta_merge import Writing

# Supported writer features, by the protocol's names, which require nothing of this commit if not in use.
_KNOWN_FEATURES = {"appendOnly", "changeDataFeed", "checkConstraints", "generatedColumns", "invariants", "timestampNtz"}
_UNKNOWN_VERSIONS = (5, 6)  # column mapping, identity columns
_KEPT_PREFIXES = ("delta.constraints.",)
_KEPT_SETTINGS = {"delta.appendOnly": "false", "delta.columnMapping.mode": "none"}
_KEPT_BY_COLUMN = ("delta.generationExpression", "delta.invariants", "delta.identity")
_CHECKPOINT_EVERY = "100"  # versions, as delta-rs does where the table does not say


def commit_with_feed(
    writing: Writing, current: DeltaTable, removed: Sequence[File], added: Sequence[File], feed: Sequence[File]
) -> int:
    """Commit at the next version, and update the open table to it.

    Raises:
        LakeConflict: another writer has committed that version.
    """
    version, moment = int(current.version()) + 1, now()
    # The vacuum counts by the clock from when a file was removed, and a run may have begun days before it was approved.
    gone = {"deletionTimestamp": moment, "dataChange": True, "extendedFileMetadata": True}
    new = {"modificationTime": epoch_milliseconds(writing.at), "dataChange": True}
    properties = writing.properties
    actions: list[dict[str, Any]] = [
        {"commitInfo": {"timestamp": moment, "operation": "MERGE", "operationParameters": {}, "isBlindAppend": False,
                        "engineInfo": "lienthong", **(properties.custom_metadata or {})}},
        *({"txn": {"appId": t.app_id, "version": t.version, "lastUpdated": moment}}
          for t in properties.app_transactions or ()),
        *({"remove": {**_of_file(file), **gone}} for file in removed),
        *({"add": {**_of_file(file), "stats": file.stats, **new}} for file in added),
        *({"cdc": {**_of_file(file), "dataChange": False}} for file in feed),
    ]  # fmt: skip
    text = "".join(json.dumps(action, ensure_ascii=False, separators=(",", ":")) + "\n" for action in actions)
    if not writing.lake.create_text(f"{writing.root}/_delta_log/{version:020d}.json", text):
        raise LakeConflict("another run committed to the same table meanwhile: run this table again")
    current.load_as_version(version)
    every = int(current.metadata().configuration.get(CHECKPOINT_PROPERTY, _CHECKPOINT_EVERY))
    if (version + 1) % every == 0:
        current.create_checkpoint()
    return version


def _of_file(file: File) -> dict[str, Any]:
    return {"path": file.path, "size": file.size, "partitionValues": file.partition}


def ensure_writable(current: DeltaTable) -> None:
    """Check the table's protocol and configuration before anything is written without delta-rs.

    Raises:
        LakeSchemaConflict: the table requires writer features that are not supported here.
    """
    protocol, metadata = current.protocol(), current.metadata()
    asked = set(protocol.writer_features or ()) - _KNOWN_FEATURES
    if protocol.min_writer_version in _UNKNOWN_VERSIONS:
        asked.add(f"writer version {protocol.min_writer_version}")
    asked |= {f"partitions by {name}" for name in metadata.partition_columns if name != SERVER}
    asked |= {name for name in metadata.configuration if name.startswith(_KEPT_PREFIXES)}
    asked |= {name for name, value in _KEPT_SETTINGS.items() if metadata.configuration.get(name, value) != value}
    asked |= {name for name in _KEPT_BY_COLUMN if name in current.schema().to_json()}
    if asked:
        raise LakeSchemaConflict(
            f"the published table asks of its writers: {', '.join(sorted(asked))}, which this house does not keep: it "
            "was changed from outside; restore an earlier version"
        )
