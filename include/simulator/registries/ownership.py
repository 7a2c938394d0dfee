"""Simulated land owners, `chu_so_huu`; one column holds a personal id, an old card, or `N/A-` and a tax code."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from include.simulator import dirt
from include.simulator.dirt import DirtRates, Mask, Sheet, each, repeat_rows
from include.simulator.registries.parcels import Parcels
from include.simulator.render import Instants, dates, digits, join, null_where, words, years_of
from include.simulator.society import Society


def ownerships(
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
    repeat_rows(sheet, rates, written=written, floor=since.astype("datetime64[s]"))
    return sheet, pa.array(person, pa.int64(), mask=~is_person)


def _soil_ownerships(sheet: Sheet, rates: DirtRates, has_id: Mask, is_firm: Mask) -> None:
    sheet.plant(
        "lost_leading_zeros", "ma_chu", rates.lost_leading_zeros, each(dirt.lost_zeros), where=has_id,
        rule="owner-personal-id-12-digits",
    )  # fmt: skip
    sheet.plant(
        "bad_check_digit", "ma_chu", rates.bad_check_digit, each(dirt.wrong_check_digit), where=is_firm,
        rule="owner-tax-code-check-digit",
    )  # fmt: skip
    sheet.plant(
        "wrong_birth_year_in_id", "nam_sinh", rates.wrong_birth_year_in_id, each(dirt.other_year),
        where=has_id & ~sheet.touched["nam_sinh"], rule="owner-personal-id-matches-birth-year",
    )  # fmt: skip
    sheet.plant("share_above_one", "ty_le", rates.share_above_one, each(lambda _: "1,5"), rule="share-between-0-and-1")
    sheet.plant(
        "impossible_date",
        "nam_sinh",
        rates.impossible_date,
        each(dirt.impossible_date),
        rule="owner_birth_date.unreadable",
    )
    dirt.soil_text(
        sheet, "ten_chu", rates, published="owner_name", legacy_rule="owner-name-not-legacy-encoded", where=~is_firm
    )
    sheet.plant("orphan_reference", "ma_gcn", rates.orphan_reference, each(lambda value: f"GCN9{value[4:]}"))
