"""Survey of a CSV file's bytes: line ends, multi-line quoted values, and input that DuckDB would not read exactly.

DuckDB's reader is fast and, in a few places, not exact: it drops blanks next to quotes, and loses bytes where line ends
are mixed or a line holds only a NUL. One pass finds those places before a row is read.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include.sources.deliveries import CHUNK

LONGEST_VALUE = 128 << 20
_MOST = 500  # values that one match skips; a match keeps each in memory


class TooLong(Exception):
    """A line, or a quoted value, is longer than `LONGEST_VALUE`; it begins at the byte `at`."""

    def __init__(self, at: int) -> None:
        super().__init__("a line or value is too long")
        self.at = at


@dataclass(frozen=True, slots=True)
class Ends:
    """Number of line ends of each kind."""

    lf: int = 0
    cr: int = 0
    crlf: int = 0

    @classmethod
    def of(cls, content: bytes) -> Ends:
        """Line ends in a piece of a file that splits no CR LF."""
        crlf = content.count(b"\r\n")
        return cls(content.count(b"\n") - crlf, content.count(b"\r") - crlf, crlf)

    def __add__(self, other: Ends) -> Ends:
        return Ends(self.lf + other.lf, self.cr + other.cr, self.crlf + other.crlf)

    def __sub__(self, other: Ends) -> Ends:
        return Ends(self.lf - other.lf, self.cr - other.cr, self.crlf - other.crlf)

    @property
    def number(self) -> int:
        """Number of line ends of all kinds."""
        return self.lf + self.cr + self.crlf

    @property
    def is_mixed(self) -> bool:
        """Whether there is more than one kind."""
        return (self.lf > 0) + (self.cr > 0) + (self.crlf > 0) > 1


@dataclass(frozen=True, slots=True)
class Survey:
    """Result of a survey. `records` counts the header, the rows and the empty lines between them.

    `longest` is the number of lines of the longest quoted value, which begins at the byte `longest_at`. `is_mixed`:
    line ends outside quotes are of several kinds. `needs_care`: DuckDB might change a value.
    """

    records: int
    longest: int
    longest_at: int
    is_mixed: bool
    needs_care: bool


def survey_csv(path: Path, delimiter: str) -> Survey:
    """Survey a file that is not empty. Raises TooLong: no reader's memory would hold its rows."""
    ends = Ends()
    needs_care = False
    longest, longest_at = 1, 0
    read = line_at = 0
    for chunk in _pieces(path):
        ends += Ends.of(chunk)
        if (last := max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))) >= 0:
            line_at = read + last + 1
        read += len(chunk)
        if read - line_at > LONGEST_VALUE:
            raise TooLong(line_at)
        needs_care = needs_care or b"\0" in chunk
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for match in _quotes(delimiter).finditer(content):
            if match["before"] is not None:
                needs_care = needs_care or _begins_field(content, match.start(), delimiter)
                continue
            needs_care = needs_care or match["after"] is not None
            begin, end = match.span("long")
            if end - begin > LONGEST_VALUE:
                raise TooLong(begin)
            if begin >= 0:
                inside = Ends.of(match["long"])
                ends -= inside
                if inside.number >= longest:
                    longest, longest_at = inside.number + 1, match.start()
        text_end = len(content)
        while text_end and content[text_end - 1] in b"\r\n":
            text_end -= 1
        empty_at_end = Ends.of(content[text_end:]).number
    return Survey(ends.number - empty_at_end + 1, longest, longest_at, ends.is_mixed, needs_care)


def first_other_end(path: Path, delimiter: str) -> int:
    """Position of the first line end of another kind than the first line's, in a file with mixed line ends."""
    sign = re.escape(delimiter.encode())
    part = re.compile(rb'"(?<![^' + sign + rb'\r\n]")[^"]*+(?:""[^"]*+)*+"?+|(?P<end>\r\n|\n|\r)')
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        first = b""
        for match in part.finditer(content):
            first = first or match["end"] or b""
            if match["end"] not in (None, first):
                return match.start()
    return 0


def line_numbers(path: Path, places: list[int]) -> list[int]:
    """Line number of each byte position (ascending), as editors count; the engine counts a multi-line row as one."""
    lines: list[int] = []
    with path.open("rb") as file:
        line, done = 1, 0
        for place in places:
            while done < place and (chunk := file.read(min(CHUNK, place - done))):
                if chunk.endswith(b"\r") and done + len(chunk) < place:
                    chunk += file.read(1)
                line += Ends.of(chunk).number
                done += len(chunk)
            lines.append(line)
    return lines


def _quotes(delimiter: str) -> re.Pattern[bytes]:
    r"""Pattern that finds quotes, and skips quoted values of one line in runs.

    Groups: `long`, the content of a quoted value, perhaps of several lines; `after`, a blank behind a closing quote;
    `before`, a quote behind a blank that opens no value as it does not stand at a value's start.
    """
    sign = re.escape(delimiter.encode())
    short = rb'[^"\r\n]*+(?:""[^"\r\n]*+)*+"(?!")'
    run = short + rb"(?:[" + sign + rb'\r\n]++"' + short + rb"){0,%d}+" % _MOST
    any_value = rb'(?P<long>[^"]*+(?:""[^"]*+)*+)(?:"|\Z)'
    opening = rb"(?<![^" + sign + rb'\r\n]")'
    return re.compile(rb'"(?:' + opening + rb"(?:" + run + rb"|" + any_value + rb')(?P<after> )?|(?P<before>(?<= ")))')


def _begins_field(content: mmap.mmap, quote_at: int, delimiter: str) -> bool:
    """Whether only blanks precede a quote in its value."""
    at = quote_at - 1
    while at >= 0 and content[at] == ord(" "):
        at -= 1
    return at < 0 or content[at : at + 1] in (delimiter.encode(), b"\r", b"\n")


def _pieces(path: Path) -> Iterator[bytes]:
    """The file in pieces that split no CR LF."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk + file.read(1) if chunk.endswith(b"\r") else chunk
