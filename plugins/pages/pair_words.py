"""Display texts of a pair under review: decisive comparisons, and the level of each comparison."""

from __future__ import annotations

Text = tuple[str, str]

CLUES: dict[str, Text] = {
    "two_valid_ids": (
        "Hai số định danh cá nhân đều hợp lệ và khác nhau. Mỗi người chỉ có một số định danh.",
        "The two personal ids are both valid and not the same. A person has one personal id only.",
    ),
    "persons_with_other_ids": (
        "Hai bản ghi đã thuộc về hai người có số định danh cá nhân khác nhau.",
        "The two records already belong to two persons whose personal ids are not the same.",
    ),
    "year_in_id": (
        "Năm sinh trong số định danh của bản ghi này khác năm sinh mà bản ghi kia ghi.",
        "The year of birth inside this record’s personal id is not the one that the other record says.",
    ),
    "sex_in_id": (
        "Giới tính trong số định danh của bản ghi này khác giới tính mà bản ghi kia ghi.",
        "The sex inside this record’s personal id is not the one that the other record says.",
    ),
    "other_year_of_birth": ("Hai bản ghi ghi năm sinh khác nhau.", "The two records say different years of birth."),
    "other_sex": ("Hai bản ghi ghi giới tính khác nhau.", "The two records say different sexes."),
    "other_old_id": (
        "Hai số chứng minh nhân dân cũ khác nhau.",
        "The two old identity card numbers are not the same.",
    ),
    "other_insurance_number": (
        "Hai số bảo hiểm xã hội khác nhau.",
        "The two social insurance numbers are not the same.",
    ),
    "other_ids_in_doubt": (
        "Hai số định danh khác nhau, nhưng ít nhất một số mâu thuẫn với chính bản ghi của nó: có thể gõ nhầm.",
        "The two personal ids differ, but one at least contradicts its own record: it may be mistyped.",
    ),
    "one_digit_between_ids": (
        "Hai số định danh chỉ khác nhau một chữ số: có thể gõ nhầm, cũng có thể là anh chị em sinh đôi.",
        "The two personal ids differ by one digit: a slip of the keys, or twins.",
    ),
    "id_contradicts_its_record": (
        "Số định danh của bản ghi này mâu thuẫn với ngày sinh hoặc giới tính của chính bản ghi: chớ chỉ dựa vào số.",
        "This record’s personal id contradicts the birth or sex of the same record: do not rely on it alone.",
    ),
    "other_day_of_birth": (
        "Cùng năm sinh nhưng khác ngày: có thể gõ nhầm, cũng có thể là hai người.",
        "The same year of birth, but another day: a slip of the keys, or two persons.",
    ),
    "same_ids": ("Cùng một số định danh cá nhân.", "The same personal id."),
    "same_old_id": ("Cùng một số chứng minh nhân dân cũ.", "The same old identity card number."),
    "same_insurance_number": ("Cùng một số bảo hiểm xã hội.", "The same social insurance number."),
}
WEIGHS: dict[str, Text] = {
    "against": ("Trái nhau", "Contradicts"),
    "doubt": ("Cần xem kỹ", "Look closely"),
    "for": ("Trùng khớp", "Agrees"),
}
LEANS: dict[str, Text] = {
    "different": (
        "Các bản ghi cho thấy đây là hai người khác nhau.",
        "What the records say: these are two different persons.",
    ),
    "same": (
        "Các bản ghi cho thấy đây là một người.",
        "What the records say: this is one person.",
    ),
    "open": (
        "Chỉ hai bản ghi này chưa đủ để kết luận. Nếu không có nguồn nào khác, hãy chọn “Không thể biết”.",
        "The two records alone do not settle it. Without another source, say “Cannot tell”.",
    ),
}
DECISIONS: dict[str, Text] = {
    "same": ("Một người", "Same person"),
    "different": ("Hai người khác nhau", "Different persons"),
    "cannot_tell": ("Không thể biết", "Cannot tell"),
}
ATTRIBUTES: dict[str, Text] = {
    "name": ("Họ và tên", "Name"),
    "birth_date": ("Ngày sinh", "Date of birth"),
    "birth_precision": ("Mức đầy đủ của ngày sinh", "Birth known to the"),
    "sex": ("Giới tính", "Sex"),
    "place": ("Xã, phường", "Ward"),
    "place_province": ("Tỉnh, thành phố", "Province"),
    "personal_id": ("Số định danh cá nhân", "Personal id"),
    "old_id": ("Số CMND cũ", "Old identity card"),
    "tax_code": ("Mã số thuế", "Tax code"),
    "insurance_number": ("Số bảo hiểm xã hội", "Insurance number"),
    "health_card": ("Số thẻ bảo hiểm y tế", "Health card"),
    "mother_id": ("Số định danh của mẹ", "Mother’s personal id"),
    "father_id": ("Số định danh của cha", "Father’s personal id"),
    "address_key": ("Địa chỉ", "Address"),
    "phone": ("Số điện thoại", "Phone number"),
}
SEXES: dict[str, Text] = {"male": ("nam", "male"), "female": ("nữ", "female")}
PRECISIONS: dict[str, Text] = {"year": ("năm", "year"), "month": ("tháng", "month"), "day": ("ngày", "day")}


def value(attribute: str, code: object) -> tuple[object, object]:
    """A record's value, in both languages where it is a code of ours."""
    words = {"sex": SEXES, "birth_precision": PRECISIONS}.get(attribute, {})
    return words.get(str(code), (code, code))


def found(comparison: str, label: str) -> tuple[Text, Text]:
    """A comparison's level in both languages; English where there is no Vietnamese text."""
    from include.audit.report_words import (  # import only on use, not while a DAG file is parsed
        COMPARISONS,
        level_in_vietnamese,
    )

    name = COMPARISONS.get(comparison.replace(" ", "_"), (comparison, comparison))[0]
    return (name, comparison), (level_in_vietnamese(label), label)
