"""The data set that must give the published figures of Q4/2017 and Q1/2018: constructed, no data of real services.

Services, dossiers, tasks and connections as sources would hold them, in SQLite databases with the columns that the
contracts read, and decoys that must change nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from include.contracts.model import Table
from include.contracts.reading import load_contract

MINISTRIES = [f"G{number:02}" for number in range(1, 24)]  # bộ, cơ quan ngang bộ and BHXH VN
PROVINCES = [f"H{number:02}" for number in range(1, 64)]
OFFERED = {"ministry": (1_545, 1_551), "province": (31_471, 45_374)}  # at the end of Q4/2017 and of Q1/2018
ACTIVE = {"ministry": (991, 376), "province": (4_853, 4_396)}
REPORTING = [f"G{number:02}" for number in range(1, 31) if number != 22]
_LETTER = {"ministry": "1", "province": "2"}
RAISED = ("province", 20_000)
NOW = "2018-04-02 08:00:00"
DAY = "2018-03-01 08:00:00"
OPEN = {"NgayKetThucXuLy": None, "NgayHenTra": None}
THANH_HOA = "H56"
SERVERS = {"procedures": "procedures", "dossiers-38": "dossiers", "dossiers-central": "dossiers",
           "programme": "programme"}  # fmt: skip

Row = Mapping[str, Any]


class Sources:
    """SQLite databases of all servers, with the tables of their contracts."""

    def __init__(self, folder: Path, schemas: Path) -> None:
        self.folder = folder
        self.tables = {
            registry: load_contract(schemas / "registries" / f"{registry}.odcs.yaml").tables
            for registry in set(SERVERS.values())
        }
        for server, registry in SERVERS.items():
            with sqlite3.connect(self.path(server)) as database:
                for name, columns in _columns(self.tables[registry]).items():
                    database.execute(f"CREATE TABLE {name} ({', '.join(f'{column} TEXT' for column in columns)})")

    def path(self, server: str) -> Path:
        return self.folder / f"{server}.db"

    @property
    def connections(self) -> dict[str, str]:
        return {f"AIRFLOW_CONN_{s.upper().replace('-', '_')}": f"sqlite:///{self.path(s)}" for s in SERVERS}

    def put(self, server: str, table: str, rows: Iterable[Row]) -> None:
        """Add rows to a table of a server's database."""
        with sqlite3.connect(self.path(server)) as database:
            for row in rows:
                marks = ", ".join("?" * len(row))
                database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def fill(sources: Sources) -> None:
    """All of the data set."""
    sources.put("procedures", "dich_vu_cong", [*_services(), *_service_decoys()])
    for server in ("dossiers-38", "dossiers-central"):
        sources.put(server, "ho_so", _dossiers(server))
    sources.put("dossiers-central", "ho_so", _dossier_decoys())
    sources.put("dossiers-38", "ho_so", [_copied(), *_older_copies()])
    sources.put("programme", "nhiem_vu", _tasks())
    sources.put("programme", "tien_do_nhiem_vu", _progress())
    sources.put("programme", "ket_noi", _connections())
    sources.put("programme", "nghia_vu_bao_cao", _obligations())
    sources.put("programme", "bao_cao", _submissions())


def service_code(scope: str, k: int) -> str:
    return f"{_LETTER[scope]}.{k:06}"


def agency_of(scope: str, k: int) -> str:
    agencies = MINISTRIES if scope == "ministry" else PROVINCES
    return agencies[k % len(agencies)]


def dossier(code: str, service: str, agency: str, at: str, **other: Any) -> Row:
    """A dossier taken in and done online, unless it is said otherwise."""
    return {
        "MaHoSo": code, "MaTTHC": service, "DonViXuLy": agency, "KenhThucHien": "2", "TrangThaiHoSo": "9",
        "NgayNopHoSo": at, "NgayTiepNhan": at, "NgayKetThucXuLy": at, "NgayHenTra": at, "HoSoKiemThu": "0",
        "NgayCapNhat": NOW, **other,
    }  # fmt: skip


def _columns(tables: Iterable[Table]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for table in tables:
        columns = found.setdefault(table.source_name, {})
        columns |= {column.source_name: None for column in table.columns if not column.source_name.startswith("_")}
    return {name: list(columns) for name, columns in found.items()}


def _service(scope: str, k: int, **other: Any) -> Row:
    began = "2017-01-01" if k <= OFFERED[scope][0] else "2018-02-15"
    return {
        "ma_co_quan": agency_of(scope, k), "ma_dich_vu": service_code(scope, k), "tu_ngay": began, "muc_do": "3",
        "ngay_cap_nhat": NOW, **other,
    }  # fmt: skip


def _services() -> Iterable[Row]:
    for scope, (_, count) in OFFERED.items():
        yield from (_service(scope, k) for k in range(1, count + 1) if (scope, k) != RAISED)
    # It went from level 3 to 4 within the quarter: neither ended nor added.
    yield _service(*RAISED, den_ngay="2018-02-01")
    yield _service(*RAISED, tu_ngay="2018-02-01", muc_do="4")


def _service_decoys() -> Iterable[Row]:
    yield _service("ministry", 800_001, tu_ngay="2017-01-01", muc_do="2")
    yield _service("ministry", 800_002, tu_ngay="2017-01-01", den_ngay="2017-09-30")
    yield _service("ministry", 800_004, tu_ngay="2018-01-15", den_ngay="2018-03-01")  # came and went
    yield _service("province", 800_005, tu_ngay="2018-04-01")
    yield _service("province", 800_006, tu_ngay="2017-01-01", muc_do="1")
    # The same offer, under the older form of its agency's code.
    yield _service("ministry", 7, ma_co_quan=f"000.00.00.{agency_of('ministry', 7)}", tu_ngay="2017-03-01")


def _dossiers(server: str) -> Iterable[Row]:
    """One dossier for each active service: in Q4/2017 and in Q1/2018; those of H56 on its own server."""
    for quarter, at in ((0, "2017-11-15 09:00:00"), (1, "2018-02-20 09:00:00")):
        for scope, counts in ACTIVE.items():
            for k in range(1, counts[quarter] + 1):
                agency = agency_of(scope, k)
                if (agency == THANH_HOA) == (server == "dossiers-38") and (quarter, scope, k) != (1, "ministry", 376):
                    yield dossier(f"{agency}-{at[2:10].replace('-', '')}-{k:06}", service_code(scope, k), agency, at)


def _copied() -> Row:
    """A ministry's dossier that its province has too."""
    return dossier("G02-180220-000001", service_code("ministry", 1), "G02", "2018-02-20 09:00:00")


def _older_copies() -> Iterable[Row]:
    """What the province's server still says of dossiers that the central one tells otherwise since."""
    for number, k in ((11, 411), (12, 412)):
        code = f"G11-180301-{number:06}"
        yield dossier(code, service_code("ministry", k), "G11", DAY, NgayCapNhat="2018-03-02 08:00:00")


def _dossier_decoys() -> Iterable[Row]:
    """The last moment of the quarter counts; nothing else here does."""
    last, after = "2018-03-31T16:59:59Z", "2018-03-31T17:00:00Z"  # in Viet Nam 23:59:59, and the next day
    yield dossier("G09-180331-000376", service_code("ministry", 376), "G09", last)
    yield dossier("G10-180401-000001", service_code("ministry", 400), "G10", after)
    for number, (k, other) in enumerate([
        (401, {"KenhThucHien": "1"}),
        (402, {"KenhThucHien": None}),
        (403, {"TrangThaiHoSo": "1", "NgayTiepNhan": None, "NgayKetThucXuLy": None}),
        (404, {"TrangThaiHoSo": "3", "NgayTiepNhan": None, "NgayKetThucXuLy": None, "NgayTuChoi": DAY}),
        (405, {"TrangThaiHoSo": "7"}),
        (406, {"HoSoKiemThu": "1"}),
        (800_001, {}),  # of level 2
        (800_002, {}),  # ended before
        (800_003, {}),  # offered by nobody
        (800_004, {}),  # came and went within the quarter
        (411, {"TrangThaiHoSo": "7"}),  # withdrawn since the copy on the other server
        (412, {"TrangThaiHoSo": "3", "NgayTiepNhan": None, "NgayKetThucXuLy": None, "NgayTuChoi": DAY}),
        (413, {"TrangThaiHoSo": "4", "NgayTiepNhan": "2018-04-02 09:00:00", **OPEN}),  # taken in after the quarter
        (414, {"NgayNopHoSo": "2017-09-29 09:00:00", "NgayTiepNhan": "2017-09-29 09:00:00"}),  # of a quarter before
        (3, {"TrangThaiHoSo": "4", "NgayKetThucXuLy": None}),  # re-opened; its service has others
        (4, {"NgayNopHoSo": "2017-12-30 09:00:00", "NgayTiepNhan": "2018-01-02 09:00:00"}),
    ], 1):  # fmt: skip
        yield dossier(f"G11-180301-{number:06}", service_code("ministry", k), "G11", DAY, **other)
    # Handled by an agency that took over from the one that offers it: a second dossier of an active service.
    yield dossier("000.00.00.G23-180302-0001", service_code("ministry", 2), "000.00.00.G23", DAY)


def _tasks() -> Iterable[Row]:
    for resolution, code, count in (("36a/NQ-CP", "36a", 73), ("01/NQ-CP", "01", 17), ("136a/NQ-CP", "136a", 3)):
        for number in range(1, count + 1):
            yield {
                "nghi_quyet": resolution, "ma_nhiem_vu": f"{code}-{number:02}", "noi_dung": f"Nhiệm vụ {number}",
                "loai": "specific", "co_quan_chu_tri": MINISTRIES[number % 23], "thuong_xuyen": "0",
                "thoi_han": "2016-12-31", "ngay_cap_nhat": NOW,
            }  # fmt: skip
    yield {
        "nghi_quyet": "36a/NQ-CP", "ma_nhiem_vu": "36a-g1", "noi_dung": "Nhiệm vụ chung", "loai": "general",
        "co_quan_chu_tri": "G22", "thuong_xuyen": "1", "ngay_cap_nhat": NOW,
    }  # fmt: skip


def _progress() -> Iterable[Row]:
    def told(number: int, day: str, status: str, code: str = "36a", resolution: str = "36a/NQ-CP") -> Row:
        return {"nghi_quyet": resolution, "ma_nhiem_vu": f"{code}-{number:02}", "den_ngay": day, "tinh_trang": status,
                "ngay_cap_nhat": NOW}  # fmt: skip

    for number in range(1, 74):
        first = "Hoàn thành" if number <= 20 else "Cơ bản hoàn thành" if number <= 31 else "Đang thực hiện"
        yield told(number, "2016-10-10", first)
        later = "Hoàn thành" if number <= 40 else "đã cơ bản HT" if number <= 53 else "hoàn thành 1 phần"
        yield told(number, "2018-03-31", later)
        yield told(number, "2018-04-10", "Hoàn thành")  # after the quarter
        if number > 60:
            yield told(number, "2017-06-30", "Hoàn thành")  # taken back since
    yield from (told(number, "2016-01-01", "Hoàn thành", "136a", "136a/NQ-CP") for number in range(1, 4))
    yield from (told(number, "2018-01-01", "Hoàn thành", "01", "01/NQ-CP") for number in range(1, 18))


def _connections() -> Iterable[Row]:
    def of(agency: str, state: str, kind: str = "QLVB-VPCP", **other: Any) -> Row:
        return {"ma_co_quan": agency, "loai_ket_noi": kind, "tu_ngay": "2017-06-01", "trang_thai": state,
                "ngay_cap_nhat": NOW, **other}  # fmt: skip

    for position, agency in enumerate(REPORTING):
        if position < 28:
            since = {"tu_ngay": "2015-12-01"} if position < 25 else {}
            yield of(agency, "hoan_thanh" if position < 26 else "thu_nghiem", **since)
    yield of(f"{REPORTING[27]}.05", "hoan_thanh")  # a department of one that is still testing
    yield of("K15", "hoan_thanh")  # neither of the Government nor a province
    yield of("G77", "hoan_thanh", tu_ngay="2016-06-01", den_ngay="2018-02-15")  # an agency that took another name
    yield of(REPORTING[28], "thu_nghiem", "LGSP")
    yield of("G22", "hoan_thanh")  # the Government Office with itself
    yield of("G27", "hoan_thanh", tu_ngay="2018-04-05")  # complete after the quarter
    yield from (of(agency, "hoan_thanh") for agency in PROVINCES)


def _obligations() -> Iterable[Row]:
    for agency in REPORTING:
        yield {
            "ma_nghia_vu": f"36a-2018Q1-{agency}", "chuong_trinh": "36a/NQ-CP", "ma_co_quan": agency,
            "ky_bao_cao": "2018-Q1", "han_gui": "2018-03-20 17:00:00", "ngay_cap_nhat": NOW,
        }  # fmt: skip


def _submissions() -> Iterable[Row]:
    """The first three send nothing, the next two late; one of those in time sends a second version late."""
    for position, agency in enumerate(REPORTING[3:]):
        day = "2018-03-25 08:00:00" if position < 2 else "2018-03-20 16:59:00"
        yield {"ma_nghia_vu": f"36a-2018Q1-{agency}", "lan_gui": "1", "ngay_nhan": day}
    yield {"ma_nghia_vu": f"36a-2018Q1-{REPORTING[-1]}", "lan_gui": "2", "ngay_nhan": "2018-03-28 08:00:00"}
