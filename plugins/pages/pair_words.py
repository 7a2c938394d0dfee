"""The words of the review of two records: what decides, and what each comparison found."""

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
    "birth_precision": ("Ngày sinh biết đến mức", "Birth known to the"),
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
COMPARISONS: dict[str, str] = {
    "before comparing": "trước khi so sánh",
    "name": "họ tên",
    "birth": "ngày sinh",
    "sex": "giới tính",
    "place": "nơi ở",
    "personal id": "số định danh cá nhân",
    "id year": "năm sinh trong số định danh",
    "id sex": "giới tính trong số định danh",
    "old id": "số CMND cũ",
    "insurance number": "số bảo hiểm xã hội",
    "health card": "thẻ bảo hiểm y tế",
    "tax code": "mã số thuế",
}
FOUND: dict[str, str] = {
    "not known of both": "không phải cả hai đều có",
    "same name": "trùng họ tên",
    "same name, diacritics lost or words in other order": "trùng họ tên, mất dấu hoặc đảo thứ tự",
    "same letters, other diacritics": "cùng chữ cái, khác dấu",
    "one letter off, or initials": "lệch một chữ cái, hoặc viết tắt",
    "same family and given name, no middle name": "cùng họ và tên, thiếu tên đệm",
    "similar name": "họ tên gần giống",
    "other name": "khác họ tên",
    "same day of birth": "trùng ngày sinh",
    "same year of birth, the day not known of both": "trùng năm sinh, không phải cả hai đều có ngày",
    "day and month of birth swapped": "ngày và tháng sinh đảo nhau",
    "one digit of the birth date off": "ngày sinh lệch một chữ số",
    "same year of birth, another day": "cùng năm sinh, khác ngày",
    "other date of birth": "khác ngày sinh",
    "same sex": "cùng giới tính",
    "other sex": "khác giới tính",
    "same ward": "cùng xã, phường",
    "a ward in common": "có chung một xã, phường",
    "same province": "cùng tỉnh, thành phố",
    "other province": "khác tỉnh, thành phố",
    "same personal id": "cùng số định danh",
    "one digit of the personal id off": "số định danh lệch một chữ số",
    "other personal id, one of the two in doubt": "khác số định danh, một trong hai số đáng ngờ",
    "other personal id": "khác số định danh",
    "two valid personal ids, not the same": "hai số định danh hợp lệ khác nhau",
    "the personal id says the same year of birth": "số định danh cho cùng năm sinh",
    "the personal id says another year of birth": "số định danh cho năm sinh khác",
    "the personal id says the same sex": "số định danh cho cùng giới tính",
    "the personal id says another sex": "số định danh cho giới tính khác",
    "same old card": "cùng số CMND cũ",
    "one digit of the old card off": "số CMND cũ lệch một chữ số",
    "other old card": "khác số CMND cũ",
    "same insurance number": "cùng số bảo hiểm xã hội",
    "same health card": "cùng thẻ bảo hiểm y tế",
    "same tax code": "cùng mã số thuế",
}


def found(comparison: str, label: str) -> tuple[Text, Text]:
    """A step of the weighing in both languages; what has no Vietnamese words here stays English."""
    return (COMPARISONS.get(comparison, comparison), comparison), (FOUND.get(label, label), label)
