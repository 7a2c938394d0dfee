"""Numbers are built as the law says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from include.simulator.render import digits, distinct_numbers, instants, random_stream, thousands
from include.simulator.society import identifiers


def check(code: str) -> bool:
    """The rule once more, digit by digit (Circular 105/2020/TT-BTC, annex 1)."""
    total = sum(int(d) * w for d, w in zip(code[:9], (31, 29, 23, 19, 17, 13, 7, 5, 3), strict=True))
    return int(code[9]) == 10 - total % 11


def test_the_check_digit_of_a_real_tax_code() -> None:
    assert identifiers.tax_check_digit(np.array([10010910])).tolist() == [6]  # 0100109106


def test_tax_codes_are_different_valid_and_of_an_office() -> None:
    codes = identifiers.tax_codes(np.random.default_rng(1), offices=["01", "31"], size=2_000).to_pylist()
    assert len(set(codes)) == 2_000
    assert all(check(code) and code[:2] in ("01", "31") for code in codes)


def test_personal_ids_differ_even_where_everybody_was_born_together() -> None:
    size = 5_000
    ids = identifiers.personal_ids(
        np.random.default_rng(1),
        prefixes=["079"],
        province=np.zeros(size, np.int32),
        year=np.full(size, 2001),
        sex=np.ones(size, np.int8),
    )
    assert len(set(ids.to_pylist())) == size
    assert set(pa.compute.utf8_slice_codeunits(ids, 0, 6).to_pylist()) == {"079301"}


def test_distinct_numbers_are_distinct_even_when_they_nearly_fill_the_range() -> None:
    assert sorted(distinct_numbers(np.random.default_rng(3), 95, 0, 100)) == sorted(
        set(distinct_numbers(np.random.default_rng(3), 95, 0, 100))
    )


def test_numbers_as_text() -> None:
    assert digits(np.array([7, 123]), 5).to_pylist() == ["00007", "00123"]
    assert thousands(np.array([0, 12, 1_005, 1_234_567, 20_000_000_000])).to_pylist() == [
        "0", "12", "1.005", "1.234.567", "20.000.000.000",
    ]  # fmt: skip
    moment = np.array(["2026-03-09T07:05:59"], "datetime64[s]")
    assert instants(moment, "%d/%m/%Y").to_pylist() == ["09/03/2026 07:05:59"]


def test_stages_draw_from_streams_of_their_own() -> None:
    assert random_stream(1, "land").random() == random_stream(1, "land").random()
    assert random_stream(1, "land").random() != random_stream(1, "names").random()
