"""The figure of rows: what PostgreSQL 18 said of the same values, whatever their order."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.lake.fingerprint import Fingerprint, fingerprint


def of(*columns: list, batches: int = 1) -> Fingerprint | None:
    batch = pa.record_batch([pa.array(values) for values in columns], names=[str(n) for n in range(len(columns))])
    size = -(-max(len(batch), 1) // batches)
    return fingerprint(batch.slice(start, size) for start in range(0, len(batch), size))


@pytest.mark.parametrize(
    ("columns", "mark"),
    [
        ([[0]], 4154612158245552303),
        ([["đất đai"]], 1809368287841514385),
        ([["012345678901234567890123456789"]], 8089837138832153746),
        ([[42], [-(2**63)]], -4216469540329842178),
        ([["a"], [7], [9]], 6192258217521010573),
    ],
)
def test_as_postgresql_hashes_them(columns, mark):
    assert of(*columns) == Fingerprint(1, mark)


def test_the_order_of_rows_and_batches_does_not_matter():
    keys, texts = list(range(100)), [f"số {n}" * (n % 7) for n in range(100)]
    there = of(keys, texts, list(range(0, 200, 2)))
    back = of(keys[::-1], texts[::-1], list(range(198, -1, -2)), batches=9)
    assert there == back != of(keys, texts, [*range(0, 198, 2), 0])


def test_values_that_change_places_are_other_rows():
    assert of([1, 2], [10, 20]) != of([1, 2], [20, 10])
    assert of(["a", "b"], ["x", "y"]) != of(["a", "b"], ["y", "x"])


def test_less_some_of_them():
    whole, some, rest = of(list("abcdef")), of(list("bd")), of(list("acef"))
    assert whole is not None
    assert some is not None
    assert whole.without(some) == rest


def test_no_rows_have_a_figure_and_rows_with_gaps_have_none():
    assert fingerprint([]) == Fingerprint(0, 0)
    assert of([1, None]) is None
    assert of(["x" * 253]) is None
