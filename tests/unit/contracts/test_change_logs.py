"""`changes: log` in a contract: what cannot be followed in a log is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.contracts.model.digest import row_digest
from include.contracts.reading.load import load_contract
from include.contracts.yaml_files import ContractError

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: citizens
version: 1.0.0
status: active
servers: [{server: citizens-db, type: postgres, host: h, port: 5432, database: d, schema: public}]
schema:
  - name: citizen
    properties:
      - {name: number, logicalType: integer, primaryKey: true}
      - {name: name, logicalType: string}
    customProperties:
      - {property: extract, value: {changes: log, changeLogLimitMegabytes: 500, deletes: none}}
""".lstrip()
LINE = CONTRACT[: CONTRACT.index("property: extract")].count("\n") + 1


def load(folder: Path, text: str):  # type: ignore[no-untyped-def]
    path = folder / "citizens.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path)


def test_the_policy_and_that_it_changes_no_row(tmp_path: Path) -> None:
    table = load(tmp_path, CONTRACT).tables[0]
    assert table.extract.reads_change_log
    assert table.extract.change_log_limit_mb == 500
    compared = load(tmp_path, CONTRACT.replace("changes: log, changeLogLimitMegabytes: 500, ", "")).tables[0]
    assert not compared.extract.reads_change_log
    assert row_digest(compared) == row_digest(table)


@pytest.mark.parametrize(
    ("right", "wrong", "message", "remedy"),
    [
        ("changes: log", "changes: stream", "changes `stream` is unknown", "compare, log"),
        ("changes: log", "changes: compare", "without `changes: log`", "leave it out"),
        ("Megabytes: 500", "Megabytes: 0", "not a size", "megabytes"),
        ("Megabytes: 500", "Megabytes: much", "not a size", "megabytes"),
        ("changes: log,", "chages: log,", "no key `chages`", "did you mean `changes`"),
        (", primaryKey: true", "", "has no primary key", "state the primary key"),
        ("type: postgres, host: h, port: 5432, database: d, schema: public", "type: custom", "`custom`", "PostgreSQL"),
        (
            "type: postgres, host: h, port: 5432, database: d, schema: public",
            "type: local, path: /drops, format: csv", "`local`", "PostgreSQL",
        ),
        (
            "    customProperties:\n",
            "    customProperties:\n      - {property: rowsFromList, value: {column: names, separator: ';'}}\n",
            "`rowsFromList`", "leave it out",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, message: str, remedy: str) -> None:
    assert right in CONTRACT
    with pytest.raises(ContractError) as caught:
        load(tmp_path, CONTRACT.replace(right, wrong))
    told = [p for p in caught.value.problems if message in p.message and remedy in p.remedy]
    assert told, str(caught.value)
    assert told[0].line - LINE in (0, wrong.count("\n") - right.count("\n"))
