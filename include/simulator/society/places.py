"""Places of residence: the real wards of schemas/reference, before and after 2025-07-01.

Everybody has one place of residence. It is one old ward and one of the new wards that took its land over; which
of the two codes a registry shows depends on when it last wrote the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from include.simulator.render import Instants
from include.simulator.society.name_lists import INHABITANTS

Indices = npt.NDArray[np.int32]

REFORM = np.datetime64("2025-07-01", "s")


class ReferenceMissing(Exception):
    """A code list of schemas/reference is not there or not what the simulator expects."""


@dataclass(frozen=True, slots=True)
class Wards:
    """Old wards, sorted by province, and the new wards they went into.

    `code`, `name`, `province`: by old ward; `province_code`, `province_name`, `prefix`: by old province.
    `first_new`/`new_count` delimit, in `new_ward`, the new wards of each old ward, the default one first.
    `weight`: chance that somebody lives there.
    """

    code: pa.Array
    name: pa.Array
    province: Indices
    province_code: list[str]
    province_name: list[str]
    prefix: list[str]
    new_code: pa.Array
    new_name: pa.Array
    new_province_name: pa.Array
    first_new: Indices
    new_count: Indices
    new_ward: Indices
    weight: npt.NDArray[np.float64]
    all_codes: frozenset[str]

    @property
    def is_divided(self) -> npt.NDArray[np.bool_]:
        """Which old wards were divided over several new ones."""
        return self.new_count > 1

    def draw(self, rng: np.random.Generator, size: int) -> Indices:
        """Old wards by population."""
        at = np.searchsorted(np.cumsum(self.weight), rng.random(size) * self.weight.sum())
        return np.asarray(at, np.int32)

    def draw_near(self, rng: np.random.Generator, wards: Indices) -> Indices:
        """For each ward one that is inhabited too, in the same province."""
        cumulative = np.cumsum(self.weight)
        low = np.searchsorted(self.province, self.province[wards], "left")
        high = np.searchsorted(self.province, self.province[wards], "right")
        floor = np.where(low > 0, cumulative[low - 1], 0.0)
        at = floor + rng.random(wards.size) * (cumulative[high - 1] - floor)
        return np.minimum(np.searchsorted(cumulative, at), high - 1).astype(np.int32)

    def new_of(self, rng: np.random.Generator, wards: Indices) -> Indices:
        """The new ward of each old one; of a divided ward, the default part six times in ten."""
        count = self.new_count[wards]
        other = (count > 1) & (rng.random(wards.size) > 0.6)
        step = np.where(other, 1 + (rng.random(wards.size) * (count - 1)).astype(np.int32), 0)
        return self.new_ward[self.first_new[wards] + step]

    def codes_at(self, old: Indices, new: Indices, written_at: Instants) -> pa.Array:
        """The code that a row written at that time shows."""
        return pc.if_else(
            pa.array(written_at < REFORM), self.code.take(pa.array(old)), self.new_code.take(pa.array(new))
        )


def read_list(folder: Path, name: str) -> pa.Table:
    """One code list of schemas/reference, every column as text."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise ReferenceMissing(f"{path} is not there: build the reference lists first")
    header = path.open(encoding="utf-8").readline().strip().split(",")
    kinds = csv.ConvertOptions(column_types={column: pa.string() for column in header}, strings_can_be_null=True)
    return csv.read_csv(path, convert_options=kinds)


def codes_of(folder: Path, name: str) -> list[str]:
    """The codes of one list that are in force."""
    rows = read_list(folder, name)
    return [str(code) for code in rows.filter(pc.is_null(rows["valid_until"]))["code"].to_pylist()]


def load_wards(folder: Path, *, rng: np.random.Generator, persons: int) -> Wards:
    """Reads wards and changes, and settles so many of them that about 80 persons live in each (all, for 800,000)."""
    wards, changes = read_list(folder, "wards"), read_list(folder, "ward_changes")
    in_force = pc.is_null(wards["valid_until"])
    new, old = wards.filter(in_force), wards.filter(pc.invert(in_force))
    new_index = {code: i for i, code in enumerate(new["code"].to_pylist())}
    targets: dict[str, list[tuple[bool, int]]] = {}
    for row in changes.select(["old_code", "new_code", "is_default"]).to_pylist():
        target = (row["is_default"] != "true", new_index[row["new_code"]])
        targets.setdefault(row["old_code"], []).append(target)
    old = old.filter(pc.is_in(old["code"], pa.array(list(targets)))).sort_by(
        [("province_code", "ascending"), ("code", "ascending")]
    )
    codes = old["code"].to_pylist()
    per_ward = [[index for _, index in sorted(targets[code])] for code in codes]
    province_code = sorted(set(old["province_code"].to_pylist()))
    numbers = {code: i for i, code in enumerate(province_code)}
    province = np.array([numbers[code] for code in old["province_code"].to_pylist()], np.int32)
    counts = np.array([len(p) for p in per_ward], np.int32)
    names = _old_province_names(folder)
    prefix_of = {r["province_code"]: r["code"] for r in read_list(folder, "cccd_prefixes").to_pylist()}
    return Wards(
        code=old["code"].combine_chunks(),
        name=old["name"].combine_chunks(),
        province=province,
        province_code=province_code,
        province_name=[names[code] for code in province_code],
        prefix=[prefix_of[code] for code in province_code],
        new_code=new["code"].combine_chunks(),
        new_name=new["name"].combine_chunks(),
        new_province_name=_new_province_names(folder, new["province_code"]),
        first_new=(np.cumsum(counts) - counts).astype(np.int32),
        new_count=counts,
        new_ward=np.array([i for p in per_ward for i in p], np.int32),
        weight=_settle(rng, province, province_code, counts > 1, persons),
        all_codes=frozenset(wards["code"].to_pylist()),
    )


def _settle(
    rng: np.random.Generator, province: Indices, codes: list[str], divided: npt.NDArray[np.bool_], persons: int
) -> npt.NDArray[np.float64]:
    """Weights of wards; zero for the wards (and provinces) a small country does without."""
    inhabitants = np.array([INHABITANTS.get(code, 500) for code in codes], float)
    weight = inhabitants[province] / np.bincount(province, minlength=len(codes))[province]
    weight *= rng.lognormal(0.0, 0.5, province.size)
    settled = rng.choice(
        len(codes), size=min(len(codes), max(6, persons // 1500)), replace=False, p=inhabitants / inhabitants.sum()
    )
    weight[~np.isin(province, settled)] = 0.0
    wanted = max(40, persons // 80)
    inhabited = np.flatnonzero(weight)
    if inhabited.size > wanted:
        chance = weight[inhabited] * np.where(divided[inhabited], 1.5, 1.0)
        kept = rng.choice(inhabited, size=wanted, replace=False, p=chance / chance.sum())
        one_each = [inhabited[province[inhabited] == p][0] for p in settled]
        weight[~np.isin(np.arange(weight.size), np.concatenate([kept, one_each]))] = 0.0
    return weight


def _old_province_names(folder: Path) -> dict[str, str]:
    rows = read_list(folder, "provinces").to_pylist()
    return {r["code"]: r["name"] for r in rows if r["valid_until"] == "2025-06-30"}


def _new_province_names(folder: Path, codes: pa.ChunkedArray) -> pa.Array:
    rows = read_list(folder, "provinces").to_pylist()
    names = {r["code"]: r["name"] for r in rows if r["valid_until"] is None}
    return pa.array([names.get(code) for code in codes.to_pylist()], pa.string())
