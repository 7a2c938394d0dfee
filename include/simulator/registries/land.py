"""Simulated land registry: `thua_dat`, `giay_chung_nhan`, `chu_so_huu`.

A household owns the land it lives on, often husband and wife together, and perhaps a field; organisations own the rest.
The owner column mixes three numbers, as in a real ward's file: a personal id, an old card, or `N/A-` and a tax code.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from include.simulator import dirt
from include.simulator.dirt import DirtRates, Sheet, each, repeat_rows
from include.simulator.registries.ownership import ownerships
from include.simulator.registries.parcels import Parcels, lay_out, parcel_sheet
from include.simulator.render import Instants, dates, digits, distinct_numbers, join, null_where, words
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

IN_FORCE, REVOKED, REPLACED, MORTGAGED, NOT_ISSUED = "1", "2", "3", "5", "6"


def build_land(society: Society, rates: DirtRates, out: TruthWriter) -> None:
    """Writes the three tables, dirty, and their truth."""
    parcels = lay_out(society, society.stream("parcels"), rates)
    out.add(parcel_sheet(society, parcels, rates, society.stream("parcel sheet")))
    rng = society.stream("certificates")
    certificate_id = join("GCN", digits(np.arange(1, len(parcels) + 1), 9))
    issued = np.datetime64("1994-01-01") + rng.integers(0, 11_500, len(parcels)).astype("timedelta64[D]")
    born = np.where(parcels.owner >= 0, society.people.born[np.maximum(parcels.owner, 0)], np.datetime64("1950-01-01"))
    issued = np.minimum(np.maximum(issued, born + np.timedelta64(7400, "D")), parcels.written.astype("datetime64[D]"))
    out.add(_certificates(society, parcels, rates, rng, certificate_id, issued))
    sheet, persons = ownerships(society, parcels, rates, society.stream("ownership"), certificate_id, issued)
    out.add(sheet, persons=persons)


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
        "impossible_date", "ngay_cap", rates.impossible_date, each(dirt.impossible_date), rule="issued_on.unreadable"
    )
    unknown = dirt.unknown_wards(rng, society.wards.all_codes)
    sheet.plant("unknown_ward", "ma_xa", rates.unknown_ward, unknown, rule="ward_code.reference")
    repeat_rows(sheet, rates, written=parcels.written, floor=issued.astype("datetime64[s]"))
    return sheet
