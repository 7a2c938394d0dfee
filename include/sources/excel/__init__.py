"""Excel workbooks of a delivery: one sheet is one table, every cell as text.

Read by a parser of our own, a pass over the sheet's XML. What the libraries give is not enough to say that nothing was
lost: openpyxl knows neither durations nor escapes nor formulas without a result, and stops at strict workbooks;
python-calamine gives errors and formulas without a result as empty text, and no number formats.
"""

from __future__ import annotations

from include.sources.excel.workbook import read_workbook

__all__ = [
    "read_workbook",
]
