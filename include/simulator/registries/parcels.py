"""The parcels of the land registry, `thua_dat`: homes, fields and business land, numbered sheet by sheet in a ward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator import dirt
from include.simulator.dirt import DirtRates, Mask, Rows, Sheet, each, repeat_rows
from include.simulator.render import Instants, digits, join, thousands, words
from include.simulator.society import REFORM, Indices, Society

HOME_USE, FIELD_USE = ("ONT", "ODT"), ("LUC", "LUK", "CLN", "HNK", "NTS", "RSX")
WORK_USE = ("SKC", "TMD", "SKK", "DGD", "DYT", "TON")
NOBODY = np.int64(-1)


@dataclass(frozen=True, slots=True)
class Parcels:
    """One entry per parcel. `owner` is a person, `firm` an organisation; -1: none. `is_shared`: with the spouse.

    `ward` is the code in force when the row was written, `cadastral_ward` that of the commune whose map has the parcel:
    maps are those of the communes until 2025-06-30, so a new ward has a sheet 1 of each of its former communes.
    """

    owner: npt.NDArray[np.int64]
    firm: npt.NDArray[np.int64]
    is_shared: Mask
    use: Indices
    written: Instants
    ward: pa.Array
    cadastral_ward: pa.Array
    is_split: Mask
    sheet: npt.NDArray[np.int32]
    number: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Number of parcels."""
        return int(self.owner.size)

    def address(self, rows: Rows) -> dict[str, pa.Array]:
        """The columns that place a parcel and, without `ma_xa`, name it, for those parcels."""
        at = pa.array(rows)
        return {
            "ma_xa": self.ward.take(at),
            "ma_xa_cu": self.cadastral_ward.take(at),
            "so_to": pa.array(self.sheet[rows]),
            "so_thua": pa.array(self.number[rows]),
        }


def lay_out(society: Society, rng: np.random.Generator, rates: DirtRates) -> Parcels:
    """Homes, fields and business land, numbered sheet by sheet inside the former commune they lie in."""
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
    cadastral_ward = society.wards.code.take(pa.array(old))
    place = _position_in_ward(cadastral_ward)
    return Parcels(
        owner=owner,
        firm=firm,
        is_shared=together & (rng.random(old.size) < 0.6),
        use=use.astype(np.int32),
        written=written,
        ward=ward,
        cadastral_ward=cadastral_ward,
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


def parcel_sheet(society: Society, parcels: Parcels, rates: DirtRates, rng: np.random.Generator) -> Sheet:
    """`thua_dat`, dirty."""
    rows = np.arange(len(parcels))
    is_home = parcels.use < len(HOME_USE)
    area = np.where(is_home, rng.lognormal(5.0, 0.7, rows.size), rng.lognormal(6.6, 0.9, rows.size))
    tenths = (np.clip(area, 20.0, np.where(is_home, 9_000.0, 400_000.0)) * 10).astype(np.int64)
    sheet = Sheet(
        registry="land",
        table="parcel",
        keys=("ma_xa_cu", "so_to", "so_thua"),
        rng=rng,
        columns={
            **parcels.address(rows),
            "dien_tich": _comma_number(tenths),
            "ma_loai_dat": words([*HOME_USE, *FIELD_USE, *WORK_USE], parcels.use),
            "ngay_cap_nhat": pa.array(parcels.written),
        },
    )
    sheet.note("split_ward", "ma_xa", parcels.is_split)
    sheet.plant("negative_amount", "dien_tich", rates.negative_amount, each(dirt.negative), rule="area-positive")
    unknown = dirt.unknown_wards(rng, society.wards.all_codes)
    sheet.plant("unknown_ward", "ma_xa", rates.unknown_ward, unknown, rule="ward_code.reference")
    sheet.plant(
        "unknown_land_use", "ma_loai_dat", rates.unknown_land_use, each(lambda _: "ZZZ"), rule="land_use_code.reference"
    )
    repeat_rows(sheet, rates, written=parcels.written)
    return sheet
