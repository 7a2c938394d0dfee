"""The lake's root: where everything is, and the one door to it, be it a folder or an S3 store.

Zones (docs: the layout that readers outside rely on):

    landing/<registry>/<table>/run=<run_id>/    as received            staging/...   while a run works, then gone
    registry/<registry>/<table>                 Delta: accepted        rejected/<registry>/<table>   Delta: with reasons
    reference/<list>                            Delta: code lists      audit/<name>                  Delta: runs, checks
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.lake.storage import duckdb_engine, object_store
from include.lake.storage.errors import LakeError, LakePathRefused, lake_errors

REPOSITORY = Path(__file__).resolve().parents[3]
_AWS_OPTIONS = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ALLOW_HTTP",
)
_PART = re.compile(r"[^/\\\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Lake:
    """One lake. `uri` is an absolute path without scheme, or `s3://bucket/prefix`; neither ends in a slash.

    `patches_files`: whether published files of which few rows change are patched, or always rewritten (see file_patch).
    """

    uri: str
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    scratch: Path = duckdb_engine.DEFAULT_SCRATCH
    patches_files: bool = True

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Lake:
        """The lake that LAKE_URI names (default `var/lake`); S3 by the usual AWS_* variables.

        LIENTHONG_PATCH_FILES=off has all files rewritten by DuckDB (docs/how-to/run-in-production.md).
        """
        uri = environ.get("LAKE_URI", "").strip() or str(REPOSITORY / "var" / "lake")
        scratch = Path(environ.get("LIENTHONG_TMP", "").strip() or duckdb_engine.DEFAULT_SCRATCH).absolute()
        patch = environ.get("LIENTHONG_PATCH_FILES", "").strip() or "on"
        if patch not in ("on", "off"):
            raise LakeError("LIENTHONG_PATCH_FILES must be on or off")
        if uri.startswith("s3://"):
            options = {name: environ[name] for name in _AWS_OPTIONS if environ.get(name)}
            options.setdefault("AWS_REGION", environ.get("AWS_DEFAULT_REGION") or "us-east-1")
            if options.get("AWS_ENDPOINT_URL", "").startswith("http://"):
                allowed = options.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true", "yes"}
                if not allowed:
                    raise LakeError(
                        "AWS_ENDPOINT_URL is plain http: set AWS_ALLOW_HTTP=true if that is meant, or use https"
                    )
                options["AWS_ALLOW_HTTP"] = "true"
            return cls(uri.rstrip("/"), tuple(sorted(options.items())), scratch, patch == "on")
        scheme, separator, rest = uri.partition("://")
        if separator and scheme != "file":
            raise LakeError(
                f"LAKE_URI has the scheme {scheme}://, which is not supported: use a folder or s3://bucket/prefix"
            )
        return cls(str(Path(rest if separator else uri).absolute()), (), scratch, patch == "on")

    @property
    def is_s3(self) -> bool:
        """Whether the lake is an object store rather than a folder."""
        return self.uri.startswith("s3://")

    def path(self, *parts: str) -> str:
        """The URI of something inside the lake. Each part is one name, or several joined by `/`; `..` is refused."""
        names = [name for part in parts for name in part.split("/")]
        for name in names:
            if name in {".", ".."} or not _PART.fullmatch(name):
                raise LakePathRefused("a name inside the lake may not be empty, '.', '..' or hold control characters")
        return "/".join([self.uri, *names])

    # Zones

    def landing_path(self, registry: str, table: str, run_id: str) -> str:
        """The folder that holds what one run received for one table."""
        return self.path("landing", registry, table, f"run={run_id}")

    def staging_path(self, registry: str, table: str, run_id: str) -> str:
        """The folder in which one run works on one table; gone after publishing."""
        return self.path("staging", registry, table, f"run={run_id}")

    def registry_table(self, registry: str, table: str) -> str:
        """The published table."""
        return self.path("registry", registry, table)

    def rejected_table(self, registry: str, table: str) -> str:
        """The rows that were not accepted, as received, with their reasons."""
        return self.path("rejected", registry, table)

    def audit_table(self, name: str) -> str:
        """A table of evidence: runs, checks, ..."""
        return self.path("audit", name)

    def reference_table(self, name: str) -> str:
        """A published code list."""
        return self.path("reference", name)

    # Engines

    def storage_options(self) -> dict[str, str] | None:
        """What delta-rs needs to reach the lake; None for a folder. Raises LakeUnreachable: the store says nothing."""
        if not self.is_s3:
            return None
        options = dict(self.options)
        if options.get("AWS_ENDPOINT_URL"):
            object_store.ensure_answers(options["AWS_ENDPOINT_URL"])
        return options

    def connect(self, *, memory_limit: str = "1GB", threads: int | None = None) -> duckdb.DuckDBPyConnection:
        """A new in-memory DuckDB that can read and write this lake. The caller closes it."""
        options = self.storage_options()
        connection = duckdb_engine.connect(self.scratch, memory_limit=memory_limit, threads=threads)
        if options is not None:
            duckdb_engine.attach_s3(connection, options)
        return connection

    # Tables. `parts` are names below the root, or one URI that `path` or a zone gave.

    def is_table(self, *parts: str) -> bool:
        """Whether there is a Delta table."""
        with lake_errors("looking for a table"):
            return bool(DeltaTable.is_deltatable(self._uri(parts), self.storage_options()))

    def table(self, *parts: str, version: int | None = None) -> DeltaTable:
        """The Delta table, at its newest version or the one asked for. Raises LakeTableMissing, or how it failed."""
        with lake_errors("opening a table"):
            return _Table(self._uri(parts), version=version, storage_options=self.storage_options())

    # Small files. `uri` is what `path` or a zone gave.

    def exists(self, uri: str) -> bool:
        """Whether there is a file or folder."""
        return object_store.exists(self._store(), self._inside(uri))

    def size(self, uri: str) -> int:
        """Bytes of a file, or of all files below a folder; 0 if there is none."""
        return object_store.size(self._store(), self._inside(uri))

    def fingerprint(self, uri: str) -> str:
        """Size and time of change of a file: enough to tell that a step wrote it anew. Empty if it is not there."""
        return object_store.file_stamp(self._store(), self._inside(uri))

    def changed_at(self, uri: str) -> datetime | None:
        """When the newest file of a folder was written, in UTC; None if there is no file."""
        return object_store.changed_at(self._store(), self._inside(uri))

    def digest(self, uri: str) -> str:
        """SHA-256 of a file's content, in hex. FileNotFoundError if it is not there."""
        return object_store.digest(self._store(), self._inside(uri))

    def files_below(self, uri: str) -> list[str]:
        """Paths in the lake of all files below a folder, sorted; empty if it is not there."""
        return object_store.files_below(self._store(), self._inside(uri))

    def list(self, uri: str) -> list[str]:
        """URIs of what lies directly below a folder, sorted; empty if it is not there, or is a file."""
        return [self.uri + "/" + name for name in object_store.children(self._store(), self._inside(uri))]

    def read_text(self, uri: str) -> str:
        """A small UTF-8 file. FileNotFoundError if it is not there."""
        return object_store.read(self._store(), self._inside(uri)).decode()

    def write_text(self, uri: str, text: str) -> None:
        """Write a small UTF-8 file: readers see the old content or the new, never a part."""
        object_store.write(self._store(), self._inside(uri), text.encode())

    def create_text(self, uri: str, text: str) -> bool:
        """Write a small UTF-8 file where none is: of several writers one succeeds. Whether this one did."""
        return object_store.create(self._store(), self._inside(uri), text.encode())

    def open_input(self, uri: str) -> pa.NativeFile:
        """A file to read from, at any place of it."""
        return object_store.open_input(self._store(), self._inside(uri))

    def open_output(self, uri: str) -> pa.NativeFile:
        """A new file to write to. It is there when it is closed, and may be there in part before."""
        return object_store.open_output(self._store(), self._inside(uri))

    def make_folder(self, uri: str) -> None:
        """Make sure that engines can write below `uri` (an S3 store has no folders, so nothing happens there).

        delta-rs reports a folder that it may not make as a table that is not there; here the refusal is plain.
        """
        if not self.is_s3:
            with lake_errors("making a folder"):
                Path(uri).mkdir(parents=True, exist_ok=True)

    def delete_tree(self, uri: str) -> None:
        """Remove a file, or a folder and all below it. Not there is fine; the root itself is refused."""
        object_store.delete(self._store(), self._inside(uri))

    def _store(self) -> object_store.Root:
        return object_store.Root(self.uri, self.options)

    def _uri(self, parts: tuple[str, ...]) -> str:
        return parts[0] if len(parts) == 1 and parts[0].startswith(self.uri + "/") else self.path(*parts)

    def _inside(self, uri: str) -> str:
        """`uri` relative to the root, checked."""
        prefix = self.uri + "/"
        if not uri.startswith(prefix):
            raise LakePathRefused("the path is not inside the lake: make it with Lake.path or a zone")
        return self.path(uri.removeprefix(prefix).rstrip("/")).removeprefix(prefix)


class _Table(DeltaTable):  # type: ignore[misc]
    """A Delta table whose files are named as engines open them: delta-rs percent-encodes the path of a folder."""

    def file_uris(self, *args: Any, **kwargs: Any) -> list[str]:
        encoded = self.table_uri.removeprefix("file://")
        uris = super().file_uris(*args, **kwargs)
        if encoded == self.table_uri or "%" not in encoded:
            return list(uris)
        return [unquote(encoded) + uri.removeprefix(encoded) for uri in uris]
