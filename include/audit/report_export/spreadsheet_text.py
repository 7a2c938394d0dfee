"""What goes into spreadsheets: texts of others are no formula and not cut in silence, numbers keep every digit."""

from __future__ import annotations

from decimal import MAX_PREC, Context, Decimal
from numbers import Integral
from typing import Any

from include.terminal import with_controls_seen

_LONGEST = 32_767  # UTF-16 units in a cell of Excel
_MOST_DIGITS = 15  # of a number in a cell of Excel; those after them become 0
_CUT = " [... cut here: a cell of Excel holds no more; the report's other files have the whole text]"


def as_text(value: Any) -> Any:
    """The value for a CSV file; of a text the control characters made visible, and no formula."""
    if not isinstance(value, str):
        return value
    text = with_controls_seen(value.replace("\r\n", "\n"))
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def cell_text(value: Any) -> Any:
    """The same for a cell of Excel; too long a text ends with words that say so, too long a number is a text."""
    text = as_text(value)
    if isinstance(value, Integral):
        value = Decimal(int(value))
    if isinstance(value, Decimal) and _digits(value) > _MOST_DIGITS:
        return format(value, "f")
    units = text.encode("utf-16-le") if isinstance(text, str) else b""
    if len(units) <= 2 * _LONGEST:
        return text
    return units[: 2 * (_LONGEST - len(_CUT))].decode("utf-16-le", "ignore") + _CUT


def _digits(value: Decimal) -> int:
    """How many digits a number has from its first to its last that is not 0."""
    return len(value.normalize(Context(prec=MAX_PREC)).as_tuple().digits) if value.is_finite() else 0
