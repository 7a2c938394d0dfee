"""File deliveries in a folder: finds a table's files, checks that they are complete, and decides their encoding.

The encoding is the one that the manifest gives for a file, else that of the table, else that of the server.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from include.contracts.model import Contract, Table
from include.lake.storage import REPOSITORY, lake_errors
from include.sources.access import Connection, DropBroken, SourceDenied, SourceMissing
from include.sources.csv import read_delimited
from include.sources.deliveries import (
    NAME,
    READ,
    START,
    SUFFIXES,
    Delivery,
    Format,
    ManifestEntry,
    check_each_is_read,
    check_file,
    check_listing,
    copy_verified,
    folded,
    format_of,
    is_named,
    looks_like,
    read_manifest,
    stated_format,
    why_not_content,
    why_not_read,
)
from include.sources.excel import read_workbook
from include.sources.json_lines import read_json_lines
from include.sources.open_object import OpenObject, Reading
from include.sources.parquet import read_parquet
from include.sources.source_schema import near

_OPENERS: dict[Format, Callable[[Delivery, duckdb.DuckDBPyConnection], Reading]] = {
    "csv": read_delimited,
    "xlsx": read_workbook,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
}


@contextmanager
def open_files(
    connection: Connection, table: Table, contract: Contract, duck: duckdb.DuckDBPyConnection, scratch: Path
) -> Iterator[OpenObject]:
    """Open the files of one table, after checking them against the manifest.

    The copies are in a folder below `scratch` named with the process id: maintenance removes a killed process's.
    """
    folder, patterns, sheet = locate(connection, contract, table)
    with lake_errors("preparing the scratch folder"):
        scratch.mkdir(parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix=f"drop-{os.getpid()}-", dir=scratch))
    try:
        _check_inside(folder, NAME)
        entries = read_manifest(folder)
        names = _matching(folder, patterns, table, entries or {})
        notes: tuple[str, ...] = ()
        if entries is None:
            if _setting(contract, table, "manifest") == "required":
                raise DropBroken(
                    f"{table.qualified_name}: the drop has no {NAME}, and the contract requires one: ask the sender "
                    "for it (it is delivered last)"
                )
            notes = (f"no {NAME}: completeness not proven",)
        else:
            on_disk = {folded(name): name for name in names}
            entries = {on_disk.get(folded(name), name): entry for name, entry in entries.items()}
            check_listing(entries, patterns, names)
            check_each_is_read(entries, _patterns_in(folder, connection, contract))
        kind = _format(names, contract, table)
        copies = []
        for number, name in enumerate(names):
            entry = (entries or {}).get(name, ManifestEntry(name))
            encoding = entry.encoding or str(_setting(contract, table, "encoding") or contract.server.encoding)
            is_text = kind in {"csv", "jsonl"}
            _check_inside(folder, name)
            _check_content(folder / name, name, kind)
            copy = copy_verified(
                folder / name, name, private / f"{number}{Path(name).suffix}", encoding=encoding if is_text else None
            )
            check_file(entry, copy.sha256)
            copies.append(copy)
        delimiter = str(_setting(contract, table, "delimiter") or contract.server.delimiter)
        delivery = Delivery(table, tuple(copies), entries or {}, sheet, delimiter, notes)
        yield OpenObject(kind, kind, None, whole=_OPENERS[kind](delivery, duck), safeguards="")
    finally:
        shutil.rmtree(private, ignore_errors=True)


def locate(connection: Connection, contract: Contract, table: Table) -> tuple[Path, tuple[str, ...], str]:
    """Folder, file patterns (the first with a match applies) and sheet of a table.

    A relative folder is tried below the working directory, the contract's folder, then the repository.
    """
    source_name, _, sheet = (table.source_name or table.name).partition("#")
    if Path(source_name).is_absolute() or ".." in Path(source_name).parts:
        raise DropBroken(f"{table.qualified_name}: physicalName leads out of the drop's folder: name a file inside it")
    path = Path(connection.path.replace("{model}", source_name))
    pattern = source_name
    is_file = any(sign in path.name for sign in "*?[") or bool(format_of(path.name) or why_not_read(path.name))
    if is_file and not path.is_dir():
        pattern = source_name if format_of(source_name) or why_not_read(source_name) else path.name
        path = path.parent
    if reason := why_not_read(pattern):
        raise DropBroken(f"{table.qualified_name}: {reason}; then correct physicalName in the contract ({READ})")
    bases = (Path.cwd(), contract.path.absolute().parent, REPOSITORY)
    candidates = [path] if path.is_absolute() else [folder / path for folder in bases]
    folder = next((candidate for candidate in candidates if candidate.is_dir()), None)
    if folder is None:
        raise SourceMissing(
            f"{table.qualified_name}: the folder of the drop is not there ({' or '.join(map(str, candidates))}): check "
            f"{connection.variable} or the server's path in the contract, and that the share is mounted"
        )
    if format_of(pattern) or not contract.server.format:
        return folder, (pattern,), sheet
    stated = stated_format(contract.server.format)
    if stated is None:
        raise DropBroken(
            f"{table.qualified_name}: the contract's server states the format '{contract.server.format}', which is "
            f"not known. Correct `format`, or ask the sender for one that is ({READ})"
        )
    return folder, (*(f"{pattern}{suffix}" for suffix in SUFFIXES[stated]), pattern), sheet


def _patterns_in(folder: Path, connection: Connection, contract: Contract) -> list[str]:
    """The file patterns of all tables whose files are in that folder; a table without one says so when it is read."""
    patterns: list[str] = []
    for table in contract.tables:
        with suppress(DropBroken, SourceMissing):
            place, own, _ = locate(connection, contract, table)
            patterns += own if place == folder else ()
    return patterns


def _matching(folder: Path, patterns: Sequence[str], table: Table, entries: Iterable[str]) -> list[str]:
    """The names that match the first pattern with matches, sorted; the delivery is refused if others look like it."""
    try:
        files = folder.rglob("*") if "/" in patterns[0] else folder.iterdir()
        present = sorted(p.relative_to(folder).as_posix() for p in files if p.is_file())
    except PermissionError:
        raise SourceDenied(f"{table.qualified_name}: the folder of the drop cannot be listed: check its mode") from None
    for pattern in patterns:
        names = [name for name in present if is_named(name, pattern) and name != NAME]
        if names or any(is_named(name, pattern) for name in entries):
            _check_alike(names, present, patterns, table)
            return names
    first_pattern = patterns[0]
    others = (name for name in present if Path(name).name.lower().startswith(f"{Path(first_pattern).stem.lower()}."))
    reason = next(filter(None, map(why_not_read, others)), "")
    raise SourceMissing(
        f"{table.qualified_name}: no file of the drop matches '{first_pattern}'"
        f"{near(first_pattern, filter(format_of, present))}. "
        + (
            f"{reason} ({READ})"
            if reason
            else "Has the delivery arrived? Otherwise correct physicalName in the contract"
        )
    )


def _check_alike(names: Sequence[str], present: Sequence[str], patterns: Sequence[str], table: Table) -> None:
    """Raise DropBroken if a file that looks like the table's is not taken, or two have the same name."""
    others = sorted({*present} - {*names, NAME})
    times = Counter(map(folded, names))
    odd = [name for name in others if looks_like(name, patterns)]
    odd += [name for name in names if times[folded(name)] > 1]
    if names and odd:
        reason = next(filter(None, map(why_not_read, odd)), "")
        raise DropBroken(
            f"{table.qualified_name}: by their names {', '.join(odd)} may be of the table too ('{patterns[-1]}'), and "
            f"a delivery is read whole{f'; {reason}' if reason else ''}. Ask the sender for each file once, all of one "
            f"suffix ({READ}), or narrow physicalName in the contract"
        )


def _check_inside(folder: Path, name: str) -> None:
    """Raise DropBroken for a symbolic link out of the folder, by which a sender could have other files read."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise DropBroken(f"{name} is a link that leads out of the drop's folder: ask the sender for the file itself")


def _check_content(path: Path, name: str, kind: Format) -> None:
    """Raise DropBroken for a file whose first bytes contradict its suffix."""
    with suppress(OSError), path.open("rb") as file:  # an unreadable file is reported when it is copied
        reason = why_not_content(name, kind, file.read(START))
        if reason:
            raise DropBroken(f"{reason} ({READ})")


def _setting(contract: Contract, table: Table, name: str) -> Any:
    """A custom property of the table, else of the server."""
    if name in table.custom:
        return table.custom[name]
    options = contract.server.options
    listed = options.get("customProperties") or []
    if isinstance(listed, list):
        for item in listed:
            if isinstance(item, dict) and item.get("property") == name:
                return item.get("value")
    return options.get(name)


def _format(names: Sequence[str], contract: Contract, table: Table) -> Format:
    kinds = {format_of(name) for name in names}
    if kinds == {None}:
        kinds = {stated_format(str(_setting(contract, table, "format") or contract.server.format))}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is not None and not any(map(why_not_read, names)):
        return kind
    reason = next(filter(None, map(why_not_read, names)), "")
    raise DropBroken(
        f"{table.qualified_name}: the files {', '.join(names)} are not of one known format ({READ}). "
        + (f"{reason}. " if reason else "")
        + "Narrow physicalName in the contract, or state the server's format"
    )
