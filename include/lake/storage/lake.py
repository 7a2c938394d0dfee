"""The lake's root, a folder or an S3 bucket: paths of all zones, and access to files and tables.

Zones (a documented layout on which outside readers rely):

    landing/<registry>/<table>/run=<run_id>/    as received            staging/...   while a run works, then gone
    registry/<registry>/<table>                 Delta: accepted        rejected/<registry>/<table>   Delta: with reasons
    reference/<list>                            Delta: code lists      audit/<name>                  Delta: runs, checks

Of a registry with several servers, what one of them delivered of a table is named `<table>@<server>`: it is landed,
staged and rejected under that name, and published in the partition `_server=<server>` of the table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from include.lake.storage import duckdb_engine, object_store
from include.lake.storage.errors import LakeError, LakePathRefused, LakeSchemaConflict, lake_errors
from include.lake.storage.server_slice import SERVER, LakeTable, ServerSlice, slice_of

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

    `patches_files`: whether published files with few changed rows are patched or always rewritten (see file_patch).
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
        """URI of a path inside the lake. Each part is one name, or several joined by `/`; `..` is refused."""
        names = [name for part in parts for name in part.split("/")]
        for name in names:
            if name in {".", ".."} or not _PART.fullmatch(name):
                raise LakePathRefused("a name inside the lake may not be empty, '.', '..' or hold control characters")
        return "/".join([self.uri, *names])

    # Zones

    def landing_path(self, registry: str, table: str, run_id: str) -> str:
        """The folder of one run's extract of one table."""
        return self.path("landing", registry, table, f"run={run_id}")

    def staging_path(self, registry: str, table: str, run_id: str) -> str:
        """The folder of one run's intermediate files of one table; removed after publishing."""
        return self.path("staging", registry, table, f"run={run_id}")

    def registry_table(self, registry: str, table: str) -> str:
        """The published table; of `table@server`, that server's slice of it."""
        name, _, server = table.partition("@")
        return self.path("registry", registry, name, *([f"{SERVER}={server}"] if server else []))

    def rejected_table(self, registry: str, table: str) -> str:
        """The rows that were not accepted, as received, with their reasons."""
        return self.path("rejected", registry, table)

    def audit_table(self, name: str) -> str:
        """A log table: runs, checks, ..."""
        return self.path("audit", name)

    def reference_table(self, name: str) -> str:
        """A published code list."""
        return self.path("reference", name)

    # Engines

    def storage_options(self) -> dict[str, str] | None:
        """delta-rs options to reach the lake; None for a folder. Raises LakeUnreachable: the store does not answer."""
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
        """Whether a Delta table exists there; for a slice, whether its table does."""
        with lake_errors("looking for a table"):
            return bool(DeltaTable.is_deltatable(slice_of(self._uri(parts))[0], self.storage_options()))

    def table(self, *parts: str, version: int | None = None) -> DeltaTable:
        """The Delta table, or slice, at `version` (None: the newest).

        Raises:
            LakeTableMissing: there is none.
            LakeSchemaConflict: a slice was asked for, and the table has none.
        """
        uri, server = slice_of(self._uri(parts))
        how: dict[str, Any] = {"version": version, "storage_options": self.storage_options()}
        with lake_errors("opening a table"):
            opened = ServerSlice(uri, server, **how) if server else LakeTable(uri, **how)
            if server and SERVER not in opened.metadata().partition_columns:
                raise LakeSchemaConflict(_no_slices(uri.removeprefix(f"{self.uri}/")))
            return opened

    # Small files. `uri` is what `path` or a zone gave.

    def exists(self, uri: str) -> bool:
        """Whether a file or folder exists."""
        return object_store.exists(self._store(), self._inside(uri))

    def size(self, uri: str) -> int:
        """Size in bytes of a file, or of all files below a folder; 0 if there is none."""
        return object_store.size(self._store(), self._inside(uri))

    def file_stamp(self, uri: str) -> str:
        """Size and modification time of a file, which change when it is rewritten. Empty if it does not exist."""
        return object_store.file_stamp(self._store(), self._inside(uri))

    def file_stamps(self, uris: Sequence[str]) -> tuple[str, ...]:
        """The stamps of several files, asked for at once."""
        return tuple(object_store.file_stamps(self._store(), [self._inside(uri) for uri in uris]))

    def changed_at(self, uri: str) -> datetime | None:
        """Modification time of the newest file of a folder, in UTC; None if there is no file."""
        return object_store.changed_at(self._store(), self._inside(uri))

    def digest(self, uri: str) -> str:
        """SHA-256 of a file's content, in hex. Raises FileNotFoundError."""
        return object_store.digest(self._store(), self._inside(uri))

    def files_below(self, uri: str) -> list[str]:
        """Lake paths of all files below a folder, sorted; empty if it does not exist."""
        return object_store.files_below(self._store(), self._inside(uri))

    def list(self, uri: str) -> list[str]:
        """URIs of a folder's direct children, sorted; empty if it does not exist or is a file."""
        return [self.uri + "/" + name for name in object_store.children(self._store(), self._inside(uri))]

    def read_text(self, uri: str) -> str:
        """Content of a small UTF-8 file. Raises FileNotFoundError."""
        return object_store.read(self._store(), self._inside(uri)).decode()

    def write_text(self, uri: str, text: str) -> None:
        """Write a small UTF-8 file atomically: readers see the old content or the new."""
        object_store.write(self._store(), self._inside(uri), text.encode())

    def create_text(self, uri: str, text: str) -> bool:
        """Create a small UTF-8 file atomically; False if it exists (of several writers one succeeds)."""
        return object_store.create(self._store(), self._inside(uri), text.encode())

    def presigned(self, uris: Sequence[str], *, seconds: int, endpoint: str = "") -> tuple[str, ...]:
        """URLs that read single files of a lake on S3 for that long, without credentials.

        `endpoint` is the store's address as readers reach it; empty for the one that this lake uses.
        """
        where = endpoint or dict(self.options).get("AWS_ENDPOINT_URL", "")
        return object_store.presigned(self._store(), where, [self._inside(uri) for uri in uris], seconds)

    def open_input(self, uri: str) -> pa.NativeFile:
        """A seekable file to read from."""
        return object_store.open_input(self._store(), self._inside(uri))

    def open_output(self, uri: str) -> pa.NativeFile:
        """A new file to write to. It is complete when closed, and may exist in part before."""
        return object_store.open_output(self._store(), self._inside(uri))

    def make_folder(self, uri: str) -> None:
        """Create the folder `uri` (no effect on S3, which has no folders).

        delta-rs reports a folder that it may not create as a missing table; this raises LakeDenied.
        """
        if not self.is_s3:
            with lake_errors("making a folder"):
                Path(uri).mkdir(parents=True, exist_ok=True)

    def delete_tree(self, uri: str) -> None:
        """Remove a file, or a folder and all below it, if it exists; the root itself is refused."""
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


def _no_slices(table: str) -> str:
    return (
        f"{table} was published from one server and its contract now has several: the table lies otherwise in the lake "
        f"then; retire it (remove {table} from the lake) and sync with --full"
    )
