"""`check` tells every mistake that can be known without the source: the file, the line, what is wrong, and what to do.

The older tests of contracts changed words of the standard and of our policies; none changed what a contract says in
SQL, in patterns, zones and formats, or held one statement of a column against another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from include.contracts.reading.load import load_contract
from include.contracts.yaml_files.problems import Problem
from include.pipelines.checks import contract_check
from include.pipelines.checks.contract_check import CheckReport, check_schemas
from include.pipelines.checks.expressions import ExpressionChecker, expression_checker

# One statement a line, so that the line of a mistake is the line that was changed.
CONTRACT = r"""
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 1.0.0
status: active
servers: [{server: shop_db, type: custom}]
schema:
  - name: shop
    physicalName: cua_hang
    properties:
      - {name: code, physicalName: ma, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^\d{10}$', maxLength: 10}}
      - {name: opened_on, physicalName: ngay, logicalType: date, transformLogic: vn_date("ngay")}
      - {name: closed_on, physicalName: dong, logicalType: date, logicalTypeOptions: {format: dd/MM/yyyy, minimum: '1990-01-01'}}
      - {name: seen_at, physicalName: thay, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh}}
      - {name: local_at, physicalName: gio, logicalType: timestamp, logicalTypeOptions: {timezone: false}}
      - {name: capital, physicalName: von, logicalType: number, physicalType: 'decimal(18,2)', logicalTypeOptions: {minimum: 0}}
      - {name: staff, physicalName: nguoi, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 90, format: i16}}
      - {name: kind, physicalName: loai, logicalType: string, enum: [{value: a}, {value: b}]}
      - {name: opens, physicalName: mo, logicalType: time}
      - {name: name, physicalName: ten, logicalType: string, transformLogic: vn_name("ten")}
      - {name: updated_at, physicalName: sua, logicalType: timestamp, required: true}
    quality:
      - {id: in-order, type: sql, query: 'SELECT COUNT(*) FROM {object} WHERE closed_on < opened_on', mustBe: 0}
    customProperties:
      - {property: extract, value: {cursor: [updated_at], lag: P1D, deletes: soft, deletedWhen: kind = 'b'}}
team: {members: [{username: lan, role: data steward}]}
""".lstrip()  # noqa: E501

DATE = 'transformLogic: vn_date("ngay")'
FORMAT = "format: dd/MM/yyyy"
NAME = 'transformLogic: vn_name("ten")'
SEEN = "physicalName: thay, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh}"
WHERE = "WHERE closed_on < opened_on"
CAPITAL = "physicalType: 'decimal(18,2)'"
KIND = "enum: [{value: a}, {value: b}]"
KEY = "logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^\\d{10}$', maxLength: 10}"
CURSOR = "logicalType: timestamp, required: true"
DELETED = "deletedWhen: kind = 'b'"
EXTRACT = "property: extract"
NEXT = "\n      - {property: extract"

MISTAKES = [
    # what judges the rows
    (EXTRACT, f"property: engin, value: auto}}{NEXT}", "`engin` is unknown", "did you mean `engine`?"),
    (EXTRACT, f"property: engine, value: sparc}}{NEXT}", "engine `sparc` is unknown", "one of: duckdb, spark, auto"),
    # what is written in SQL
    (DATE, 'transformLogic: vn_dat("ngay")', "speaks of `vn_dat`", "did you mean `vn_date`?"),
    (DATE, "transformLogic: 'vn_date(\"ngay\", \"gio\")'", "wrong number of arguments", "vn_date(s)"),
    (DATE, "transformLogic: vn_date()", "wrong number of arguments", "vn_date(s)"),
    (DATE, 'transformLogic: to_date("ngay")', "speaks of `to_date`", "vn_date"),
    (DATE, 'transformLogic: CAST("ngay" AS DATEE)', "no such type", "did you mean `DATE`?"),
    (DATE, 'transformLogic: vn_number("ngay")', "which is no DATE", "logicalType"),
    (DATE, "transformLogic: 'try_strptime(\"ngay\", ''dd/MM/yyyy'')'", "strptime reads nothing by", "'%d/%m/%Y'"),
    (DATE, "transformLogic: 'try_strptime(\"ngay\", ''%d/%m/%y'')'", "guesses the century", "window"),
    (DATE, "transformLogic: 'try_strptime(\"ngay\", ''%d/%q'')'", "%q", "correct it"),
    (DATE, "transformLogic: 'date_trunc(''moth'', vn_date(\"ngay\"))'", '"moth"', "correct it"),
    (NAME, 'transformLogic: uper("ten")', "speaks of `uper`", "did you mean `upper`?"),
    (NAME, "transformLogic: 'upper(\"ten\", 2)'", "wrong number of arguments", "upper(VARCHAR)"),
    (NAME, 'transformLogic: substr("ten")', "wrong number of arguments", "substr(VARCHAR, BIGINT)"),
    (NAME, 'transformLogic: vn_number("ten") + vn_date("ngay")', "does not go with", "CAST both sides"),
    (NAME, "transformLogic: 'regexp_replace(\"ten\", ''[0-9'', '''')'", "does not compile", "close the bracket"),
    (NAME, "transformLogic: '\"ten\" SIMILAR TO ''(a'''", "does not compile", "needs its )"),
    (NAME, 'transformLogic: max("ten")', "an aggregate", "one value per row"),
    (NAME, 'transformLogic: string_agg("ten")', "an aggregate", "one value per row"),
    (NAME, "transformLogic: lag(\"ten\") OVER (ORDER BY \"ma\")", "a window function", "one value per row"),
    (NAME, "transformLogic: 'unnest(string_split(\"ten\", '' ''))'", "unnest", "one value per row"),
    (NAME, "transformLogic: '(SELECT \"ten\")'", "holds a subquery", "one SQL expression"),
    (NAME, "transformLogic: '\"ten\"; DROP TABLE x'", "not SQL", "one SQL expression"),
    (NAME, "transformLogic: COLUMNS(*)", "more than one value", "one expression"),
    (NAME, 'transformLogic: t."ten"', "speaks of `t`", "double quotes"),
    (NAME, "transformLogic: ho ten", "not SQL", "double quotes"),
    (NAME, 'transformLogic: vn_name("ten"', "not SQL", "one SQL expression"),
    (NAME, 'transformLogic: _vn_nfc("ten")', "step of another macro", "vn_"),
    (NAME, 'transformLogic: vn_ward_current("ten")', "vn_ward_current", "wards.csv"),
    (WHERE, "WHERE closed_on < vn_dat(name)", "speaks of `vn_dat`", "did you mean `vn_date`?"),
    (WHERE, "WHERE yeer(closed_on) > 1", "speaks of `yeer`", "did you mean `year`?"),
    (WHERE, "WHERE year(name) > 1", "does not go with VARCHAR", "CAST to what it takes"),
    (WHERE, "WHERE staff > opened_on", "SMALLINT", "CAST"),
    (WHERE, "WHERE regexp_matches(name, ''^[a'')", "does not compile", "close the bracket"),
    (WHERE, "WHERE string_agg(name) > ''a''", "an aggregate", "one value per row"),
    (DELETED, "deletedWhen: lowwer(kind) = 'b'", "speaks of `lowwer`", "did you mean `lower`?"),
    (DELETED, "deletedWhen: year(kind) = 1", "does not go with VARCHAR", "CAST"),
    (DELETED, "deletedWhen: loai = 'b'", "speaks of `loai`", "one of: "),
    # zones and formats
    ("Asia/Ho_Chi_Minh", "Asia/Hanoi", "no time zone `Asia/Hanoi`", "did you mean `Asia/Ho_Chi_Minh`?"),
    ("Asia/Ho_Chi_Minh", "asia/ho_chi_minh", "no time zone", "did you mean `Asia/Ho_Chi_Minh`?"),
    ("Asia/Ho_Chi_Minh", "'+07:00'", "no time zone `+07:00`", "did you mean `Asia/Ho_Chi_Minh`?"),
    ("Asia/Ho_Chi_Minh", "'-03:00'", "no time zone `-03:00`", "Etc/GMT+3"),
    ("Asia/Ho_Chi_Minh", "Europe/Pariss", "no time zone", "did you mean `Europe/Paris`?"),
    ("Asia/Ho_Chi_Minh", "Z", "no time zone `Z`", "did you mean `UTC`?"),
    ("Asia/Ho_Chi_Minh", "Asia/Ho_Chi_Minh, format: HH:mm", "lacks the day", "write the whole date"),
    (SEEN, 'physicalName: thay, logicalType: timestamp, transformLogic: vn_timestamp("thay")', "vn_timestamp", "Asia"),
    (SEEN, 'logicalType: timestamp, transformLogic: CAST("thay" AS TIMESTAMP)', "local time", "timezone: false"),
    (SEEN, 'logicalType: timestamp, transformLogic: vn_date("thay")', "local time", "defaultTimezone"),
    ("{defaultTimezone: Asia/Ho_Chi_Minh}", "{format: dd/MM/yyyy HH:mm}", "no offset", "defaultTimezone"),
    ("{timezone: false}", "{timezone: false, format: 'yyyy-MM-dd HH:mmXXX'}", "an instant", "timezone: false"),
    (FORMAT, "format: yyyy-MM-dd HH:mmXXX", "whose day depends on the clock", "defaultTimezone"),
    (FORMAT, "format: DD/MM/YYYY", "`DD` is the day of the year", "did you mean `dd/MM/yyyy`?"),
    (FORMAT, "format: dd/MM/YYYY", "year of a week", "did you mean `dd/MM/yyyy`?"),
    (FORMAT, "format: dd/MM/yy", "year of two digits", "window"),
    (FORMAT, "format: dd/mm/yyyy", "`mm` is minutes", "did you mean `dd/MM/yyyy`?"),
    (FORMAT, "format: dd/MM/yyyy hh:mm", "`hh` is an hour from 1 to 12", "did you mean `dd/MM/yyyy HH:mm`?"),
    (FORMAT, "format: dd/MM/yyyy HH:mm a", "`a` is of an hour from 1 to 12", "hh with a"),
    (FORMAT, "format: dd/MM/yyyyTHH:mm", "`T` is not known", "'T'"),
    (FORMAT, "format: dd/MM/yyyy'T", "a quote that does not end", "close it"),
    (FORMAT, "format: '%d/%m/%Y'", "notation of strptime", "did you mean `dd/MM/yyyy`?"),
    (FORMAT, "format: 'dd/MM/yyyy[ HH:mm]'", "holds `[`", "optional parts"),
    (FORMAT, "format: MM/yyyy", "lacks the day", "vn_month"),
    (FORMAT, "format: EEE dd/MM/yyyy", "day of the week", "transformLogic"),
    (FORMAT, "format: dd/MM/dd/yyyy", "tells the day twice", "leave one"),
    (FORMAT, "format: dMyyyy", "digits on both sides", "`dd`"),
    ("logicalType: time}", "logicalType: time, logicalTypeOptions: {format: hh:mm a}}", "not read for a time", "HH:mm"),
    # numbers
    (CAPITAL, "physicalType: 'numeric(45,5)'", "more than 38 digits", "decimal(38,5)"),
    (CAPITAL, "physicalType: 'decimal(5,9)'", "more decimals than digits", "decimal(18,9)"),
    (CAPITAL, "physicalType: 'decimal(0)'", "no digits", "decimal(18,2)"),
    (CAPITAL, "physicalType: money", "no type of number known here", "decimal(18,2)"),
    (CAPITAL, "physicalType: numeric", "binary float", "physicalType: decimal(18,2)"),
    ("format: i16", "format: i128", "wider than what is published", "decimal(38,0)"),
    (KEY, "logicalType: number, primaryKey: true", "key `code` is a number without precision", "physicalType"),
    (KEY, f"{KEY}, transformLogic: \"'k'\"", "the key `code` is the same in every row", "tells one row from another"),
    # one statement against another
    ("minimum: 0, maximum: 90", "minimum: 91, maximum: 90", "no value is left", "correct one"),
    ("minimum: 0, maximum: 90", "exclusiveMinimum: 90, maximum: 90", "no value is left", "correct one"),
    ("maximum: 90", "minLength: 3", "`minLength` means nothing for `integer`", "its options: minimum"),
    ("maximum: 90", "pattern: '^1'", "`pattern` means nothing for `integer`", "leave it out"),
    ("minimum: 0, maximum: 90", "minimum: 40000", "beyond what SMALLINT can hold", "widen the type"),
    ("minimum: 0, maximum: 90", "minimum: .inf", "must be number", "quote"),
    ("minimum: 0, maximum: 90", "minimum: abc", "must be number", "quote"),
    ("minimum: 0, maximum: 90", "multipleOf: 0", "not as ODCS wants", "Open Data Contract"),
    ("minimum: '1990-01-01'", "minimum: '01/01/1990'", "is no date", "2020-01-31"),
    ("minimum: '1990-01-01'", "minimum: '1990-02-31'", "is no date", "2020-01-31"),
    ("minimum: '1990-01-01'", "minimum: '1990-01-01', maximum: '1980-01-01'", "no value is left", "correct one"),
    ("maxLength: 10", "minLength: 11, maxLength: 10", "minLength 11 is over maxLength 10", "swap"),
    (r"'^\d{10}$'", "'^[0-9'", "does not compile", "close the bracket"),
    (r"'^\d{10}$'", r"'(?=1)\d+'", "does not compile", "no look-ahead"),
    (r"'^\d{10}$'", r'"^a\0b$"', "does not compile: unterminated quoted", "correct it"),
    (r"'^\d{10}$'", r"'^(\d)\1+$'", "does not compile", "no back references"),
    (KIND, "enum: [{value: 1}, {value: b}]", "the value `1` is no string", 'in quotes: "1"'),
    (KIND, "enum: [{value: null}, {value: b}]", "switches the list off", "leave it out"),
    (KIND, "logicalTypeOptions: {pattern: '^[a-c]$'}, enum: [{value: z}]", "breaks the column's own pattern", ""),
    (KIND, "logicalTypeOptions: {maxLength: 1}, enum: [{value: zz}]", "breaks the column's own length", "correct"),
    ("maximum: 90, format: i16}", "maximum: 90}, enum: [{value: 91}]", "outside the column's own bounds", "move"),
    ("maximum: 90, format: i16}", "maximum: 90}, enum: [{value: a}]", "the value `a` is no integer", "without quotes"),
    ("logicalType: time}", "logicalType: vector, logicalTypeOptions: {dimensions: 3}}", "`vector` is not", "array"),
    ("logicalType: time}", "description: x}", "states no `logicalType`", "one of: string, date"),
    ("logicalType: time}", "logicalType: map}", "map or vector is not published", "object"),
    ("logicalType: time}", "logicalType: time, maxLength: 5}", "no place for `maxLength`", "logicalTypeOptions"),
    # keys, cursors, names
    ("primaryKey: true, ", "primaryKeyPosition: 1, ", "stands without `primaryKey`", "primaryKey: true"),
    (
        "logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 90, format: i16}",
        "logicalType: integer, primaryKey: true, primaryKeyPosition: 1",
        "only some columns of the key",
        "give all a place",
    ),
    ("logicalTypeOptions: {pattern: '^\\d{10}$', maxLength: 10}", "required: true", "`code` is any text", "pattern"),
    ("lag: P1D", "lag: PT1S", "later than the lag (PT1S)", "longest transaction"),
    ("lag: P1D, deletes: soft, deletedWhen: kind = 'b'", "lag: PT2H, deletes: none", "(PT2H)", "`--full` every week"),
    ("cursor: [updated_at]", "cursor: [name]", "order of text need not be that of time", "timestamp"),
    ("cursor: [updated_at]", "cursor: [opens]", "is a time, which has no order", "timestamp"),
    ("cursor: [updated_at]", "cursor: [seen_at]", "may be empty", "required: true"),
    ("name: name,", "name: full name,", "holds a blank", "`full_name`"),
    ("name: name,", "name: a.b,", "holds a dot", "`a_b`"),
    ("name: name,", "name: a/b,", "holds a slash", "`a_b`"),
    ("name: name,", "name: 'a;b',", "';'", "`a_b`"),
    ("name: name,", "name: 'a=b',", "'='", "`a_b`"),
    ("name: name,", "name: ':a',", "':'", "`a`"),
    ("name: name,", 'name: "a\\tb",', "which readers of the lake refuse", "`a_b`"),
    ("name: name,", "name: _name,", "no usable name", "not beginning with"),
    ("name: name,", "name: KIND,", "stands twice", "its own name"),
    ("name: name,", f"name: {'n' * 256},", "256 bytes", "at most 255"),
    ("name: name,", "name: te\u0302n,", "composed form", "NFC"),
    ("  - name: shop\n", "  - name: ../x\n", "cannot be a folder", "letters, digits"),
    ("  - name: shop\n", "  - name: a.b\n", "cannot be a folder", "`a_b`"),
    ("  - name: shop\n", "  - name: ''\n", "no usable name", "give `name:`"),
    # inputs that mean "not given"
    (NAME, NAME + ", customProperties: [{property: empti, value: [x]}]", "`empti` is unknown", "did you mean `empty`?"),
    (NAME, NAME + ", customProperties: [{property: empty, value: x}]", "neither a list", 'value: ["N/A", "9"]'),
    (NAME, NAME + ", customProperties: [{property: empty, value: []}]", "neither a list", 'value: ["N/A", "9"]'),
    (NAME, NAME + ", customProperties: [{property: empty, value: [9]}]", "no text", '"9"'),
    (NAME, NAME + ", customProperties: [{property: empty, value: [' ']}]", "blank", "leave it out"),
    (NAME, NAME + ", customProperties: [{property: empty, value: ['x ']}]", "blanks around", '"x"'),
    (NAME, NAME + ", customProperties: [{property: empty, value: {wen: x}}]", "no key `wen`", "when"),
    (NAME, NAME + ", customProperties: [{property: empty, value: {when: '('}}]", "is not SQL", "one SQL expression"),
    (NAME, NAME + ", customProperties: [{property: empty, value: {when: 'uper(\"ten\") = ''X'''}}]", "`uper`", "upper"),
    (
        "  - {property: extract",
        "  - {property: empty, value: [x]}\n      - {property: extract",
        "of a column, not of a table",
        "under the column",
    ),
]  # fmt: skip
ELSEWHERE = {"only some columns of the key"}  # told where the other column stands
ONLY_WARNED = {"later than the lag (PT1S)", "(PT2H)", "binary float", "is any text", "may be empty"}


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExpressionChecker]:
    """One for all contracts without code lists: to make the macros takes longer than to check one of them."""
    with expression_checker(tmp_path_factory.mktemp("schemas")) as made:
        yield made


@pytest.fixture
def one_engine(checker: ExpressionChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_check, "expression_checker", lambda schemas: nullcontext(checker))


def check(folder: Path, text: str) -> tuple[Problem, ...]:
    (folder / "registries").mkdir(exist_ok=True)
    (folder / "registries" / "shop.odcs.yaml").write_text(text, encoding="utf-8")
    return check_schemas(folder).problems


def test_the_contract_without_mistakes_has_none(tmp_path: Path) -> None:
    assert [str(problem) for problem in check(tmp_path, CONTRACT)] == []


def test_the_table_is_long_enough() -> None:
    assert len(MISTAKES) >= 80


@pytest.mark.usefixtures("one_engine")
@pytest.mark.parametrize(("right", "wrong", "message", "remedy"), MISTAKES, ids=[row[1][-60:] for row in MISTAKES])
def test_a_mistake_is_told_by_line_with_its_remedy(
    tmp_path: Path, right: str, wrong: str, message: str, remedy: str
) -> None:
    assert CONTRACT.count(right) == 1, "the row must change one place"
    text = CONTRACT.replace(right, wrong)
    changed = next(
        number
        for number, (old, new) in enumerate(zip(CONTRACT.splitlines(), text.splitlines(), strict=False), start=1)
        if old != new
    )
    problems = check(tmp_path, text)
    told = [problem for problem in problems if message in problem.message]
    assert told, "\n".join(map(str, problems))
    assert remedy in told[0].remedy, told[0]
    assert told[0].line == changed or "\n      -" in wrong or message in ELSEWHERE, (
        f"{told[0]}; the change is in line {changed}"
    )
    is_warned = any(sign in message for sign in ONLY_WARNED)
    assert told[0].level == ("warning" if is_warned else "error")
    assert len(problems) <= 3, "one mistake is not told as many:\n" + "\n".join(map(str, problems))


def test_mistakes_of_words_and_of_sql_are_told_at_once(tmp_path: Path) -> None:
    text = CONTRACT.replace("Asia/Ho_Chi_Minh", "Asia/Hanoi").replace("vn_name(", "vn_nam(")
    problems = check(tmp_path, text)
    assert ["Asia/Hanoi" in problems[0].message, "vn_nam" in problems[1].message] == [True, True]


SOUND = [
    (DATE, 'transformLogic: CAST(year("ngay") || -01-01 AS DATE)'.replace("''", "'")),
    (DATE, 'transformLogic: \'"ngay" + CAST(length("ten") AS INTEGER)\''),  # a date and a text
    (DATE, "transformLogic: '\"ngay\" -- as the clerk wrote it'"),
    (NAME, 'transformLogic: \'CASE WHEN "tien" > 0 THEN "ten" END\''),
    # Bound, never computed: these are more numbers than fit into any machine.
    (NAME, "transformLogic: 'CASE WHEN list_sum(range(20000000000)) > 0 THEN \"ten\" END'"),
    (NAME, 'transformLogic: source."ten"'),
    (NAME, "transformLogic: 'list_transform([\"ten\"], lambda word: upper(word))[1]'"),
    (NAME, NAME + ', customProperties: [{property: empty, value: ["N/A", "9"]}]'),
    (NAME, NAME + ", customProperties: [{property: empty, value: {when: '\"co\" = 0'}}]"),
    (FORMAT, "format: \"'ngày' dd 'tháng' MM 'năm' yyyy\""),
    (FORMAT, "format: yyyyMMdd"),
    (CAPITAL, "physicalType: double precision"),
    ("logicalType: time}", "logicalType: array}"),
    ("logicalType: time}", "logicalType: object}"),
    ("name: name,", "name: tên-đầy_đủ,"),
    ("type: custom}", "type: local, path: drop, format: csv, delimiter: ;, encoding: utf-8}"),
]


@pytest.mark.usefixtures("one_engine")
@pytest.mark.parametrize(("right", "wrong"), SOUND, ids=[row[1][-60:] for row in SOUND])
def test_what_some_source_can_mend_is_no_mistake(tmp_path: Path, right: str, wrong: str) -> None:
    assert CONTRACT.count(right) == 1
    assert [str(problem) for problem in check(tmp_path, CONTRACT.replace(right, wrong))] == []


def test_inputs_that_mean_empty_are_loaded(tmp_path: Path) -> None:
    for value, values, when in (('["N/A", "9"]', ("N/A", "9"), ""), ("{when: '\"co\" = 0'}", (), '"co" = 0')):
        check(tmp_path, CONTRACT.replace(NAME, f"{NAME}, customProperties: [{{property: empty, value: {value}}}]"))
        column = load_contract(tmp_path / "registries/shop.odcs.yaml").tables[0].column("name")
        assert (column.empty_values, column.empty_when) == (values, when)


def test_the_shipped_contracts_have_no_mistakes() -> None:
    problems = check_schemas(Path("schemas")).problems
    assert [str(problem) for problem in problems if problem.path.name != "holidays.csv"] == []
    assert all(problem.level == "warning" for problem in problems)  # days off are announced year by year


def test_the_end_of_a_check_is_told_in_both_languages() -> None:
    report = CheckReport((), 2, 5, 70, 1, not_looked_at=("land",))
    assert report.text("vi") == (
        "2 hợp đồng dữ liệu, 5 bảng, 70 quy tắc, 1 thỏa thuận, 0 chỉ tiêu: không có lỗi; "
        "sửa hợp đồng dữ liệu trước khi xem nguồn của land"
    )
    assert report.text("en").startswith("2 contracts, 5 tables, 70 rules, 1 agreements, 0 indicators: no mistakes")


@pytest.mark.parametrize(("path", "is_told"), [("/etc", True), ("drops/../../x", True), ("drops/shop", False)])
def test_a_path_of_a_contract_that_leads_anywhere_is_told(tmp_path: Path, path: str, is_told: bool) -> None:
    local = f"servers: [{{server: shop_db, type: local, format: csv, path: '{path}'}}]"
    told = [
        problem
        for problem in check(tmp_path, CONTRACT.replace("servers: [{server: shop_db, type: custom}]", local))
        if "can lead to any file" in problem.message
    ]
    assert [(p.level, "AIRFLOW_CONN_SHOP_DB=file:///" in p.remedy) for p in told] == [("warning", True)] * is_told
