"""Numbers at their bounds: the split compares in the column's type, GX with what it binds, and both count alike."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.lake.storage.lake import Lake
from include.quality.expectations.assessment import assess
from tests.ascii_tables import SCHEMAS, contract_table, outcome_of, write_extract
from tests.repeats import repeats

# Bounds that fit the type: `lienthong check` is there for those that do not.
INTEGERS = [0, 5, -3, 2**31 - 1]
FRACTIONS = [*INTEGERS[:3], 0.1, -0.25, 123456.7891]
TYPES: list[tuple[dict[str, Any], list[float]]] = [
    ({"logicalType": "integer"}, [*INTEGERS, 2**53 + 1]),
    ({"logicalType": "integer", "logicalTypeOptions": {"format": "i32"}}, INTEGERS),
    ({"logicalType": "number"}, [*FRACTIONS, 1e-5, 2**53 + 1]),
    ({"logicalType": "number", "logicalTypeOptions": {"format": "f32"}}, FRACTIONS),
    ({"logicalType": "number", "physicalType": "decimal(15,4)"}, FRACTIONS),
    ({"logicalType": "number", "physicalType": "decimal(38,0)"}, [*INTEGERS, 2**53 + 1]),
]
VALUES = ["0", "0.1", "-0.25", "5", "0.00001", "0.0000", str(2**53), str(2**53 + 1), str(2**53 + 2), "123456.7891", "x"]
OPTIONS = (("minimum", "maximum"), ("exclusiveMinimum",), ("exclusiveMaximum",))  # that leave some value
# A column of each type, with a bound and how it bounds: to assess a table takes long, however many columns it has.
BOUNDED = st.tuples(*(st.tuples(st.sampled_from(bounds), st.sampled_from(OPTIONS)) for _, bounds in TYPES))
ROWS = st.lists(st.tuples(*(st.sampled_from(VALUES) for _ in TYPES)), max_size=8)


@settings(max_examples=repeats(5, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(bounded=BOUNDED, rows=ROWS)
def test_both_evaluations_agree_at_the_bounds(
    bounded: tuple[tuple[float, tuple[str, ...]], ...], rows: list[tuple[str, ...]]
) -> None:
    columns, names = [], [f"n{place}" for place in range(len(TYPES))]
    for name, (kind, _), (bound, by) in zip(names, TYPES, bounded, strict=True):
        options = {**kind.get("logicalTypeOptions", {}), **dict.fromkeys(by, bound)}
        column = {**kind, "name": name, "physicalName": name, "logicalTypeOptions": options}
        columns.append(column | ({"enum": [{"value": bound}]} if len(by) > 1 else {}))
    with tempfile.TemporaryDirectory() as folder:
        table = contract_table(yaml.safe_dump({"properties": columns}), Path(folder))
        given_rows = [dict(zip(names, row, strict=True)) for row in rows]
        extract = write_extract(given_rows, Path(folder) / "extract.parquet", names)
        split = outcome_of(table, extract, Path(folder)).split
        lake = Lake(f"{folder}/lake", scratch=Path(folder) / "tmp")
        assessment = assess(table, split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert assessment.counts == {count.rule_id: count.violations for count in split.counts}
