"""A contract is read whole or refused with every mistake, by file, line and remedy."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from include.contracts.model.digest import row_digest
from include.contracts.reading.load import load_contract, load_contracts
from include.contracts.yaml_files.problems import ContractError

SHOP = r"""
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 1.0.0
status: active
name: Shops
servers:
  - server: shop-db
    type: custom
slaProperties:
  - {property: frequency, value: 1, unit: d, schedule: '0 3 * * *', scheduler: cron}
  - {property: deadline, value: 2, unit: h}
schema:
  - name: business
    physicalName: biz
    properties:
      - name: code
        physicalName: ma
        logicalType: string
        primaryKey: true
        logicalTypeOptions: {pattern: '^\d{10}$', maxLength: 10}
      - name: opened_on
        physicalName: ngay
        logicalType: date
        required: true
        transformLogic: try_strptime("ngay", '%d/%m/%Y')
      - name: capital
        logicalType: number
        physicalType: decimal(18,2)
        quality:
          - id: positive
            metric: invalidValues
            arguments: {pattern: '^[1-9]'}
            mustBe: 0
      - name: updated_at
        logicalType: timestamp
        classification: internal
        relationships:
          - {to: reference.days.code}
    quality:
      - id: not-future
        type: sql
        dimension: accuracy
        severity: warning
        query: SELECT COUNT(*) FROM {object} WHERE opened_on > CAST(updated_at AS DATE)
        mustBe: 0
      - id: enough
        metric: rowCount
        mustBeGreaterThan: 0
    customProperties:
      - property: extract
        value: {cursor: [updated_at], lag: PT2H}
      - property: tolerance
        value: {rejectedPercent: 7}
""".lstrip()


def write(folder: Path, text: str) -> Path:
    path = folder / "shop.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_what_is_loaded(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, SHOP))
    table = contract.table("business")
    rules = {rule.rule_id: rule for rule in table.rules}
    assert (contract.registry, contract.server.connection_variable) == ("shop", "AIRFLOW_CONN_SHOP_DB")
    assert (contract.sla.schedule, contract.sla.deadline) == ("0 3 * * *", timedelta(hours=2))
    assert (table.source_name, table.primary_key) == ("biz", ("code",))
    assert [c.sql_type for c in table.columns] == ["VARCHAR", "DATE", "DECIMAL(18,2)", "TIMESTAMPTZ"]
    assert (table.extract.cursor, table.extract.lag) == (("updated_at",), timedelta(hours=2))
    assert (table.tolerance.rejected_percent, table.tolerance.row_count_change_percent) == (7, 20)
    assert rules["shop.business.code.pattern"].violation == r"""NOT regexp_matches("code", '^\d{10}$')"""
    assert (
        rules["shop.business.not-future"].violation
        == '"opened_on" > CAST(make_timestamp(epoch_us("updated_at")) AS DATE)'
    )
    assert rules["shop.business.not-future"].severity == "warning"
    assert rules["shop.business.enough"].scope == "table"
    assert str(rules["shop.business.enough"].bound) == "> 0"
    assert rules["shop.business.updated_at.reference"].arguments["list"] == "days"
    assert "shop.business.code.required" in rules, "a key must be given, without being written as required"


def test_a_table_read_anew_only_for_what_changes_its_rows(tmp_path: Path) -> None:
    digest = row_digest(load_contract(write(tmp_path, SHOP)).table("business"))
    for old, new in ("rejectedPercent: 7", "rejectedPercent: 8"), ("lag: PT2H", "lag: PT3H"):
        assert row_digest(load_contract(write(tmp_path, SHOP.replace(old, new))).table("business")) == digest
    for old, new in (
        ("'^[1-9]'", "'^[1-8]'"),
        ("> CAST(updated_at", ">= CAST(updated_at"),
        ("physicalName: ngay", "physicalName: ng"),
    ):
        assert old in SHOP
        assert row_digest(load_contract(write(tmp_path, SHOP.replace(old, new))).table("business")) != digest


MISTAKES = [
    ("required: true", "requird: true", "`requird`", "`required`"),
    ("metric: rowCount", "metric: rowcount", "`rowcount`", "`rowCount`"),
    ("mustBe: 0", "mustbe: 0", "`mustbe`", "`mustBe`"),
    ("WHERE opened_on", "WHERE opend_on", "`opend_on`", "opened_on"),
    ("SELECT COUNT(*)", "SELECT MAX(code)", "not a plain SELECT COUNT(*)", "SELECT COUNT(*) FROM {object}"),
    ("FROM {object}", "FROM {object} JOIN x ON true", "not a plain SELECT COUNT(*)", "SELECT COUNT(*)"),
    ("opened_on > CAST", "code IN (SELECT 1) AND opened_on > CAST", "not a plain SELECT COUNT(*)", "SELECT"),
    ("SELECT COUNT(*) FROM {object} WHERE", "SELEKT", "is not SQL", "SELECT COUNT(*)"),
    ("cursor: [updated_at]", "cursr: [updated_at]", "`cursr`", "`cursor`"),
    ("cursor: [updated_at]", "cursor: [x]", "cursor `x`", "updated_at"),
    ("lag: PT2H", "lag: soon", "`lag`", "PT1H"),
    ("lag: PT2H", "lag: PT2H, deletes: sometimes", "`sometimes`", "reconcile, soft, none"),
    ("lag: PT2H", "lag: PT2H, drift: ignore", "`ignore`", "evolve, freeze"),
    ("lag: PT2H", "lag: PT2H, deletes: soft", "go together", "deletedWhen"),
    ("lag: PT2H", "lag: PT2H, deletedWhen: code = '1'", "go together", "deletes: soft"),
    ("lag: PT2H", "lag: PT2H, deletes: soft, deletedWhen: cod = '1'", "`cod`", "code"),
    ("lag: PT2H", "lag: PT2H, deletes: soft, deletedWhen: 'code ='", "not SQL", "one condition"),
    ("rejectedPercent: 7", "rejectedPercent: few", "`rejectedPercent`", "number"),
    ("property: extract", "property: extrakt", "`extrakt`", "`extract`"),
    ("physicalName: ngay", "physicalName: [ngay]", "must be string", "quote text"),
    ("kind: DataContract", "kind: DC", "`DC`", "DataContract"),
    ("apiVersion: v3.2.0", "apiVersion: v2.2.0", "v2.2.0", "v3.2.0"),
    ("type: custom", "type: sqlite", "`sqlite`", "custom"),
    ("version: 1.0.0\n", "", "`version`", "add it"),
    ("severity: warning", "severity: fatal", "`fatal`", "error, warning"),
    ("classification: internal", "classification: restrictd", "`restrictd`", "`restricted`"),
    ("id: enough", "id: not-future", "stands twice", "its own id"),
    ("status: active", "status: active\nstatus: draft", "stands twice", "keep one"),
    ("status: active", "status: active\nno: x", "the key `no` is no text", "quotes"),
    ("status: active", "status: active\n1: x", "the key `1` is no text", "quotes"),
    ("status: active", "status: active\n~: x", "the key `~` is no text", "quotes"),
    ("name: capital", "name: _capital", "no usable name", "not beginning with"),
    ("name: capital", "name: CODE", "stands twice", "its own name"),
    ("    quality:\n      - id: not", "\tquality:\n      - id: not", "is not YAML", "indentation"),
    ("{pattern: '^[1-9]'}", "{patern: '^[1-9]'}", "`patern`", "`pattern`"),
    ("logicalType: date", "logicalType: dat", "`dat`", "`date`"),
    ("try_strptime(", "try_strptime((", "is not SQL", "one SQL expression"),
    ("try_strptime(\"ngay\", '%d/%m/%Y')", "(SELECT 1)", "subquery", "one SQL expression"),
    ("to: reference.days.code", "to: days", "`days`", "table.column"),
    ("type: sql", "type: custom\n        engine: soda\n        implementation: x", "soda", "type: sql"),
]


@pytest.mark.parametrize(("right", "wrong", "message", "remedy"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_every_mistake_is_told_with_line_and_remedy(
    tmp_path: Path, right: str, wrong: str, message: str, remedy: str
) -> None:
    assert right in SHOP
    text = SHOP.replace(right, wrong, 1)
    with pytest.raises(ContractError) as caught:
        load_contract(write(tmp_path, text))
    told = [p for p in caught.value.problems if message in p.message]
    assert told, str(caught.value)
    assert remedy in told[0].remedy
    near = text[: text.index(wrong)].count(chr(10)) + 1
    assert near - 6 <= told[0].line <= near + 1, f"{told[0]}; the mistake is near line {near}"


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = SHOP.replace("required: true", "requird: true").replace("metric: rowCount", "metric: rowcount")
    with pytest.raises(ContractError) as caught:
        load_contract(write(tmp_path, text))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(("content", "message"), [(b"\xff\xfe", "UTF-8"), (b"", "empty"), (b"- a\n", "mapping")])
def test_a_file_that_is_no_contract(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "shop.odcs.yaml"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=message):
        load_contract(path)


def test_a_folder_without_contracts_says_where_to_put_them(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="SCHEMAS_DIR"):
        load_contracts(tmp_path)


def test_a_text_rule_is_for_readers_and_runs_nothing(tmp_path: Path) -> None:
    text = SHOP.replace(
        "      - id: enough\n        metric: rowCount\n        mustBeGreaterThan: 0\n",
        "      - type: text\n        description: Clerks check stamps.\n",
    )
    table = load_contract(write(tmp_path, text)).tables[0]
    assert not [rule for rule in table.rules if "text" in rule.metric]


def test_the_digest_follows_the_meaning_not_the_layout(tmp_path: Path) -> None:
    first = load_contract(write(tmp_path, SHOP)).digest
    assert load_contract(write(tmp_path, "# a comment\n" + SHOP)).digest == first
    assert load_contract(write(tmp_path, SHOP.replace("maxLength: 10", "maxLength: 11"))).digest != first


@pytest.mark.parametrize("name", ["valid_from", "valid_until", "Valid_From"])
def test_a_table_with_a_history_has_no_column_by_which_a_history_tells_its_times(tmp_path, name):
    named = SHOP.replace("opened_on", name)
    assert load_contract(write(tmp_path, named)).tables[0].history is None
    with_history = named.replace(
        "    customProperties:\n", "    customProperties:\n      - {property: history, value: P10Y}\n"
    )
    with pytest.raises(ContractError) as refused:
        load_contract(write(tmp_path, with_history))
    (message,) = (text for text in map(str, refused.value.problems) if "error: " in text)
    assert f"`history` gives former rows a column `{name.lower()}`" in message
    assert f"`own_{name.lower()}`; the source's own name belongs in `physicalName`" in message
    other = with_history.replace(name, f"own_{name.lower()}")
    assert load_contract(write(tmp_path, other)).tables[0].history == timedelta(days=3650)
