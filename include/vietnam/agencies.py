"""Electronic codes of agencies in plain Python: what `vn_agency` must give."""

from __future__ import annotations

import re

from include.vietnam import names

_OLD_FORM = re.compile(r"(\d{3})\.(\d{2})\.(\d{2})\.([A-Y]\d{2})", re.ASCII)


def agency(value: str | None) -> str | None:
    """`vn_agency`: level 1 first and no zero groups at the end; other text as it is.

    Old form: QCVN 102:2016/BTTTT. New form: Decision 20/2020/QĐ-TTg.
    """
    clean = names.text(value)
    found = _OLD_FORM.fullmatch(clean or "")
    if found is None:
        return clean
    groups = [found[4], found[3], found[2], found[1]]
    while len(groups) > 1 and not int(groups[-1]):
        groups.pop()
    return ".".join(groups)
