"""Which source columns a contract reads, and what drift is."""

from __future__ import annotations

import pytest

from include.contracts.model import Column, Table
from include.contracts.rules.expressions import columns_read
from include.sources.access import SourceMissing
from include.sources.source_schema.required_columns import judge_columns, judge_types, landed_names


def column(name: str, expression: str = "", source: str = "", kind: str = "string") -> Column:
    return Column(name, source, kind, "VARCHAR", expression)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('vn_name("HO_TEN")', ("HO_TEN",)),
        ('"ho" || \' \' || "ten"', ("ho", "ten")),
        ('coalesce("a", "b", "a")', ("a", "b")),
        ("list_transform(string_split(\"a\", ','), x -> trim(x))", ("a",)),
        ('(SELECT max(r.code) FROM ref_wards r WHERE r.old = "xa")', ()),
        ("'constant'", ()),
    ],
)
def test_columns_of_an_expression(expression: str, names: tuple[str, ...]) -> None:
    assert columns_read(column("x", expression, source="ignored")) == names


def test_a_column_without_expression_reads_its_physical_name() -> None:
    assert columns_read(column("full_name", source="ho_ten")) == ("ho_ten",)
    assert columns_read(column("full_name")) == ("full_name",)


def table(*columns: Column) -> Table:
    return Table("population", "citizen", "cong_dan", columns, ())


def test_a_missing_column_is_named_with_its_neighbour() -> None:
    with pytest.raises(SourceMissing, match=r"cong_dan has no column 'ho_ten' \(did you mean 'hoten'\?\)"):
        judge_columns(table(column("full_name", source="ho_ten")), ["so_dinh_danh", "hoten"])


def test_of_a_file_only_names_that_the_contract_reads_are_told() -> None:
    read = table(column("id", source="so_dinh_danh"), column("full_name", source="ho_ten"))
    with pytest.raises(
        SourceMissing,
        match=r"a\.csv has no column 'ho_ten' \(did you mean the one at position 3\?\).*"
        r"It has 2 columns \(positions 1, 3\) that the contract does not read",
    ) as caught:
        judge_columns(read, ["Bimat", "SO_DINH_DANH", "hoten"], "a.csv")
    assert not any(name in str(caught.value) for name in ("Bimat", "hoten"))
    with pytest.raises(SourceMissing, match="It has no other"):
        judge_columns(read, ["so_dinh_danh"], "a.csv")


def test_case_does_not_matter_as_it_does_not_to_the_engine() -> None:
    assert judge_columns(table(column("a", source="Ho_Ten")), ["HO_TEN"]) == ()


def test_new_columns_are_noted() -> None:
    notes = judge_columns(table(column("a", source="ho_ten")), ["ho_ten", "ghi_chu"])
    assert notes == ("not in the contract, landed but not published: ghi_chu",)


@pytest.mark.parametrize(
    ("logical", "family", "is_noted"),
    [("date", "integer", True), ("date", "text", False), ("integer", "number", False), ("string", "binary", False)],
)
def test_a_type_that_cannot_become_the_logical_type_is_noted(logical: str, family: str, is_noted: bool) -> None:
    notes = judge_types(table(column("born", source="sinh", kind=logical)), {"SINH": family})
    assert bool(notes) is is_noted


@pytest.mark.parametrize(
    ("reads", "found", "landed"),
    [
        ("ten", ["id", "ten"], {"id": "id", "ten": "ten"}),
        ("ten", ["TEN", "ten"], {"TEN": "TEN_2", "ten": "ten"}),
        ("TEN", ["TEN", "ten", "ten_2"], {"TEN": "TEN", "ten": "ten_2", "ten_2": "ten_2_2"}),
        ("ten", ["ten", "_row", "_Run_Id"], {"ten": "ten", "_row": "_row_2", "_Run_Id": "_Run_Id_2"}),
    ],
)
def test_names_that_collide_get_a_number(reads: str, found: list[str], landed: dict[str, str]) -> None:
    assert landed_names(table(column("name", source=reads)), found) == landed


def test_a_contract_cannot_read_two_columns_that_differ_only_in_case() -> None:
    with pytest.raises(SourceMissing, match="only in case"):
        landed_names(table(column("a", source="ten"), column("b", source="TEN")), ["ten", "TEN"])
