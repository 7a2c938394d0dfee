"""The figure of rows: what PostgreSQL 18 said of the same values, whatever their order."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from include.lake.incremental.row_checksum import RowSetChecksum, row_set_checksum

DAY = datetime(2026, 1, 1)


def of(*columns: list, batches: int = 1) -> RowSetChecksum | None:
    batch = pa.record_batch([pa.array(values) for values in columns], names=[str(n) for n in range(len(columns))])
    size = -(-max(len(batch), 1) // batches)
    return row_set_checksum(batch.slice(start, size) for start in range(0, len(batch), size))


@pytest.mark.parametrize(
    ("columns", "mark"),
    [
        ([[0]], 4154612158245552303),
        ([["đất đai"]], 1809368287841514385),
        ([["012345678901234567890123456789"]], 8089837138832153746),
        ([[42], [-(2**63)]], -7209473917433117659),
        ([["a"], [7], [9]], -4292554017812352203),
        ([[-5], [datetime(2026, 1, 28, 15, 16, 59, 123456)]], -733720818882321258),
        ([["b"], [datetime(1974, 2, 3, 4, 5, 6, 7)]], 3718099173843184034),
    ],
)
def test_as_postgresql_hashes_them(columns, mark):
    assert of(*columns) == RowSetChecksum(1, mark)


def test_the_order_of_rows_and_batches_does_not_matter():
    keys, texts = list(range(100)), [f"số {n}" * (n % 7) for n in range(100)]
    there = of(keys, texts, list(range(0, 200, 2)))
    back = of(keys[::-1], texts[::-1], list(range(198, -1, -2)), batches=9)
    assert there == back != of(keys, texts, [*range(0, 198, 2), 0])


def test_values_that_change_places_are_other_rows():
    assert of([1, 2], [10, 20]) != of([1, 2], [20, 10])
    assert of(["a", "b"], ["x", "y"]) != of(["a", "b"], ["y", "x"])


def test_values_that_postgresql_folds_to_the_same_32_bits_are_told_apart():
    folded = 100, (1 << 32) | 101
    assert of([folded[0]]) != of([folded[1]])
    assert of([7], [folded[0]]) != of([7], [folded[1]])
    assert of(["a"], [folded[0]]) != of(["a"], [folded[1]])


def test_no_value_is_as_nothing():
    assert row_set_checksum([]) == RowSetChecksum(0, 0)
    some = of(["a", "b"], [DAY, None])
    assert some is not None
    assert some.rows == 2
    assert some != of(["a", "b"], [DAY, datetime(1970, 1, 1)])
    assert of(["a", None]) != of(["a", ""])


def test_a_text_longer_than_keys_are_has_none():
    assert of(["x" * 252]) is not None
    assert of(["x" * 253]) is None
