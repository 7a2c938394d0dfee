"""The picture in docs/explanation/architecture.md, as SVG: steps, zones of the lake, who writes and who decides."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 1000, 600
FONT = "font-family='system-ui, sans-serif'"
# What a box is, and its fill and edge.
KINDS = {
    "step": ("#ffffff", "#475569"),
    "zone": ("#dcfce7", "#15803d"),
    "written": ("#dbeafe", "#1d4ed8"),
    "people": ("#ffedd5", "#c2410c"),
}
STEP, GAP, LEFT = 138, 21, 38
FIRST, SECOND, THIRD, FOURTH = 150, 270, 390, 490


def column(number: int) -> int:
    """The left edge of one of six columns."""
    return LEFT + number * (STEP + GAP)


def picture() -> str:
    """The whole picture."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>"
    yield "<title>From the registries through the lake to recipients, with the ledger</title>"
    yield "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
    yield "<path d='M0 0 L8 4 L0 8 z' fill='#475569'/></marker></defs>"
    yield f"<rect width='{WIDTH}' height='{HEIGHT}' rx='8' fill='#f8fafc'/>"

    yield from _box(
        "written", LEFT, 30, 6 * STEP + 5 * GAP, 60, "schemas/", "contracts, code lists, agreements, linkage model"
    )
    for number in range(1, 6):
        yield _arrow(column(number) + STEP // 2, 90, column(number) + STEP // 2, FIRST)
    steps = (
        ("people", "registries", "databases, files"),
        ("step", "extract", "include/sources"),
        ("step", "split", "include/quality"),
        ("step", "assess", "the second count"),
        ("step", "gate", "inside tolerance?"),
        ("step", "publish", "include/lake"),
    )
    for number, (kind, name, what) in enumerate(steps):
        yield from _box(kind, column(number), FIRST, STEP, 60, name, what)
        if number:
            yield _arrow(column(number) - GAP, FIRST + 30, column(number), FIRST + 30)
    zones = (
        ("zone", "landing/", "as received"),
        ("zone", "rejected/", "rows, all reasons"),
        ("zone", "audit/", "run log: counts"),
        ("people", "steward", "may approve it"),
        ("zone", "registry/", "accepted rows"),
    )
    for number, (kind, name, what) in enumerate(zones, 1):
        yield from _box(kind, column(number), SECOND, STEP, 60, name, what)
        yield _arrow(column(number) + 55, FIRST + 60, column(number) + 55, SECOND)
    for number, said in ((2, "replay"), (4, "decision")):
        yield _arrow(column(number) + 85, SECOND, column(number) + 85, FIRST + 60)
        yield _text(column(number) + 92, SECOND - 26, said, 12)
    consumers = (
        (3, "report", "include/audit", "audit/reports", "counts, no values"),
        (4, "link", "include/identity", "people/", "one person, one id"),
        (5, "share", "include/sharing", "shared/", "by recipient"),
    )
    for number, step, code, zone, what in consumers:
        yield from _box("step", column(number), THIRD, STEP, 60, step, code)
        yield from _box("zone", column(number), FOURTH, STEP, 60, zone, what)
        yield _arrow(column(number) + STEP // 2, THIRD + 60, column(number) + STEP // 2, FOURTH)
    yield _arrow(column(3) + STEP // 2, SECOND + 60, column(3) + STEP // 2, THIRD)
    yield _arrow(column(5) + STEP // 2, SECOND + 60, column(5) + STEP // 2, THIRD)
    yield _arrow(column(5) + 20, SECOND + 60, column(4) + 110, THIRD)
    yield from _box("zone", LEFT, THIRD, 3 * STEP + 2 * GAP, 160, "audit/ledger", "")
    sentences = (
        "Every run, commit, decision, export and look at personal",
        "values is one entry, with the hash of the one before it.",
        "Decisions and looks are entries before they take effect.",
        "Verifying compares it with all that readers may read.",
    )
    for number, line in enumerate(sentences):
        yield _text(LEFT + 18, THIRD + 62 + 22 * number, line, 13)
    legend = (("step", "step"), ("zone", "zone of the lake"), ("written", "written by officials"), ("people", "others"))
    for number, (kind, name) in enumerate(legend):
        fill, edge = KINDS[kind]
        yield f"<rect x='{LEFT + 170 * number}' y='568' width='14' height='14' rx='3' fill='{fill}' stroke='{edge}'/>"
        yield _text(LEFT + 170 * number + 22, 580, name, 12)
    yield "</svg>"


def _box(kind: str, x: int, y: int, width: int, height: int, name: str, what: str) -> Iterator[str]:
    fill, edge = KINDS[kind]
    yield f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='6' fill='{fill}' stroke='{edge}'/>"
    yield _text(x + (18 if width > STEP else 10), y + 26, name, 16, weight="600")
    yield _text(x + (18 if width > STEP else 10), y + 46, what, 11.5)


def _text(x: int, y: int, said: str, size: float, *, weight: str = "400") -> str:
    return (
        f"<text x='{x}' y='{y}' {FONT} font-size='{size}' font-weight='{weight}' fill='#0f172a'>{escape(said)}</text>"
    )


def _arrow(x: int, y: int, to_x: int, to_y: int) -> str:
    return f"<path d='M{x} {y} L{to_x} {to_y}' stroke='#475569' stroke-width='1.5' marker-end='url(#tip)'/>"
