"""File drops: which files are a table, and whether they are all there and whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import duckdb

from include.contracts.model import Contract, Table
from include.lake.errors import lake_errors
from include.lake.root import REPOSITORY
from include.sources.connection import Connection
from include.sources.delimited import read_delimited
from include.sources.delivery import Delivery
from include.sources.errors import DropBroken, SourceDenied, SourceMissing
from include.sources.json_lines import read_json_lines
from include.sources.manifest import NAME, Entry, check_file, check_listing, read_manifest
from include.sources.needs import near
from include.sources.parquet import read_parquet
from include.sources.reading import Opened, Reading
from include.sources.spool import spool
from include.sources.workbook import read_workbook

_FORMATS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".json": "jsonl", ".parquet": "parquet",
}  # fmt: skip
_STATED = {"csv": "csv", "text": "csv", "xlsx": "xlsx", "excel": "xlsx", "json": "jsonl", "jsonl": "jsonl",
           "ndjson": "jsonl", "parquet": "parquet"}  # fmt: skip


_OPENERS: dict[str, Callable[[Delivery, duckdb.DuckDBPyConnection], Reading]] = {
    "csv": read_delimited,
    "xlsx": read_workbook,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
}


@contextmanager
def open_files(
    connection: Connection, table: Table, contract: Contract, duck: duckdb.DuckDBPyConnection, scratch: Path
) -> Iterator[Opened]:
    """Open the files of one table. Everything that the manifest says is checked before a row is read.

    The copies lie in a folder below `scratch` named with the process id: `maintain` removes a killed process's.
    """
    folder, pattern, sheet = locate(connection, contract, table)
    with lake_errors("preparing the scratch folder"):
        scratch.mkdir(parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix=f"drop-{os.getpid()}-", dir=scratch))
    try:
        entries = read_manifest(folder)
        names = _matching(folder, pattern, table, entries)
        notes: tuple[str, ...] = ()
        if entries is None:
            if _setting(contract, table, "manifest") == "required":
                raise DropBroken(
                    f"{table.qualified_name}: the drop has no {NAME}, and the contract requires one: ask the sender "
                    "for it (it is delivered last)"
                )
            notes = (f"no {NAME}: completeness not proven",)
        else:
            check_listing(entries, pattern, names)
        kind = _format(names, contract, table)
        copies = []
        for number, name in enumerate(names):
            entry = (entries or {}).get(name, Entry(name))
            encoding = entry.encoding or str(_setting(contract, table, "encoding") or contract.server.encoding)
            is_text = kind in {"csv", "jsonl"}
            copy = spool(
                folder / name, name, private / f"{number}{Path(name).suffix}", encoding=encoding if is_text else None
            )
            check_file(entry, copy.sha256)
            copies.append(copy)
        delimiter = str(_setting(contract, table, "delimiter") or contract.server.delimiter)
        delivery = Delivery(table, tuple(copies), entries or {}, sheet, delimiter, notes)
        yield Opened(kind, kind, None, whole=_OPENERS[kind](delivery, duck), spared="")
    finally:
        shutil.rmtree(private, ignore_errors=True)


def locate(connection: Connection, contract: Contract, table: Table) -> tuple[Path, str, str]:
    """Folder, file pattern and sheet of a table.

    A relative folder is looked for here, then beside the contract, then in the repository.
    """
    source_name, _, sheet = (table.source_name or table.name).partition("#")
    stated = connection.path.replace("{model}", source_name)
    pattern = source_name
    path = Path(stated)
    if any(sign in path.name for sign in "*?[") or path.suffix.lower() in _FORMATS:
        pattern = source_name if Path(source_name).suffix.lower() in _FORMATS else path.name
        path = path.parent
    beside = (Path.cwd(), contract.path.absolute().parent, REPOSITORY)
    candidates = [path] if path.is_absolute() else [folder / path for folder in beside]
    folder = next((candidate for candidate in candidates if candidate.is_dir()), None)
    if folder is None:
        raise SourceMissing(
            f"{table.qualified_name}: the folder of the drop is not there ({' or '.join(map(str, candidates))}): check "
            f"{connection.variable} or the server's path in the contract, and that the share is mounted"
        )
    if Path(pattern).suffix.lower() not in _FORMATS and contract.server.format:
        pattern = f"{pattern}.{contract.server.format}"
    return folder, pattern, sheet


def _matching(folder: Path, pattern: str, table: Table, entries: dict[str, Entry] | None) -> list[str]:
    """Names of the files that match, sorted."""
    try:
        files = folder.rglob("*") if "/" in pattern else folder.iterdir()
        present = sorted(p.relative_to(folder).as_posix() for p in files if p.is_file())
    except PermissionError:
        raise SourceDenied(f"{table.qualified_name}: the folder of the drop cannot be listed: check its mode") from None
    names = [name for name in present if fnmatchcase(name, pattern) and name != NAME]
    is_listed = entries is not None and any(fnmatchcase(name, pattern) for name in entries)
    if not names and not is_listed:
        raise SourceMissing(
            f"{table.qualified_name}: no file of the drop matches '{pattern}'{near(pattern, present)}. Has the "
            "delivery arrived? Otherwise correct physicalName in the contract"
        )
    return names


def _setting(contract: Contract, table: Table, name: str) -> Any:
    """A custom property of the table, or else of the server."""
    if name in table.custom:
        return table.custom[name]
    options = contract.server.options
    listed = options.get("customProperties") or []
    if isinstance(listed, list):
        for item in listed:
            if isinstance(item, dict) and item.get("property") == name:
                return item.get("value")
    return options.get(name)


def _format(names: Sequence[str], contract: Contract, table: Table) -> str:
    kinds = {_FORMATS.get(Path(name).suffix.lower(), "") for name in names}
    if kinds == {""}:
        kinds = {_STATED.get(str(_setting(contract, table, "format") or contract.server.format).lower(), "")}
    if len(kinds) == 1 and (kind := kinds.pop()):
        return kind
    raise DropBroken(
        f"{table.qualified_name}: the files {', '.join(names)} are not of one known format: CSV, Excel (.xlsx), JSON "
        "Lines or Parquet. Narrow physicalName in the contract, or state the server's format"
    )
