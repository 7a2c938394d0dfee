"""Simulated register of the Government's programme: tasks, their progress, reports, connections, plans, committees."""

from __future__ import annotations

import numpy as np

from include.simulator.dirt import SystemRates, each
from include.simulator.other_registries.columns import Row, agencies, day, moved, old_form, sheet
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

RESOLUTION, OTHER_RESOLUTION = "36a/NQ-CP", "01/NQ-CP"
TASKS, OTHER_TASKS = 73, 17
# The words of the source and whether they mean done.
WORDS = ("Hoàn thành", "Cơ bản hoàn thành", "đã cơ bản HT", "hoàn thành 1 phần", "Đang thực hiện", "chưa thực hiện")
DONE = frozenset(WORDS[:3])
QUARTERS = ("2026-Q1", "2026-Q2")
KINDS = ("QLVB-VPCP", "MOT-CUA", "LGSP")


def build_programme(society: Society, rates: SystemRates, out: TruthWriter) -> None:
    """Writes the tables of the programme, dirty, and their truth."""
    rng = society.stream("programme")
    leads, provinces = agencies(society, ("bo", "ngang_bo")), agencies(society, ("tinh",))
    now = np.datetime64(society.as_of, "s")
    written = {"ngay_cap_nhat": moved(now, days=-3.0)}
    tasks, progress = _tasks(leads, rng, written)
    made = sheet("programme", "task", ("nghi_quyet", "ma_nhiem_vu"), tasks, rng)
    made.plant(
        "agency_in_words", "co_quan_chu_tri", rates.agency_in_words, each(lambda v: "Bộ KH&ĐT"),
        rule="lead-agency-form",
    )  # fmt: skip
    out.add(made)
    made = sheet("programme", "task_progress", ("nghi_quyet", "ma_nhiem_vu", "den_ngay"), progress, rng)
    made.plant(
        "unread_task_status", "tinh_trang", rates.unread_task_status, each(lambda v: "xong"), rule="status.reference"
    )
    made.plant(
        "done_after_report", "ngay_hoan_thanh", rates.done_after_report, each(lambda v: "31/12/2031"),
        rule="done-not-after-as-of",
    )  # fmt: skip
    out.add(made)
    _reports(rates, rng, out, [*leads, *provinces], written)
    _agencies(rng, out, leads, provinces, written)


def _tasks(leads: list[str], rng: np.random.Generator, written: Row) -> tuple[list[Row], list[Row]]:
    tasks: list[Row] = []
    progress: list[Row] = []
    for number in range(TASKS + OTHER_TASKS):
        is_other = number >= TASKS
        place = number - TASKS + 1 if is_other else number + 1
        named: Row = {
            "nghi_quyet": OTHER_RESOLUTION if is_other else RESOLUTION,
            "ma_nhiem_vu": f"{'01' if is_other else '36a'}-{place:02d}",
        }
        others = rng.choice(leads, int(rng.integers(0, 3)), replace=False)
        is_continuous = rng.random() < 0.15
        tasks.append(
            {
                **named,
                "noi_dung": f"Nhiệm vụ mô phỏng {place}",
                "loai": "specific",
                "co_quan_chu_tri": leads[number % len(leads)],
                "co_quan_phoi_hop": ";".join(str(other) for other in others) or None,
                "thuong_xuyen": str(int(is_continuous)),
                "thoi_han": None if is_continuous else "31/12/2026",
                **written,
            }
        )
        for as_of, chances in (("30/06/2026", (2, 1, 1, 1, 3, 2)), ("30/09/2026", (5, 2, 1, 1, 2, 0))):
            said = str(rng.choice(WORDS, p=np.array(chances) / sum(chances)))
            done = f"15/{as_of[3:]}" if said in DONE else None
            told: Row = {"den_ngay": as_of, "tinh_trang": said, "ngay_hoan_thanh": done}
            progress.append({**named, **told, "van_ban_minh_chung": None, **written})
    return tasks, progress


def _reports(rates: SystemRates, rng: np.random.Generator, out: TruthWriter, owing: list[str], written: Row) -> None:
    """Most reports come, some twice: as a scan that was signed, then as data."""
    duties: list[Row] = []
    sent: list[Row] = []
    items: list[Row] = []
    for agency in owing:
        for quarter in QUARTERS:
            duty: Row = {"ma_nghia_vu": f"BC-{quarter}-{agency}"}
            codes = [f"36a-{int(number) + 1:02d}" for number in rng.choice(TASKS, 3, replace=False)]
            due = np.datetime64(f"2026-{3 * int(quarter[-1]):02d}-25T17:00:00", "s")
            what: Row = {"chuong_trinh": RESOLUTION, "ma_co_quan": old_form(agency), "ky_bao_cao": quarter}
            duties.append({**duty, **what, "han_gui": due, "noi_dung_duoc_giao": ";".join(codes), **written})
            if rng.random() < 0.1:
                continue
            forms = ("scan", "data") if rng.random() < 0.2 else ("data",)
            for version, form in enumerate(forms, start=1):
                arrived = moved(due, days=float(rng.integers(-5, 4)) + version)
                sent.append({**duty, "lan_gui": version, "ngay_nhan": arrived, "ma_van_ban": None, "hinh_thuc": form})
                for code in codes:
                    is_none = rng.random() < 0.2
                    value = "không có" if is_none else str(int(rng.integers(1, 100)))
                    reason = "Chưa phát sinh" if is_none else None
                    item: Row = {**duty, "lan_gui": version, "ma_noi_dung": code}
                    items.append({**item, "gia_tri": value, "ghi_chu": reason, **written})
    out.add(sheet("programme", "report_obligation", ("ma_nghia_vu",), duties, rng))
    made = sheet("programme", "submission", ("ma_nghia_vu", "lan_gui"), sent, rng)
    made.repeat("repeated_row", rates.repeated_row)
    out.add(made)
    made = sheet("programme", "report_item", ("ma_nghia_vu", "lan_gui", "ma_noi_dung"), items, rng)
    without = np.array([row["gia_tri"] == "không có" for row in items])
    made.plant("zero_for_none", "gia_tri", rates.zero_for_none, each(lambda v: "0"), where=without)
    out.add(made)


def _agencies(rng: np.random.Generator, out: TruthWriter, leads: list[str], provinces: list[str], written: Row) -> None:
    connected: list[Row] = []
    for agency in (*leads, *provinces):
        for kind in KINDS:
            since = np.datetime64("2024-01-10T00:00:00", "s") + np.timedelta64(int(rng.integers(0, 700)), "D")
            state = "thu_nghiem" if rng.random() < 0.2 else "hoan_thanh"
            one: Row = {"ma_co_quan": old_form(agency), "loai_ket_noi": kind, "tu_ngay": day(since), "den_ngay": None}
            connected.append({**one, "trang_thai": state, "tinh_den": "30/09/2026", **written})
    out.add(sheet("programme", "connection", ("ma_co_quan", "loai_ket_noi", "tu_ngay"), connected, rng))
    plans: list[Row] = [
        {"ma_co_quan": old_form(agency), "nghi_quyet": "17/NQ-CP", "ngay_ban_hanh": "10/04/2019", **written}
        for agency in (*leads, *provinces)
    ]
    out.add(sheet("programme", "plan", ("ma_co_quan", "nghi_quyet"), plans, rng))
    committees: list[Row] = [
        {"ma_co_quan": old_form(agency), "ngay_thanh_lap": "01/10/2018", **written} for agency in (*leads, *provinces)
    ]
    out.add(sheet("programme", "steering_committee", ("ma_co_quan",), committees, rng))
