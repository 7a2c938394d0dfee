"""Maps of a registry's servers: a square for each province, the darker the worse, as SVG without script or style."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from operator import itemgetter

from markupsafe import Markup

from include.audit.report_data import RegistryReport, ServerReport
from include.audit.report_pages.tile_positions import Place, places_of
from include.audit.report_words import Locale

WIDTH, HEIGHT, GAP = 80, 36, 4
_COLUMNS = 5
_LONGEST = 13
_QUALITY = (99.0, 95.0, 90.0)
"""Least indices of the first three grades."""

Grade = tuple[str, str]
"""A square's class and its second line: `g0` (good) to `g3` (worst), `idle` for a server not read or not connected."""

_Badness = tuple[float, float]
"""How bad a server is, the greater the worse; `_NOT_MEASURED` is the least, so that it hides no server."""

_NOT_MEASURED = (-inf, 0.0)

_Judge = Callable[[ServerReport], tuple[_Badness, Grade]]


@dataclass(frozen=True, slots=True)
class Tile:
    """One square, and the sentence that stands for it."""

    name: str
    column: int
    row: int
    grade: str
    value: str
    title: str


@dataclass(frozen=True, slots=True)
class TileMap:
    """One map: its squares, and what its grades mean."""

    name: str
    title: str
    tiles: tuple[Tile, ...]
    legend: tuple[Grade, ...]

    @property
    def svg(self) -> Markup:
        """An `<svg>` for inlining, with `title` and `desc` for those who cannot see it."""
        columns, rows = (max(getattr(tile, side) for tile in self.tiles) + 1 for side in ("column", "row"))
        desc = Markup("; ").join(tile.title for tile in self.tiles if tile.grade != "none")
        head = Markup(
            '<svg class="tile-map" role="img" viewBox="0 0 {0} {1}" width="{0}" aria-labelledby="{2}-title {2}-desc">'
            '<title id="{2}-title">{3}</title><desc id="{2}-desc">{4}</desc>'
        ).format(columns * (WIDTH + GAP), rows * (HEIGHT + GAP), self.name, self.title, desc)
        return head + Markup("").join(map(_drawn, self.tiles)) + Markup("</svg>")


def tile_maps(registry: RegistryReport, at: datetime, locale: Locale) -> tuple[TileMap, ...]:
    """The maps of freshness and of quality at an instant; none of a registry on one server."""
    if not registry.servers:
        return ()
    pick = locale.pick
    never, idle = pick("chưa có dữ liệu", "never delivered"), pick("không còn đọc", "not read any more")
    unconnected = pick("chưa kết nối", "not connected")
    fresh = (
        ("g0", pick("đúng hạn", "in time")),
        ("g1", pick("quá hạn 1 kỳ", "1 run missed")),
        ("g2", pick("quá hạn từ 2 kỳ", "2 runs missed or more")),
        ("g3", never),
        ("idle", f"{unconnected}, {idle}"),
    )
    first, second, third = (locale.number(bound) for bound in _QUALITY)
    quality = (
        ("g0", f"≥ {first}"),
        ("g1", f"{second} – {first}"),
        ("g2", f"{third} – {second}"),
        ("g3", f"< {third}"),
        ("idle", f"{pick('chưa đo được', 'not measured')}, {idle}"),
    )

    def freshness(server: ServerReport) -> tuple[_Badness, Grade]:
        missed, delivered = server.freshness.missed, server.delivered_at
        if server.facts.is_read and not server.verdict and any(other.verdict for other in registry.servers):
            return _NOT_MEASURED, ("idle", "–")
        badness = (inf, 0.0) if delivered is None else (missed, (at - delivered).total_seconds())
        grade = "idle" if not server.facts.is_read else "g3" if delivered is None else f"g{min(missed, 2)}"
        return badness, (grade, f"{locale.age(delivered, at)}{' !' if server.is_missing else ''}")

    def index(server: ServerReport) -> tuple[_Badness, Grade]:
        value = server.index.without_timeliness
        if value is None:
            return _NOT_MEASURED, ("idle", locale.index(value))
        grade = f"g{sum(value < bound for bound in _QUALITY)}" if server.facts.is_read else "idle"
        return (-value, 0.0), (grade, locale.index(value))

    return (
        _map(
            registry,
            "freshness",
            pick("Độ cập nhật: tuổi của dữ liệu", "Freshness: the age of the data"),
            fresh,
            freshness,
        ),
        _map(
            registry,
            "quality",
            pick("Chất lượng: chỉ số không tính Sống", "Quality: the index without timeliness"),
            quality,
            index,
        ),
    )


def _map(registry: RegistryReport, kind: str, title: str, legend: tuple[Grade, ...], judge: _Judge) -> TileMap:
    by_area: dict[str, list[ServerReport]] = {}
    for server in registry.servers:
        for area in server.facts.areas or (server.facts.name,):
            by_area.setdefault(area, []).append(server)
    places = places_of(set(by_area))
    tiles = [_tile(code, place, by_area.get(code, ()), judge) for code, place in places.items()]
    below = max((place.row for place in places.values()), default=-1) + 1
    for number, (area, servers) in enumerate((a, s) for a, s in by_area.items() if a not in places):
        tiles.append(_tile("", Place(area, number % _COLUMNS, below + number // _COLUMNS), servers, judge))
    return TileMap(f"map-{registry.name}-{kind}", title, tuple(tiles), legend)


def _tile(code: str, place: Place, servers: Sequence[ServerReport], judge: _Judge) -> Tile:
    """The square of an area; of several servers the one that is read shows, and of those the worst."""
    if not servers:
        return Tile(place.name, place.column, place.row, "none", "–", place.name)
    read = [server for server in servers if server.facts.is_read] or list(servers)
    shown = max(map(judge, read), key=itemgetter(0))[1]
    names = ", ".join(server.facts.name for server in servers)
    title = f"{place.name}{f' ({code})' if code else ''}: {names}, {shown[1]}"
    return Tile(place.name, place.column, place.row, *shown, title)


def _drawn(tile: Tile) -> Markup:
    x, y = tile.column * (WIDTH + GAP), tile.row * (HEIGHT + GAP)
    return Markup(
        '<g class="{grade}"><title>{title}</title><rect x="{x}" y="{y}" width="{w}" height="{h}" rx="4"/>'
        '<text x="{middle}" y="{first}">{name}</text><text class="value" x="{middle}" y="{second}">{value}</text></g>'
    ).format(
        grade=tile.grade, title=tile.title, x=x, y=y, w=WIDTH, h=HEIGHT, middle=x + WIDTH / 2, first=y + 15,
        second=y + 29, name=_short(tile.name), value=tile.value,
    )  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def maps_of(registries: Sequence[RegistryReport], at: datetime, locale: Locale) -> Mapping[str, tuple[TileMap, ...]]:
    """The maps of all registries, by registry."""
    return {registry.name: tile_maps(registry, at, locale) for registry in registries}
