"""Slices: the part of a published table that one of several source servers delivered, opened as a table of its own.

A table of a registry with several servers is Delta-partitioned by SERVER. The URI of a slice is its partition's folder.
Whoever opens it sees the slice's files, its server's runs and what concerns the whole table, and nothing of others'.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

SERVER = "_server"
OF_SERVER = "lienthong.server"  # commit metadata: the server whose slice the commit changed
_LAST_COMMIT = "lienthong/server/"


def slice_of(uri: str) -> tuple[str, str]:
    """The URI of the Delta table that a URI of a table or a slice lies in, and the server (empty for a table)."""
    table, _, last = uri.rpartition("/")
    return (table, last.removeprefix(f"{SERVER}=")) if last.startswith(f"{SERVER}=") else (uri, "")


def partition_folder(server: str) -> str:
    """The folder of a slice in its table's, with a slash at its end; empty for a table without slices."""
    return f"{SERVER}={server}/" if server else ""


def partition_values(path: str) -> dict[str, str]:
    """The partition values of a file by its path in the table, as the Delta log states them."""
    named = (folder.split("=", 1) for folder in path.split("/")[:-1] if folder.startswith(f"{SERVER}="))
    return dict(named)


def run_mark_of(run_id: str, server: str) -> str:
    """The id of a run's Delta application transaction: of one run every slice has its own."""
    return f"{run_id}@{server}" if server else run_id


def server_mark(server: str) -> str:
    """The id of the Delta application transaction whose version is that of the server's last commit."""
    return _LAST_COMMIT + server


class LakeTable(DeltaTable):  # type: ignore[misc]
    """A Delta table with file URIs as engines open them: delta-rs percent-encodes folder paths."""

    server = ""

    def file_uris(self, *args: Any, **kwargs: Any) -> list[str]:
        encoded = self.table_uri.removeprefix("file://")
        uris = super().file_uris(*args, **kwargs)
        if encoded == self.table_uri or "%" not in encoded:
            return list(uris)
        return [unquote(encoded) + uri.removeprefix(encoded) for uri in uris]


class ServerSlice(LakeTable):
    """A slice of an open table: `version` is the table's, the files, row counts and commits are the server's."""

    def __init__(self, table_uri: str, server: str, **how: Any) -> None:
        super().__init__(table_uri, **how)
        self.server = server

    def file_uris(self, *, file_pruning_predicate: list[Any] | None = None) -> list[str]:
        """The slice's files."""
        return super().file_uris(file_pruning_predicate=[*(file_pruning_predicate or ()), (SERVER, "=", self.server)])

    def get_add_actions(self, flatten: bool = False) -> pa.Table:
        """The log's entries of the slice's files."""
        actions = pa.table(super().get_add_actions(flatten))
        return actions.filter(pc.starts_with(actions["path"], partition_folder(self.server)))

    def transaction_version(self, app_id: str) -> int | None:
        """Of this slice's transaction of a run."""
        version: int | None = super().transaction_version(run_mark_of(app_id, self.server))
        return version

    def history(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Commits of the slice, and those of no server (maintenance, other writers), newest first.

        With a `limit` at least as far back as the server's last commit, and no more than `limit`.
        """
        last = super().transaction_version(server_mark(self.server))
        reach = None if limit is None else limit + self.version() - (self.version() if last is None else last)
        mine = [entry for entry in super().history(reach) if entry.get(OF_SERVER, self.server) == self.server]
        return mine[:limit]
