"""One sound row of every table as its source writes it, and for every rule what to change in it to break that rule.

Values are those of the source columns. A change may be to several columns; `BREAKS` names the rule without its table.
"""

from __future__ import annotations

SOUND: dict[str, dict[str, str | None]] = {
    "population.citizen": {
        "so_dinh_danh": "001090000001",
        "so_cmnd": "012345678",
        "ho_ten": "Nguyễn Văn An",
        "ngay_sinh": "04/05/1990",
        "gioi_tinh": "1",
        "dan_toc": "01",
        "quoc_tich": "VN",
        "ma_xa_thuong_tru": "00001",
        "ma_xa_hien_tai": "00097",
        "tinh_trang_hon_nhan": "2",
        "so_dinh_danh_cha": "001060000002",
        "so_dinh_danh_me": "001162000003",
        "trang_thai": "1",
        "ngay_cap_nhat": "2025-09-01 10:00:00",
    },
    "population.household_member": {
        "ma_ho": "H-0001",
        "so_dinh_danh": "001090000001",
        "quan_he": "00",
        "tu_ngay": "2015-03-01",
        "ngay_cap_nhat": "2025-09-01 10:00:00",
    },
    "land.parcel": {
        "ma_xa": "00001",
        "so_to": "12",
        "so_thua": "345",
        "dien_tich": "1.234,5",
        "ma_loai_dat": "ONT",
        "ngay_cap_nhat": "2024-09-01 10:00:00",
    },
    "land.certificate": {
        "ma_gcn": "GCN-000001",
        "so_phat_hanh": "AB 123456",
        "ma_xa": "00001",
        "so_to": "12",
        "so_thua": "345",
        "ngay_cap": "01/07/2010",
        "trang_thai": "1",
        "ngay_cap_nhat": "2024-09-01 10:00:00",
    },
    "land.ownership": {
        "ma_quyen": "Q-000001",
        "ma_gcn": "GCN-000001",
        "ma_xa": "00001",
        "so_to": "12",
        "so_thua": "345",
        "ma_chu": "001090000001",
        "ten_chu": "Nguyễn Văn An",
        "nam_sinh": "1990",
        "ty_le": "0,5",
        "tu_ngay": "2010-07-01",
        "den_ngay": None,
        "ngay_cap_nhat": "2024-09-01 10:00:00",
    },
    "insurance.member": {
        "so_bhxh": "0112345678",
        "so_dinh_danh": "001090000001",
        "so_cmnd": None,
        "ho_ten": "Nguyễn Văn An",
        "ngay_sinh": "04/05/1990",
        "gioi_tinh": "1",
        "ma_xa": "00001",
        "ngay_cap_nhat": "2025-09-01 10:00:00",
    },
    "insurance.health_card": {
        "ma_the": "DN4010112345678",
        "so_bhxh": "0112345678",
        "tu_ngay": "2024-01-01",
        "den_ngay": "2028-12-31",
        "muc_huong": "4",
        "ngay_cap_nhat": "2024-01-02 10:00:00",
    },
    "insurance.contribution": {
        "so_bhxh": "0112345678",
        "mst_don_vi": "0100109106",
        "thang": "2025-08",
        "tien_luong": "10000000",
        "so_tien_dong": "3200000",
        "ngay_cap_nhat": "2025-09-05 10:00:00",
    },
    "finance.taxpayer": {
        "MST": "0100109106",
        "SO_DINH_DANH": "001090000001",
        "TEN_NNT": "Nguyễn Văn An",
        "LOAI": "CN",
        "DIA_CHI": "Số 1, phố Huế",
        "MA_XA": "00001",
        "TRANG_THAI": "00",
        "NGAY_CAP_NHAT": "01/09/2025 10:00:00",
    },
    "finance.payment": {
        "SO_BIEN_LAI": "BL-000001",
        "MST": "0100109106",
        "CHUONG": "757",
        "TIEU_MUC": "1701",
        "SO_TIEN": "1.234.567",
        "NGAY_NOP": "15/08/2025",
        "KHO_BAC": "0111",
        "NGAY_CAP_NHAT": "01/09/2025 10:00:00",
    },
    "finance.tax_relief": {
        "SO_QD": "12/QĐ-CT",
        "MST": "0100109106",
        "LOAI_MG": "01",
        "SO_TIEN": "5000000",
        "NGAY_QD": "2025-08-15 00:00:00",
        "NGAY_CAP_NHAT": "01/09/2025 10:00:00",
    },
}

BREAKS: dict[str, dict[str, dict[str, str | None]]] = {
    "population.citizen": {
        "personal-id-12-digits": {"so_dinh_danh": "0010900000011"},
        "personal-id-lost-leading-zero": {"so_dinh_danh": "01090000001"},
        "old-id-9-or-12-digits": {"so_cmnd": "12345678"},
        "full-name-without-digits": {"ho_ten": "Nguyễn Văn An 2"},
        "full-name-not-legacy-encoded": {"ho_ten": "NguyÔn V¨n An"},
        "full-name-two-words": {"ho_ten": "An"},
        "full-name-keeps-diacritics": {"ho_ten": "NGUYEN VAN AN"},
        "birth-date-since-1900": {"ngay_sinh": "04/05/1890"},
        "birth-date-not-after-update": {"ngay_sinh": "04/05/2026", "so_dinh_danh": "001226000001"},
        "birth-date-maybe-default": {"ngay_sinh": "01/01/1990"},
        "permanent-ward-5-digits": {"ma_xa_thuong_tru": "1"},
        "permanent-ward-has-current": {"ma_xa_thuong_tru": "99999"},
        "current-ward-5-digits": {"ma_xa_hien_tai": "97"},
        "father-id-12-digits": {"so_dinh_danh_cha": "1060000002"},
        "father-id-of-a-man": {"so_dinh_danh_cha": "001160000002"},
        "mother-id-12-digits": {"so_dinh_danh_me": "không rõ"},
        "mother-id-of-a-woman": {"so_dinh_danh_me": "001062000003"},
        "updated-since-2015": {"ngay_cap_nhat": "2014-09-01 10:00:00"},
        "personal-id-matches-birth-year": {"ngay_sinh": "04/05/1991"},
        "personal-id-matches-sex": {"gioi_tinh": "2"},
        "personal-id-known-prefix": {"so_dinh_danh": "003090000001"},
        "parents-not-oneself": {"so_dinh_danh": "001090000009", "so_dinh_danh_cha": "001090000009"},
        "parents-are-two": {"so_dinh_danh_me": "001060000002"},
        "parents-older": {"so_dinh_danh_cha": "001085000002"},
        "alive-under-120": {"ngay_sinh": "04/05/1900", "so_dinh_danh": "001000000001"},
        "married-of-age": {"ngay_sinh": "04/05/2012", "so_dinh_danh": "001212000001", "so_cmnd": None},
        "old-id-held-by-a-child": {"ngay_sinh": "04/05/2012", "so_dinh_danh": "001212000002"},
    },
    "population.household_member": {
        "member-id-12-digits": {"so_dinh_danh": "1090000001"},
        "member-from-not-after-update": {"tu_ngay": "2025-09-03"},
        "member-from-not-before-birth-year": {"tu_ngay": "1989-12-31"},
    },
    "land.parcel": {
        "parcel-ward-5-digits": {"ma_xa": "1"},
        "area-positive": {"dien_tich": "0"},
        "area-below-any-ward": {"dien_tich": "12345678901"},
        "homestead-area-plausible": {"dien_tich": "123456"},
        "land-use-three-letters": {"ma_loai_dat": "ĐẤT Ở"},
    },
    "land.certificate": {
        "serial-form": {"so_phat_hanh": "1234"},
        "certificate-ward-5-digits": {"ma_xa": "1"},
        "issued-not-after-update": {"ngay_cap": "03/09/2024"},
        "issued-since-land-law": {"ngay_cap": "01/07/1910"},
        "unissued-has-no-serial": {"trang_thai": "6"},
        "in-force-is-dated": {"ngay_cap": None},
    },
    "land.ownership": {
        "ownership-ward-5-digits": {"ma_xa": "1"},
        "owner-personal-id-12-digits": {"ma_chu": "12345678"},
        "owner-personal-id-lost-leading-zero": {"ma_chu": "01090000001"},
        "owner-old-id-9-digits": {"ma_chu": "12345678X"},
        "owner-old-id-expired": {"ma_chu": "012345678", "ngay_cap_nhat": "2025-09-01 10:00:00"},
        "owner-tax-code-form": {"ma_chu": "N/A-100109106", "nam_sinh": None},
        "owner-tax-code-check-digit": {"ma_chu": "N/A-0100109107", "nam_sinh": None},
        "owner-name-not-legacy-encoded": {"ten_chu": "Nguyeãn Vaên An"},
        "owner-person-name-without-digits": {"ten_chu": "Hộ ông Nguyễn Văn An và 2 con"},
        "owner-birth-date-since-1900": {"nam_sinh": "1899", "ma_chu": "012345678"},
        "owner-birth-date-not-after-update": {"nam_sinh": "2025", "ma_chu": "012345678"},
        "share-between-0-and-1": {"ty_le": "50"},
        "owned-from-before-until": {"den_ngay": "2010-06-30"},
        "owned-from-not-after-update": {"tu_ngay": "2024-09-03"},
        "owner-personal-id-matches-birth-year": {"nam_sinh": "1991"},
        "owner-born-before-owning": {"tu_ngay": "1989-07-01"},
        "owner-is-identified": {"ma_chu": None},
    },
    "insurance.member": {
        "insurance-number-10-digits": {"so_bhxh": "01123456789"},
        "insurance-number-lost-leading-zero": {"so_bhxh": "112345678"},
        "member-personal-id-12-digits": {"so_dinh_danh": "0010900000011"},
        "member-personal-id-lost-leading-zero": {"so_dinh_danh": "01090000001"},
        "member-old-id-9-or-12-digits": {"so_cmnd": "12345678"},
        "member-name-without-digits": {"ho_ten": "Nguyễn Văn An 2"},
        "member-name-not-legacy-encoded": {"ho_ten": "TrÇn ThÞ B×nh"},
        "member-birth-date-since-1900": {"ngay_sinh": "04/05/1890"},
        "member-birth-date-not-after-update": {"ngay_sinh": "04/05/2026", "so_dinh_danh": "001226000001"},
        "member-ward-5-digits": {"ma_xa": "1"},
        "member-personal-id-matches-birth-year": {"ngay_sinh": "04/05/1991"},
        "member-personal-id-matches-sex": {"gioi_tinh": "2"},
        "member-is-identified": {"so_dinh_danh": None},
        "member-only-old-id-expired": {"so_dinh_danh": None, "so_cmnd": "012345678"},
    },
    "insurance.health_card": {
        "card-code-structure": {"ma_the": "DN6010112345678", "so_bhxh": "0112345678"},
        "card-code-known-group": {"ma_the": "ZZ4010112345678", "so_bhxh": "0112345678"},
        "card-insurance-number-10-digits": {"so_bhxh": "112345678"},
        "card-ends-with-insurance-number": {"so_bhxh": "0112345679"},
        "card-benefit-matches-code": {"muc_huong": "2"},
        "card-valid-from-before-until": {"den_ngay": "2023-12-31"},
        "card-valid-since-law": {"tu_ngay": "1990-01-01"},
    },
    "insurance.contribution": {
        "contribution-insurance-number-10-digits": {"so_bhxh": "112345678"},
        "employer-tax-code-form": {"mst_don_vi": "0100109106-000"},
        "employer-tax-code-check-digit": {"mst_don_vi": "0100109107-001"},
        "wage-positive": {"tien_luong": "0"},
        "wage-below-ceiling": {"tien_luong": "100000001"},
        "paid-not-negative": {"so_tien_dong": "-1"},
        "paid-not-above-wage": {"so_tien_dong": "10000001"},
        "paid-rate-plausible": {"so_tien_dong": "3500001"},
        "month-not-after-update": {"thang": "2025-10"},
        "month-since-1995": {"thang": "1994-12"},
    },
    "finance.taxpayer": {
        "tax-code-form": {"MST": "0100109106-1"},
        "tax-code-lost-leading-zero": {"MST": "100109106"},
        "tax-code-check-digit": {"MST": "0100109107"},
        "tax-code-known-office": {"MST": "8000000006", "LOAI": "DN"},
        "taxpayer-personal-id-12-digits": {"SO_DINH_DANH": "0010900000011"},
        "taxpayer-personal-id-lost-leading-zero": {"SO_DINH_DANH": "01090000001"},
        "taxpayer-name-not-legacy-encoded": {"TEN_NNT": "§ç ThÞ Hµ"},
        "taxpayer-name-without-digits": {"TEN_NNT": "Cửa hàng 36"},
        "taxpayer-ward-5-digits": {"MA_XA": "1"},
        "tax-status-two-digits": {"TRANG_THAI": "0"},
        "personal-tax-code-is-personal-id": {"MST": "001090000002"},
        "personal-tax-code-since-2025": {"MST": "001090000001", "NGAY_CAP_NHAT": "01/06/2025 10:00:00"},
        "organisation-without-personal-tax-code": {
            "MST": "001090000003",
            "SO_DINH_DANH": "001090000003",
            "LOAI": "DN",
        },
        "individual-has-personal-id": {"SO_DINH_DANH": None},
        "waiting-status-without-personal-id": {"TRANG_THAI": "10"},
    },
    "finance.payment": {
        "payment-tax-code-form": {"MST": "MST1"},
        "payment-tax-code-lost-leading-zero": {"MST": "01090000001"},
        "payment-tax-code-check-digit": {"MST": "0100109107-001"},
        "chapter-three-digits": {"CHUONG": "57"},
        "item-four-digits": {"TIEU_MUC": "17"},
        "amount-positive": {"SO_TIEN": "-1.234.567"},
        "amount-plausible": {"SO_TIEN": "20.000.000.000.001"},
        "paid-not-after-update": {"NGAY_NOP": "03/09/2025"},
        "paid-since-1990": {"NGAY_NOP": "15/08/1980"},
        "treasury-four-digits": {"KHO_BAC": "111"},
    },
    "finance.tax_relief": {
        "relief-tax-code-form": {"MST": "101"},
        "relief-tax-code-lost-leading-zero": {"MST": "100109106"},
        "relief-tax-code-check-digit": {"MST": "0100109107"},
        "relief-amount-positive": {"SO_TIEN": "0"},
        "decided-not-after-update": {"NGAY_QD": "2025-09-03 00:00:00"},
    },
}



def tax_code(number: int) -> str:
    """A tax code with a right check digit (Circular 105/2020/TT-BTC, annex 1), different for each number below 90."""
    for nine in range(10_000_000 + number * 100, 10_000_100 + number * 100):
        text = f"{nine:09d}"
        check = 10 - sum(w * int(d) for w, d in zip((31, 29, 23, 19, 17, 13, 7, 5, 3), text, strict=True)) % 11
        if check < 10:
            return f"{text}{check}"
    raise AssertionError("a tenth of all numbers has no check digit, not a hundred in a row")


def key_of(name: str, number: int) -> dict[str, str | None]:
    """Key columns that no other row has, so that rows of one extract do not supersede each other."""
    insured = f"01{number:08d}"
    return {
        "population.citizen": {"so_dinh_danh": f"001090{100_000 + number}"},
        "population.household_member": {"ma_ho": f"H-{number}"},
        "land.parcel": {"so_thua": f"{number + 1}"},
        "land.certificate": {"ma_gcn": f"GCN-{number}"},
        "land.ownership": {"ma_quyen": f"Q-{number}"},
        "insurance.member": {"so_bhxh": insured},
        "insurance.health_card": {"ma_the": f"DN401{insured}", "so_bhxh": insured},
        "insurance.contribution": {"so_bhxh": insured},
        "finance.taxpayer": {"MST": tax_code(number)},
        "finance.payment": {"SO_BIEN_LAI": f"BL-{number}"},
        "finance.tax_relief": {"SO_QD": f"{number}/QĐ-CT"},
    }[name]


def rows_with(name: str, changes: list[dict[str, str | None]]) -> list[dict[str, str | None]]:
    """The sound row of a table once for each change, each with a key of its own."""
    return [{**SOUND[name], **key_of(name, number), **change} for number, change in enumerate(changes)]


# Odd, and right: no rule may reject these.
ODD_BUT_RIGHT: dict[str, list[dict[str, str | None]]] = {
    "population.citizen": [
        {"ngay_sinh": "1990"},
        {"ngay_sinh": "00/00/1990"},
        {"ngay_sinh": "00/05/1990"},
        {"so_dinh_danh": "001 090 000 005"},
        {"so_dinh_danh": "003190000001", "gioi_tinh": "2"},
        {"gioi_tinh": "3"},
        {"so_cmnd": "  "},
        {"so_cmnd": "001090000001"},
        {"so_cmnd": None, "so_dinh_danh_cha": None, "so_dinh_danh_me": None, "ma_xa_hien_tai": None},
        {"ngay_sinh": "02/09/2025", "so_dinh_danh": "001225000001", "ngay_cap_nhat": "2025-09-02 00:10:00"},
        {"trang_thai": "2", "ngay_sinh": "1901", "so_dinh_danh": "001001000001"},
        *(
            {"ho_ten": name, "quoc_tich": country}
            for name, country in (
                ("NGUYỄN  THỊ  HOÀ", "VN"),
                ("Nguye\u0302\u0303n Va\u0306n An", "VN"),
                ("Ðỗ Văn Đạt", "VN"),
                ("H'Hen Niê", "VN"),
                ("Y Moan Ênuôl", "VN"),
                ("Vừ A Dính", "VN"),
                ("Quách Phú Quý", "VN"),
                ("Bùi Thị Ái", "VN"),
                ("Hà Thị Út", "VN"),
                ("NGUYEN THI LE", "VN"),
                ("François Müller", "FR"),
                ("Raúl García Núñez", "ES"),
                ("Loïc Noël", "FR"),
                ("Ángel Muñoz", "ES"),
                ("Jürgen Groß", "DE"),
            )
        ),
    ],
    "land.certificate": [
        {"so_phat_hanh": "chưa cấp", "ngay_cap": None, "trang_thai": "6"},
        {"so_phat_hanh": "AB 12345678"},
    ],
    "land.ownership": [
        {"ma_chu": "N/A-0100109106", "ten_chu": "Công ty Cổ phần 36", "nam_sinh": None},
        {"ma_chu": "N/A-0100109106-001", "ten_chu": "Chi nhánh Hà Nội «Sao Mai»", "nam_sinh": None},
        {"ma_chu": "012345678", "nam_sinh": "1985"},
        {"ma_chu": None, "nam_sinh": None, "ty_le": None},
        {"nam_sinh": "04/05/1990", "ty_le": "1", "den_ngay": "2030-01-01"},
    ],
    "insurance.member": [
        {"so_dinh_danh": None, "so_cmnd": "012345678", "ngay_cap_nhat": "2020-01-01 00:00:00"},
        {"ngay_sinh": None},
        {"gioi_tinh": None},
    ],
    "insurance.health_card": [
        {"ma_the": "0112345678", "so_bhxh": "0112345678"},
        {"ma_the": "dn 4 01 0112345679", "so_bhxh": "0112345679"},
        {"den_ngay": None},
    ],
    "insurance.contribution": [
        {"mst_don_vi": "0100109106-001"},
        {"mst_don_vi": "0100109106001"},
        {"mst_don_vi": "001090000001"},
        {"so_tien_dong": "0"},
    ],
    "finance.taxpayer": [
        {"MST": "001090000001"},
        {"MST": "0100109106-001", "LOAI": "DN", "TEN_NNT": "Công ty TNHH 3T «Á Châu»", "SO_DINH_DANH": None},
        {"MST": "0100109106002", "LOAI": "DN"},
    ],
    "finance.payment": [{"MST": "001090000001"}, {"SO_TIEN": "1234567"}, {"CHUONG": None}],
    "finance.tax_relief": [{"NGAY_QD": "15/08/2025"}, {"SO_TIEN": "5.000.000"}],
}
