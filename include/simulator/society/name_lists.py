"""Vietnamese names and how often they occur.

Weights are shares per thousand, rounded, after the published counts of family names (Lê Trung Hoa, "Họ và tên
người Việt Nam"; Nguyễn is about a third of the country). Names of ethnic minorities follow their own grammar: some
put the family name last, some have none, some go through the mother.
"""

from __future__ import annotations

from dataclasses import dataclass

KINH_FAMILIES = (
    "Nguyễn 345,Trần 109,Lê 89,Phạm 59,Hoàng 33,Huỳnh 21,Vũ 25,Võ 24,Phan 28,Trương 22,Bùi 21,Đặng 19,Đỗ 19,Ngô 17,"
    "Hồ 15,Dương 14,Đinh 10,Đoàn 8,Lâm 8,Mai 8,Trịnh 8,Đào 8,Cao 7,Lý 7,Hà 7,Lưu 5,Lương 5,Thái 4,Châu 4,Tạ 4,"
    "Phùng 4,Tô 4,Vương 3,Văn 3,Tăng 3,Quách 2,Lại 2,Hứa 2,Thạch 2,Diệp 2,Từ 2,Chu 2,La 2,Đàm 2,Tống 2,Giang 2,"
    "Chung 2,Triệu 2,Kiều 2,Trang 1,Đồng 1,Lư 1,Lữ 1,Thân 1,Kim 1,Mã 1,Bạch 1,Liêu 1,Tiêu 1,Dư 1,Tôn 1,Khưu 1,"
    "Nghiêm 1,Doãn 1,Khổng 1,Ninh 1,Cù 1,Viên 1,Ông 1,Mạc 1,Phí 1,Cấn 1,Khuất 1,Thiều 1,Âu 1,Ưng 1,Tôn Thất 1,"
    "Âu Dương 1"
)
MALE_MIDDLES = (
    "Đức 60,Hữu 52,Minh 52,Quang 48,Xuân 42,Ngọc 42,Đình 40,Công 34,Quốc 36,Thanh 34,Anh 20,Trọng 22,Thành 24,Tuấn 18,"
    "Hoàng 34,Gia 20,Duy 32,Bá 18,Huy 16,Trung 16,Tiến 16,Viết 12,Nhật 14,Khắc 8,Thế 20,Mạnh 14,Phúc 8,Bảo 14,Hải 10,"
    "Chí 12,Việt 10,Như 8,Sỹ 6,Kim 6,Nhựt 4,Phước 6,Hoài 5,Khánh 6,Tấn 14,Vĩnh 6,Trường 6,Đăng 8,Tùng 3,Phi 6,Cao 3"
)
FEMALE_MIDDLES = (
    "Thị Thu 42,Thị Thanh 44,Thị Ngọc 40,Thị Hồng 38,Thị Kim 40,Thị Minh 22,Thị Bích 24,Thị Mỹ 24,Thị Phương 24,"
    "Thị Thùy 22,Thị Hải 10,Thị Tuyết 14,Thị Diệu 8,Thị Lan 12,Thị Ánh 10,Thị Cẩm 10,Thị Hoài 8,Thị Xuân 12,"
    "Thị Quỳnh 6,"
    "Ngọc 60,Thanh 30,Thùy 22,Phương 26,Kim 30,Minh 26,Hồng 18,Bảo 22,Khánh 20,Quỳnh 18,Hoàng 18,Mai 10,Diệu 8,Như 12,"
    "Tuyết 10,Ánh 8,Cẩm 8,Lan 6,Bích 10,Mỹ 14,Gia 8,Thảo 6,Hà 8,Trúc 8,Thiên 5,Nhã 4,Yến 6,Tường 3,Thúy 10,Thuỳ 4"
)
MALE_GIVENS = (
    "Hùng 34,Dũng 30,Tuấn 34,Minh 30,Long 20,Nam 26,Sơn 24,Hải 26,Thắng 20,Hiếu 22,Huy 22,Đức 20,Phong 14,"
    "Thành 24,Trung 20,"
    "Cường 20,Quân 16,Khánh 12,Kiên 10,Việt 12,Tùng 14,Hoàng 20,Phúc 18,Bình 18,An 10,Anh 26,Bảo 16,Chiến 10,"
    "Công 8,Cảnh 4,"
    "Dương 10,Duy 12,Đạt 20,Điệp 3,Định 5,Đông 6,Giang 8,Hà 6,Hậu 8,Hòa 12,Hưng 16,Hữu 3,Khang 12,Khoa 14,"
    "Khôi 8,Lâm 12,"
    "Linh 8,Lộc 10,Lợi 8,Luân 5,Lực 5,Mạnh 10,Nghĩa 12,Nguyên 8,Nhân 12,Nhật 6,Ninh 4,Phát 10,Phú 10,Phương 8,Quang 16,"
    "Quốc 6,Quý 8,Quyết 5,Sang 8,Sinh 6,Tài 14,Tâm 12,Tân 8,Thái 10,Thanh 12,Thịnh 12,Thiện 8,Thọ 5,Thông 5,Thuận 8,"
    "Tiến 16,Tín 5,Toàn 14,Trí 10,Trọng 8,Trường 12,Tú 10,Tuân 4,Vinh 14,Vũ 14,Vương 5,Xuân 4,Đăng 8,Hoan 2,"
    "Mùi 1,Tý 1,Út 2"
)
FEMALE_GIVENS = (
    "Hương 32,Lan 28,Hoa 24,Mai 26,Hà 26,Hằng 20,Hạnh 22,Thảo 26,Linh 32,Trang 30,Huyền 22,Ngọc 24,Anh 32,"
    "Phương 28,Thủy 20,"
    "Thúy 12,Thu 14,Nga 18,Nhung 14,Yến 18,Oanh 12,Loan 16,Liên 14,Lý 4,Vân 20,Tuyết 14,Xuân 8,Dung 16,Hiền 20,Hòa 10,"
    "Hồng 14,Huệ 12,Kim 5,Lệ 5,Ly 8,My 12,Mỹ 6,Minh 5,Nhi 20,Như 14,Quyên 12,Quỳnh 14,Tâm 12,Thanh 12,Thắm 6,Thơm 5,"
    "Thư 16,Thương 8,Tiên 8,Trâm 10,Trinh 10,Trúc 8,Tú 5,Uyên 10,Vy 18,Ánh 8,Bích 5,Châu 8,Chi 12,Cúc 5,Diễm 6,Diệp 5,"
    "Diệu 4,Duyên 10,Đào 5,Giang 8,Hân 12,Hường 8,Khánh 4,Lam 4,Lài 3,Lành 2,Na 3,Ngân 14,Nguyệt 8,Phượng 12,"
    "Sen 3,Sương 5,"
    "Thoa 6,Vui 2,Bé 2,Út 2,Hoài 3,An 8,Bình 4,Dương 3,Hậu 4,Hảo 3,Nụ 1,Gấm 1,Mận 1,Tươi 2,Thuận 3,Tuyền 5"
)


@dataclass(frozen=True, slots=True)
class NameStyle:
    """The grammar of names of a people.

    Each field is a weighted list ("word weight,word weight"; an empty string: the part is not used). `opening` says
    which share of men or women bears Văn or Thị. `family_last`: the family name closes the name.
    `through_mother`: children take it from their mother.
    """

    families: str
    male_middles: str = MALE_MIDDLES
    female_middles: str = FEMALE_MIDDLES
    male_givens: str = MALE_GIVENS
    female_givens: str = FEMALE_GIVENS
    opening: float = 1.0
    family_last: bool = False
    through_mother: bool = False


_KINH = NameStyle(KINH_FAMILIES)
_TAY = NameStyle("Nông 20,Hoàng 25,Lý 10,Triệu 8,Đàm 8,Bế 6,Hứa 7,Ma 10,Lương 8,Mã 4,Lục 4,Vi 5,Chu 5,La 4,Dương 6")
_THAI = NameStyle("Lò 30,Cà 10,Quàng 10,Tòng 9,Lường 10,Vì 7,Cầm 6,Hà 6,Lương 5,Vi 5,Đèo 3,Hoàng 5,Lô 5,Lang 3")
_MUONG = NameStyle("Bùi 45,Đinh 18,Quách 9,Hà 9,Bạch 5,Xa 2,Phùng 3,Nguyễn 9")
_HMONG = NameStyle(
    "Giàng 20,Vàng 18,Sùng 15,Thào 12,Lầu 8,Hạng 7,Mùa 5,Ly 6,Cứ 4,Hờ 3,Vừ 5,Tráng 4,Lý 6,Cháng 3,Thò 3",
    male_middles="A 70,Seo 12,Mí 10,Bá 6,Văn 8",
    female_middles="Thị 90,Seo 5,Y 5",
    male_givens=(
        "Páo 10,Súa 9,Chống 7,Dơ 8,Sính 8,Phừ 6,Lử 8,Tủa 7,Dia 6,Chá 6,Nủ 5,Vảng 5,Pó 5,Sử 5,Lềnh 5,Hồng 4,Tỏa 4"
    ),
    female_givens="Mỷ 10,Dợ 9,Sua 8,Máy 8,Chư 8,Pà 7,Xay 6,Dí 5,Mai 6,Sông 5,Dủ 5,Chở 5,Xúa 4,Lía 4,Ké 3",
    opening=0.0,
)
_DAO = NameStyle(
    "Triệu 25,Bàn 22,Đặng 16,Phùng 12,Lý 14,Chảo 8,Tẩn 8,Phàn 5",
    male_middles="Văn 30,Tòn 12,Chòi 10,Láo 10,Tiến 8,Phúc 8,Hữu 6",
    female_middles="Thị 55,Mùi 20,Múi 8,Tả 6",
    opening=0.0,
)
_KHMER = NameStyle(
    "Thạch 26,Sơn 14,Kim 13,Danh 14,Lâm 8,Châu 5,Tăng 4,Lý 6,Trần 6,Kiên 4,Thị 2",
    male_middles=" 60,Sa 15,Minh 8,Hoàng 6,Văn 10",
    female_middles="Thị 60,Thị Sa 12,Ngọc 8, 20",
    male_givens=(
        "Sa Rết 8,Sô Phi 6,Út 8,Hoài 5,Dươl 5,Sóc 6,Thươl 5,Đa Ra 6,Ri 5,Sươl 5,Vuông 4,Sang 6,Khêl 4,Phước 5,Tha 4"
    ),
    female_givens=(
        "Rinh 8,Sô Phia 6,Đa Ni 5,Út 6,Hoa 5,Sa Mên 6,Thươne 4,Ranh 5,Na Ri 5,Linh 5,Phượng 4,Chanh 4,Sa Rương 4"
    ),
    opening=0.0,
)
_HOA = NameStyle(
    "Trần 18,Lâm 14,Lý 12,Huỳnh 10,Vương 7,Tô 6,Quách 7,Trương 8,Lưu 6,Mã 4,Lương 4,Tăng 4,Âu 2,Hứa 3,Khưu 3,Tiêu 2",
    male_middles="Chí 15,Vĩ 9,Quốc 9,Gia 10,Minh 9,Tuấn 6,Diệu 6,Chấn 5,Vinh 5,Kiến 6",
    female_middles="Mỹ 14,Ái 8,Thục 9,Tuệ 6,Bội 5,Lệ 9,Ngọc 9,Tiểu 6,Gia 6",
    opening=0.0,
)
_EDE = NameStyle(
    "Niê 30,Ayun 8,Êban 12,Mlô 14,Kbuôr 8,Byă 8,Hđơk 5,Êñuôl 5,Knul 4,Ktla 3,Niê Kdăm 6,Adrơng 3",
    male_middles=" 1",
    female_middles=" 1",
    male_givens=(
        "Y Thuột 5,Y Moan 6,Y Blăm 5,Y Dhăm 5,Y Khoa 5,Y Luyện 4,Y Phôn 4,Y Wăn 4,Y Bhiông 3,Y Trung 5,Y Nguyên 4,"
        "Y Suôl 3"
    ),
    female_givens=(
        "H'Hen 6,H'Linh 6,H'Bia 6,H'Duyên 4,H'Nguyệt 4,H'Ngăm 4,H'Rươi 4,H'Wen 4,H'Lan 4,H'Yer 3,H'Mrăt 2,H'Bluên 3"
    ),
    opening=0.0,
    family_last=True,
    through_mother=True,
)
_JRAI = NameStyle(
    "Rơ Châm 20,Ksor 18,Siu 18,Kpă 14,Nay 10,Rah Lan 10,Rmah 9,Rcom 6,Kpuih 5",
    male_middles=" 70,Y 20,Văn 10",
    female_middles=" 50,H' 0,Thị 10",
    male_givens="Phước 4,Hyương 4,Blơ 5,Thuân 4,Djưn 5,Tlơ 4,Lơng 4,Hưn 4,Pheo 3,Bơm 4,Klah 4,Chơn 4",
    female_givens="H'Nga 4,H'Bơm 4,H'Lan 5,H'Chi 4,H'Yam 4,H'Drơl 3,H'Uyên 4,H'Phin 4,H'Kra 3,H'Bé 3",
    opening=0.0,
    through_mother=True,
)
_BAHNAR = NameStyle(
    "",
    male_middles=" 1",
    female_middles=" 1",
    male_givens=(
        "A Hlao 5,A Chương 5,A Biu 5,A Thuih 4,A Jar 4,A Lăng 4,A Krui 4,A Ngưi 3,A Dũng 4,A Hùng 4,A Đưp 3,"
        "A Tơn 3,A Blố 3"
    ),
    female_givens=(
        "Y Blong 5,Y Hlưn 5,Y Ngân 4,Y Bênh 4,Y Lan 5,Y Phương 4,Y Dunh 3,Y Veo 3,Y Klai 3,Y Hơ 3,Y Nhếch 2,Y Thảo 4"
    ),
    opening=0.0,
)
_KOHO = NameStyle(
    "",
    male_middles=" 1",
    female_middles=" 1",
    male_givens=(
        "K'Brèo 5,K'Tem 4,K'Brơi 4,K'Sọ 4,K'Điệp 4,K'Hùng 4,Điểu K'Ré 3,Điểu Lên 4,Điểu Hùng 4,K'Lơm 3,Ha Thanh 3"
    ),
    female_givens=(
        "Ka Dìu 5,Ka Hem 4,Ka Thủy 4,Ka Brổi 4,Ka Duyên 4,Thị Brơi 3,Thị Nhói 3,Ka Să Rina 2,Ka Phương 4,K'Nga 3"
    ),
    opening=0.0,
)
_CHAM = NameStyle(
    "Từ 12,Đàng 14,Thành 8,Châu 10,Quảng 8,Lưu 8,Bá 10,Hán 8,Trượng 6,Đạt 6,Thiên 5,Phú 5",
    male_middles="Công 10,Năng 10,Văn 12,Quang 6,Minh 6, 12",
    female_middles="Thị 40,Nữ 10,Kim 8",
    opening=0.0,
)
_BRU = NameStyle("Hồ 90,Pi Năng 8,Chamaléa 7,Katơr 6,Mấu 4,Cao 6,Đinh 20,Phạm 8")

# By the name of the people in schemas/reference/ethnicities.csv. One that is not named here uses Kinh grammar.
STYLES: dict[str, NameStyle] = {
    "Kinh": _KINH,
    "Tày": _TAY,
    "Thái": _THAI,
    "Hoa": _HOA,
    "Khmer": _KHMER,
    "Mường": _MUONG,
    "Nùng": _TAY,
    "Mông": _HMONG,
    "Dao": _DAO,
    "Gia Rai": _JRAI,
    "Ê Đê": _EDE,
    "Ba Na": _BAHNAR,
    "Xơ Đăng": _BAHNAR,
    "Cơ Ho": _KOHO,
    "Chăm": _CHAM,
    "Hrê": _BRU,
    "Mnông": _KOHO,
    "Ra Glay": _BRU,
    "Xtiêng": _KOHO,
    "Bru Vân Kiều": _BRU,
}

# Share of peoples in the provinces as they were before 2025-07-01 (statistics code), after the 2019 census; rest: Kinh.
MINORITIES: dict[str, dict[str, float]] = {
    "02": {"Mông": 0.33, "Tày": 0.23, "Dao": 0.15, "Nùng": 0.10},
    "04": {"Tày": 0.41, "Nùng": 0.30, "Mông": 0.11, "Dao": 0.10},
    "06": {"Tày": 0.53, "Dao": 0.17, "Nùng": 0.09},
    "08": {"Tày": 0.26, "Dao": 0.13, "Nùng": 0.02},
    "10": {"Mông": 0.24, "Tày": 0.15, "Dao": 0.14, "Nùng": 0.04},
    "11": {"Thái": 0.36, "Mông": 0.38},
    "12": {"Thái": 0.31, "Mông": 0.24, "Dao": 0.13},
    "14": {"Thái": 0.54, "Mông": 0.16, "Mường": 0.07},
    "15": {"Tày": 0.18, "Dao": 0.12, "Mông": 0.12, "Thái": 0.07},
    "17": {"Mường": 0.63, "Thái": 0.04},
    "19": {"Tày": 0.11, "Nùng": 0.06},
    "20": {"Nùng": 0.42, "Tày": 0.36},
    "22": {"Dao": 0.05, "Tày": 0.03},
    "24": {"Nùng": 0.05, "Tày": 0.03},
    "38": {"Mường": 0.10, "Thái": 0.06},
    "40": {"Thái": 0.10, "Mông": 0.01},
    "45": {"Bru Vân Kiều": 0.11},
    "51": {"Hrê": 0.11},
    "54": {"Ê Đê": 0.03, "Chăm": 0.02},
    "58": {"Chăm": 0.12, "Ra Glay": 0.12},
    "60": {"Chăm": 0.03},
    "62": {"Xơ Đăng": 0.25, "Ba Na": 0.12},
    "64": {"Gia Rai": 0.30, "Ba Na": 0.12},
    "66": {"Ê Đê": 0.19, "Nùng": 0.04, "Tày": 0.03},
    "67": {"Mnông": 0.08, "Mông": 0.05, "Nùng": 0.05},
    "68": {"Cơ Ho": 0.13},
    "70": {"Xtiêng": 0.10, "Khmer": 0.02},
    "79": {"Hoa": 0.05},
    "84": {"Khmer": 0.32},
    "89": {"Khmer": 0.04, "Chăm": 0.01},
    "91": {"Khmer": 0.13},
    "94": {"Khmer": 0.31, "Hoa": 0.05},
    "95": {"Khmer": 0.08},
}

# Inhabitants in thousands, 2024, rounded: the weight of each old province.
INHABITANTS: dict[str, int] = {
    "01": 8590, "02": 900, "04": 545, "06": 325, "08": 810, "10": 780, "11": 645, "12": 490, "14": 1310, "15": 855,
    "17": 880, "19": 1350, "20": 805, "22": 1380, "24": 1920, "25": 1520, "26": 1200, "27": 1520, "30": 1960,
    "31": 2110, "33": 1300, "34": 1880, "35": 885, "36": 1880, "37": 1010, "38": 3740, "40": 3440, "42": 1320,
    "44": 915, "45": 655, "46": 1170, "48": 1250, "49": 1530, "51": 1250, "52": 1510, "54": 875, "56": 1260,
    "58": 600, "60": 1260, "62": 590, "64": 1600, "66": 1930, "67": 680, "68": 1350, "70": 1050, "72": 1200,
    "74": 2820, "75": 3310, "77": 1180, "79": 9460, "80": 1740, "82": 1790, "83": 1300, "84": 1020, "86": 1030,
    "87": 1600, "89": 1910, "91": 1755, "92": 1260, "93": 730, "94": 1200, "95": 925, "96": 1210,
}  # fmt: skip
