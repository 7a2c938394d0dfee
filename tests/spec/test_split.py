"""What becomes of every extracted row.

Each extracted row ends as exactly one of: accepted, rejected (with every reason), superseded by a newer version of the
same row. Rendered into the documentation: the contract, the rows as the source gave them, then their outcome.
"""

from __future__ import annotations

from pathlib import Path

from tests.ascii_tables import check, contract_table


def test_a_row_that_breaks_several_rules_is_rejected_with_all_reasons(tmp_path: Path) -> None:
    """A row is not rejected at its first fault: the registry's owner gets all of them at once."""
    contract = """
    properties:
      - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true,
         logicalTypeOptions: {pattern: '^[0-9]{12}$'}}
      - {name: full_name, physicalName: ho_ten, logicalType: string, required: true}
      - {name: birth_date, physicalName: ngay_sinh, logicalType: date, logicalTypeOptions: {format: dd/MM/yyyy}}
      - {name: sex, physicalName: gioi_tinh, logicalType: string, enum: [{value: '1'}, {value: '2'}]}
    quality:
      - {id: born-after-1850, type: sql, mustBe: 0, description: Nobody alive is older,
         query: "SELECT COUNT(*) FROM {object} WHERE birth_date < DATE '1850-01-01'"}
    """
    given = """
    so_dinh_danh | ho_ten | ngay_sinh  | gioi_tinh
    -------------+--------+------------+----------
    001090000001 | An     | 01/02/1990 | 1
    1090000002   | -      | 31/02/1990 | 9
    001090000003 | Chi    | 01/02/1790 | -
    -            | Dung   | -          | 2
    """
    expected = """
    outcome  | reasons
    ---------+--------
    accepted | -
    rejected | personal_id.pattern, full_name.required, birth_date.unreadable, sex.enum
    rejected | born-after-1850
    rejected | personal_id.required
    """
    outcome = check(contract_table(contract, tmp_path), given, expected, tmp_path)
    assert outcome.violations() == {
        "personal_id.required": 1,
        "personal_id.pattern": 1,
        "full_name.required": 1,
        "birth_date.unreadable": 1,
        "sex.enum": 1,
        "born-after-1850": 1,
    }


VERSIONED = """
    properties:
      - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
      - {name: full_name, physicalName: ho_ten, logicalType: string, required: true}
      - {name: updated_at, physicalName: ngay_cap_nhat, logicalTypeOptions: {defaultTimezone: UTC},
         logicalType: timestamp}
    customProperties:
      - {property: extract, value: {cursor: [updated_at]}}
"""


def test_of_several_versions_of_a_row_the_newest_is_kept(tmp_path: Path) -> None:
    """The cursor says which is newest. A version without a cursor value is the oldest."""
    given = """
    so_dinh_danh | ho_ten     | ngay_cap_nhat
    -------------+------------+--------------------
    1            | An         | 2024-01-01 00:00:00
    1            | An Bình    | 2024-03-01 00:00:00
    1            | An Bình An | -
    2            | Chi        | 2024-01-01 00:00:00
    """
    expected = """
    outcome    | reasons
    -----------+--------
    superseded | -
    accepted   | -
    superseded | -
    accepted   | -
    """
    check(contract_table(VERSIONED, tmp_path), given, expected, tmp_path)


def test_keys_that_differ_at_the_source_never_become_one(tmp_path: Path) -> None:
    """Both are rejected: nobody can say which is meant. Only a key that the source itself has twice is superseded."""
    given = """
    so_dinh_danh | ho_ten | ngay_cap_nhat
    -------------+--------+--------------------
    001 002      | An     | 2024-01-01 00:00:00
    001002       | Bình   | 2024-03-01 00:00:00
    001002       | Chi    | 2024-02-01 00:00:00
    003          | Dung   | 2024-01-01 00:00:00
    0 04         | Giang  | 2024-01-01 00:00:00
    """
    expected = """
    outcome    | reasons
    -----------+--------
    rejected   | key
    rejected   | key
    superseded | -
    accepted   | -
    accepted   | -
    """
    spaced = VERSIONED.replace(
        "physicalName: so_dinh_danh", "physicalName: so_dinh_danh, transformLogic: vn_digits(so_dinh_danh)"
    )
    check(contract_table(spaced, tmp_path), given, expected, tmp_path)


def test_an_input_that_an_expression_makes_empty_is_unreadable_unless_the_contract_calls_it_empty(
    tmp_path: Path,
) -> None:
    """For text as for dates; the reason names the column. Blanks are no input."""
    contract = """
    properties:
      - {name: id, physicalName: ma, logicalType: string, primaryKey: true}
      - {name: sex, physicalName: wrong_name, logicalType: string, transformLogic: 'vn_sex("gioi_tinh")',
         customProperties: [{property: empty, value: ["0"]}]}
      - {name: born, logicalType: date, transformLogic: 'vn_date("ngay_sinh")'}
      - {name: name, logicalType: string, transformLogic: CASE WHEN "loai" = 'P' THEN "ten" END,
         customProperties: [{property: empty, value: {when: loai = 'O'}}]}
    """
    given = """
    ma | gioi_tinh | ngay_sinh  | loai | ten
    ---+-----------+------------+------+----
    1  | 1         | 31/01/2020 | P    | An
    2  | Namm      | 31/02/2020 | P    | Bình
    3  | 0         | -          | O    | Công ty
    4  | 0         | -          | X    | Chi
    5  | ''        | ''         | X    | ''
    6  | 9         | rác        | O    | Dung
    """
    expected = """
    outcome  | reasons
    ---------+------------------------------------
    accepted | -
    rejected | sex.unreadable, born.unreadable
    accepted | -
    rejected | name.unreadable
    accepted | -
    rejected | sex.unreadable, born.unreadable
    """
    check(contract_table(contract, tmp_path), given, expected, tmp_path)


def test_versions_of_the_same_age_are_told_apart_by_content(tmp_path: Path) -> None:
    """So that the order of rows in the extract never decides: the greatest over the columns in order is kept."""
    given = """
    so_dinh_danh | ho_ten | ngay_cap_nhat
    -------------+--------+--------------------
    1            | Bình   | 2024-01-01 00:00:00
    1            | Chi    | 2024-01-01 00:00:00
    1            | An     | 2024-01-01 00:00:00
    2            | Dung   | 2024-01-01 00:00:00
    2            | Dung   | 2024-01-01 00:00:00
    """
    expected = """
    outcome    | reasons
    -----------+--------
    superseded | -
    accepted   | -
    superseded | -
    accepted   | -
    superseded | -
    """
    check(contract_table(VERSIONED, tmp_path), given, expected, tmp_path)


def test_a_rejected_version_does_not_supersede_a_good_one(tmp_path: Path) -> None:
    """The newest version without fault is kept; the faulty newer one is rejected."""
    given = """
    so_dinh_danh | ho_ten | ngay_cap_nhat
    -------------+--------+--------------------
    1            | An     | 2024-01-01 00:00:00
    1            | -      | 2024-03-01 00:00:00
    """
    expected = """
    outcome  | reasons
    ---------+-------------------
    accepted | -
    rejected | full_name.required
    """
    check(contract_table(VERSIONED, tmp_path), given, expected, tmp_path)


def test_a_value_that_may_not_repeat_rejects_all_who_share_it(tmp_path: Path) -> None:
    """Nobody guesses whose it is. No value is no clash, and neither is an older version of the same row."""
    contract = """
    properties:
      - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
      - {name: old_id, physicalName: so_cmnd, logicalType: string, unique: true}
      - {name: serial, physicalName: so_phat_hanh, logicalType: string}
      - {name: ward_code, physicalName: ma_xa, logicalType: string}
      - {name: updated_at, physicalName: ngay_cap_nhat, logicalType: date}
    quality:
      - {id: serial-in-ward, type: library, metric: duplicateValues, mustBe: 0,
         arguments: {properties: [ward_code, serial]}, description: A serial is given once in a ward}
    customProperties:
      - {property: extract, value: {cursor: [updated_at]}}
    """
    given = """
    so_dinh_danh | so_cmnd   | so_phat_hanh | ma_xa | ngay_cap_nhat
    -------------+-----------+--------------+-------+--------------
    1            | 100000001 | AB 1         | 00001 | 2024-01-01
    2            | 100000001 | AB 2         | 00001 | 2024-01-01
    3            | -         | AB 3         | 00001 | 2024-01-01
    4            | -         | AB 3         | 00002 | 2024-01-01
    5            | 100000005 | -            | 00001 | 2024-01-01
    6            | 100000006 | -            | 00001 | 2024-01-01
    7            | 100000007 | AB 2         | 00001 | 2024-01-01
    8            | 100000005 | AB 8         | 00001 | 2024-01-01
    8            | 100000008 | AB 8         | 00001 | 2024-02-01
    8            | 100000001 | AB 8         | 00001 | 2023-12-01
    """
    expected = """
    outcome    | reasons
    -----------+-------------------------------
    rejected   | old_id.unique
    rejected   | old_id.unique, serial-in-ward
    accepted   | -
    accepted   | -
    accepted   | -
    accepted   | -
    rejected   | serial-in-ward
    superseded | -
    accepted   | -
    superseded | -
    """
    outcome = check(contract_table(contract, tmp_path), given, expected, tmp_path)
    assert outcome.violations() == {"old_id.unique": 2, "serial-in-ward": 2}
    assert outcome.split.count("population.citizen.old_id.unique").rows == 8


def test_a_warning_is_published_with_the_row(tmp_path: Path) -> None:
    """Doubtful facts are marked, not withheld. A row that is rejected anyway carries its reasons only."""
    contract = """
    properties:
      - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
      - {name: full_name, physicalName: ho_ten, logicalType: string, required: true}
      - {name: phone, physicalName: dien_thoai, logicalType: string}
    quality:
      - {id: known-prefix, type: sql, severity: warning, mustBe: 0, description: Prefix of a province,
         query: "SELECT COUNT(*) FROM {object} WHERE left(personal_id, 1) <> '0'"}
      - {id: own-phone, type: library, metric: duplicateValues, severity: warning, mustBe: 0,
         arguments: {properties: [phone]}, description: A telephone number has one holder}
    """
    given = """
    so_dinh_danh | ho_ten | dien_thoai
    -------------+--------+-----------
    01           | An     | 111
    92           | Bình   | 111
    93           | -      | 111
    94           | Dung   | -
    """
    expected = """
    outcome  | reasons
    ---------+------------------------
    accepted | own-phone
    accepted | known-prefix, own-phone
    rejected | full_name.required
    accepted | known-prefix
    """
    outcome = check(contract_table(contract, tmp_path), given, expected, tmp_path)
    assert outcome.violations() == {"full_name.required": 1, "known-prefix": 3, "own-phone": 2}


def test_a_bound_on_the_table_rejects_nobody(tmp_path: Path) -> None:
    """It is measured on the accepted rows; the gate compares it with the bound."""
    contract = """
    properties:
      - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
      - name: full_name
        physicalName: ho_ten
        logicalType: string
        quality:
          - {id: mostly-named, type: library, metric: nullValues, mustBeLessThan: 10, unit: percent}
          - {id: names-vary, type: library, metric: duplicateValues, mustBeLessThan: 50, unit: percent}
    quality:
      - {id: enough, type: library, metric: rowCount, mustBeGreaterThan: 2}
    """
    given = """
    so_dinh_danh | ho_ten
    -------------+-------
    1            | -
    2            | An
    3            | An
    -            | -
    """
    expected = """
    outcome  | reasons
    ---------+---------------------
    accepted | -
    accepted | -
    accepted | -
    rejected | personal_id.required
    """
    outcome = check(contract_table(contract, tmp_path), given, expected, tmp_path)
    assert outcome.violations() == {"personal_id.required": 1, "mostly-named": 1, "names-vary": 2, "enough": 3}
    assert outcome.split.count("population.citizen.mostly-named").rows == 3


def test_a_newcomer_with_a_published_value_is_rejected_and_the_published_row_stays(tmp_path: Path) -> None:
    """An increment is held against the published rows that it does not touch; those of its own keys do not count."""
    contract = """
    properties:
      - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
      - {name: old_id, physicalName: so_cmnd, logicalType: string, unique: true}
      - {name: serial, physicalName: so_phat_hanh, logicalType: string}
      - {name: ward_code, physicalName: ma_xa, logicalType: string}
    quality:
      - {id: serial-in-ward, type: library, metric: duplicateValues, mustBe: 0,
         arguments: {properties: [ward_code, serial]}, description: A serial is given once in a ward}
    """
    beside = """
    personal_id | old_id    | serial | ward_code
    ------------+-----------+--------+----------
    1           | 100000001 | AB 1   | 00001
    2           | 100000002 | -      | 00001
    """
    given = """
    so_dinh_danh | so_cmnd   | so_phat_hanh | ma_xa
    -------------+-----------+--------------+------
    3            | 100000001 | AB 1         | 00001
    4            | 100000004 | AB 1         | 00002
    5            | 100000005 | -            | 00001
    6            | 100000006 | AB 6         | 00001
    7            | 100000006 | AB 7         | 00001
    """
    expected = """
    outcome  | reasons
    ---------+------------------------------
    rejected | old_id.unique, serial-in-ward
    accepted | -
    accepted | -
    rejected | old_id.unique
    rejected | old_id.unique
    """
    outcome = check(contract_table(contract, tmp_path), given, expected, tmp_path, beside=beside)
    assert outcome.violations() == {"old_id.unique": 3, "serial-in-ward": 1}


def test_a_bound_on_the_table_holds_for_the_table_that_an_increment_makes(tmp_path: Path) -> None:
    """It is measured on the accepted rows and the published ones that the increment does not touch."""
    contract = """
    properties:
      - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
      - name: full_name
        physicalName: ho_ten
        logicalType: string
        quality:
          - {id: mostly-named, type: library, metric: nullValues, mustBeLessThan: 60, unit: percent}
          - {id: names-vary, type: library, metric: duplicateValues, mustBeLessThan: 50, unit: percent}
    quality:
      - {id: enough, type: library, metric: rowCount, mustBeGreaterThan: 2}
    """
    beside = """
    personal_id | full_name
    ------------+----------
    1           | An
    2           | -
    3           | Chi
    """
    given = """
    so_dinh_danh | ho_ten
    -------------+-------
    4            | An
    5            | -
    """
    expected = """
    outcome  | reasons
    ---------+--------
    accepted | -
    accepted | -
    """
    outcome = check(contract_table(contract, tmp_path), given, expected, tmp_path, beside=beside)
    assert outcome.violations() == {"mostly-named": 2, "names-vary": 2, "enough": 5}
    assert outcome.split.count("population.citizen.mostly-named").rows == 5


def test_a_code_is_judged_on_the_day_it_was_in_force(tmp_path: Path) -> None:
    """With `validOn` a code must be in its list on the day of that column; where the day is not known, on any day.

    The levels 1 to 4 of online services ended on 2022-08-14, whole and partial services began the day after.
    """
    contract = """
    properties:
      - {name: service, physicalName: dich_vu, logicalType: string, primaryKey: true}
      - {name: since, physicalName: tu_ngay, logicalType: date}
      - name: level
        physicalName: muc_do
        logicalType: string
        relationships:
          - to: reference.service_levels.code
            customProperties: [{property: validOn, value: since}]
    """
    given = """
    dich_vu | tu_ngay    | muc_do
    --------+------------+-----------
    a       | 2022-08-14 | 4
    b       | 2022-08-15 | 4
    c       | 2022-08-15 | toan_trinh
    d       | 2022-08-14 | toan_trinh
    e       | -          | 4
    f       | -          | 5
    g       | 2022-08-15 | -
    """
    expected = """
    outcome  | reasons
    ---------+----------------
    accepted | -
    rejected | level.reference
    accepted | -
    rejected | level.reference
    accepted | -
    rejected | level.reference
    accepted | -
    """
    check(contract_table(contract, tmp_path), given, expected, tmp_path)


def test_a_list_known_to_be_incomplete_warns(tmp_path: Path) -> None:
    """With `severity: warning` a code that is not listed is published, and the row bears the rule's id."""
    contract = """
    properties:
      - {name: code, physicalName: ma, logicalType: string, primaryKey: true}
      - name: agency
        physicalName: co_quan
        logicalType: string
        relationships:
          - to: reference.agencies.code
            customProperties: [{property: severity, value: warning}]
    """
    given = """
    ma | co_quan
    ---+--------
    a  | H56
    b  | H99
    c  | -
    """
    expected = """
    outcome  | reasons
    ---------+-----------------
    accepted | -
    accepted | agency.reference
    accepted | -
    """
    check(contract_table(contract, tmp_path), given, expected, tmp_path)
