"""Division of the simulated land registry over the provinces, each of which keeps its own database."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.simulator.country import REFERENCE
from include.simulator.land_vendors import vendor_of
from include.simulator.render import random_stream
from include.simulator.society import load_wards, read_list
from include.simulator.staging import SOURCES, Country


def inhabited_provinces(*, persons: int, seed: int) -> tuple[str, ...]:
    """The codes of today's provinces in which somebody may live in the country of that size and seed."""
    wards = load_wards(REFERENCE, rng=random_stream(seed, "wards"), persons=persons)
    provinces = _province_by_former_ward()
    inhabited = wards.code.filter(pa.array(wards.weight > 0)).to_pylist()
    return tuple(sorted({provinces[code] for code in inhabited}))


def divide_land(country: Country, provinces: Collection[str]) -> None:
    """Write the land of those provinces, as the vendor of each stores it, under `staging/land-<province>`.

    A row belongs to the province of the former commune on whose map its parcel is (`ma_xa_cu`), whatever ward it
    states. A province without land has empty tables.
    """
    of_ward = _province_by_former_ward()
    wards, belongs = pa.array(list(of_ward)), pa.array(list(of_ward.values()))
    for name in SOURCES["land"]:
        with pq.ParquetFile(country.staged("land", name)) as file, ExitStack() as open_files:
            writers: dict[str, pq.ParquetWriter] = {}
            for code in provinces:
                path = country.staged(f"land-{code}", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                schema = vendor_of(code).written(name, file.schema_arrow.empty_table()).schema
                writers[code] = open_files.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group)
                province = belongs.take(pc.index_in(rows["ma_xa_cu"], value_set=wards).combine_chunks())
                for code, writer in writers.items():
                    writer.write_table(vendor_of(code).written(name, rows.filter(pc.equal(province, code))))


def _province_by_former_ward() -> dict[str, str]:
    """The province of today by the code of a ward until 2025-06-30; of a divided ward, that of its default part."""
    wards, changes = read_list(REFERENCE, "wards"), read_list(REFERENCE, "ward_changes")
    today = wards.filter(pc.is_null(wards["valid_until"]))
    province = dict(zip(today["code"].to_pylist(), today["province_code"].to_pylist(), strict=True))
    rows = changes.filter(pc.equal(changes["is_default"], "true")).select(["old_code", "new_code"]).to_pylist()
    return {row["old_code"]: province[row["new_code"]] for row in rows}
