"""Simulated registry of Vietnam Social Security: `nguoi_tham_gia`, `the_bhyt`, and month by month `qua_trinh_dong`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator import dirt
from include.simulator.dirt import DirtRates, Sheet, each, repeat_rows
from include.simulator.render import Instants, dates, join, null_where, words
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

CONTRIBUTION_MONTHS = 6
# Group of insured, benefit code of the list, for whom: Decision 1351/QĐ-BHXH.
CHILD, STUDENT, WORKER, OFFICIAL, PENSIONER, POOR, FAMILY, HIGHLANDER = range(8)
GROUPS = ("TE", "HS", "DN", "HC", "HT", "HN", "GD", "DT")
BENEFITS = ("1", "4", "4", "4", "3", "2", "4", "2")


def build_insurance(society: Society, rates: DirtRates, out: TruthWriter) -> None:
    """Writes the three tables, dirty, and their truth."""
    insured = np.flatnonzero(society.social_insurance_number.is_valid().to_numpy(zero_copy_only=False))
    rng = society.stream("members")
    born = society.people.born[insured].astype("datetime64[s]")
    written = society.written_at(rng, insured.size, not_before=born + np.timedelta64(10, "D"), mean_days=500.0)
    out.add(_members(society, rates, rng, insured, written), persons=pa.array(insured, pa.int64()))
    rng = society.stream("health cards")
    works = (society.age[insured] > 18.5) & (society.age[insured] < 61) & (rng.random(insured.size) < 0.48)
    out.add(_health_cards(society, rates, rng, insured, works))
    _contributions(society, rates, society.stream("contributions"), insured[works], out)


def _members(
    society: Society, rates: DirtRates, rng: np.random.Generator, who: npt.NDArray[np.intp], written: Instants
) -> Sheet:
    at, size = pa.array(who), who.size
    old_id = society.old_id.take(at)
    has_old = old_id.is_valid().to_numpy(zero_copy_only=False)
    only_old = has_old & (written < np.datetime64("2025-01-01")) & (rng.random(size) < rates.old_card * 4)
    nameless = ~only_old & (rng.random(size) < 0.005)
    sex = np.where(rng.random(size) < 0.006, 2, society.people.sex[who])
    sheet = Sheet(
        registry="insurance",
        table="member",
        keys=("so_bhxh",),
        rng=rng,
        columns={
            "so_bhxh": society.social_insurance_number.take(at),
            "so_dinh_danh": null_where(society.personal_id.take(at), only_old | nameless),
            "so_cmnd": null_where(old_id, ~only_old & (rng.random(size) < 0.5)),
            "ho_ten": society.names.full_name.take(at),
            "ngay_sinh": dates(society.people.born[who]),
            "gioi_tinh": words(["1", "2", "3"], sex.astype(np.int32)),
            "ma_xa": society.ward_codes(who, written),
            "ngay_cap_nhat": pa.array(written),
        },
    )
    sheet.note("split_ward", "ma_xa", society.is_split(who, written))
    sheet.note("old_card", "so_dinh_danh", only_old, society.personal_id.take(at))
    sheet.note("personal_id_missing", "so_dinh_danh", nameless, society.personal_id.take(at))
    known = ~(only_old | nameless)
    sheet.plant(
        "lost_leading_zeros", "so_dinh_danh", rates.lost_leading_zeros, each(dirt.lost_zeros), where=known,
        rule="member-personal-id-12-digits",
    )  # fmt: skip
    sheet.plant(
        "wrong_sex_in_id", "gioi_tinh", rates.wrong_sex_in_id, each(dirt.other_sex), where=known,
        rule="member-personal-id-matches-sex",
    )  # fmt: skip
    sheet.plant(
        "wrong_birth_year_in_id", "ngay_sinh", rates.wrong_birth_year_in_id, each(dirt.other_year), where=known,
        rule="member-personal-id-matches-birth-year",
    )  # fmt: skip
    unknown = dirt.unknown_wards(rng, society.wards.all_codes)
    sheet.plant("unknown_ward", "ma_xa", rates.unknown_ward, unknown, rule="ward_code.reference")
    dirt.soil_text(sheet, "ho_ten", rates, published="full_name", legacy_rule="member-name-not-legacy-encoded")
    grown = written > society.people.born[who].astype("datetime64[s]") + np.timedelta64(800, "D")
    dirt.soil_births(sheet, "ngay_sinh", rates, published="birth_date", old_enough=grown)
    sheet.plant(
        "orphan_reference", "so_dinh_danh", rates.orphan_reference, dirt.orphans(rng, society.personal_id, keep=6)
    )
    born = society.people.born[who].astype("datetime64[s]")
    repeat_rows(sheet, rates, written=written, floor=born)
    return sheet


def _groups(
    society: Society, rng: np.random.Generator, who: npt.NDArray[np.intp], works: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int32]:
    age, chance = society.age[who], rng.random(who.size)
    highland = society.names.is_minority[who] & (chance < 0.5)
    cases = [age < 6, age < 18, works & (chance < 0.15), works, highland, (age > 60) & (chance < 0.45), chance > 0.93]
    return np.select(cases, [CHILD, STUDENT, OFFICIAL, WORKER, HIGHLANDER, PENSIONER, POOR], FAMILY).astype(np.int32)


def _health_cards(
    society: Society,
    rates: DirtRates,
    rng: np.random.Generator,
    who: npt.NDArray[np.intp],
    works: npt.NDArray[np.bool_],
) -> Sheet:
    """One card per member; newer cards show the insurance number alone."""
    number = society.social_insurance_number.take(pa.array(who))
    group = _groups(society, rng, who, works)
    benefit = words(BENEFITS, group)
    province = words(society.wards.province_code, society.wards.province[society.home[who]])
    long = join(words(GROUPS, group), benefit, province, number)
    is_short = rng.random(who.size) < 0.15
    pick = np.where(is_short, np.arange(who.size) + who.size, np.arange(who.size))
    now = np.datetime64(society.as_of)
    start = now - rng.integers(0, 700, who.size).astype("timedelta64[D]")
    start = np.maximum(start, society.people.born[who] + np.timedelta64(2, "D"))
    start = np.minimum(start, now)
    until = start + np.timedelta64(365, "D") * rng.integers(1, 4, who.size)
    endless = rng.random(who.size) < 0.05
    ago = (rng.random(who.size) * 0.999 * np.maximum((now - start).astype(np.int64), 1) * 86_400).astype(np.int64)
    written = np.maximum(now.astype("datetime64[s]") - ago.astype("timedelta64[s]"), start.astype("datetime64[s]"))
    sheet = Sheet(
        registry="insurance",
        table="health_card",
        keys=("ma_the",),
        rng=rng,
        columns={
            "ma_the": pa.concat_arrays([long, number]).take(pa.array(pick)),
            "so_bhxh": number,
            "tu_ngay": pa.array(start),
            "den_ngay": pa.array(until, mask=endless),
            "muc_huong": benefit,
            "ngay_cap_nhat": pa.array(written),
        },
    )
    sheet.plant(
        "card_not_of_member", "so_bhxh", rates.card_not_of_member, each(lambda v: f"{v[:-1]}{(int(v[-1]) + 1) % 10}"),
        rule="card-ends-with-insurance-number",
    )  # fmt: skip
    sheet.plant(
        "lost_leading_zeros", "so_bhxh", rates.lost_leading_zeros, each(dirt.lost_zeros),
        rule="card-insurance-number-10-digits",
    )  # fmt: skip
    floor = start.astype("datetime64[s]") - np.timedelta64(30, "D")
    repeat_rows(sheet, rates, written=written, floor=floor)
    return sheet


def _contributions(
    society: Society, rates: DirtRates, rng: np.random.Generator, workers: npt.NDArray[np.intp], out: TruthWriter
) -> None:
    """A row for each worker and month; a few change employer, and not everybody is paid for every month."""
    number = society.social_insurance_number.take(pa.array(workers))
    employer = (rng.random(workers.size) ** 1.7 * len(society.organisations)).astype(np.int64)
    wage = np.clip(rng.lognormal(15.82, 0.45, workers.size), 3_450_000, 46_800_000) // 1000 * 1000
    last = np.datetime64(society.as_of, "M") - 1
    first_row = 0
    for back in range(CONTRIBUTION_MONTHS - 1, -1, -1):
        month = last - back
        moved = rng.random(workers.size) < 0.015
        employer = np.where(moved, rng.integers(0, len(society.organisations), workers.size), employer)
        wage = np.where(rng.random(workers.size) < 0.04, np.minimum(wage * 1.06 // 1000 * 1000, 46_800_000), wage)
        paid = np.flatnonzero(rng.random(workers.size) < 0.965)
        sheet = _contribution_month(society, rates, rng, number, employer, wage, paid, month, first_row)
        first_row += len(sheet)
        out.add(sheet)


def _contribution_month(
    society: Society,
    rates: DirtRates,
    rng: np.random.Generator,
    number: pa.Array,
    employer: npt.NDArray[np.int64],
    wage: npt.NDArray[np.float64],
    paid: npt.NDArray[np.intp],
    month: np.datetime64,
    first_row: int,
) -> Sheet:
    end = (month + 1).astype("datetime64[s]")
    last_second = np.datetime64(society.as_of, "s") - np.timedelta64(1, "s")
    written = np.minimum(end + rng.integers(0, 25 * 86_400, paid.size).astype("timedelta64[s]"), last_second)
    amount = wage[paid].astype(np.int64)
    sheet = Sheet(
        registry="insurance",
        table="contribution",
        keys=("so_bhxh", "mst_don_vi", "thang"),
        rng=rng,
        first_row=first_row,
        columns={
            "so_bhxh": number.take(pa.array(paid)),
            "mst_don_vi": society.organisations.tax_code.take(pa.array(employer[paid])),
            "thang": pa.repeat(str(month), paid.size),
            "tien_luong": pa.array(amount),
            "so_tien_dong": pa.array(amount * 255 // 1000),
            "ngay_cap_nhat": pa.array(written),
        },
    )
    sheet.plant(
        "negative_amount",
        "tien_luong",
        rates.negative_amount,
        lambda values: [-int(v) for v in values],
        rule="wage-positive",
    )
    sheet.plant(
        "bad_check_digit", "mst_don_vi", rates.bad_check_digit, each(dirt.wrong_check_digit),
        rule="employer-tax-code-check-digit",
    )  # fmt: skip
    sheet.plant(
        "lost_leading_zeros", "so_bhxh", rates.lost_leading_zeros, each(dirt.lost_zeros),
        rule="contribution-insurance-number-10-digits",
    )  # fmt: skip
    taken = society.social_insurance_number
    sheet.plant("orphan_reference", "so_bhxh", rates.orphan_reference, dirt.orphans(rng, taken, keep=2))
    floor = np.full(paid.size, end - np.timedelta64(20, "D"))
    repeat_rows(sheet, rates, written=written, floor=floor)
    return sheet
