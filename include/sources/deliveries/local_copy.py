"""Local copy of a delivered file, hashed and converted to UTF-8 in one pass.

The hashed bytes are the bytes read, even if the sender replaces the file meanwhile.
"""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from include.lake.storage import lake_errors
from include.sources.access import DropBroken, SourceDenied

CHUNK = 4 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = {"utf-8", "utf-8-sig", "ascii"}


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """Local copy of one file. `name` is the delivered file's; `sha256` is of the delivered bytes."""

    name: str
    path: Path
    sha256: str


def copy_verified(source: Path, name: str, target: Path, *, encoding: str | None) -> LocalCopy:
    """Copy `source` to `target`, with its SHA-256.

    With `encoding` ("": UTF-8 unless a byte order mark states otherwise) the copy is UTF-8 without a mark; with None
    the bytes stay as they are.

    Raises:
        DropBroken: the file vanished or changed while it was read, or is not in that encoding.
    """
    digest = hashlib.sha256()
    try:
        with source.open("rb") as file, target.open("wb") as copy:
            before = os.fstat(file.fileno())
            start = file.peek(4)[:4]
            chunks = _chunks(file, digest)
            if encoding is not None:
                chunks = _to_utf8(chunks, _codec(name, encoding, start), name)
            for chunk in chunks:
                with lake_errors("copying a delivered file to the scratch folder"):
                    copy.write(chunk)
            after = source.stat()
    except FileNotFoundError:
        raise DropBroken(
            f"{name} vanished while it was read: wait until the delivery is complete, then run again. Senders should "
            "write files under another name and rename them when they are whole"
        ) from None
    except PermissionError:
        raise SourceDenied(f"{name} cannot be read: check the owner and mode of the drop's files") from None
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise DropBroken(f"{name} was changed while it was read: wait until the delivery is complete, then run again")
    return LocalCopy(name, target, digest.hexdigest())


def _chunks(file: BinaryIO, digest: hashlib._Hash) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        yield chunk


def _codec(name: str, stated: str, start: bytes) -> str:
    """The codec to read with. A byte order mark must not contradict the stated encoding."""
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), "")
    if not stated:
        return marked or "utf-8"
    try:
        codec = codecs.lookup(stated).name
    except LookupError:
        raise DropBroken(
            f"{name}: the encoding '{stated}' is not known: state utf-8, utf-16, cp1258 or windows-1252 in the "
            "manifest or the contract's server"
        ) from None
    family = codec.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    if marked and family != marked:
        raise DropBroken(
            f"{name} begins with the mark of {marked.upper()}, and its encoding is stated as {stated}: correct the "
            "manifest, or the contract's server"
        )
    return marked or codec


def _to_utf8(chunks: Iterator[bytes], codec: str, name: str) -> Iterator[bytes]:
    if codec in _UTF8:
        first = next(chunks, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from chunks  # DuckDB checks UTF-8 and reports the line
        return
    decoder = codecs.getincrementaldecoder(codec)(errors="strict")
    done = 0
    pending = 0
    try:
        for chunk in chunks:
            pending = len(decoder.getstate()[0])
            yield decoder.decode(chunk).encode()
            done += len(chunk)
        pending = len(decoder.getstate()[0])
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        raise DropBroken(
            f"{name} is not {codec.upper()}: byte {done - pending + error.start + 1} of the file has no meaning "
            "there. Ask the sender which encoding it is, and state it in the manifest or the contract's server"
        ) from None
    except UnicodeEncodeError:
        raise DropBroken(
            f"{name} holds half a character (a lone surrogate): ask the sender to write it again"
        ) from None
