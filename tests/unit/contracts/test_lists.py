"""Code lists of a day, and lists in one cell: what a contract may say of them, and what is refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from include.contracts.model import RowsFromList
from include.contracts.reading.load import load_contract
from include.contracts.yaml_files import ContractError
from include.sources.landing.list_entries import entries_of
from tests.ascii_tables import HEAD

LISTED = """
schema:
  - name: representative
    physicalName: doanh_nghiep
    properties:
      - {name: code, physicalName: ma, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: position, physicalName: %(position)s, logicalType: integer, primaryKey: true, primaryKeyPosition: 2}
      - {name: person, physicalName: nguoi, logicalType: string}
      - {name: updated_at, physicalName: luc, logicalTypeOptions: {defaultTimezone: UTC}, logicalType: timestamp}
      - name: level
        physicalName: muc_do
        logicalType: string
        relationships:
          - {to: %(to)s, customProperties: [{property: %(property)s, value: %(on)s}]}
      - {name: since, physicalName: tu_ngay, logicalType: date}
    customProperties:
      - {property: extract, value: {%(extract)s}}
      - {property: rowsFromList, value: {%(list)s}}
"""
SOUND = {
    "position": "_position", "to": "reference.service_levels.code", "property": "validOn", "on": "since", "extract": "",
    "list": "column: nguoi, separator: ';'",
}  # fmt: skip


def written(folder: Path, **changes: str) -> Path:
    path = folder / "population.odcs.yaml"
    path.write_text(HEAD + LISTED % {**SOUND, **changes}, encoding="utf-8")
    return path


def test_both_are_read(tmp_path: Path) -> None:
    (table,) = load_contract(written(tmp_path)).tables
    assert table.rows_from_list == RowsFromList("nguoi", ";")
    assert table.relationships[0].valid_on == "since"
    text = next(rule for rule in table.rules if rule.metric == "reference")
    assert text.description == "level must be a code of the list service_levels that was in force on since"


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"on": "updated_at"}, "`validOn` names `updated_at`, which is no date column here -> one of: since"),
        ({"to": "finance.taxpayer.tax_code"}, "`validOn` belongs to a code list"),
        ({"property": "validAt"}, "a relationship has no property `validAt` -> one of: validOn, severity"),
        ({"property": "severity", "on": "notice"}, "severity `notice` is unknown -> one of: error, warning"),
        ({"extract": "cursor: [updated_at]"}, "`rowsFromList` has a cursor -> leave the cursor out"),
        ({"position": "so"}, "the entries of one list have one key"),
        ({"list": "column: nguoi"}, "`rowsFromList` names no column of the source"),
        ({"list": "columns: nguoi"}, "`rowsFromList` has no key `columns` -> did you mean `column`?"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_remedy(tmp_path: Path, changes: dict[str, str], mistake: str) -> None:
    with pytest.raises(ContractError) as refused:
        load_contract(written(tmp_path, **changes))
    assert mistake in str(refused.value)


def test_entries_are_as_received_and_a_blank_cell_lists_nothing() -> None:
    with duckdb.connect() as db:
        db.execute("CREATE TABLE t AS FROM (VALUES (1, 'A; B;'), (2, 'C'), (3, ' '), (4, NULL), (5, ';')) AS v(n, c)")
        rows = db.execute(f"FROM ({entries_of('FROM t', RowsFromList('c', ';'))}) ORDER BY ALL").fetchall()
    assert rows == [(1, "", 3), (1, " B", 2), (1, "A", 1), (2, "C", 1), (5, "", 1), (5, "", 2)]
