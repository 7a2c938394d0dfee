"""Simulated population registry (Bộ Công an): `cong_dan` and `thanh_vien_ho`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.simulator import dirt
from include.simulator.dirt import DirtRates, Rows, Sheet, each, repeat_rows
from include.simulator.render import Instants, dates, digits, join, null_where, words
from include.simulator.society import RELATIONSHIPS, Society
from include.simulator.staging import TruthWriter

SINGLE, MARRIED, DIVORCED, WIDOWED = "1", "2", "3", "4"
ALIVE, DEAD, MISSING = "1", "2", "3"


def build_population(society: Society, rates: DirtRates, out: TruthWriter) -> None:
    """Writes both tables, dirty, and their truth."""
    rng = society.stream("population")
    born = society.people.born.astype("datetime64[s]")
    written = society.written_at(rng, len(society), not_before=born + np.timedelta64(3, "D"))
    out.add(_citizens(society, rates, rng, written), persons=pa.array(np.arange(len(society)), pa.int64()))
    out.add(_members(society, rates, society.stream("household members")))


def _citizens(society: Society, rates: DirtRates, rng: np.random.Generator, written: Instants) -> Sheet:
    people, everyone = society.people, np.arange(len(society))
    ids = society.personal_id
    size = len(society)
    lives_at = np.where(rng.random(size) < 0.12, society.wards.draw(rng, size), society.home).astype(np.int32)
    lives_new = np.where(lives_at == society.home, society.new_home, society.wards.new_of(rng, lives_at)).astype(
        np.int32
    )
    parents_known = (society.year > 1975) | (rng.random(size) < 0.4)
    sheet = Sheet(
        registry="population",
        table="citizen",
        keys=("so_dinh_danh",),
        rng=rng,
        columns={
            "so_dinh_danh": ids,
            "so_cmnd": society.old_id,
            "ho_ten": society.names.full_name,
            "ngay_sinh": dates(people.born),
            "gioi_tinh": words(["1", "2"], people.sex.astype(np.int32)),
            "dan_toc": society.names.ethnicity_code,
            "quoc_tich": pa.repeat("VN", size),
            "ma_xa_thuong_tru": society.ward_codes(everyone, written),
            "ma_xa_hien_tai": society.wards.codes_at(lives_at, lives_new, written),
            "tinh_trang_hon_nhan": _marital(society, written),
            "so_dinh_danh_cha": words(ids, np.where(parents_known, people.father, -1)),
            "so_dinh_danh_me": words(ids, np.where(parents_known, people.mother, -1)),
            "trang_thai": words([ALIVE, DEAD, MISSING], _status(society, rng)),
            "ngay_cap_nhat": pa.array(written),
        },
    )
    sheet.note("split_ward", "ma_xa_thuong_tru", society.is_split(everyone, written))
    _soil_citizens(sheet, society, rates, written)
    born = people.born.astype("datetime64[s]")

    def change(rows: Rows, before: Instants) -> dict[str, pa.Array]:
        moved = society.wards.draw_near(rng, society.home[rows])
        new = society.wards.new_of(rng, moved)
        return {"ma_xa_hien_tai": society.wards.codes_at(moved, new, before)}

    repeat_rows(sheet, rates, written=written, floor=born, change=change)
    return sheet


def _soil_citizens(sheet: Sheet, society: Society, rates: DirtRates, written: Instants) -> None:
    rng = sheet.rng
    sheet.plant(
        "lost_leading_zeros",
        "so_dinh_danh",
        rates.lost_leading_zeros,
        each(dirt.lost_zeros),
        rule="personal-id-12-digits",
    )
    sheet.plant(
        "wrong_sex_in_id", "gioi_tinh", rates.wrong_sex_in_id, each(dirt.other_sex), rule="personal-id-matches-sex"
    )
    sheet.plant(
        "wrong_birth_year_in_id", "ngay_sinh", rates.wrong_birth_year_in_id, each(dirt.other_year),
        rule="personal-id-matches-birth-year",
    )  # fmt: skip
    unknown = dirt.unknown_wards(rng, society.wards.all_codes)
    sheet.plant("unknown_ward", "ma_xa_thuong_tru", rates.unknown_ward, unknown, rule="permanent_ward_code.reference")
    sheet.plant(
        "lost_leading_zeros",
        "ma_xa_hien_tai",
        rates.lost_leading_zeros / 5,
        each(dirt.lost_zeros),
        rule="current-ward-5-digits",
    )
    dirt.soil_text(sheet, "ho_ten", rates, published="full_name", legacy_rule="full-name-not-legacy-encoded")
    grown = society.age > 3
    grown &= written > society.people.born + np.timedelta64(800, "D")
    dirt.soil_births(sheet, "ngay_sinh", rates, published="birth_date", old_enough=grown)
    sheet.plant("unknown_prefix", "so_dinh_danh", rates.unknown_prefix, dirt.unknown_prefixes(rng))
    sheet.plant(
        "orphan_reference", "so_dinh_danh_cha", rates.orphan_reference, dirt.orphans(rng, society.personal_id, keep=6)
    )


def _marital(society: Society, written: Instants) -> pa.Array:
    """As the row knew it when it was written: who was a child then had no status, who was too young was single."""
    spouse = society.people.spouse
    married = spouse >= 0
    widowed = married & ~society.is_alive[np.maximum(spouse, 0)] & society.is_alive
    status = np.select([society.households.is_divorced, widowed, married], [2, 3, 1], 0)
    known = words([SINGLE, MARRIED, DIVORCED, WIDOWED], status.astype(np.int32))
    then = (written - society.people.born.astype("datetime64[s]")).astype(np.int64) / (365.25 * 86_400)
    known = pc.if_else(pa.array(then < 20.5), SINGLE, known)
    return null_where(known, then < 16)


def _status(society: Society, rng: np.random.Generator) -> np.ndarray:
    missing = society.is_alive & (rng.random(len(society)) < 0.0008)
    return np.where(missing, 2, np.where(society.is_alive, 0, 1)).astype(np.int32)


def household_numbers(society: Society, who: np.ndarray) -> pa.Array:
    """The registry's code of the household of each person: H, province of the head, a number."""
    number = society.households.number[who]
    province = society.wards.province[society.home[who]]
    return join("H", words(society.wards.province_code, province), digits(number, 8))


def _members(society: Society, rates: DirtRates, rng: np.random.Generator) -> Sheet:
    who = np.flatnonzero(society.is_alive)
    who = who[np.argsort(society.households.number[who], kind="stable")]
    born = society.people.born[who]
    since = np.maximum(born, np.datetime64("1976-01-01"))
    now = np.datetime64(society.as_of)
    since = since + (rng.random(who.size) ** 2 * (now - since).astype(np.int64)).astype(np.int64).astype(
        "timedelta64[D]"
    )
    written = society.written_at(rng, who.size, not_before=since.astype("datetime64[s]"))
    unknown_since = rng.random(who.size) < 0.02
    sheet = Sheet(
        registry="population",
        table="household_member",
        keys=("ma_ho", "so_dinh_danh"),
        rng=rng,
        columns={
            "ma_ho": household_numbers(society, who),
            "so_dinh_danh": society.personal_id.take(pa.array(who)),
            "quan_he": words(RELATIONSHIPS, society.households.relation[who].astype(np.int32)),
            "tu_ngay": pa.array(since, mask=unknown_since),
            "ngay_cap_nhat": pa.array(written),
        },
    )
    sheet.plant(
        "lost_leading_zeros",
        "so_dinh_danh",
        rates.lost_leading_zeros,
        each(dirt.lost_zeros),
        rule="member-id-12-digits",
    )
    sheet.plant(
        "unknown_relationship",
        "quan_he",
        rates.unknown_relationship,
        each(lambda _: "77"),
        rule="relationship_code.reference",
    )
    sheet.plant(
        "orphan_reference", "so_dinh_danh", rates.orphan_reference, dirt.orphans(rng, society.personal_id, keep=6)
    )
    repeat_rows(sheet, rates, written=written, floor=since.astype("datetime64[s]"))
    return sheet
