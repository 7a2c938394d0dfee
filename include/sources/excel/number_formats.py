"""Number formats of Excel, parsed for the meaning of a number, not its look.

A number may be a day, a time, a duration, or digits with leading zeros (an identifier). Percent, currency, rounding and
colours leave the number as it is.
Number formats: ECMA-376 part 1, 18.8.30 and 18.8.31.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "date", "date-time", "time", "duration"]
# Built-in ids, which workbooks do not define. From 27 on they depend on the language of Excel.
_BUILT_IN: dict[int, Kind] = {
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 59), 71, 72, 73, 74, 81), "date"),
    **dict.fromkeys((22, 77), "date-time"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 75, 76, 78, 80), "time"),
    **dict.fromkeys((46, 79), "duration"),
}
_TOKEN = re.compile(r'"([^"]*)"?|\\(.?)|[_*].?|\[([^\]]*)\]?|(;)|(AM/PM|A/P|上午/下午)|(General)|(.)', re.I | re.S)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*([+-]?\d+\.?\d*)", re.ASCII)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "<>": operator.ne,
}  # fmt: skip
_ZERO, _LITERAL = "\0", "\1"  # a literal 0, any other literal


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a format. `digits` is its least number of digits, `zeros` the leading zeros it writes."""

    kind: Kind = "number"
    digits: int = 0
    zeros: str = ""
    condition: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NumberFormat:
    """A number format; `is_plain` if it leaves numbers of any sign as they are."""

    sections: tuple[Section, ...]
    is_plain: bool

    def section(self, value: float) -> Section:
        """The section that applies to a value; the last if no condition holds."""
        for section in self.sections:
            if section.condition is None or _COMPARE[section.condition[0]](value, section.condition[1]):
                return section
        return self.sections[-1]


def built_in(number: int) -> NumberFormat:
    """The format of an id that the workbook does not define."""
    kind = _BUILT_IN.get(number, "number")
    return NumberFormat((Section(kind),), kind == "number")


def read_format(code: str) -> NumberFormat:
    """Parse a format code such as `dd/mm/yyyy;@` or `[<=99]00;000`."""
    parts: list[tuple[list[str], list[str]]] = [([], [])]
    for quoted, escaped, bracket, split, half, general, sign in _TOKEN.findall(code):
        signs, brackets = parts[-1]
        if split:
            parts.append(([], []))
        elif bracket:
            brackets.append(bracket)
        elif half:
            signs.append("h")
        elif sign:
            signs.append(sign.lower())
        elif not general:
            signs.extend(_ZERO if letter == "0" else _LITERAL for letter in quoted + escaped)
    found = [_section("".join(signs), brackets) for signs, brackets in parts[:3]]
    defaults: list[tuple[str, float] | None] = [(">", 0.0), ("<", 0.0), None]
    if len(found) < 3:
        defaults = [(">=", 0.0), None] if len(found) == 2 else [None]
    sections = tuple(
        Section(section.kind, section.digits, section.zeros, section.condition or default)
        for section, default in zip(found, defaults, strict=True)
    )
    return NumberFormat(sections, all(s.kind == "number" and s.digits < 2 and not s.zeros for s in sections))


def _section(signs: str, brackets: list[str]) -> Section:
    condition = next((m for bracket in brackets if (m := _CONDITION.fullmatch(bracket))), None)
    bound = (condition[1], float(condition[2])) if condition else None
    if any(re.fullmatch(r"h+|m+|s+", bracket, re.I) for bracket in brackets):
        return Section("duration", condition=bound)
    bare = re.sub(f"[{_ZERO}{_LITERAL}]", "", signs)
    clockless = re.sub(r"s[.,]0+", "s", bare)
    if re.search(r"[0#?]", clockless):  # a number, whatever letters surround it
        placed = re.search(r"[0#].*", signs, re.S)
        if placed is None or re.search(r"[.,%/?e]", bare):
            return Section(condition=bound)
        shown = re.sub("[^0#]", "", placed[0])
        zeros = re.search(f"{_ZERO}*$", signs[: placed.start()])
        return Section(
            digits=len(shown) - shown.find("0") if "0" in shown else 0,
            zeros="0" * len(zeros[0]) if zeros else "",
            condition=bound,
        )
    has_clock = re.search(r"[hs]", clockless) is not None
    has_day = re.search(r"[ydbegra]|mmm", clockless) is not None or ("m" in clockless and not has_clock)
    kind: Kind = "number"
    if has_day:
        kind = "date-time" if has_clock else "date"
    elif has_clock:
        kind = "time"
    return Section(kind, condition=bound)
