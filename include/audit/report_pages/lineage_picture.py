"""Layout of the lineage picture: columns of sources, published tables and shared products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.audit.report_data import AgreementFacts
from include.contracts.model import Contract

WIDTH, BOX, STEP, GAP, TOP = 960, 30, 40, 18, 40
_LEFT, _MIDDLE, _RIGHT = (0, 210), (320, 250), (690, 270)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with one or two lines of text."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve from the right side of one box to the left side of another."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def path(self) -> str:
        """The curve as an SVG path."""
        middle = (self.x1 + self.x2) / 2
        return f"M{self.x1:g},{self.y1:g} C{middle:g},{self.y1:g} {middle:g},{self.y2:g} {self.x2:g},{self.y2:g}"


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole drawing. `heads`: positions of the three columns."""

    width: float
    height: float
    heads: tuple[float, float, float]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw(
    contracts: Sequence[Contract], agreements: Sequence[AgreementFacts], kinds: Mapping[str, str] | None = None
) -> Picture:
    """Lay out sources, tables and the products of the agreements in force.

    `kinds` is the actual source kind of a registry (`postgresql`, `csv`, ...); else the contract's is shown.
    """
    boxes: list[Box] = []
    lines: list[Line] = []
    middles: dict[tuple[str, str], float] = {}
    y = float(TOP)
    for contract in contracts:
        first = y
        for table in contract.tables:
            boxes.append(Box("table", _MIDDLE[0], y, _MIDDLE[1], BOX, table.qualified_name))
            middles[contract.registry, table.name] = y + BOX / 2
            y += STEP
        height = y - (STEP - BOX) - first
        boxes.append(
            Box(
                "source",
                _LEFT[0],
                first,
                _LEFT[1],
                height,
                _servers(contract),
                (kinds or {}).get(contract.registry) or contract.server.type,
            )
        )
        heights = [middles[contract.registry, table.name] for table in contract.tables]
        lines += [Line(_LEFT[0] + _LEFT[1], at, _MIDDLE[0], at) for at in heights]
        y += GAP
    products = [
        (middles[product.registry, product.table], f"{agreement.recipient}/{product.name}")
        for agreement in agreements
        if agreement.standing == "in_force"
        for product in agreement.products
        if (product.registry, product.table) in middles
    ]
    top = float(TOP)
    spare = max(0.0, (y - GAP - TOP) - len(products) * STEP) / max(1, len(products))
    for middle, title in sorted(products):
        boxes.append(Box("product", _RIGHT[0], top, _RIGHT[1], BOX, title))
        lines.append(Line(_MIDDLE[0] + _MIDDLE[1], middle, _RIGHT[0], top + BOX / 2))
        top += STEP + spare
    return Picture(WIDTH, max(y, top), (_LEFT[0], _MIDDLE[0], _RIGHT[0]), tuple(boxes), tuple(lines))


def _servers(contract: Contract) -> str:
    """The server of a registry; of several the first and last, and their number."""
    if not contract.is_federated:
        return contract.server.name
    return f"{contract.servers[0].name} … {contract.servers[-1].name} ({len(contract.servers)})"
