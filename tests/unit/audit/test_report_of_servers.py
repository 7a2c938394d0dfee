"""The report of a registry on several servers: sums that add up, what is missing, and every server's own figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from include.audit.report_data.freshness import NEVER as NEVER_DELIVERED
from include.audit.report_data.freshness import Freshness
from include.audit.report_data.model import Overview, RegistryReport, ServerReport
from include.audit.report_data.overview import gather
from include.audit.report_data.quality_index import NOT_MEASURED, Index
from include.audit.report_data.table_report import RunCounts
from include.audit.report_pages import tile_positions
from include.audit.report_pages.tile_map import tile_maps
from include.audit.report_pages.tile_positions import FORMER, Place
from include.audit.report_words.words import LOCALES
from include.pipelines.reporting.report import report_step
from tests.provincial import LIVE, NEVER, OPEN, SERVERS, SPENT, At, make_provinces
from tests.unit.audit.runs_evidence import SCHEMAS, report_of_nothing

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> At:
    return make_provinces(tmp_path_factory.mktemp("provinces"))


@pytest.fixture(scope="module")
def overview(context: At) -> Overview:
    return gather(context.lake, context.contracts, at=context.now())


@pytest.fixture(scope="module")
def land(overview: Overview) -> RegistryReport:
    return overview.registries[0]


@pytest.fixture(scope="module")
def written(context: At) -> dict[str, str]:
    folder = context.schemas.parent / "report"
    report_step(context=context, folder=folder)
    return {path.name: path.read_text(encoding="utf-8-sig") for path in folder.glob("*.*") if path.suffix != ".xlsx"}


@pytest.mark.parametrize("name", ["extracted", "accepted", "rejected", "superseded", "live_rows", "inserted", "bytes"])
def test_counts_of_a_table_are_the_sums_of_its_slices(land: RegistryReport, name: str) -> None:
    assert name in RunCounts.__slots__
    for table in land.tables:
        assert len(table.slices) == len(SERVERS)
        assert getattr(table.last, name) == sum(getattr(one.last, name) for one in table.slices if one.last)


def test_published_and_rejected_rows_are_those_of_the_lake(context: At, land: RegistryReport) -> None:
    parcel = land.tables[0]
    published = context.lake.table(context.lake.registry_table("land", "parcel")).to_pyarrow_table()
    assert parcel.live_rows == published.num_rows == sum(LIVE.values())
    assert {one.table.server: one.open_count for one in parcel.slices} == {NEVER: 0, **OPEN}
    assert parcel.open_count == sum(OPEN.values())
    assert parcel.standing
    assert (parcel.standing.published_rows, parcel.standing.open_rows) == (sum(LIVE.values()), sum(OPEN.values()))


def test_violations_of_a_rule_are_the_sum_over_the_servers(land: RegistryReport) -> None:
    parcel = land.tables[0]
    rules = {rule.rule_id: rule for rule in parcel.rules}
    assert rules["land.parcel.area.unreadable"].violations == 3
    assert rules["land.parcel.server"].violations == 1
    for rule in parcel.rules:
        own = [r for one in parcel.slices for r in one.rules if r.rule_id == rule.rule_id]
        assert rule.violations == sum(r.violations or 0 for r in own)
        assert rule.rows == sum(r.rows or 0 for r in own)
    reasons = {reason.rule_id: reason.violations for reason in parcel.reasons}
    assert parcel.open
    assert {rule.rule_id: rule.rows for rule in parcel.open.rules} == reasons
    assert sum(parcel.open.total.ages) == parcel.open.total.rows == sum(OPEN.values())


def test_the_index_is_that_of_the_summed_counts(land: RegistryReport) -> None:
    parcel = land.tables[0]
    judged = sum(LIVE.values()) + sum(OPEN.values())
    lost = {d.source: d.points for d in parcel.index.deductions}
    assert lost["land.parcel.area.unreadable"] == pytest.approx(100 * 3 / judged)
    assert lost["land.parcel.server"] == pytest.approx(100 * 1 / judged)
    # Of the three servers that are read one is up to date, one missed a run, one never came.
    assert lost["freshness"] == pytest.approx(100 - (100 + 50 + 0) / 3)


def test_the_trend_ends_where_the_table_stands(land: RegistryReport) -> None:
    parcel = land.tables[0]
    assert [point.run.live_rows for point in parcel.trend] == [sum(LIVE.values())] * 2
    assert parcel.trend[-1].standing == parcel.standing
    assert parcel.trend[-1].run.extracted < parcel.trend[0].run.extracted, "one server of five ran again"


@pytest.mark.parametrize(
    ("server", "is_missing", "verdict", "rows"),
    [
        ("land-01", False, "unchanged", 7),
        ("land-38", True, "published", 5),
        (NEVER, True, "failed", 0),
        ("land-51", False, "published", 2),
        ("land-66", False, "published", 2),
    ],
)
def test_each_server(land: RegistryReport, server: str, is_missing: bool, verdict: str, rows: int) -> None:
    found = next(one for one in land.servers if one.facts.name == server)
    assert (found.is_missing, found.verdict, found.live_rows) == (is_missing, verdict, rows)
    assert found.open_count == OPEN.get(server, 0)


def test_servers_are_ranked_by_index_and_those_not_read_are_not(land: RegistryReport) -> None:
    assert [one.facts.name for one in land.ranked] == ["land-01", "land-38", NEVER]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_report_tells_what_is_missing_and_shows_every_server(written: dict[str, str], language: str) -> None:
    page = written[f"report.{language}.html"]
    missing = {
        "en": "land: 1 of 3 servers, missing: land-38 (late, 2 days old), land-48 (failed, never delivered)",
        "vi": "land: 1/3 máy chủ nguồn, còn thiếu: land-38 (dữ liệu cách đây 2 ngày), land-48 (chưa từng có dữ liệu)",
    }
    assert missing[language] in page
    assert all(name in page for name in SERVERS)
    assert {"en": "no longer in the contract", "vi": "không còn trong hợp đồng dữ liệu"}[language] in page
    assert not any(key in page for key in SPENT)


def test_the_exports_have_each_server_and_add_up(written: dict[str, str]) -> None:
    servers = rows_of(written["servers.csv"])
    assert [(row["server"], row["table"]) for row in servers] == [(s, t) for s in SERVERS for t in ("parcel", "book")]
    parcels = {row["server"]: row for row in servers if row["table"] == "parcel"}
    whole = next(row for row in rows_of(written["tables.csv"]) if row["table"] == "parcel")
    assert sum(int(row["rows"]) for row in parcels.values()) == int(float(whole["live_rows"]))
    assert sum(int(row["open_rejections"]) for row in parcels.values()) == int(float(whole["open_rows"]))
    assert parcels["land-01"]["age_hours"] == "1.0"
    assert parcels["land-01"]["area"] == "01"
    assert parcels[NEVER]["age_hours"] == parcels[NEVER]["index"] == ""
    assert [parcels[name]["state"] for name in SERVERS] == ["in time", "late", "never delivered", "ended", "let go"]
    rules = rows_of(written["server_rules.csv"])
    unreadable = [float(r["violations"] or 0) for r in rules if r["rule_id"] == "land.parcel.area.unreadable"]
    assert sum(unreadable) == 3


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def provinces_of(day: str) -> dict[str, str]:
    """Names by code of the reference list on a day, without what kind of unit they are."""
    with (SCHEMAS / "reference" / "provinces.csv").open(encoding="utf-8") as file:
        held = [row for row in csv.DictReader(file) if row["valid_from"] <= day <= (row["valid_until"] or "9999")]
    return {row["code"]: row["name"].removeprefix("Tỉnh ").removeprefix("Thành phố ") for row in held}


@pytest.mark.parametrize(
    ("places", "day", "count"), [(tile_positions.NOW, "2026-06-01", 34), (FORMER, "2025-06-30", 63)]
)
def test_every_province_has_a_square_of_its_own(places: Mapping[str, Place], day: str, count: int) -> None:
    known = provinces_of(day)
    assert len(places) == len({(place.column, place.row) for place in places.values()}) == count
    assert places.keys() == known.keys()
    short = {"TP. HCM": "Hồ Chí Minh", "Bà Rịa–VT": "Bà Rịa - Vũng Tàu", "Huế": known["46"]}
    assert {code: short.get(place.name, place.name) for code, place in places.items()} == known


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        ({"01", "38"}, tile_positions.NOW),
        ({"01", "38", "26"}, FORMER),
        ({"01", "land-x"}, tile_positions.NOW),
        ({"land-x"}, {}),
        (set(), {}),
    ],
)
def test_the_map_is_that_of_the_codes(codes: set[str], found: Mapping[str, Place]) -> None:
    assert tile_positions.places_of(codes) == found


@pytest.mark.parametrize("language", LOCALES)
def test_the_maps_show_every_server_once_and_in_words(land: RegistryReport, overview: Overview, language: str) -> None:
    fresh, quality = tile_maps(land, overview.at, LOCALES[language])  # type: ignore[index]
    shown = {tile.name: tile.grade for tile in fresh.tiles if tile.grade != "none"}
    assert shown == {"Hà Nội": "g0", "Thanh Hóa": "g1", "Đà Nẵng": "g3", "Quảng Ngãi": "idle", "land-66": "idle"}
    assert len(fresh.tiles) == 35, "34 provinces, and one that no assignment places"
    assert {tile.grade for tile in quality.tiles if tile.name == "Đà Nẵng"} == {"idle"}, "nothing is measured"
    for map_ in (fresh, quality):
        root = ElementTree.fromstring(map_.svg)
        described = root.find("desc")
        assert described is not None
        assert all(server in (described.text or "") for server in SERVERS)
        assert "style=" not in map_.svg


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize(
    ("one", "other", "fresh", "quality"),
    [
        ((0, 9, 98.0), (0, 47, 91.0), ("g0", 47), ("g2", 91.0)),  # as text 9 is after 47, and 98 after 91
        ((1, 9, 100.0), (2, 5, None), ("g2", 5), ("g0", 100.0)),  # as text the class of "not measured" is after all
        ((3, 72, 50.0), (None, None, 99.5), ("g3", None), ("g3", 50.0)),
        ((0, 30, None), (5, 400, None), ("g2", 400), ("idle", None)),
    ],
)
def test_of_two_servers_of_an_area_the_worse_is_shown(
    land: RegistryReport, overview: Overview, language: str, is_turned: bool,
    one: tuple[int | None, int | None, float | None], other: tuple[int | None, int | None, float | None],
    fresh: tuple[str, int | None], quality: tuple[str, float | None],
) -> None:  # fmt: skip
    """The servers of the older tests have each an area of their own."""
    at, locale = overview.at, LOCALES[language]  # type: ignore[index]
    read = land.servers[0]

    def made(missed: int | None, hours: int | None, value: float | None) -> ServerReport:
        stands = Freshness(at - timedelta(hours=hours), None, missed or 0, False) if hours else NEVER_DELIVERED
        index = NOT_MEASURED if value is None else Index({**NOT_MEASURED.words, "accuracy": value})
        return replace(read, slices=(replace(read.slices[0], freshness=stands),), index=index)

    both = (made(*other), made(*one)) if is_turned else (made(*one), made(*other))
    for map_, (grade, value) in zip(tile_maps(replace(land, servers=both), at, locale), (fresh, quality), strict=True):
        tile = next(tile for tile in map_.tiles if tile.name == "Hà Nội")
        if map_.name.endswith("freshness"):
            words = locale.age(None if value is None else at - timedelta(hours=value), at)
        else:
            words = locale.index(value)
        assert (tile.grade, tile.value.removesuffix(" !")) == (grade, words)
        assert tile.title.endswith(f", {tile.value}")
        assert tile.title in map_.svg.unescape()


def test_servers_that_no_sync_was_ever_asked_for_need_no_attention() -> None:
    """Contracts of systems that are not here stand in the folder too."""
    attention = (report_of_nothing()[2] / "report.en.html").read_text(encoding="utf-8").partition("Each registry")[0]
    assert "dossiers: " not in attention
    assert "land: " not in attention
