"""Texts of others in spreadsheets: never a formula, never cut in silence, and no character that a workbook refuses."""

from __future__ import annotations

from typing import Any

from include.terminal import with_controls_seen

_LONGEST = 32_767  # UTF-16 units in a cell of Excel
_CUT = " [... cut here: a cell of Excel holds no more; the report's other files have the whole text]"


def as_text(value: Any) -> Any:
    """The value for a CSV file; of a text the control characters made visible, and no formula."""
    if not isinstance(value, str):
        return value
    text = with_controls_seen(value.replace("\r\n", "\n"))
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def cell_text(value: Any) -> Any:
    """The same for a cell of Excel; a text that is too long ends with words that say so."""
    text = as_text(value)
    units = text.encode("utf-16-le") if isinstance(text, str) else b""
    if len(units) <= 2 * _LONGEST:
        return text
    return units[: 2 * (_LONGEST - len(_CUT))].decode("utf-16-le", "ignore") + _CUT
