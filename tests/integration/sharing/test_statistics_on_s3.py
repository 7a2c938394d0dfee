"""Counts on a real store: their recipient reads the table and not the held figures that it is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from include.contracts.reading.load import load_contracts
from include.lake.publishing import publish_reference
from include.lake.storage.lake import Lake
from include.sharing.agreements.loading import load_agreements
from include.sharing.products.share import share_agreement
from tests.repeats import held_by

from .recipients import READERS, options
from .test_reading_pages import publish

SCHEMAS = Path(__file__).parents[3] / "schemas"
AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


@held_by("integration/sharing/test_s3_identities.py::test_and_no_other_table")
def test_the_statistics_office_reads_counts_and_no_held_figure(lake: Lake, endpoint: str) -> None:
    contracts, agreement = load_contracts(SCHEMAS), load_agreements(SCHEMAS)["population_for_statistics"]
    citizen, member = (contracts["population"].table(name) for name in ("citizen", "household_member"))
    lake.delete_tree(lake.path("statistics"))
    publish_reference(lake, SCHEMAS)
    publish(
        lake, member, [{"household_id": f"H{n}", "personal_id": f"{n}", "relationship_code": "01"} for n in range(9)]
    )
    for run_id, men in (("r1", 40), ("r2", 46)):
        persons = [("male", 1985)] * men + [("female", 1985)] * 50 + [("female", 1991)] * 3 + [("male", 1991)] * 30
        rows = [
            {
                "personal_id": f"{number:012d}", "birth_date": date(born, 1, 1), "sex": sex, "status_code": "1",
                "permanent_ward_code_current": "00004",
            }
            for number, (sex, born) in enumerate(persons)
        ]  # fmt: skip
        publish(lake, citizen, rows)
        done = share_agreement(agreement, contracts, lake=lake, at=AT, run_id=run_id, key=None)
    access_key, _, secret_key = READERS["LIENTHONG_READER_NSO"].partition(":")
    reader = options(access_key, secret_key, endpoint)
    table = DeltaTable(f"{lake.uri}/shared/nso/population", storage_options=reader)
    found = {
        (row["permanent_ward_code_current"], row["sex"], row["birth_date"]): row["count"]
        for row in pa.table(table.to_pyarrow_table()).to_pylist()
    }
    assert found["01", "_T", "_T"] == 128
    assert found["01", "female", "1990-1999"] is None
    assert found["01", "male", "1980-1989"] is None, "else the totals give the three women back"
    assert found["01", "_T", "1980-1989"] == 95
    assert (table.version(), found["_T", "_T", "_T"]) == (1, 128)
    held = f"{lake.uri}/{done.results[0].held}"
    assert DeltaTable(held, storage_options=lake.storage_options()).version() >= 1
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403"):
        DeltaTable(held, storage_options=reader).to_pyarrow_table()
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403"):
        write_deltalake(held, pa.table({"count": [1]}), mode="append", storage_options=reader)
