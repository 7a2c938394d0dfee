"""The newest value survives, also where only the instant of a row moved since the last run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
from deltalake import write_deltalake

from include.pipelines.people.linking import link_persons
from tests.integration.identity.registers import Country

JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))


def updated(nation: Country, **registers: datetime) -> None:
    """Publish what the registers say, all rows of each updated at its instant."""
    nation.publish()
    for table, at in registers.items():
        uri = nation.context.lake.registry_table({"citizen": "population", "member": "insurance"}[table], table)
        rows = nation.context.lake.table(uri).to_pyarrow_table()
        rows = rows.append_column("updated_at", pa.array([at] * rows.num_rows, pa.timestamp("us", tz="UTC")))
        write_deltalake(uri, rows, mode="overwrite", schema_mode="overwrite")


def test_a_row_that_was_only_confirmed_anew_is_the_newest(nation):
    for path in (nation.context.schemas / "registries").glob("*.yaml"):
        path.write_text(path.read_text() + "      - {name: updated_at, logicalType: timestamp}\n")
    context = type(nation.context)(nation.context.lake, nation.context.schemas, nation.context.environ)
    nation = Country(context, nation.citizens, nation.members)
    member = next(row for row in nation.members.values() if row.personal_id)
    nation.change("members", member.number, lambda row: replace(row, phone="0911111111"))

    def phone() -> tuple[str, str]:
        golden = context.lake.table("people", "golden").to_pyarrow_table().to_pylist()
        (row,) = [row for row in golden if row["personal_id"] == member.personal_id]
        return row["phone"], row["_source_phone"].partition(":")[0]

    updated(nation, citizen=JANUARY, member=FEBRUARY)
    assert link_persons("20260102T020000Z-00000002", context=context).verdict == "published"
    assert phone() == ("0911111111", "insurance.member")
    updated(nation, citizen=MARCH, member=FEBRUARY)
    done = link_persons("20260103T020000Z-00000003", context=context)
    assert (done.verdict, phone()[1]) == ("published", "population.citizen")
    assert done.compared == 0, "no record says anything else"
    updated(nation, citizen=MARCH, member=FEBRUARY)
    assert link_persons("20260104T020000Z-00000004", context=context).verdict == "unchanged"
