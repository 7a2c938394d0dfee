"""DuckDB connections of the lake: bounded memory, private scratch folder, extensions from installed packages only."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa

from include.lake.storage.errors import LakeError, lake_errors

DEFAULT_SCRATCH = Path(__file__).resolve().parents[3] / "var" / "tmp"
# Parquet options for large results. Measured on rows of 12 columns: zstd level 1 takes 0.7 of level 3's CPU for 6 %
# more bytes; the encodings of version 2 take 0.85 of the time to write, 0.7 to read, and 0.8 of the bytes; a dictionary
# of a column whose values hardly repeat saves nothing.
PARQUET = "FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 4000"
_FULL_NAMES = {"postgres": "postgres_scanner", "mysql": "mysql_scanner", "sqlite": "sqlite_scanner"}


def extension_file(name: str) -> Path:
    """The signed extension inside the installed package `duckdb-extension-<name>`; nothing is downloaded."""
    package = f"duckdb_extension_{name}"
    try:
        root = Path(str(resources.files(package)))
    except ModuleNotFoundError:
        raise LakeError(
            f"DuckDB's extension {name!r} is missing: pip install duckdb-extension-{name}=={duckdb.__version__}"
        ) from None
    file = root / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.exists():
        raise LakeError(
            f"DuckDB's extension {name!r} is for another version: "
            f"pip install duckdb-extension-{name}=={duckdb.__version__}"
        )
    return file


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its package: signature checked, nothing copied, nothing written to the home folder.

    DuckDB derives the entry point from the file name, which three packages shorten; those are loaded through a link.
    It would check the signature for every connection, which takes 0.1 to 0.17 s of processor; here it does once a
    process, and again if the file has changed.
    """
    file = extension_file(name)
    full_name = _FULL_NAMES.get(name)
    if full_name is not None:
        row = connection.execute("SELECT current_setting('extension_directory')").fetchone()
        folder = Path(row[0]) if row and row[0] else DEFAULT_SCRATCH / "extensions"
        link = folder / f"v{duckdb.__version__}" / f"{full_name}.duckdb_extension"
        if not link.exists() or link.resolve() != file.resolve():
            with lake_errors("preparing the scratch folder"):
                link.parent.mkdir(parents=True, exist_ok=True)
                draft = link.with_suffix(f".{uuid.uuid4().hex[:8]}")
                draft.symlink_to(file)
                draft.replace(link)
        file = link
    found = file.stat()
    stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    if stamp not in _SIGNED:
        # A DuckDB that takes signed extensions only refuses another with duckdb.Error.
        with duckdb.connect(config={"allow_unsigned_extensions": False}) as strict:
            strict.load_extension(str(file))
        _SIGNED.add(stamp)
    connection.load_extension(str(file))


_SIGNED: set[tuple[int, ...]] = set()  # files whose signature this process has checked, by whichever link


def quote(identifier: str) -> str:
    """A DuckDB identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, with `_` behind it until no column of `taken` has it: the engine ignores letter case."""
    names = {name.lower() for name in taken}
    while wanted.lower() in names:
        wanted += "_"
    return wanted


def literal(text: str) -> str:
    """A DuckDB string literal, for the few places where a value cannot be bound."""
    return "'" + text.replace("'", "''") + "'"


def scan(uri: str) -> str:
    """A table function over one Parquet file. Folders named `run=...` are not columns."""
    return f"read_parquet({literal(uri)}, hive_partitioning = false)"


def create_temp_table(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Put a small Arrow table into the temporary table `name`.

    A registered Arrow table fails in some queries: DuckDB 1.5 pushes join filters into it that pyarrow cannot apply.
    """
    given = f"{name} as Arrow"
    connection.register(given, rows)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {quote(name)} AS FROM {quote(given)}")
    connection.unregister(given)


def connect(scratch: Path, *, memory_limit: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that spills into a folder of its own below `scratch`.

    Two processes must not share a spill folder (DuckDB numbers its files from zero), so each connection gets one, named
    with the process id: maintenance removes those of ended processes.
    """
    spill = scratch / f"duckdb-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with lake_errors("preparing the scratch folder"):
        scratch.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(spill),
        "extension_directory": str(scratch / "extensions"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_persistent_secrets": False,
        "allow_unsigned_extensions": True,  # what `load_extension` has checked
        "preserve_insertion_order": False,
    }
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # the progress bar would mix with the user's output
    return connection


def restrict_access(
    connection: duckdb.DuckDBPyConnection,
    *,
    reads: Iterable[str] = (),
    writes: Iterable[str] = (),
    folders: Iterable[str] = (),
) -> None:
    """Restrict the connection to these files and lock its configuration, before it runs SQL from contracts.

    No other file, host or extension can be reached, no setting changed. `folders` are for writers that choose file
    names; prefer files: below an allowed folder of S3, a name ending in `?s3_endpoint=...` leads to another host.
    """
    for statement in restrictions(reads=reads, writes=writes, folders=folders):
        connection.execute(statement)


def restrictions(
    *, reads: Iterable[str] = (), writes: Iterable[str] = (), folders: Iterable[str] = ()
) -> Iterator[str]:
    """The statements of `restrict_access`, for a DuckDB elsewhere."""
    written = list(writes)
    # DuckDB's name of a file until it is complete.
    drafts = [f"{folder}/tmp_{name}" for folder, _, name in (uri.rpartition("/") for uri in written)]  # noqa: S108
    for setting, uris in (("allowed_paths", [*reads, *written, *drafts]), ("allowed_directories", folders)):
        yield f"SET {setting} = [{', '.join(map(literal, dict.fromkeys(uris)))}]"
    yield "SET allow_unsigned_extensions = false"
    yield "SET python_enable_replacements = false"
    yield "SET enable_external_access = false"
    yield "SET lock_configuration = true"


def attach_s3(connection: duckdb.DuckDBPyConnection, options: Mapping[str, str]) -> None:
    """Let the connection read and write `s3://`, with the same AWS_* settings that delta-rs gets."""
    load_extension(connection, "httpfs")
    endpoint = options.get("AWS_ENDPOINT_URL", "")
    secret = {
        "KEY_ID": options.get("AWS_ACCESS_KEY_ID", ""),
        "SECRET": options.get("AWS_SECRET_ACCESS_KEY", ""),
        "SESSION_TOKEN": options.get("AWS_SESSION_TOKEN", ""),
        "REGION": options.get("AWS_REGION", ""),
    }
    parts = [f"{name} {literal(value)}" for name, value in secret.items() if value]
    if endpoint:
        url = urlsplit(endpoint)
        parts += [
            f"ENDPOINT {literal(url.netloc + url.path.rstrip('/'))}",
            f"USE_SSL {str(url.scheme == 'https').lower()}",
            "URL_STYLE 'path'",
        ]
    connection.execute(f"CREATE OR REPLACE SECRET lake (TYPE s3, PROVIDER config, {', '.join(parts)})")
