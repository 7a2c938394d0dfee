"""A shared table's rows are told apart by the contract's key of today, or the table is made anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from include.contracts.model import Table
from include.lake.storage.lake import Lake
from include.sharing.agreements.agreement import Agreement
from include.sharing.products import content
from include.sharing.products.changes_ahead import coming_changes
from include.sharing.products.share import share_agreement

from .conftest import AGREEMENT, AT, CONTRIBUTION, contract, write_published

Agree = Callable[..., Agreement]
INTERNAL = tuple(replace(column, classification="internal") for column in CONTRIBUTION.columns)
TWO_KEYS = replace(CONTRIBUTION, columns=INTERNAL)
ONE_KEY = replace(CONTRIBUTION, columns=(INTERNAL[0], replace(INTERNAL[1], primary_key_position=None), INTERNAL[2]))
JANUARY, FEBRUARY, MARCH = (("p1", date(2026, month, 1), 10 * month) for month in (1, 2, 3))


class KeyedShare:
    """A product of contributions, shared by contracts of different keys."""

    def __init__(self, lake: Lake, agree: Agree) -> None:
        self.lake = lake
        text = AGREEMENT[: AGREEMENT.index("products:")] + (
            "products: [{name: c, table: insurance.contribution, columns: [{name: personal_id, protection: none}, "
            "{name: month, protection: none}, {name: wage_vnd, protection: none}]}]"
        )
        self.agreement = agree(text=text)
        self.runs = 0

    def share(self, by: Table) -> tuple[str, str, int]:
        self.runs += 1
        contracts = {"insurance": contract(by)}
        run_id = f"r{self.runs}"
        done = share_agreement(self.agreement, contracts, lake=self.lake, at=AT, run_id=run_id, key=None)
        (result,) = done.results
        return result.verdict, result.reason, result.version

    def is_anew_ahead(self, by: Table) -> bool:
        changes = coming_changes(self.agreement, {"insurance": contract(by)}, self.lake, at=AT)
        return any(change.is_anew for change in changes)

    def months(self) -> list[int]:
        rows = pa.table(self.lake.table("shared/nso/c").to_pyarrow_table())
        return sorted(month.month for month in rows["month"].to_pylist())

    def forget_the_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What follows is committed as older releases did."""
        monkeypatch.setattr(content, "row_key_note", lambda product, table: {})
        monkeypatch.setattr(content, "is_told_apart", lambda *terms: True)


@pytest.mark.parametrize("release", ["this", "an older one"])
def test_a_key_that_tells_fewer_rows_apart_makes_the_table_anew(
    lake: Lake, agree: Agree, monkeypatch: pytest.MonkeyPatch, release: str
) -> None:
    shared = KeyedShare(lake, agree)
    write_published(lake, TWO_KEYS, [JANUARY, FEBRUARY])
    with monkeypatch.context() as patched:
        if release != "this":
            shared.forget_the_key(patched)
        shared.share(TWO_KEYS)
    write_published(lake, ONE_KEY, [FEBRUARY])
    assert shared.is_anew_ahead(ONE_KEY)
    assert shared.share(ONE_KEY) == ("published", "the terms changed", 0)
    assert shared.months() == [2]
    write_published(lake, ONE_KEY, [MARCH])
    assert not shared.is_anew_ahead(ONE_KEY)
    assert shared.share(ONE_KEY) == ("published", "", 1)
    assert shared.months() == [3]


def test_a_table_that_an_older_release_left_with_a_row_twice_is_made_anew(
    lake: Lake, agree: Agree, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = KeyedShare(lake, agree)
    write_published(lake, TWO_KEYS, [JANUARY, FEBRUARY])
    with monkeypatch.context() as patched:
        shared.forget_the_key(patched)
        shared.share(TWO_KEYS)
        write_published(lake, ONE_KEY, [FEBRUARY])
        shared.share(ONE_KEY)
    assert shared.months() == [2, 2]
    assert shared.share(ONE_KEY) == ("published", "the terms changed", 0)
    assert shared.months() == [2]


def test_a_table_of_an_older_release_is_not_made_anew_to_note_its_key(
    lake: Lake, agree: Agree, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = KeyedShare(lake, agree)
    write_published(lake, TWO_KEYS, [JANUARY, FEBRUARY])
    with monkeypatch.context() as patched:
        shared.forget_the_key(patched)
        shared.share(TWO_KEYS)
    assert not shared.is_anew_ahead(TWO_KEYS)
    assert [shared.share(TWO_KEYS) for _ in range(2)] == [("unchanged", "", 1)] * 2


def test_a_key_that_tells_more_rows_apart_leaves_the_table_as_it_is(lake: Lake, agree: Agree) -> None:
    shared = KeyedShare(lake, agree)
    write_published(lake, ONE_KEY, [JANUARY])
    shared.share(ONE_KEY)
    write_published(lake, TWO_KEYS, [JANUARY, FEBRUARY])
    assert not shared.is_anew_ahead(TWO_KEYS)
    assert shared.share(TWO_KEYS) == ("published", "", 1)
    assert shared.months() == [1, 2]
