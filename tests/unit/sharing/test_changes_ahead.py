"""What a release note says of each table is what sharing then does. Older tests looked at either alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from include.contracts.model import Contract, Table
from include.lake.storage.lake import Lake
from include.sharing.agreements.agreement import Agreement
from include.sharing.products.changes_ahead import coming_changes
from include.sharing.products.keys import MasterKey
from include.sharing.products.share import close_orphans, share_agreement
from include.sharing.products.state import opened

from .conftest import AGREEMENT, AT, CITIZEN, CONTRACTS, PEOPLE, write_published

Agree = Callable[..., Agreement]
HEAD, CITIZENS = AGREEMENT.split("products:\n")
WAGES = """\
  - name: wages
    table: insurance.contribution
    columns: [{name: personal_id, protection: pseudonym}, {name: month, protection: none}]
"""
BOTH = f"{HEAD}products:\n{CITIZENS}{WAGES}"
PENDING = ("from: 2026-01-01", "from: 2026-06-01")
EXPIRED = ("until: 2026-12-31", "until: 2026-02-28")
WITHDRAWN = ("contact:", "withdrawn: {from: 2026-02-01, reason: Hết nhu cầu}\ncontact:")
OTHER_PROTECTION = ("birth_date, protection: year", "birth_date, protection: decade")
OTHER_TITLE = ("title: Chia sẻ dữ liệu dân cư", "title: Chia sẻ dữ liệu công dân")
ID, NAME, BIRTH, *REST = CITIZEN.columns
OTHER_NAME = replace(CITIZEN, columns=(ID, NAME, replace(BIRTH, business_name="Sinh ngày"), *REST))
OTHER_KEY = replace(
    CITIZEN, columns=(replace(ID, primary_key_position=None), replace(NAME, primary_key_position=1), BIRTH, *REST)
)

Texts = dict[str, tuple[str, Sequence[tuple[str, str]]]]
"""The text of each agreement, and what is replaced in it."""


@dataclass
class Case:
    """Agreements and contracts before and under review; what becomes of the tables, those left out stay untouched."""

    before: Texts
    after: Texts
    expected: dict[str, str]
    source: str = ""
    contracts: dict[str, Contract] | None = None


def only(products: str, *replaced: tuple[str, str]) -> tuple[str, Sequence[tuple[str, str]]]:
    return f"{HEAD}products:\n{products}", replaced


def by_contract(citizen: Table) -> dict[str, Contract]:
    return {**CONTRACTS, "population": replace(CONTRACTS["population"], version="1.1.0", tables=(citizen,))}


CASES = {
    "nothing": Case({"census": only(CITIZENS)}, {"census": only(CITIZENS)}, {}),
    "rows come": Case({"census": only(CITIZENS)}, {"census": only(CITIZENS)}, {}, source="rows"),
    "another title": Case({"census": only(CITIZENS)}, {"census": only(CITIZENS, OTHER_TITLE)}, {}),
    "goes over to another agreement": Case(
        {"census": (BOTH, ())}, {"census": only(WAGES), "joined": only(CITIZENS)}, {"citizen": "anew"}
    ),
    "goes over to one that is not in force yet": Case(
        {"census": (BOTH, ())}, {"census": only(WAGES), "joined": only(CITIZENS, PENDING)}, {"citizen": "emptied"}
    ),
    "goes over, other terms": Case(
        {"census": (BOTH, ())}, {"census": only(WAGES), "joined": only(CITIZENS, OTHER_PROTECTION)}, {"citizen": "anew"}
    ),
    "source made anew": Case(
        {"census": only(CITIZENS)}, {"census": only(CITIZENS)}, {"citizen": "anew"}, source="anew"
    ),
    "source is gone": Case(
        {"census": only(CITIZENS)}, {"census": only(CITIZENS)}, {"citizen": "emptied"}, source="gone"
    ),
    "product added, its source not there": Case(
        {"census": only(WAGES)}, {"census": (BOTH, ())}, {"citizen": "nothing yet"}, source="gone"
    ),
    "pending": Case({"census": only(CITIZENS)}, {"census": only(CITIZENS, PENDING)}, {"citizen": "emptied"}),
    "pending from the start": Case({}, {"census": only(CITIZENS, PENDING)}, {}),
    "expired": Case({"census": only(CITIZENS)}, {"census": only(CITIZENS, EXPIRED)}, {"citizen": "emptied"}),
    "expired before": Case({"census": only(CITIZENS, EXPIRED)}, {"census": only(CITIZENS, EXPIRED)}, {}),
    "expired, now pending": Case({"census": only(CITIZENS, EXPIRED)}, {"census": only(CITIZENS, PENDING)}, {}),
    "withdrawn": Case({"census": only(CITIZENS)}, {"census": only(CITIZENS, WITHDRAWN)}, {"citizen": "emptied"}),
    "in force again": Case(
        {"census": only(CITIZENS, WITHDRAWN)}, {"census": only(CITIZENS)}, {"citizen": "anew"}
    ),
    "terms changed": Case(
        {"census": only(CITIZENS)}, {"census": only(CITIZENS, OTHER_PROTECTION)}, {"citizen": "anew"}
    ),
    "product dropped": Case({"census": (BOTH, ())}, {"census": only(WAGES)}, {"citizen": "emptied"}),
    "product added": Case({"census": only(CITIZENS)}, {"census": (BOTH, ())}, {"wages": "anew"}),
    "the contract's key is another": Case(
        {"census": only(CITIZENS)}, {"census": only(CITIZENS)}, {"citizen": "anew"}, contracts=by_contract(OTHER_KEY)
    ),
    "the contract has another name for a column": Case(
        {"census": only(CITIZENS)}, {"census": only(CITIZENS)}, {}, contracts=by_contract(OTHER_NAME)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_note_says_what_sharing_does(lake: Lake, agree: Agree, key: MasterKey, case: Case) -> None:
    contracts = case.contracts or CONTRACTS

    def share(agreements: Sequence[Agreement], by: dict[str, Contract], run_id: str) -> None:
        for one in sorted(agreements, key=lambda agreement: agreement.standing(AT) == "in_force"):
            share_agreement(one, by, lake=lake, at=AT, run_id=run_id, key=key, beside=agreements)
        close_orphans(agreements, lake=lake, run_id=run_id, at=AT)

    def tables() -> dict[str, tuple[str, bool]]:
        """Table id, and whether it is open, of each product."""
        names = [uri.rpartition("/")[2] for uri in lake.list(lake.path("shared/nso"))]
        found = {name: opened(lake, "nso", name) for name in names}
        return {name: (one.delta.metadata().id, one.is_open) for name, one in found.items() if one is not None}

    def read(texts: Texts) -> list[Agreement]:
        return [agree(*replaced, name=name, text=text) for name, (text, replaced) in texts.items()]

    share(read(case.before), CONTRACTS, "r1")
    before = tables()
    if case.source in ("anew", "gone"):
        shutil.rmtree(lake.registry_table("population", "citizen"))
    if case.source in ("anew", "rows"):
        write_published(lake, CITIZEN, PEOPLE[:3])
    agreements = read(case.after)
    noted = [change for one in agreements for change in coming_changes(one, contracts, lake, at=AT, beside=agreements)]
    assert len({change.product for change in noted}) == len(noted), "told by one agreement"
    told = {}
    for change in noted:
        if change.standing == "ended" or (change.standing == "changed" and change.is_waiting):
            told[change.product] = "emptied"
        elif change.standing == "new" or change.is_anew:
            told[change.product] = "nothing yet" if change.is_waiting else "anew"
    share(agreements, contracts, "r2")
    done = {}
    for name, (table_id, is_open) in tables().items():
        former_id, was_open = before.get(name, ("", False))
        if is_open and table_id != former_id:
            done[name] = "anew"
        elif was_open and not is_open:
            done[name] = "emptied"
        elif name not in before and case.source == "gone":
            done[name] = "nothing yet"
    assert told == done == case.expected
