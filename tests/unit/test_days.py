"""A day that people read, or under which something is kept, is that of Hà Nội: `day_of` makes it, and nothing else.

Syncs of 01:00 in Hà Nội are of the day before in UTC. Older tests had clocks at hours that are of one day in both.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from include.console_words import day, moment
from include.contracts.words import day_of

ROOT = Path(__file__).parents[2]
SHOWN = ("audit", "cli", "indicators", "pipelines", "portal", "sharing", "console_words.py")
A_DAY = re.compile(r"(?=.*%d)(?=.*%m)(?!.*%H)")
ISO_DAY = "%Y-%m-%d"
AN_INSTANT = re.compile(r"(?:\bat|_at|\bnow\(\)|astimezone\(.*\))$")  # a date is called otherwise, as `due_on`
IN_A_TEMPLATE = re.compile(r"\.date\(\)|\b(?:\w+_)?at\.strftime\((?!.*%H)")


def days_of_instants(source: str) -> Iterator[str]:
    """Where a module makes a day of an instant by itself. A date needs no `%Y-%m-%d`: that is how it is written."""
    for node in ast.walk(ast.parse(source)):
        form, of = "", ""
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            form = "".join(str(part.value) for part in node.format_spec.values if isinstance(part, ast.Constant))
            of = ast.unparse(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = ast.unparse(node.func.value)
            if node.func.attr == "date" and not node.args:
                yield ast.unparse(node)
            if node.func.attr == "strftime" and node.args and isinstance(node.args[0], ast.Constant):
                form = str(node.args[0].value)
        elif isinstance(node, ast.Subscript) and ast.unparse(node).endswith("isoformat()[:10]"):
            yield ast.unparse(node)
        if form == ISO_DAY or (A_DAY.match(form) and AN_INSTANT.search(of)):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("f'{at:%Y-%m-%d}'", 1), ("f'{now:%Y-%m-%d %H:%M} UTC'", 0), ("f'{token.ends_at:%d/%m/%Y}'", 1),
        ("f'{request.due_on:%d/%m/%Y}'", 0), ("at.astimezone(UTC).date()", 1), ("context.now().date()", 1),
        ("at.strftime('%d/%m/%Y')", 1), ("at.strftime('%Y-%m-%dT%H:%M:%SZ')", 0), ("at.isoformat()[:10]", 1),
        ("f'{at.astimezone(HANOI):%d/%m/%Y}'", 1), ("f'{day_of(at):%d/%m/%Y}'", 0), ("date(2026, 3, 1)", 0),
    ],
)  # fmt: skip
def test_a_day_of_an_instant_is_found(source: str, found: int) -> None:
    assert len(list(days_of_instants(source))) == found


def test_no_day_that_people_read_is_made_of_an_instant_elsewhere() -> None:
    found = []
    for top in SHOWN:
        place = ROOT / "include" / top
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            found += [f"{path.relative_to(ROOT)}: {one}" for one in days_of_instants(path.read_text(encoding="utf-8"))]
    for path in sorted((ROOT / "include").rglob("*.j2")) + sorted((ROOT / "plugins").rglob("*.j2")):
        found += [f"{path.relative_to(ROOT)}: {one}" for one in IN_A_TEMPLATE.findall(path.read_text(encoding="utf-8"))]
    assert not found, "use day_of of include.contracts.words"


@pytest.mark.parametrize(("hour", "first"), [(16, 2), (17, 3), (23, 3)])
def test_the_day_of_a_night_begins_in_ha_noi(hour: int, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2026, 3, 2, hour, 59, tzinfo=UTC)
    assert day_of(at) == date(2026, 3, first)
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert day(at) == f"0{first}/03/2026"
    assert day(date(2026, 3, 2)) == "02/03/2026"
    assert moment(at) == f"02/03/2026 {hour}:59"
