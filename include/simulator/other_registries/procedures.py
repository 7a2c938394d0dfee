"""Simulated database of administrative procedures: what is announced, and which agency offers what online."""

from __future__ import annotations

import numpy as np

from include.simulator.dirt import SystemRates, each
from include.simulator.other_registries.columns import Row, agencies, day, moved, old_form, sheet
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

PROCEDURES = 120
OFFERED_BY_EACH = 12
NAMES = (
    *("Đăng ký khai sinh", "Chứng thực bản sao từ bản chính", "Cấp giấy phép xây dựng", "Đăng ký biến động đất đai"),
    *("Cấp đổi giấy phép lái xe", "Đăng ký thành lập công ty", "Cấp thẻ bảo hiểm y tế", "Trợ cấp xã hội hằng tháng"),
)
BREAK = np.datetime64("2022-08-15T00:00:00", "s")  # levels 1 to 4 end (Decree 42/2022/NĐ-CP)


def procedure_code(number: int) -> str:
    """Code of a simulated procedure; the numbers are ours."""
    return f"1.9{number:05d}"


def build_procedures(society: Society, rates: SystemRates, out: TruthWriter) -> None:
    """Writes procedures and the services of agencies, dirty, and their truth."""
    rng = society.stream("procedures")
    ministries = agencies(society, ("bo", "ngang_bo"))
    start, now = np.datetime64("2018-01-02T00:00:00", "s"), np.datetime64(society.as_of, "s")
    procedures = [_procedure(number, ministries, rng, now) for number in range(PROCEDURES)]
    made = sheet("procedures", "procedure", ("ma_tthc", "hieu_luc_tu"), procedures, rng)
    made.plant(
        "procedure_without_dot", "ma_tthc", rates.procedure_without_dot, each(lambda v: v.replace(".", "")),
        rule="procedure-code-form",
    )  # fmt: skip
    made.plant(
        "no_time_limit", "thoi_han", rates.no_time_limit, lambda values: [0 for _ in values],
        rule="time-limit-positive",
    )  # fmt: skip
    made.plant("procedure_with_agency", "ma_tthc", rates.procedure_with_agency, each(lambda v: f"{v}.000.00.00.H56"))
    out.add(made)
    services: list[Row] = []
    for agency in (*ministries, *agencies(society, ("tinh",))):
        for number in rng.choice(PROCEDURES, OFFERED_BY_EACH, replace=False):
            services += _service(agency, int(number), moved(start, days=float(rng.integers(0, 1_500))), rng, now)
    made = sheet("procedures", "agency_service", ("ma_co_quan", "ma_dich_vu", "tu_ngay"), services, rng)
    made.plant(
        "agency_in_words", "ma_co_quan", rates.agency_in_words, each(lambda v: "Văn phòng tỉnh"), rule="agency-form"
    )
    made.plant(
        "level_of_another_time", "muc_do", rates.level_of_another_time,
        each(lambda v: "toan_trinh" if v.isdigit() else "4"), rule="level.reference",
    )  # fmt: skip
    made.plant(
        "ended_before_begun", "den_ngay", rates.ended_before_begun, each(lambda v: "01/01/2010"),
        rule="online-from-before-until",
    )  # fmt: skip
    made.repeat("repeated_row", rates.repeated_row)
    out.add(made)


def _procedure(number: int, ministries: list[str], rng: np.random.Generator, now: np.datetime64) -> Row:
    agency = ministries[number % len(ministries)]
    return {
        "ma_tthc": procedure_code(number),
        "hieu_luc_tu": "01/01/2018",
        "hieu_luc_den": None,
        "ten_tthc": f"{NAMES[number % len(NAMES)]} (mô phỏng {number + 1})",
        "ma_linh_vuc": f"{agency}-LV{number % 7:02d}",
        "cap_thuc_hien": str(rng.choice(("TW", "T", "X"))),
        "so_quyet_dinh": f"{number + 1}/QĐ-{agency}",
        "ngay_quyet_dinh": "20/12/2017",
        "thoi_han": int(rng.integers(1, 30)),
        "don_vi_thoi_han": "ngay_lam_viec",
        "doi_tuong": "Công dân Việt Nam",
        "ma_ket_qua": f"KQ.{agency}.{number:06d}",
        "trang_thai": "dang_cong_khai",
        "ngay_cap_nhat": moved(now, days=-float(rng.integers(1, 600))),
    }


def _service(agency: str, number: int, since: np.datetime64, rng: np.random.Generator, now: np.datetime64) -> list[Row]:
    """The offer before the break of 2022-08-15 and the one that took its place."""
    code = old_form(agency) if rng.random() < 0.7 else agency
    level = str(rng.choice(("2", "3", "4")))
    row: dict[str, str | int | np.datetime64 | None] = {
        "ma_co_quan": code,
        "ma_dich_vu": procedure_code(number),
        "tu_ngay": day(since),
        "den_ngay": day(BREAK),
        "ma_tthc": procedure_code(number),
        "ten_dich_vu": NAMES[number % len(NAMES)],
        "muc_do": level,
        "ly_do_mot_phan": None,
        "ngay_cap_nhat": moved(now, days=-float(rng.integers(1, 600))),
    }
    if level == "2":
        return [row]
    then = {**row, "tu_ngay": day(BREAK), "den_ngay": None, "muc_do": "toan_trinh" if level == "4" else "mot_phan"}
    return [row, then]
