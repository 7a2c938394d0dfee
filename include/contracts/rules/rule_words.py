"""Texts of implied rules (from a column's type, options and lists) in both languages.

The English text uses the published name and is stored with a rejected row; the Vietnamese one uses the column's
`businessName` and is only shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from include.contracts.model import Column, Relationship
from include.contracts.rules.expressions import columns_read, inputs
from include.contracts.words import BilingualText, constant

# metric: English, Vietnamese
_IMPLIED: Mapping[str, tuple[str, str]] = {
    "required": ("{name} must be given", "{label}: bắt buộc có giá trị"),
    "controlCharacters": (
        "{name} must not hold control characters, or characters lost in an earlier conversion",
        "{label}: không được có ký tự điều khiển hoặc ký tự hỏng do chuyển mã trước đó",
    ),
    "enum": ("{name} must be one of the listed codes", "{label}: phải là một trong các mã được liệt kê"),
    "minimum": ("{name} must be at least {value}", "{label}: không được nhỏ hơn {value}"),
    "maximum": ("{name} must be at most {value}", "{label}: không được lớn hơn {value}"),
    "exclusiveMinimum": ("{name} must be more than {value}", "{label}: phải lớn hơn {value}"),
    "exclusiveMaximum": ("{name} must be less than {value}", "{label}: phải nhỏ hơn {value}"),
    "multipleOf": ("{name} must be a multiple of {value}", "{label}: phải là bội số của {value}"),
    "minLength": ("{name} must have at least {value} characters", "{label}: phải có ít nhất {value} ký tự"),
    "maxLength": ("{name} must have at most {value} characters", "{label}: không được quá {value} ký tự"),
    "pattern": ("{name} must have the form {value}", "{label}: phải đúng mẫu {value}"),
    "unique": ("{name} must not repeat", "{label}: không được trùng lặp"),
    "reference": ("{name} must be a code of the list {value}", "{label}: phải là mã có trong danh mục {value}"),
}
_TYPES = {
    "string": "văn bản",
    "integer": "số nguyên",
    "number": "số",
    "boolean": "giá trị đúng/sai",
    "date": "ngày",
    "timestamp": "thời điểm",
    "time": "giờ",
    "object": "đối tượng JSON",
    "array": "danh sách JSON",
}
_NO_DIGIT_LOST = BilingualText(" without losing a digit", ", không mất chữ số nào")
_FLOAT = BilingualText(
    " without losing a digit (for more than 15 digits the contract must state precision and scale)",
    ", không mất chữ số nào (nếu quá 15 chữ số, hợp đồng dữ liệu phải nêu số chữ số và số chữ số thập phân)",
)
_INSTANT = BilingualText(
    ", whole microseconds, with an offset (or the contract must state defaultTimezone for local times)",
    ", đến micro giây, kèm độ lệch múi giờ (hoặc hợp đồng dữ liệu phải nêu defaultTimezone cho giờ địa phương)",
)

SUPERSEDED = BilingualText(
    "another row of this extract has the same key and is newer (at equal age: greater in content); that one counts",
    "dữ liệu trích xuất có bản ghi khác cùng khóa và mới hơn (cùng thời điểm: lớn hơn về nội dung); dùng bản ghi đó",
)


def label(column: Column) -> str:
    """The column's business name; else its published name."""
    return column.business_name or column.name


def implied(metric: str, column: Column, value: object = "") -> BilingualText:
    """Text of a rule implied by a column's type, an option (`value`), an enum or a list."""
    english, vietnamese = _IMPLIED[metric]
    return BilingualText(
        english.format(name=column.name, value=value),
        vietnamese.format(label=label(column), value=value if metric == "pattern" else constant("vi", value)),
    )


def implied_reference(column: Column, reference: Relationship) -> BilingualText:
    """Text of the rule that a code is in its list; with `valid_on`, in force on the day of that column."""
    texts = implied("reference", column, reference.table)
    if not reference.valid_on:
        return texts
    return BilingualText(
        f"{texts.english} that was in force on {reference.valid_on}",
        f"{texts.vietnamese} còn hiệu lực vào ngày nêu tại cột {reference.valid_on}",
    )


def readable(column: Column) -> BilingualText:
    """Text of the `unreadable` rule, with the expected form of the value."""
    names = ", ".join(inputs(column))
    if column.sql_type == "VARCHAR" and column.logical_type not in ("time", "object", "array"):
        return BilingualText(
            f"{names} must not hold a value that the contract's expression for {column.name} makes empty",
            f"{label(column)}: giá trị của {names} không được bị biểu thức trong hợp đồng dữ liệu biến thành rỗng",
        )
    how = BilingualText("", "")
    if column.sql_type == "DOUBLE":
        how = _FLOAT
    elif column.sql_type.startswith("DECIMAL"):
        how = _NO_DIGIT_LOST
    elif column.sql_type == "TIMESTAMPTZ" and not column.options.get("defaultTimezone"):
        how = _INSTANT
    kind = _TYPES.get(column.logical_type, column.logical_type)
    return BilingualText(
        f"{names} must be readable as {column.logical_type}{how.english}",
        f"{label(column)}: giá trị của {names} phải là {kind} hợp lệ{how.vietnamese}",
    )


def one_key(keyed: Sequence[Column]) -> BilingualText:
    """Text of the rule that no two source keys become one."""
    names = ", ".join(dict.fromkeys(name for column in keyed for name in columns_read(column)))
    return BilingualText(
        f"Two rows whose {names} differ at the source must not be published under one key",
        f"Hai bản ghi có {names} khác nhau tại nguồn không được công bố dưới cùng một khóa"
        f" ({', '.join(label(column) for column in keyed)})",
    )
