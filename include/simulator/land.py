"""What the land registry holds: `thua_dat`, `giay_chung_nhan`, `chu_so_huu`.

A household owns the land it lives on, often husband and wife together, and perhaps a field; organisations own the rest.
The owner column mixes three numbers, as in a real ward's file: a personal id, an old card, or `N/A-` and a tax code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator import cell_faults as faults
from include.simulator.dirt import Mask, Rows, Sheet, each
from include.simulator.places import REFORM, Indices
from include.simulator.population import older
from include.simulator.rates import DirtRates
from include.simulator.render import (
    Instants,
    dates,
    digits,
    distinct_numbers,
    join,
    null_where,
    thousands,
    words,
    years_of,
)
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

HOME_USE, FIELD_USE = ("ONT", "ODT"), ("LUC", "LUK", "CLN", "HNK", "NTS", "RSX")
WORK_USE = ("SKC", "TMD", "SKK", "DGD", "DYT", "TON")
IN_FORCE, REVOKED, REPLACED, MORTGAGED, NOT_ISSUED = "1", "2", "3", "5", "6"
NOBODY = np.int64(-1)


@dataclass(frozen=True, slots=True)
class Parcels:
    """One entry per parcel. `owner` is a person, `firm` an organisation; -1: none. `is_shared`: with the spouse."""

    owner: npt.NDArray[np.int64]
    firm: npt.NDArray[np.int64]
    is_shared: Mask
    use: Indices
    written: Instants
    ward: pa.Array
    is_split: Mask
    sheet: npt.NDArray[np.int32]
    number: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Number of parcels."""
        return int(self.owner.size)

    def address(self, rows: Rows) -> dict[str, pa.Array]:
        """The three columns that name a parcel, for those parcels."""
        at = pa.array(rows)
        return {
            "ma_xa": self.ward.take(at),
            "so_to": pa.array(self.sheet[rows]),
            "so_thua": pa.array(self.number[rows]),
        }


def build_land(society: Society, rates: DirtRates, out: TruthWriter) -> None:
    """Writes the three tables, dirty, and their truth."""
    parcels = _parcels(society, society.stream("parcels"), rates)
    out.add(_parcel_sheet(society, parcels, rates, society.stream("parcel sheet")))
    rng = society.stream("certificates")
    certificate_id = join("GCN", digits(np.arange(1, len(parcels) + 1), 9))
    issued = np.datetime64("1994-01-01") + rng.integers(0, 11_500, len(parcels)).astype("timedelta64[D]")
    born = np.where(parcels.owner >= 0, society.people.born[np.maximum(parcels.owner, 0)], np.datetime64("1950-01-01"))
    issued = np.minimum(np.maximum(issued, born + np.timedelta64(7400, "D")), parcels.written.astype("datetime64[D]"))
    out.add(_certificates(society, parcels, rates, rng, certificate_id, issued))
    sheet, persons = _ownerships(society, parcels, rates, society.stream("ownership"), certificate_id, issued)
    out.add(sheet, persons=persons)


def _parcels(society: Society, rng: np.random.Generator, rates: DirtRates) -> Parcels:
    """Homes, fields and business land, numbered sheet by sheet inside the ward their code names."""
    heads = np.unique(society.households.head)
    heads = heads[(society.age[heads] > 23)]
    homes = heads[rng.random(heads.size) < 0.72]
    fields_of = heads[rng.random(heads.size) < 0.30]
    private = np.concatenate([homes, fields_of])
    firms = rng.integers(0, len(society.organisations), round(private.size * rates.land_organisation_owner / 0.92))
    owner = np.concatenate([private, np.full(firms.size, NOBODY)])
    firm = np.concatenate([np.full(private.size, NOBODY), firms])
    kind = np.repeat([0, 1, 2], [homes.size, fields_of.size, firms.size])
    old = np.concatenate([society.home[private], society.organisations.home[firms]])
    new = np.concatenate([society.new_home[private], society.organisations.new_home[firms]])
    use = np.select(
        [kind == 0, kind == 1],
        [rng.integers(0, len(HOME_USE), old.size), len(HOME_USE) + rng.integers(0, len(FIELD_USE), old.size)],
        len(HOME_USE) + len(FIELD_USE) + rng.integers(0, len(WORK_USE), old.size),
    )
    written = society.written_at(
        rng, old.size, mean_days=700.0, not_before=np.full(old.size, np.datetime64("2016-06-01T00:00:00"))
    )
    spouse = society.people.spouse[np.maximum(owner, 0)]
    together = (owner >= 0) & (spouse >= 0) & ~society.households.is_divorced[np.maximum(owner, 0)]
    ward = society.wards.codes_at(old.astype(np.int32), new.astype(np.int32), written)
    place = _position_in_ward(ward)
    return Parcels(
        owner=owner,
        firm=firm,
        is_shared=together & (rng.random(old.size) < 0.6),
        use=use.astype(np.int32),
        written=written,
        ward=ward,
        is_split=(written < REFORM) & society.wards.is_divided[old],
        sheet=(1 + place // 180).astype(np.int32),
        number=(1 + place % 180).astype(np.int32),
    )


def _position_in_ward(ward: pa.Array) -> npt.NDArray[np.int64]:
    codes = ward.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    place = np.empty(codes.size, np.int64)
    place[order] = np.arange(codes.size) - np.searchsorted(codes[order], codes[order], "left")
    return place


def _comma_number(tenths: npt.NDArray[np.int64]) -> pa.Array:
    """12345 tenths as `1.234,5`: how Vietnamese forms write numbers."""
    return join(thousands(tenths // 10), digits(tenths % 10, 1), separator=",")


def _parcel_sheet(society: Society, parcels: Parcels, rates: DirtRates, rng: np.random.Generator) -> Sheet:
    rows = np.arange(len(parcels))
    is_home = parcels.use < len(HOME_USE)
    area = np.where(is_home, rng.lognormal(5.0, 0.7, rows.size), rng.lognormal(6.6, 0.9, rows.size))
    tenths = (np.clip(area, 20.0, np.where(is_home, 9_000.0, 400_000.0)) * 10).astype(np.int64)
    sheet = Sheet(
        registry="land",
        table="parcel",
        keys=("ma_xa", "so_to", "so_thua"),
        rng=rng,
        columns={
            **parcels.address(rows),
            "dien_tich": _comma_number(tenths),
            "ma_loai_dat": words([*HOME_USE, *FIELD_USE, *WORK_USE], parcels.use),
            "ngay_cap_nhat": pa.array(parcels.written),
        },
    )
    sheet.note("split_ward", "ma_xa", parcels.is_split)
    sheet.plant("negative_amount", "dien_tich", rates.negative_amount, each(faults.negative), rule="area-positive")
    unknown = faults.unknown_wards(rng, society.wards.all_codes)
    sheet.plant("unknown_ward", "ma_xa", rates.unknown_ward, unknown, rule="ward_code.reference")
    sheet.plant(
        "unknown_land_use", "ma_loai_dat", rates.unknown_land_use, each(lambda _: "ZZZ"), rule="land_use_code.reference"
    )
    _repeat(sheet, parcels.written, rates, rng)
    return sheet


def _repeat(sheet: Sheet, written: Instants, rates: DirtRates, rng: np.random.Generator) -> None:
    floor = np.full(written.size, np.datetime64("2016-01-04T00:00:00", "s"))

    def earlier(rows: Rows) -> dict[str, pa.Array]:
        return {"ngay_cap_nhat": pa.array(older(rng, written, rows, floor=floor))}

    sheet.repeat("older_version", rates.older_version, earlier)
    sheet.repeat("repeated_row", rates.repeated_row)


def _certificates(
    society: Society,
    parcels: Parcels,
    rates: DirtRates,
    rng: np.random.Generator,
    certificate_id: pa.Array,
    issued: Instants,
) -> Sheet:
    size = len(parcels)
    without = rng.random(size) < rates.land_serial_missing
    letters = [a + b for a in "ABCDĐ" for b in "ABCDEGHIKLMNOPQRSTUVXY"]
    is_new = issued >= np.datetime64("2020-01-01")
    number = distinct_numbers(rng, size, 0, 100_000_000)
    short, long = digits(number % 1_000_000, 6), digits(number, 8)
    # Six digits repeat, so the letters of an old serial follow from the rest of the number: together they are unique.
    series = np.where(is_new, rng.integers(0, len(letters), size), number // 1_000_000 % len(letters))
    width = np.where(is_new, np.arange(size) + size, np.arange(size))
    gap = words([" ", "", "-"], rng.choice(3, size, p=[0.8, 0.15, 0.05]).astype(np.int32))
    serial = join(words(letters, series.astype(np.int32)), gap, pa.concat_arrays([short, long]).take(pa.array(width)))
    blank = words(["chưa cấp", "Chưa cấp", "CHƯA CẤP"], rng.choice(3, size, p=[0.8, 0.15, 0.05]).astype(np.int32))
    pick = np.where(without, np.arange(size) + size, np.arange(size))
    status = np.where(without, 4, rng.choice(4, size, p=[0.86, 0.02, 0.04, 0.08]))
    sheet = Sheet(
        registry="land",
        table="certificate",
        keys=("ma_gcn",),
        rng=rng,
        columns={
            "ma_gcn": certificate_id,
            "so_phat_hanh": pa.concat_arrays([serial, blank]).take(pa.array(pick)),
            **parcels.address(np.arange(size)),
            "ngay_cap": null_where(dates(issued), without),
            "trang_thai": words([IN_FORCE, REVOKED, REPLACED, MORTGAGED, NOT_ISSUED], status.astype(np.int32)),
            "ngay_cap_nhat": pa.array(parcels.written),
        },
    )
    sheet.note("serial_not_issued", "so_phat_hanh", without, serial)
    sheet.note("split_ward", "ma_xa", parcels.is_split)
    sheet.plant(
        "impossible_date", "ngay_cap", rates.impossible_date, each(faults.impossible_date), rule="issued_on.unreadable"
    )
    unknown = faults.unknown_wards(rng, society.wards.all_codes)
    sheet.plant("unknown_ward", "ma_xa", rates.unknown_ward, unknown, rule="ward_code.reference")
    _repeat(sheet, parcels.written, rates, rng)
    return sheet


def _ownerships(
    society: Society,
    parcels: Parcels,
    rates: DirtRates,
    rng: np.random.Generator,
    certificate_id: pa.Array,
    issued: Instants,
) -> tuple[Sheet, pa.Array]:
    """One row for each owner of a parcel; a couple has two rows of one half."""
    shared = np.flatnonzero(parcels.is_shared)
    parcel = np.concatenate([np.arange(len(parcels)), shared])
    person = np.concatenate([parcels.owner, society.people.spouse[parcels.owner[shared]]])
    order = np.argsort(parcel, kind="stable")
    parcel, person = parcel[order], person[order]
    size, is_person = parcel.size, person >= 0
    who, firm = np.maximum(person, 0), np.maximum(parcels.firm[parcel], 0)
    adult = society.people.born[who] + np.timedelta64(5_000, "D")
    since = np.where(is_person, np.maximum(issued[parcel], adult), issued[parcel])
    written = np.maximum(parcels.written[parcel], since.astype("datetime64[s]"))
    gone = rng.random(size) < 0.04
    until = np.maximum(
        since,
        since
        + ((written.astype("datetime64[D]") - since).astype(np.int64) * rng.random(size)).astype("timedelta64[D]"),
    )
    has_old = society.old_id.is_valid().to_numpy(zero_copy_only=False)[who] & is_person
    by_old_card = has_old & (rng.random(size) < rates.old_card) & (written < np.datetime64("2025-01-01"))
    unidentified = is_person & ~by_old_card & (rng.random(size) < rates.land_owner_id_missing)
    pool = pa.concat_arrays([society.personal_id, society.old_id, join("N/A-", society.organisations.tax_code)])
    at = np.where(is_person, np.where(by_old_card, who + len(society), who), firm + 2 * len(society))
    names = pa.concat_arrays([society.names.full_name, society.organisations.name])
    year_only = is_person & (rng.random(size) < rates.land_birth_year_only)
    births = dates(society.people.born[who])
    years = digits(years_of(society.people.born)[who], 4)
    shown = np.where(year_only, np.arange(size) + size, np.arange(size))
    sheet = Sheet(
        registry="land",
        table="ownership",
        keys=("ma_quyen",),
        rng=rng,
        columns={
            "ma_quyen": join("Q", digits(np.arange(1, size + 1), 10)),
            "ma_gcn": certificate_id.take(pa.array(parcel)),
            **parcels.address(parcel),
            "ma_chu": null_where(pool.take(pa.array(at)), unidentified),
            "ten_chu": names.take(pa.array(np.where(is_person, who, firm + len(society)))),
            "nam_sinh": null_where(pa.concat_arrays([births, years]).take(pa.array(shown)), ~is_person),
            "ty_le": words(["1", "0,5"], parcels.is_shared[parcel].astype(np.int32)),
            "tu_ngay": pa.array(since),
            "den_ngay": pa.array(until, mask=~gone),
            "ngay_cap_nhat": pa.array(written),
        },
    )
    sheet.note("year_only_birth", "nam_sinh", year_only, births)
    sheet.note("old_card", "ma_chu", by_old_card, society.personal_id.take(pa.array(who)))
    sheet.note("owner_id_missing", "ma_chu", unidentified, society.personal_id.take(pa.array(who)))
    sheet.note("split_ward", "ma_xa", parcels.is_split[parcel])
    _soil_ownerships(sheet, rates, is_person & ~by_old_card & ~unidentified, ~is_person)
    _repeat(sheet, written, rates, rng)
    return sheet, pa.array(person, pa.int64(), mask=~is_person)


def _soil_ownerships(sheet: Sheet, rates: DirtRates, has_id: Mask, is_firm: Mask) -> None:
    sheet.plant(
        "lost_leading_zeros", "ma_chu", rates.lost_leading_zeros, each(faults.lost_zeros), where=has_id,
        rule="owner-personal-id-12-digits",
    )  # fmt: skip
    sheet.plant(
        "bad_check_digit", "ma_chu", rates.bad_check_digit, each(faults.wrong_check_digit), where=is_firm,
        rule="owner-tax-code-check-digit",
    )  # fmt: skip
    sheet.plant(
        "wrong_birth_year_in_id", "nam_sinh", rates.wrong_birth_year_in_id, each(faults.other_year),
        where=has_id & ~sheet.touched["nam_sinh"], rule="owner-personal-id-matches-birth-year",
    )  # fmt: skip
    sheet.plant("share_above_one", "ty_le", rates.share_above_one, each(lambda _: "1,5"), rule="share-between-0-and-1")
    sheet.plant(
        "impossible_date",
        "nam_sinh",
        rates.impossible_date,
        each(faults.impossible_date),
        rule="owner_birth_date.unreadable",
    )
    faults.soil_text(
        sheet, "ten_chu", rates, published="owner_name", legacy_rule="owner-name-not-legacy-encoded", where=~is_firm
    )
    sheet.plant("orphan_reference", "ma_gcn", rates.orphan_reference, each(lambda value: f"GCN9{value[4:]}"))
