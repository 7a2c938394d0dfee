"""What the provinces' land systems call things: three vendors, of which two are variants of the land contract.

Every province keeps its own land database. Most run the system whose names the contract has; the others call tables
and columns otherwise, write areas with a point, and the states of a certificate in letters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

Writing = Callable[[pa.ChunkedArray], pa.ChunkedArray]


def _with_point(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """`1.234,5` as `1234.5`."""
    return pc.replace_substring(pc.replace_substring(numbers, ".", ""), ",", ".")


def _in_letters(states: pa.ChunkedArray) -> pa.ChunkedArray:
    """States of a certificate in letters instead of the digits of the code list."""
    letters = {"1": "HL", "2": "TH", "3": "CD", "4": "BD", "5": "TC", "6": "CC"}
    return pa.chunked_array([pa.array([letters.get(state, state) for state in states.to_pylist()], pa.string())])


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's names, by the contract's: of tables, and of the columns of each; `writes` a column otherwise.

    Attributes:
        variant: of the land contract; empty for the vendor whose names the contract has.
    """

    variant: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    writes: Mapping[str, Mapping[str, Writing]] = field(default_factory=dict)

    def table(self, name: str, source: str) -> str:
        """What a table is called; `source` by the vendor of the contract's names."""
        return self.tables.get(name, source)

    def column(self, table: str, column: str) -> str:
        """What a column is called."""
        return self.columns.get(table, {}).get(column, column)

    def written(self, name: str, rows: pa.Table) -> pa.Table:
        """The rows of a table as this vendor stores them."""
        for column, write in self.writes.get(name, {}).items():
            rows = rows.set_column(rows.schema.get_field_index(column), column, write(rows[column]))
        return rows.rename_columns([self.column(name, column) for column in rows.column_names])


CONTRACT_NAMES = Vendor()
SHORT_NAMES = Vendor(
    "short-names",
    tables={"parcel": "thuadat", "certificate": "gcn", "ownership": "quyen"},
    columns={
        "parcel": {
            "ma_xa": "maxa", "ma_xa_cu": "maxacu", "so_to": "soto", "so_thua": "sothua", "dien_tich": "dientich",
            "ma_loai_dat": "mucdich", "ngay_cap_nhat": "ngaycn",
        },
        "certificate": {
            "ma_xa": "maxa", "ma_xa_cu": "maxacu", "so_to": "soto", "so_thua": "sothua", "ma_gcn": "magcn",
            "so_phat_hanh": "sophathanh", "ngay_cap": "ngaycap", "trang_thai": "trangthai", "ngay_cap_nhat": "ngaycn",
        },
        "ownership": {"ma_xa": "maxa", "ma_xa_cu": "maxacu", "so_to": "soto", "so_thua": "sothua", "ty_le": "tyle"},
    },
    writes={"parcel": {"dien_tich": _with_point}},
)  # fmt: skip
LETTER_STATES = Vendor(
    "letter-states",
    tables={"parcel": "dc_thua", "certificate": "dc_gcn", "ownership": "dc_quyen"},
    writes={"certificate": {"trang_thai": _in_letters}},
)
OTHER_VENDORS = {
    **dict.fromkeys(("24", "38", "40", "42", "44", "46", "51", "56"), SHORT_NAMES),
    **dict.fromkeys(("52", "66", "68", "86", "91", "92", "96"), LETTER_STATES),
}


def vendor_of(province: str) -> Vendor:
    """The vendor of a province's land system."""
    return OTHER_VENDORS.get(province, CONTRACT_NAMES)
