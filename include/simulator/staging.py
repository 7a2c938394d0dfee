"""Files of a simulated country on disk.

<root>/country.json                     seed, persons, as-of date, rows of every table
<root>/staging/<registry>/<table>.parquet   each source table as its owner holds it, dirt included
<root>/staging/dossiers-<server>/...    dossiers as each of their two servers holds them
<root>/staging/land-<province>/...      land as each province holds it (written when it is loaded)
<root>/drops/finance/                   the finance file drop
<root>/truth/persons.parquet            who is who
<root>/truth/links.parquet              which row of which table speaks of whom
<root>/truth/dirt.parquet               every fault, and what must become of its row
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.simulator.dirt import DIRT_SCHEMA, Sheet
from include.simulator.land_vendors import vendor_of

LINK_SCHEMA = pa.schema(
    [
        ("registry", pa.string()),
        ("table", pa.string()),
        ("row", pa.int64()),
        ("key", pa.string()),
        ("person_id", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """`name` in the source system and the columns that identify a row there; `indexed` as loaded."""

    name: str
    keys: tuple[str, ...]


SOURCES: dict[str, dict[str, SourceTable]] = {
    "population": {
        "citizen": SourceTable("cong_dan", ("so_dinh_danh",)),
        "household_member": SourceTable("thanh_vien_ho", ("ma_ho", "so_dinh_danh")),
    },
    "land": {
        "parcel": SourceTable("thua_dat", ("ma_xa_cu", "so_to", "so_thua")),
        "certificate": SourceTable("giay_chung_nhan", ("ma_gcn",)),
        "ownership": SourceTable("chu_so_huu", ("ma_quyen",)),
    },
    "insurance": {
        "member": SourceTable("nguoi_tham_gia", ("so_bhxh",)),
        "health_card": SourceTable("the_bhyt", ("ma_the",)),
        "contribution": SourceTable("qua_trinh_dong", ("so_bhxh", "mst_don_vi", "thang")),
    },
    "finance": {
        "taxpayer": SourceTable("nguoi_nop_thue.csv", ("MST",)),
        "payment": SourceTable("thu_ngan_sach_*.csv", ("SO_BIEN_LAI",)),
        "tax_relief": SourceTable("mien_giam_thue.xlsx#MienGiam", ("SO_QD",)),
    },
}

# The other systems, built on request; dossiers live on two servers.
SYSTEM_SOURCES: dict[str, dict[str, SourceTable]] = {
    "business": {
        "enterprise": SourceTable("doanh_nghiep", ("ENTERPRISE_GDT_CODE",)),
        "branch": SourceTable("don_vi_phu_thuoc", ("PARENT_GDT_CODE", "BRANCH_CODE")),
        "business_line": SourceTable("nganh_nghe", ("ENTERPRISE_GDT_CODE", "VSIC_CODE")),
        "member": SourceTable("thanh_vien", ("ENTERPRISE_GDT_CODE", "MEMBER_NO")),
    },
    "procedures": {
        "procedure": SourceTable("thu_tuc", ("ma_tthc", "hieu_luc_tu")),
        "agency_service": SourceTable("dich_vu_cong", ("ma_co_quan", "ma_dich_vu", "tu_ngay")),
    },
    "dossiers": {
        "dossier": SourceTable("ho_so", ("MaHoSo",)),
        "step": SourceTable("buoc_xu_ly", ("MaHoSo", "ThuTu")),
        "component": SourceTable("thanh_phan_ho_so", ("MaHoSo", "MaThanhPhanHoSo", "ThuTu")),
        "supplement": SourceTable("bo_sung_ho_so", ("MaHoSo", "ThuTu")),
        "fee": SourceTable("phi_le_phi", ("MaHoSo", "ThuTu")),
    },
    "documents": {
        "document": SourceTable("van_ban", ("DocumentId",)),
        "transmission": SourceTable("gui_van_ban", ("DocumentId", "ToOrganId", "SentAt")),
        "status_event": SourceTable("trang_thai_van_ban", ("DocumentId", "OrganId", "StatusCode", "EventAt")),
        "signature": SourceTable("chu_ky_so", ("DocumentId", "SignRole", "CertSerial", "CertIssuer")),
    },
    "programme": {
        "task": SourceTable("nhiem_vu", ("nghi_quyet", "ma_nhiem_vu")),
        "task_progress": SourceTable("tien_do_nhiem_vu", ("nghi_quyet", "ma_nhiem_vu", "den_ngay")),
        "report_obligation": SourceTable("nghia_vu_bao_cao", ("ma_nghia_vu",)),
        "submission": SourceTable("bao_cao", ("ma_nghia_vu", "lan_gui")),
        "report_item": SourceTable("noi_dung_bao_cao", ("ma_nghia_vu", "lan_gui", "ma_noi_dung")),
        "connection": SourceTable("ket_noi", ("ma_co_quan", "loai_ket_noi", "tu_ngay")),
        "plan": SourceTable("ke_hoach", ("ma_co_quan", "nghi_quyet")),
        "steering_committee": SourceTable("ban_chi_dao", ("ma_co_quan",)),
    },
}
SYSTEM_SERVERS = ("business", "procedures", "dossiers-38", "dossiers-central", "documents", "programme")


@dataclass(frozen=True, slots=True)
class Country:
    """A simulated country on disk. `rows` counts source rows by `registry.table`, repeated rows included."""

    root: Path
    persons: int
    seed: int
    as_of: str
    rows: dict[str, int] = field(default_factory=dict)

    def staged(self, registry: str, table: str) -> Path:
        """The Parquet file of one source table."""
        return self.root / "staging" / registry / f"{table}.parquet"

    @property
    def truth(self) -> Path:
        """The folder of truth tables."""
        return self.root / "truth"

    def save(self) -> None:
        """Writes country.json: the last thing written, so a country without it is unfinished."""
        content = {**asdict(self), "root": None}
        del content["root"]
        (self.root / "country.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def open(cls, root: Path) -> Country:
        """A country simulated before; FileNotFoundError if there is none or it was not finished."""
        return cls(root=root, **json.loads((root / "country.json").read_text(encoding="utf-8")))


class TruthWriter:
    """Writes staging and truth side by side, a sheet at a time, so that no table is ever whole in memory twice."""

    def __init__(self, root: Path) -> None:
        """Opens the truth files under `root`."""
        self.root = root
        self.rows: dict[str, int] = {}
        (root / "truth").mkdir(parents=True, exist_ok=True)
        self._dirt = pq.ParquetWriter(root / "truth" / "dirt.parquet", DIRT_SCHEMA, compression="zstd")
        self._links = pq.ParquetWriter(root / "truth" / "links.parquet", LINK_SCHEMA, compression="zstd")
        self._open: dict[str, pq.ParquetWriter] = {}

    def add(self, sheet: Sheet, *, persons: pa.Array | None = None) -> pa.Table:
        """Takes a finished sheet; `persons` says of whom its first rows speak (person_id, null: of nobody)."""
        table, dirt = sheet.table_and_dirt()
        name = f"{sheet.registry}.{sheet.table}"
        if name not in self._open:
            path = self.root / "staging" / sheet.registry / f"{sheet.table}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[name] = pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
        self._open[name].write_table(table, row_group_size=250_000)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows
        self._dirt.write_table(dirt)
        if persons is not None:
            self._links.write_table(_links(sheet, table, persons))
        return table

    def __enter__(self) -> TruthWriter:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes every file."""
        for writer in [self._dirt, self._links, *self._open.values()]:
            writer.close()


def _links(sheet: Sheet, table: pa.Table, persons: pa.Array) -> pa.Table:
    count = len(persons)
    links = pa.table(
        [
            pa.repeat(pa.scalar(sheet.registry), count),
            pa.repeat(pa.scalar(sheet.table), count),
            pa.array(range(sheet.first_row, sheet.first_row + count), pa.int64()),
            table[sheet.keys[0]].combine_chunks().slice(0, count),
            persons,
        ],
        schema=LINK_SCHEMA,
    )
    return links.filter(links["person_id"].is_valid())


def source_tables(registry: str) -> Iterator[tuple[str, SourceTable]]:
    """The tables of one registry, or of one of its servers (`land-38`, `dossiers-38`): published name and source."""
    base, _, province = registry.partition("-")
    if base in SYSTEM_SOURCES:
        yield from SYSTEM_SOURCES[base].items()
        return
    vendor = vendor_of(province)
    for name, source in SOURCES[base].items():
        keys = tuple(vendor.column(name, key) for key in source.keys)
        yield name, SourceTable(vendor.table(name, source.name), keys)
