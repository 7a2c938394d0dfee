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
BOUNDED = st.one_of(st.tuples(st.just(kind), st.sampled_from(bounds)) for kind, bounds in TYPES)
VALUES = ["0", "0.1", "-0.25", "5", "0.00001", "0.0000", str(2**53), str(2**53 + 1), str(2**53 + 2), "123456.7891", "x"]
OPTIONS = (("minimum", "maximum"), ("exclusiveMinimum",), ("exclusiveMaximum",))  # that leave some value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(bounded=BOUNDED, names=st.sampled_from(OPTIONS), values=st.lists(st.sampled_from(VALUES), max_size=8))
def test_both_evaluations_agree_at_the_bounds(
    bounded: tuple[dict[str, Any], float], names: tuple[str, ...], values: list[str]
) -> None:
    kind, bound = bounded
    options = {**kind.get("logicalTypeOptions", {}), **dict.fromkeys(names, bound)}
    column = {**kind, "name": "n", "physicalName": "n", "logicalTypeOptions": options}
    if len(names) > 1:
        column["enum"] = [{"value": bound}]
    with tempfile.TemporaryDirectory() as folder:
        table = contract_table(yaml.safe_dump({"properties": [column]}), Path(folder))
        extract = write_extract([{"n": value} for value in values], Path(folder) / "extract.parquet", ["n"])
        split = outcome_of(table, extract, Path(folder)).split
        lake = Lake(f"{folder}/lake", scratch=Path(folder) / "tmp")
        assessment = assess(table, split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert assessment.counts == {count.rule_id: count.violations for count in split.counts}
