"""Simulated one-stop systems: dossiers of one province and of the national portal, which copies some of the former."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa

from include.simulator.dirt import SystemRates, each
from include.simulator.other_registries.columns import Row, Value, agencies, moved, old_form, sheet
from include.simulator.other_registries.procedures import PROCEDURES, procedure_code
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

SERVERS = ("dossiers-38", "dossiers-central")
PROVINCE = "H56"
COPIED = 0.15  # share of the province's dossiers that the portal holds too
FINISHED, RETURNED, REFUSED, SUPPLEMENT = "9", "10", "3", "5"
LONG_AGO = datetime(2024, 1, 2, 8)  # before any dossier
STATES = {"10": 0.62, "9": 0.1, "4": 0.12, "2": 0.05, "5": 0.04, "6": 0.02, "3": 0.03, "7": 0.01, "1": 0.01}


@dataclass(slots=True)
class Shelf:
    """The rows of one server, by table; `persons` are whose dossiers they are (None: an organisation's)."""

    dossiers: list[dict[str, Value]] = field(default_factory=list)
    persons: list[int | None] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    components: list[Row] = field(default_factory=list)
    supplements: list[Row] = field(default_factory=list)
    fees: list[Row] = field(default_factory=list)


def build_dossiers(society: Society, rates: SystemRates, out: TruthWriter) -> None:
    """Writes the five tables of each server, dirty, and their truth."""
    rng = society.stream("dossiers")
    shelves = {server: Shelf() for server in SERVERS}
    adults = np.flatnonzero(society.is_alive & (society.age > 18))
    ministries = agencies(society, ("bo", "ngang_bo"))
    for number in range(max(200, len(society) // 8)):
        is_local = rng.random() < 0.7
        agency = PROVINCE if is_local else str(rng.choice(ministries))
        one = Shelf()
        _dossier(society, rates, rng, one, agency, number, int(rng.choice(adults)))
        holders = [SERVERS[0] if is_local else SERVERS[1]]
        if is_local and rng.random() < COPIED:
            holders.append(SERVERS[1])
        for holder in holders:
            shelf = shelves[holder]
            shelf.dossiers += [dict(row) for row in one.dossiers]
            shelf.persons += one.persons
            shelf.steps += one.steps
            shelf.components += one.components
            shelf.supplements += one.supplements
            shelf.fees += one.fees
    for server, shelf in shelves.items():
        _write(server, shelf, rates, rng, out)


def _dossier(
    society: Society,
    rates: SystemRates,
    rng: np.random.Generator,
    shelf: Shelf,
    agency: str,
    number: int,
    who: int,
) -> None:
    now = np.datetime64(society.as_of, "s")
    submitted = moved(now, days=-float(rng.integers(20, 420)), hours=float(rng.integers(8, 17)))
    received = moved(submitted, minutes=float(rng.integers(5, 90)))
    due = moved(received, days=float(rng.integers(3, 15)))
    finished = received if rng.random() < rates.closed_in_batch else moved(received, days=rng.random() * 16)
    returned = moved(finished, hours=1 + rng.random() * 40)
    state = str(rng.choice(list(STATES), p=[*STATES.values()]))
    is_firm = rng.random() < 0.15 and len(society.organisations) > 0
    firm = number % max(1, len(society.organisations))
    name = society.organisations.name[firm] if is_firm else society.names.full_name[who]
    identifier = society.organisations.tax_code[firm] if is_firm else society.personal_id[who]
    stamp = received.astype("datetime64[D]").astype(object)
    is_long = rng.random() < rates.code_of_eight_digits
    code = f"{old_form(agency)}-{stamp:%Y%m%d}-{number:05d}" if is_long else (
        f"{old_form(agency)}-{stamp:%y%m%d}-{number:04d}"
    )  # fmt: skip
    is_in, is_done = state not in ("1", REFUSED), state in (FINISHED, RETURNED)
    written = moved(now, minutes=-float(rng.integers(1, 20_000)))
    shelf.persons.append(None if is_firm else who)
    shelf.dossiers.append(
        {
            "MaHoSo": code,
            "MaTTHC": procedure_code(number % PROCEDURES),
            "MaLinhVuc": f"{agency}-LV{number % 7:02d}",
            "DonViXuLy": old_form(agency),
            "KenhThucHien": None if rng.random() < rates.channel_missing else str(rng.choice(("1", "2", "3"))),
            "TrangThaiHoSo": state,
            "LoaiDoiTuong": "2" if is_firm else "1",
            "SoDinhDanh": identifier.as_py(),
            "ChuHoSo": name.as_py(),
            "NgayNopHoSo": submitted,
            "NgayTiepNhan": received if is_in else None,
            "NgayHenTra": due if is_in and rng.random() >= rates.due_missing else None,
            "NgayKetThucXuLy": finished if is_done else None,
            "NgayTra": returned if state == RETURNED else None,
            "NgayTuChoi": moved(submitted, hours=20) if state == REFUSED else None,
            "TaiKhoanDuocXacThucVoiVNeID": str(int(rng.random() < 0.8)),
            "HoSoCoThanhPhanSoHoa": str(int(rng.random() < 0.6)),
            "HoSoKiemThu": str(int(rng.random() < rates.test_dossier)),
            "MaGiayToKetQua": None,
            "NgayCapNhat": written,
        }
    )
    _parts(rng, shelf, code, state, received, due, written)


def _parts(
    rng: np.random.Generator,
    shelf: Shelf,
    code: str,
    state: str,
    received: np.datetime64,
    due: np.datetime64,
    written: np.datetime64,
) -> None:
    ends: Row = {"NgayCapNhat": written}
    if state not in ("1", REFUSED):
        for place, told in enumerate(dict.fromkeys(("2", "4", state)), start=1):
            done = moved(received, hours=float(place))
            step: Row = {"MaHoSo": code, "ThuTu": place, "TrangThai": told, "ThoiDiemXuLy": done}
            shelf.steps.append({**step, "NgayKetThucTheoQuyDinh": due, **ends})
    for place in range(int(rng.integers(1, 3))):
        origin = int(rng.integers(0, 4))  # re-used, from a database, or (twice as often) uploaded
        component: Row = {"MaHoSo": code, "MaThanhPhanHoSo": f"TP-{place + 1:04d}", "ThuTu": 1}
        flags = {"DuocSoHoa": "1", "DuocTaiSuDung": str(int(origin == 0)), "DuocLayTuKhoDMQG": str(int(origin == 1))}
        shelf.components.append({**component, **flags, "MaKetQuaThayThe": None, **ends})
    if state == SUPPLEMENT or rng.random() < 0.05:
        asked: Row = {"MaHoSo": code, "ThuTu": 1, "NgayYeuCau": moved(received, hours=20)}
        shelf.supplements.append({**asked, "NgayHenTraTruoc": due, "NgayHenTraMoi": moved(due, days=5), **ends})
    if rng.random() < 0.4:
        fee: Row = {"MaHoSo": code, "ThuTu": 1, "SoTien": str(int(rng.integers(1, 40)) * 5_000)}
        paid: Row = {"NgayThanhToan": moved(received, minutes=5), "KenhThanhToan": str(rng.choice(("1", "2")))}
        shelf.fees.append({**fee, **paid, **ends})


def _write(server: str, shelf: Shelf, rates: SystemRates, rng: np.random.Generator, out: TruthWriter) -> None:
    made = sheet(server, "dossier", ("MaHoSo",), shelf.dossiers, rng)
    codes = [row["MaHoSo"] for row in shelf.dossiers]
    for kind, column, is_so in (
        ("due_missing", "NgayHenTra", lambda r: r["NgayHenTra"] is None and r["NgayTiepNhan"] is not None),
        ("channel_missing", "KenhThucHien", lambda r: r["KenhThucHien"] is None),
        ("test_dossier", "HoSoKiemThu", lambda r: r["HoSoKiemThu"] == "1"),
        ("code_of_eight_digits", "MaHoSo", lambda r: len(str(r["MaHoSo"]).split("-")[1]) == 8),
    ):
        made.note(kind, column, np.array([is_so(row) for row in shelf.dossiers]), pa.array(codes))
    made.plant(
        "received_before_submitted", "NgayTiepNhan", rates.received_before_submitted,
        lambda values: [LONG_AGO for _ in values],
        rule="received-after-submitted",
    )  # fmt: skip
    made.plant(
        "finished_before_received", "NgayKetThucXuLy", rates.finished_before_received,
        lambda values: [LONG_AGO for _ in values],
        rule="finished-after-received",
    )  # fmt: skip
    made.plant("unknown_state", "TrangThaiHoSo", rates.unknown_state, each(lambda v: "99"), rule="state.reference")
    made.plant("agency_in_words", "DonViXuLy", rates.agency_in_words, each(lambda v: "Sở Tư pháp"), rule="agency-form")
    made.plant("agency_of_new_form", "DonViXuLy", rates.agency_of_new_form, each(lambda v: f"{v[-3:]}.17"))
    made.plant("procedure_with_agency", "MaTTHC", rates.procedure_with_agency, each(lambda v: f"{v}.000.00.00.H56"))
    made.repeat("repeated_row", rates.repeated_row)
    owners = [-1 if person is None else person for person in shelf.persons]
    out.add(made, persons=pa.array(owners, pa.int64(), mask=np.array([owner < 0 for owner in owners])))
    made = sheet(server, "step", ("MaHoSo", "ThuTu"), shelf.steps, rng)
    made.plant("unknown_state", "TrangThai", rates.unknown_state, each(lambda v: "99"), rule="state.reference")
    out.add(made)
    made = sheet(server, "component", ("MaHoSo", "MaThanhPhanHoSo", "ThuTu"), shelf.components, rng)
    is_reused = np.array([row["DuocTaiSuDung"] == "1" for row in shelf.components])
    made.plant(
        "two_origins", "DuocLayTuKhoDMQG", rates.two_origins, each(lambda v: "1"), where=is_reused,
        rule="component-one-origin",
    )  # fmt: skip
    out.add(made)
    out.add(sheet(server, "supplement", ("MaHoSo", "ThuTu"), shelf.supplements, rng))
    made = sheet(server, "fee", ("MaHoSo", "ThuTu"), shelf.fees, rng)
    made.plant("negative_fee", "SoTien", rates.negative_fee, each(lambda v: f"-{v}"), rule="fee-not-negative")
    out.add(made)
