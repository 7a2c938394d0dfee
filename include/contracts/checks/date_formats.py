"""Date and time formats of ODCS: patterns of the JDK's DateTimeFormatter, e.g. `dd/MM/yyyy HH:mm`.

Only unambiguous patterns are supported: no years of two digits, no week years, no day of the week, which would not be
checked against the date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_OFFSET = r"[+-](?:0[0-9]|1[0-4])"

_TWO_DIGITS = "[0-9]{1,2}"
# letters: (field, strptime specifier, regular expression of the text); digits only where the text is all digits
_LETTERS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(("yyyy", "uuuu", "y", "u"), ("year", "%Y", "[0-9]{4}")),
    **dict.fromkeys(("MM", "M", "LL", "L"), ("month", "%m", _TWO_DIGITS)),
    "MMM": ("month", "%b", f"(?i:{'|'.join(name[:3] for name in _MONTHS)})"),
    "MMMM": ("month", "%B", f"(?i:{'|'.join(_MONTHS)})"),
    **dict.fromkeys(("dd", "d"), ("day", "%d", _TWO_DIGITS)),
    **dict.fromkeys(("HH", "H"), ("hour", "%H", _TWO_DIGITS)),
    **dict.fromkeys(("hh", "h"), ("hour of the half day", "%I", _TWO_DIGITS)),
    **dict.fromkeys(("mm", "m"), ("minute", "%M", _TWO_DIGITS)),
    **dict.fromkeys(("ss", "s"), ("second", "%S", _TWO_DIGITS)),
    **{"S" * n: ("fraction", "%g" if n <= 3 else "%f" if n <= 6 else "%n", f"[0-9]{{{n}}}") for n in range(1, 10)},
    "a": ("half day", "%p", "(?i:AM|PM)"),
    "XXX": ("offset", "%z", f"(?:Z|{_OFFSET}:[0-5][0-9])"),
    "ZZZZZ": ("offset", "%z", f"(?:Z|{_OFFSET}:[0-5][0-9])"),
    "XX": ("offset", "%z", f"(?:Z|{_OFFSET}[0-5][0-9])"),
    "X": ("offset", "%z", f"(?:Z|{_OFFSET}(?:[0-5][0-9])?)"),
    "xxx": ("offset", "%z", f"{_OFFSET}:[0-5][0-9]"),
    **dict.fromkeys(("xx", "Z", "ZZ", "ZZZ"), ("offset", "%z", f"{_OFFSET}[0-5][0-9]")),
    "x": ("offset", "%z", f"{_OFFSET}(?:[0-5][0-9])?"),
    "VV": ("offset", "%Z", "(?:UTC|[A-Z][A-Za-z]+(?:/[A-Za-z0-9_+-]+)+)"),
}  # fmt: skip
_MEANT = {
    "Y": "y", "YYYY": "yyyy", "D": "d", "DD": "dd", "T": "'T'", "LLL": "MMM", "LLLL": "MMMM", "k": "H", "kk": "HH",
    "SSSSSSSSSS": "SSSSSSSSS", "AM": "a", "PM": "a", "A": "a", "XXXX": "XX", "XXXXX": "XXX", "z": "VV", "yyy": "yyyy",
    "V": "VV", "YYY": "yyyy", "YY": "yyyy", "AA": "a", "aa": "a", "O": "XXX", "K": "h", "KK": "hh",
}  # fmt: skip
_WRONG = {
    "Y": "is the year of a week, not of a date",
    "D": "is the day of the year",
    "E": "is a day of the week, which nobody holds against the date",
    "k": "is an hour from 1 to 24",
    "K": "is an hour from 0 to 11",
    "z": "is a name of a zone, and such names have several meanings",
}
_STRFTIME = {
    "%Y": "yyyy", "%y": "yy", "%m": "MM", "%d": "dd", "%H": "HH", "%I": "hh", "%M": "mm", "%S": "ss", "%f": "SSSSSS",
    "%z": "XX", "%b": "MMM", "%B": "MMMM", "%p": "a",
}  # fmt: skip
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_KNOWN = "yyyy MM dd HH mm ss SSS XXX"
_NEEDS = (("minute", "hour"), ("second", "minute"), ("fraction", "second"))


class FormatError(ValueError):
    """A pattern is unsupported or ambiguous. `remedy` says what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message, self.remedy = message, remedy
        super().__init__(f"{message}: {remedy}")


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A parsed pattern.

    `strptime` is the DuckDB format. `regex` (RE2) matches exactly the valid texts, and must be applied first: strptime
    skips blanks and ignores surplus text. `parts` are the fields in the text: year, month, day, hour, minute, second,
    fraction, offset. `reads_z`: the text may end in `Z` for `+00:00`, which strptime's `%z` does not support.
    """

    pattern: str
    strptime: str
    regex: str
    parts: frozenset[str]
    reads_z: bool = False

    @property
    def has_offset(self) -> bool:
        """Whether it has an offset or zone, and so gives an instant."""
        return "offset" in self.parts


@dataclass(frozen=True, slots=True)
class _Token:
    """Pattern letters or a literal text."""

    letters: str = ""
    literal: str = ""


@lru_cache(maxsize=256)
def read_format(pattern: str) -> DateFormat:
    """Parse a JDK pattern.

    Raises:
        FormatError: it has unsupported letters or is ambiguous.
    """
    tokens = _tokens(pattern)
    parts: list[str] = []
    for token in tokens:
        if token.letters:
            parts.append(_part_of(token.letters, pattern, tokens))
    _one_of_each(pattern, parts)
    _whole(pattern, parts, tokens)
    regex, strptime, reads_z = [], [], False
    for before, token, after in zip([_Token(), *tokens], tokens, [*tokens[1:], _Token()], strict=False):
        if token.literal:
            regex.append(_escaped(token.literal))
            strptime.append(token.literal.replace("%", "%%"))
            continue
        _, word, text = _LETTERS[token.letters]
        regex.append(_exact(token, text, pattern) if _is_tight(before, token, after) else text)
        strptime.append(word)
        if word == "%z" and "Z" in text:
            if after != _Token():
                raise FormatError(
                    f"the format `{pattern}` has text behind the offset", f"end it with `{token.letters}`"
                )
            reads_z = True
    fields = frozenset("hour" if part == "hour of the half day" else part for part in parts)
    return DateFormat(pattern, "".join(strptime), "".join(regex), fields, reads_z)


def _tokens(pattern: str) -> tuple[_Token, ...]:
    if any(word in pattern for word in _STRFTIME):
        meant = re.sub("|".join(_STRFTIME), lambda found: _STRFTIME[found[0]], pattern)
        raise FormatError(f"the format `{pattern}` is in the notation of strptime", f"did you mean `{meant}`?")
    tokens, at = [], 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise FormatError(f"the format `{pattern}` has a quote that does not end", "close it with '")
        at = found.end()
        if found[1] is not None:
            tokens.append(_Token(literal=found[1].replace("''", "'") or "'"))
        elif found[2]:
            tokens.append(_Token(letters=found[0]))
        elif reserved := set(found[0]) & set("[]{}#"):
            remedy = "quote it if it is text: '['; optional parts are not read: write a transformLogic for two forms"
            raise FormatError(f"the format `{pattern}` holds `{min(reserved)}`", remedy)
        else:
            tokens.append(_Token(literal=found[0]))
    if not any(token.letters for token in tokens):
        raise FormatError(f"the format `{pattern}` says no part of a date", f"write it with {_KNOWN}")
    return tuple(tokens)


def _part_of(letters: str, pattern: str, tokens: tuple[_Token, ...]) -> str:
    if letters in _LETTERS:
        return _LETTERS[letters][0]
    if letters in ("yy", "uu", "YY"):
        raise FormatError(
            f"the format `{pattern}` has a year of two digits, which does not tell the century",
            "ask the source for four digits, or write a transformLogic that states the window of years",
        )
    reason = _WRONG.get(letters[0], "is not known here")
    meant = _meant(tokens)
    if meant == pattern:
        remedy = f"use {_KNOWN}, and quote other letters: 'T'"
        if letters[0] in "ED":
            remedy = "write a transformLogic that makes the date of the other parts"
    else:
        remedy = f"did you mean `{meant}`?"
    raise FormatError(f"the format `{pattern}`: `{letters}` {reason}", remedy)


def _one_of_each(pattern: str, parts: list[str]) -> None:
    if {"hour", "hour of the half day"} <= set(parts):
        raise FormatError(f"the format `{pattern}` has two kinds of hour", "use HH alone, or hh with a")
    for part in parts:
        if parts.count(part) > 1:
            raise FormatError(f"the format `{pattern}` tells the {part} twice", "leave one of them, or quote the text")


def _whole(pattern: str, parts: list[str], tokens: tuple[_Token, ...]) -> None:
    fields = {"hour" if part == "hour of the half day" else part for part in parts}
    if "minute" in fields and "month" not in fields and "hour" not in fields:
        meant = "".join(_written(t, {"mm": "MM", "m": "M"}) for t in tokens)
        raise FormatError(f"the format `{pattern}`: `mm` is minutes", f"did you mean `{meant}`?")
    if "hour of the half day" in parts and "half day" not in fields:
        meant = "".join(_written(t, {"hh": "HH", "h": "H"}) for t in tokens)
        raise FormatError(f"the format `{pattern}`: `hh` is an hour from 1 to 12", f"did you mean `{meant}`?")
    if "half day" in fields and "hour of the half day" not in parts:
        raise FormatError(f"the format `{pattern}`: `a` is of an hour from 1 to 12", "use hh with a, or HH alone")
    for part, needed in _NEEDS:
        if part in fields and needed not in fields:
            raise FormatError(f"the format `{pattern}` tells the {part} but not the {needed}", f"use {_KNOWN}")


def _is_tight(before: _Token, token: _Token, after: _Token) -> bool:
    """Whether digits adjoin this token's digits, so that only their number separates them."""
    return _is_digits(token) and (_is_digits(before, at_end=True) or _is_digits(after))


def _is_digits(token: _Token, *, at_end: bool = False) -> bool:
    if token.letters:
        return _LETTERS[token.letters][2].startswith("[0-9]")
    return bool(token.literal) and token.literal[-1 if at_end else 0].isdigit()


def _exact(token: _Token, text: str, pattern: str) -> str:
    if text != _TWO_DIGITS:
        return text
    if len(token.letters) == 1:
        remedy = f"write `{token.letters * 2}` if it always has two digits, or write a transformLogic"
        raise FormatError(f"the format `{pattern}`: digits on both sides of where `{token.letters}` ends", remedy)
    return "[0-9]{2}"


def _meant(tokens: tuple[_Token, ...]) -> str:
    """The pattern probably meant; the same pattern if none is known."""
    letters = {t.letters for t in tokens}
    hours = {t[:1] for t in letters} & set("HhkK")
    minutes = {} if hours or letters & {"MM", "M", "MMM", "MMMM"} else {"mm": "MM", "m": "M"}
    halves = {} if "a" in {_MEANT.get(t, t) for t in letters} else {"hh": "HH", "h": "H"}
    return "".join(_written(t, {**_MEANT, **minutes, **halves}) for t in tokens)


def _written(token: _Token, meant: dict[str, str]) -> str:
    if token.letters:
        return meant.get(token.letters, token.letters)
    text = token.literal
    return "'" + text.replace("'", "''") + "'" if re.search("[A-Za-z'\\[\\]{}#]", text) else text


def _escaped(text: str) -> str:
    return "".join(
        f"\\{char}" if char.isascii() and not char.isalnum() and not char.isspace() else char for char in text
    )
