"""Zip package of a workbook: its parts, with bounds checked before unpacking, and their XML.

Layout and relationship types: ECMA-376 part 2 (packages), part 1 (transitional) and ISO/IEC 29500 (strict).
"""

from __future__ import annotations

import mmap
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from xml.parsers import expat

from include.sources.access import DropBroken

CHUNK = 1 << 16
BOMB_RATIO = 200  # sheets compress 5 to 40 to 1; a part that compresses better and is larger than SMALL is refused
SMALL = 64 << 20
_LISTING = 16 << 20  # of parts that list things: sheets, styles, relationships
_DIRECTORY = 4 << 20  # of the names of all parts: some 40,000 of them
_TOKEN = 16 << 20  # an attribute or comment, which the parser buffers whole; a text, of which a cell holds 32,767
DEEPEST = 200
MOST_RUNS = 32_767
MOST_MERGES = 250_000
LARGEST_PART = 4 << 30
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE = "ask the sender to open it in Excel, save it as .xlsx, and deliver that"
_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
Attributes = dict[str, str]
Start = Callable[[str, Attributes], object]


class Forbidden(Exception):
    """Forbidden XML: a document type, whose entities could expand without bound, or a text too long for memory."""


def tags(*names: str) -> dict[str, str]:
    """Full names of elements, transitional and strict."""
    return {f"{namespace} {name}": name for namespace in _NAMESPACES for name in names}


class Package:
    """An open workbook file; `name` is the delivered file's, for messages. Part names are case-insensitive."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        with open_errors(name):
            try:
                with path.open("rb") as file:
                    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
                if end and end[zipfile._ECD_SIZE] > _DIRECTORY:  # type: ignore[attr-defined]
                    raise Forbidden
                self._zip = zipfile.ZipFile(path)
            except zipfile.BadZipFile:
                raise DropBroken(_no_zip(path, name)) from None
            found = self._zip.infolist()
        self._parts = {_part(info.filename): info for info in found}
        self._streams: list[IO[bytes]] = []
        try:
            if len(self._parts) < len(found):
                raise DropBroken(f"{name} holds two parts of one name, of which one would be lost: {_SAVE}")
            self.workbook = self._main()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._streams:  # also those of parts that were read half-way
            stream.close()
        self._zip.close()

    def chunks(self, part: str, largest: int = LARGEST_PART) -> Iterator[bytes]:
        """The bytes of a part. Raises DropBroken if it is missing, or larger than a table can be."""
        info = self._parts.get(part)
        if info is None:
            raise DropBroken(f"{self.name} is not whole, a part of it is missing: {_SAVE}")
        if info.file_size > largest or info.file_size > max(SMALL, info.compress_size * BOMB_RATIO):
            raise DropBroken(
                f"{self.name} would unpack to {info.file_size >> 20} MiB from {max(info.compress_size >> 20, 1)} MiB "
                "or less: more than is read of a workbook. Ask the sender whether the file is theirs, and to deliver "
                "the table as CSV or Parquet"
            )
        stream = self._zip.open(info)  # reads no more than the size that was checked
        self._streams.append(stream)
        yield from iter(lambda: stream.read(CHUNK), b"")

    def starts(self, part: str, elements: dict[str, str]) -> Iterator[tuple[str, Attributes]]:
        """Attributes of the named elements of a small part."""
        found: list[tuple[str, Attributes]] = []
        depth = 0

        def start(name: str, attributes: Attributes) -> None:
            nonlocal depth
            depth += 1
            if depth > DEEPEST:
                raise Forbidden
            if tag := elements.get(name):
                found.append((tag, attributes))

        def end(_: str) -> None:
            nonlocal depth
            depth -= 1

        parser = parser_of(start)
        parser.EndElementHandler = end
        for _ in fed(parser, self.chunks(part, _LISTING)):
            yield from found
            found.clear()

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Relationships of a part: id -> (kind, part), the kind being the last word of the relationship's type."""
        folder, _, file = part.rpartition("/")
        listing = f"{folder}/_rels/{file}.rels".removeprefix("/")
        if listing not in self._parts:
            return {}
        elements = {"http://schemas.openxmlformats.org/package/2006/relationships Relationship": "Relationship"}
        return {
            given.get("Id", ""): (
                given.get("Type", "").rpartition("/")[2],
                _part(posixpath.join(f"/{folder}", given.get("Target", ""))),
            )
            for _, given in self.starts(listing, elements)
        }

    def _main(self) -> str:
        with open_errors(self.name):
            for kind, part in self.related("").values():
                if kind == "officeDocument" and part in self._parts and part.endswith(".xml"):
                    return part
        if "content.xml" in self._parts:
            what = "an OpenDocument file under another name"
        elif any(part.endswith(".bin") and "workbook" in part for part in self._parts):
            what = "a binary workbook (.xlsb) under another name"
        else:
            what = "a zip file of something else"
        raise DropBroken(f"{self.name} is no Excel workbook that can be read: it is {what}; {_SAVE}")


@contextmanager
def open_errors(name: str) -> Iterator[None]:
    """Turn errors of zip and XML parsers into DropBroken, without their text, which may quote the file."""
    try:
        yield
    except RuntimeError as error:  # zipfile's word for a password
        if type(error) is not RuntimeError and not isinstance(error, NotImplementedError):
            raise
        raise DropBroken(
            f"{name} is packed with a password, or in a way that Excel does not write: {_SAVE}, without password"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, expat.ExpatError, Forbidden):
        raise DropBroken(
            f"{name} was cut off or altered on the way, or the program that wrote it made no valid workbook: ask the "
            "sender to deliver it again, or to open it in Excel, save it, and deliver that"
        ) from None


def parser_of(start: Start) -> Any:
    """An XML parser that names elements `namespace name` and refuses document types."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start

    def refuse(*_: object) -> None:
        raise Forbidden

    parser.StartDoctypeDeclHandler = refuse
    return parser


def fed(parser: Any, chunks: Iterator[bytes], piece: Sequence[str] = ()) -> Iterator[None]:
    """Feed a parser, yielding after each chunk so that the caller can take what its handlers collected.

    `piece` is the text being collected. Raises Forbidden if it, or the parser's buffer, is too long.
    """
    given = 0
    for chunk in chunks:
        parser.Parse(chunk, False)
        given += len(chunk)
        if given - parser.CurrentByteIndex > _TOKEN or sum(map(len, piece)) > _TOKEN:
            raise Forbidden
        yield
    parser.Parse(b"", True)
    yield


def _part(name: str) -> str:
    """A part's normalised name; some programs write it with backslashes."""
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/").lower()


def _no_zip(path: Path, name: str) -> str:
    """Error for a file that is no zip file, naming what it is and the remedy."""
    problem = f"{name} is no Excel workbook that can be read"
    start, streams = _signs(path)
    if "EncryptedPackage" in streams:
        return (
            f"{problem}: it is protected by a password. Ask the sender to take that off (File, Info, Protect Workbook, "
            "Encrypt with Password: empty), and to deliver it again"
        )
    if streams:
        return f"{problem}: it is of the format before 2007 (.xls), whatever its name says; {_SAVE}"
    if start.startswith(b"PK"):
        return f"{problem}: it was cut off or altered on the way. Ask the sender to deliver it again"
    return f"{problem} (.xlsx, without password): {_SAVE}"


def _signs(path: Path) -> tuple[bytes, set[str]]:
    """Leading bytes of a file, with the directory of an OLE file, which identify the program that wrote it."""
    with path.open("rb") as file:
        start = file.read(len(_OLE))
        if start != _OLE:
            return start, set()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            names = ("EncryptedPackage", "Workbook", "Book")
            return start, {name for name in names if content.find(name.encode("utf-16-le")) >= 0}
