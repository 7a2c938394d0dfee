"""Reader of Excel workbooks: one sheet is one table, every cell as text.

It parses the sheet's XML in one pass, since no library shows every loss: openpyxl supports neither durations nor
escapes nor formulas without a result, and fails on strict workbooks; python-calamine gives errors and formulas without
a result as empty text, and no number formats.
"""

from include.sources.excel.workbook import read_workbook
