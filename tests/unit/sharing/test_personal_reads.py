"""Reads of personal columns, also of those that the contract or the agreement has no longer.

The test of the server asks by the contract by which the reads were made, so no column is missing from it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from include.audit.reads import ReadRecord
from include.audit.reads.record import to_arrow
from include.contracts.reading import contract_paths, load_contract
from include.lake.run_log import append
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.reporting import reads_of_table
from include.pipelines.reporting.agreements import agreement_facts
from include.sharing.agreements import load_agreement
from tests.unit.subject.country import AT, SCHEMAS, STATISTICS


@pytest.mark.parametrize(
    ("columns", "personal"),
    [
        (("sex", "updated_at"), ()),
        (("full_name", "sex"), ("full_name",)),
        (("mother_no", "sex"), ("mother_no",)),  # as the contract called it then
        (("mother_no",), ("mother_no",)),
        (("sex", "count", "suppressed"), ()),
        (None, ()),
    ],
)
def test_what_the_contract_does_not_know_counts_as_personal(
    tmp_path: Path, columns: tuple[str, ...] | None, personal: tuple[str, ...]
) -> None:
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    contract = load_contract(contract_paths(SCHEMAS)["population"])
    read = ReadRecord(
        read_id="1", at=AT - timedelta(days=1), action="query", verdict="offered", status=200, address="x",
        recipient="nso", agreement="statistics", product="citizen", purpose="x", registry="population", table="citizen",
        columns=columns,
    )  # fmt: skip
    refused = replace(read, read_id="2", verdict="refused", recipient="moh", columns=None)
    append(lake, "reads", to_arrow([read, refused], "b"), once="reads/b")
    context = cast(
        PipelineContext,
        SimpleNamespace(lake=lake, now=lambda: AT, table=lambda _, name: (contract, contract.table(name))),
    )
    found = reads_of_table(context, "population.citizen", personal=True)
    expected = ["moh", *(["nso"] if personal or columns is None else [])]
    assert [one.recipient for one in found] == expected
    path = tmp_path / "statistics.yaml"
    path.write_text(STATISTICS, encoding="utf-8")
    (agreement,) = agreement_facts([load_agreement(path)], {"population": contract}, lake, at=AT)
    assert agreement.products[0].personal_reads == personal


def test_a_product_is_told_with_its_reads_when_it_was_made_of_another_table(tmp_path: Path) -> None:
    """Older tests had one table for each product: the reads of the other took the place of the first ones."""
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    contract = load_contract(contract_paths(SCHEMAS)["population"])
    read = ReadRecord(
        read_id="1", at=AT - timedelta(days=2), action="query", verdict="offered", status=200, address="x",
        recipient="nso", agreement="statistics", product="citizen", purpose="x", registry="population", table="citizen",
        columns=("sex",), rows=9,
    )  # fmt: skip
    others = [
        replace(read, read_id=f"{n}", at=AT - timedelta(days=days), table=table, columns=columns, rows=n)
        for n, days, table, columns in ((2, 9, "household_member", ("full_name",)), (3, 1, "citizen", ("sex",)))
    ]
    append(lake, "reads", to_arrow([read, *others], "b"), once="reads/b")
    path = tmp_path / "statistics.yaml"
    path.write_text(STATISTICS, encoding="utf-8")
    (agreement,) = agreement_facts([load_agreement(path)], {"population": contract}, lake, at=AT)
    told = agreement.products[0].reads
    assert told is not None
    assert (told.reads, told.rows, told.columns) == (3, 9, ("full_name", "sex"))
    assert (told.first_at, told.last_at) == (AT - timedelta(days=9), AT - timedelta(days=1))
