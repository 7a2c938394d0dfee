"""A source variant says only what some servers call things otherwise; all that it may not say is told by line."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts.model import row_digest
from include.contracts.reading.load import contract_files, examine_contract, load_contract
from include.contracts.yaml_files.problems import ContractError, Problem
from tests.ascii_tables import SCHEMAS, outcome_of, rows_of, write_extract
from tests.repeats import repeats

# One statement a line, so that the line of a mistake is the line that was changed.
LAND = """
apiVersion: v3.2.0
kind: DataContract
id: land
version: 1.0.0
status: active
servers:
  - {server: land-01, type: local, path: drops/01, format: csv}
  - server: land-38
    type: local
    path: drops/38
    format: csv
    customProperties:
      - {property: variant, value: vendor-b}
schema:
  - name: parcel
    physicalName: thua_dat
    properties:
      - {name: code, physicalName: ma, logicalType: string, primaryKey: true, logicalTypeOptions: {maxLength: 9}}
      - name: area
        physicalName: dien_tich
        logicalType: number
        physicalType: decimal(12,1)
        required: true
        transformLogic: vn_number("dien_tich")
      - name: made_on
        physicalName: ngay
        logicalType: date
        transformLogic: vn_date("ngay")
        customProperties:
          - {property: empty, value: {when: "\\"ngay\\" = '00'"}}
      - {name: made_by, physicalName: nguoi, logicalType: string, customProperties: [{property: empty, value: [N/A]}]}
      - {name: status, physicalName: trang_thai, logicalType: string}
    customProperties:
      - {property: extract, value: {deletes: soft, deletedWhen: status = 'x'}}
      - {property: delimiter, value: "|"}
  - name: ward
    properties:
      - {name: code, physicalName: ma, logicalType: string, primaryKey: true, logicalTypeOptions: {maxLength: 9}}
""".lstrip()

VENDOR = """
apiVersion: lienthong/v1
kind: SourceVariant
description: What the provinces of vendor B deliver.
server: {delimiter: ";", encoding: cp1258}
schema:
  - name: parcel
    physicalName: PARCELS
    properties:
      - {name: code, physicalName: CODE}
      - {name: area, physicalName: AREA, physicalType: varchar, transformLogic: vn_number("AREA")}
      - name: made_on
        physicalName: MADE
        transformLogic: try_strptime("MADE", '%d/%m/%Y')
        customProperties:
          - {property: empty, value: ["-"]}
      - {name: made_by, physicalName: null}
""".lstrip()


def write(folder: Path, contract: str = LAND, variant: str = VENDOR) -> Path:
    path = folder / "land.odcs.yaml"
    path.write_text(contract, encoding="utf-8")
    (folder / "land.vendor-b.variant.yaml").write_text(variant, encoding="utf-8")
    return path


def test_a_variant_is_the_contract_with_its_own_names(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path))
    own, slices = contract.table("parcel"), contract.table("parcel@land-38")
    assert (own.source_name, slices.source_name) == ("thua_dat", "PARCELS")
    assert [(c.name, c.source_name) for c in slices.columns] == [
        ("code", "CODE"),
        ("area", "AREA"),
        ("made_on", "MADE"),
        ("made_by", "made_by"),
        ("status", "trang_thai"),
    ]
    assert [c.sql_type for c in slices.columns] == [c.sql_type for c in own.columns], "the contract's types"
    assert slices.column("made_on").empty_values == ("-",)
    assert slices.column("made_on").empty_when == ""
    assert (slices.column("made_by").expression, slices.column("made_by").empty_values) == ("NULL", ())
    assert {rule.rule_id for rule in own.rules} <= {rule.rule_id for rule in slices.rules}
    assert contract.table("parcel@land-01").columns == own.columns
    assert contract.table("ward@land-38").columns == contract.table("ward").columns


def test_what_it_says_of_files_holds_for_its_servers_only(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path))
    assert [(s.delimiter, s.encoding, s.format) for s in contract.servers] == [("", "", "csv"), (";", "cp1258", "csv")]
    assert contract.table("parcel@land-01").custom == {"delimiter": "|"}
    assert contract.table("parcel@land-38").custom == {}, "the table's own delimiter is that of the others"


def test_a_digest_covers_variants_and_only_their_tables_are_read_anew(tmp_path: Path) -> None:
    first = load_contract(write(tmp_path))
    second = load_contract(write(tmp_path, variant=VENDOR.replace("PARCELS", "PARCEL")))
    assert first.digest != second.digest
    changed = [
        one.name
        for one, other in zip(first.source_tables, second.source_tables, strict=True)
        if row_digest(one) != row_digest(other)
    ]
    assert changed == ["parcel@land-38"]
    assert load_contract(write(tmp_path, variant="# a comment\n" + VENDOR)).digest == first.digest


def problems_of(path: Path) -> Sequence[Problem]:
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    return [problem for problem in caught.value.problems if problem.level == "error"]


CODE, AREA = "{name: code, physicalName: CODE}", "{name: area, physicalName: AREA, physicalType: varchar, "
LOGIC = AREA + 'transformLogic: vn_number("AREA")}'
BY = "{name: made_by, physicalName: null}"
MISTAKES = [
    # right, wrong, message, remedy
    ("lienthong/v1", "v3.2.0", "`apiVersion` is not `lienthong/v1`", "write"),
    ("kind: SourceVariant", "knd: SourceVariant", "may not say `knd`", "did you mean `kind`?"),
    ("description: What", "servers: What", "may not say `servers`", "did you mean `server`?"),
    ("server: {delimiter", "server: {path: /x, delimiter", "may not say `path`", "delimiter, encoding, schema"),
    ('delimiter: ";"', "delimiter: 5", "`delimiter` is no text", "in quotes"),
    ('server: {delimiter: ";", encoding: cp1258}', "server: csv", "`server` is not a mapping", "delimiter"),
    ("name: parcel", "name: parcl", "no table `parcl`", "did you mean `parcel`?"),
    ("name: parcel", "name: house", "no table `house`", "a variant adds nothing"),
    ("physicalName: PARCELS", "physicalName: null", "leaves the table without a source", "cannot deliver"),
    ("physicalName: PARCELS", "logicalType: object", "may not say `logicalType`", "all else is the contract's"),
    ("physicalName: PARCELS", "quality: []", "may not say `quality`", "all else is the contract's"),
    ("physicalName: PARCELS", "customProperties: []", "may not say `customProperties`", "all else is the contract's"),
    (CODE, "{name: cod, physicalName: CODE}", "no column `cod`", "did you mean `code`?"),
    (CODE, "{physicalName: CODE}", "names no column", "name:"),
    (CODE, "code", "names no column", "name:"),
    (CODE, "{name: code, physicalName: 5}", "`physicalName` is no text", "quotes"),
    (CODE, "{name: code, primaryKey: false}", "may not say `primaryKey`", "all else is the contract's"),
    (CODE, "{name: code, required: false}", "may not say `required`", "all else"),
    (CODE, "{name: code, physicalNam: X}", "may not say `physicalNam`", "did you mean `physicalName`?"),
    (CODE, "{name: code, physicalName: null}", "leaves the key column `code` without a source", "transformLogic"),
    (CODE, "{name: code, transformLogic: 'NULL'}", "leaves the key column `code` without a source", "transformLogic"),
    (BY, "{name: code, physicalName: X}", "the column `code` stands twice", "in one place"),
    (BY, "{name: status, physicalName: null}", "leaves the column `status`, which tells deleted rows,", "transform"),
    (BY, "{name: made_by, physicalName: null, transformLogic: '\"X\"'}", "says that there is no such", "leave `phys"),
    (BY, "{name: made_by, customProperties: [{property: link, value: name}]}", "may not say `link`", "not given"),
    (BY, "{name: made_by, customProperties: {empty: [x]}}", "`customProperties` is not a list", "property: empty"),
    (BY, "{name: made_by, customProperties: [{property: empty, value: [1]}]}", "`empty` lists `1`", "in quotes"),
    (LOGIC, "{name: area, physicalName: null}", "leaves the required column `area` without a source", "transform"),
    (LOGIC, "{name: area, physicalName: AREA}", "reads `dien_tich`, which this source calls `AREA`",
     'write `transformLogic` for this source, e.g. "vn_number"("AREA")'.replace('"vn_number"', "vn_number")),
    (LOGIC, "{name: area, transformLogic: vn_numbr(}", "is not SQL", "one SQL expression"),
    (LOGIC, "{name: area, transformLogic: 5}", "`transformLogic` is no text", "quotes"),
    (LOGIC, "{name: area, transformLogic: (SELECT 1)}", "subquery", "one SQL expression"),
    ('["-"]', '{when: "\\"MADE\\" ="}', "`empty` `when` is not SQL", "one SQL expression"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "message", "remedy"), MISTAKES, ids=[f"{m[1]}: {m[2]}" for m in MISTAKES])
def test_every_mistake_is_told_with_file_line_and_remedy(
    tmp_path: Path, right: str, wrong: str, message: str, remedy: str
) -> None:
    assert right in VENDOR
    told = [p for p in problems_of(write(tmp_path, variant=VENDOR.replace(right, wrong, 1))) if message in p.message]
    assert told, "not told"
    assert remedy in told[0].remedy
    assert told[0].path.name == "land.vendor-b.variant.yaml"
    near = VENDOR[: VENDOR.index(right)].count("\n") + 1
    assert told[0].line == near, f"{told[0]}; the mistake is in line {near}"


INHERITED = [
    # what the variant says no longer, what is told and where
    ("        transformLogic: try_strptime(\"MADE\", '%d/%m/%Y')\n", "`transformLogic` from the contract", "made_on"),
    (
        '        customProperties:\n          - {property: empty, value: ["-"]}\n',
        "`empty` from the contract",
        "made_on",
    ),
]


@pytest.mark.parametrize(("left_out", "message", "column"), INHERITED, ids=["expression", "empty"])
def test_what_reads_a_renamed_column_is_not_inherited(tmp_path: Path, left_out: str, message: str, column: str) -> None:
    assert left_out in VENDOR
    (told,) = problems_of(write(tmp_path, variant=VENDOR.replace(left_out, "")))
    assert message in told.message
    assert "`ngay`, which this source calls `MADE`" in told.message
    assert f"properties[{column}]" in told.where
    assert "for this source" in told.remedy


def test_another_columns_expression_over_a_renamed_column_is_told_at_its_table(tmp_path: Path) -> None:
    text = LAND.replace("nguoi, logicalType: string,", "nguoi, logicalType: string, transformLogic: '\"ma\"',")
    said = VENDOR.replace("      - {name: made_by, physicalName: null}\n", "")
    (told,) = problems_of(write(tmp_path, text, said))
    assert "reads `ma`, which this source calls `CODE`" in told.message
    assert 'e.g. "CODE"' in told.remedy
    assert "properties[made_by]" in told.where
    assert told.line == VENDOR[: VENDOR.index("- name: parcel")].count("\n") + 1, (
        "the table, as the column is not named"
    )


def test_two_columns_of_one_source_column_are_renamed_both(tmp_path: Path) -> None:
    text = LAND.replace("physicalName: trang_thai", "physicalName: ma")
    (told,) = problems_of(write(tmp_path, text))
    assert "has `physicalName` from the contract, where it reads `ma`, which this source calls `CODE`" in told.message


def test_names_that_are_swapped_are_swapped_and_one_that_is_written_again_is_kept(tmp_path: Path) -> None:
    said = VENDOR.replace("physicalName: CODE", "physicalName: nguoi").replace("physicalName: null", "physicalName: ma")
    table = load_contract(write(tmp_path, variant=said)).table("parcel@land-38")
    assert (table.column("code").source_name, table.column("made_by").source_name) == ("nguoi", "ma")


def test_a_variant_takes_an_expression_away(tmp_path: Path) -> None:
    said = VENDOR.replace('transformLogic: vn_number("AREA")', "transformLogic: null")
    assert load_contract(write(tmp_path, variant=said)).table("parcel@land-38").column("area").expression == ""


def test_a_variant_takes_away_what_means_not_given(tmp_path: Path) -> None:
    said = VENDOR.replace("physicalName: null", "customProperties: [{property: empty, value: null}]")
    column = load_contract(write(tmp_path, variant=said)).table("parcel@land-38").column("made_by")
    assert (column.source_name, column.empty_values) == ("nguoi", ())


def test_a_variant_without_a_file_is_a_mistake_of_the_contract(tmp_path: Path) -> None:
    (told,) = problems_of(write(tmp_path, LAND.replace("value: vendor-b", "value: vendor-c")))
    assert told.message == "the variant `vendor-c` has no file"
    assert told.path.name == "land.odcs.yaml"
    assert told.line == LAND[: LAND.index("property: variant")].count("\n") + 1
    assert "land.vendor-c.variant.yaml, or name one of: vendor-b" in told.remedy


def test_a_file_that_no_server_names_is_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "land.vendor-d.variant.yaml").write_text("whatever", encoding="utf-8")
    (told,) = examine_contract(path).problems
    assert (told.level, told.path.name) == ("warning", "land.vendor-d.variant.yaml")
    assert "`variant: vendor-d`" in told.remedy
    assert len(load_contract(path).variants) == 1


def test_a_contract_is_read_from_its_file_and_those_of_its_variants(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert contract_files(tmp_path) == {"land": path, "land.vendor-b": tmp_path / "land.vendor-b.variant.yaml"}


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "a: 1\na: 2\n"])
def test_a_file_that_is_no_variant_is_told_as_such(tmp_path: Path, text: str) -> None:
    told = problems_of(write(tmp_path, variant=text))
    assert {problem.path.name for problem in told} == {"land.vendor-b.variant.yaml"}


def test_a_mistake_of_the_contract_is_told_once(tmp_path: Path) -> None:
    text = LAND.replace("deletedWhen: status", "deletedWhen: statu").replace("name: ward", "name: 'w d'")
    told = problems_of(write(tmp_path, text))
    assert [problem.path.name for problem in told] == ["land.odcs.yaml"] * 2


def test_a_warning_of_the_contract_is_told_once(tmp_path: Path) -> None:
    """Also where the variant leaves out a custom property that stands before the place of the warning."""
    extract = "      - {property: extract, value: {deletes: soft, deletedWhen: status = 'x'}}\n"
    delimiter = '      - {property: delimiter, value: "|"}\n'
    assert extract + delimiter in LAND
    late = delimiter + extract.replace("deletes: soft", "cursor: [made_on], deletes: soft")
    said = VENDOR.replace("MADE\n", 'MADE\n        transformLogic: vn_date("MADE")\n')
    said = said.replace("        transformLogic: try_strptime(\"MADE\", '%d/%m/%Y')\n", "")
    told = examine_contract(write(tmp_path, LAND.replace(extract + delimiter, late), said)).problems
    assert len(told) >= 2
    assert {(problem.level, problem.path.name) for problem in told} == {("warning", "land.odcs.yaml")}


NAMES = st.text(st.characters(categories=("L", "N", "S", "Zs")), min_size=1).filter(lambda name: name == name.strip())


@settings(max_examples=repeats(25, 100))
@given(data=st.data())
def test_a_variant_that_nobody_saw_before_is_the_contract_written_for_that_source(data: st.DataObject) -> None:
    """Whatever a vendor calls its columns: the variant reads as a contract of the vendor's own would."""
    document = yaml.safe_load(LAND)
    said, own = [], yaml.safe_load(LAND)
    for table, mine in zip(document["schema"], own["schema"], strict=True):
        entries = []
        for column, of_mine in zip(table["properties"], mine["properties"], strict=True):
            name = data.draw(NAMES, label=column["name"])
            entry = {"name": column["name"], "physicalName": name}
            if column["name"] == "made_on":
                quoted = name.replace('"', '""')
                entry |= {"transformLogic": f"try_strptime(\"{quoted}\", '%Y')"}
                entry |= {"customProperties": [{"property": "empty", "value": ["0000"]}]}
            elif "transformLogic" in column:
                entry |= {"transformLogic": None}
                del of_mine["transformLogic"]
            of_mine |= {key: value for key, value in entry.items() if value is not None}
            entries.append(entry)
        said.append({"name": table["name"], "physicalName": data.draw(NAMES), "properties": entries})
        mine["physicalName"] = said[-1]["physicalName"]
    variant = {"apiVersion": "lienthong/v1", "kind": "SourceVariant", "schema": data.draw(st.permutations(said))}
    own["servers"] = own["servers"][:1]
    with tempfile.TemporaryDirectory() as folder:
        read = load_contract(write(Path(folder), LAND, yaml.safe_dump(variant, allow_unicode=True)))
        (Path(folder) / "land.vendor-b.variant.yaml").unlink()
        written = load_contract(write(Path(folder), yaml.safe_dump(own, allow_unicode=True)))
    assert read.variants[0].tables == written.tables


def test_rows_of_a_variant_are_published_as_those_of_the_contract(tmp_path: Path) -> None:
    """Other names, dates as text, and a column that the source does not have."""
    table = load_contract(write(tmp_path)).table("parcel@land-38")
    text = """
        CODE | AREA    | MADE       | trang_thai
        1    | 1.234,5 | 31/12/2020 | y
        2    | 12      | -          | y
        3    | 12      | 2020-12-31 | y
        """
    outcome = outcome_of(table, write_extract(rows_of(text), tmp_path / "extract.parquet"), tmp_path)
    assert outcome.rejected == {2: ["land.parcel.made_on.unreadable"]}
    assert not [rule for rule in table.rules if rule.rule_id == "land.parcel.made_by.unreadable"]
    accepted = [{name: row[name] for name in ("code", "area", "made_on", "made_by")} for row in outcome.accepted]
    assert accepted == [
        {"code": "1", "area": Decimal("1234.5"), "made_on": date(2020, 12, 31), "made_by": None},
        {"code": "2", "area": Decimal("12.0"), "made_on": None, "made_by": None},
    ]


def test_the_example_of_the_documentation_is_read_as_it_says(tmp_path: Path) -> None:
    page = (SCHEMAS / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n# registries/(\S+)\n(.*?)```", page, flags=re.DOTALL)
    assert [name for name, _ in blocks] == ["parcels.odcs.yaml", "parcels.vendor-b.variant.yaml"]
    for name, text in blocks:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert examine_contract(tmp_path / "parcels.odcs.yaml").problems == ()
    table = load_contract(tmp_path / "parcels.odcs.yaml").table("parcel@parcels-38")
    text = """
        PARCEL_NO | AREA    | REG_DATE
        1         | 1.234,5 | 31/12/2020
        """
    outcome = outcome_of(table, write_extract(rows_of(text), tmp_path / "extract.parquet"), tmp_path)
    (row,) = outcome.accepted
    assert (row["area_m2"], row["registered_on"], row["note"]) == (Decimal("1234.5"), date(2020, 12, 31), None)
