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
