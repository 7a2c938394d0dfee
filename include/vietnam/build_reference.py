"""Write the lists of administrative units from the data of the `vietnamadminunits` package.

Four lists are too long to keep by hand: provinces, districts, wards and ward_changes. They are made once, by

    python -m include.vietnam.build_reference <dir of vietnamadminunits/data> schemas/reference

and committed, so nothing at run time depends on the package. Every other list is kept by hand. The package's data
are facts of Decision 124/2004/QĐ-TTg (codes until 2025-06-30) and Decision 19/2025/QĐ-TTg (since 2025-07-01); its
licence is MIT.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

OLD_FROM, OLD_UNTIL, NEW_FROM = "2004-07-08", "2025-06-30", "2025-07-01"
KINDS = {
    "Tỉnh": "province",
    "Thành phố": "city",
    "Quận": "urban_district",
    "Huyện": "rural_district",
    "Thị xã": "town",
    "Phường": "ward",
    "Xã": "commune",
    "Thị trấn": "township",
    "Đặc khu": "special_zone",
}
# Changes between the two lists, or after the second, that the package does not carry: (code, list start) -> periods.
PROVINCE_RENAMED = {
    ("46", OLD_FROM): (("Tỉnh Thừa Thiên Huế", OLD_FROM, "2024-12-31"), ("Thành phố Huế", "2025-01-01", OLD_UNTIL)),
    ("75", NEW_FROM): (("Tỉnh Đồng Nai", NEW_FROM, "2026-04-29"), ("Thành phố Đồng Nai", "2026-04-30", "")),
}
Row = tuple[str, ...]


def _kind(name: str) -> str:
    return next(kind for prefix, kind in KINDS.items() if name.startswith(prefix))


def _name(value: str | None) -> str:
    """The name in NFC, its kind written one way (the package has a few `Thị Trấn` among its `Thị trấn`)."""
    name = unicodedata.normalize("NFC", value or "")
    prefix = next((prefix for prefix in KINDS if name.lower().startswith(f"{prefix.lower()} ")), "")
    return prefix + name[len(prefix) :]


def _write(path: Path, header: Sequence[str], rows: Iterable[Row]) -> int:
    ordered = sorted(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(ordered)
    return len(ordered)


def _provinces(units: Iterable[tuple[str, str]], valid_from: str, valid_until: str) -> set[Row]:
    rows: set[Row] = set()
    for code, name in units:
        periods = PROVINCE_RENAMED.get((code, valid_from), ((name, valid_from, valid_until),))
        rows |= {(code, label, _kind(label), start, end) for label, start, end in periods}
    return rows


def _changes(mapping: dict[str, dict[str, dict[str, list[Any]]]], old: dict[str, str], new: dict[Row, str]) -> set[Row]:
    """(old code, new code, is_whole, is_default, valid_from); the package names both sides by a folded name."""
    rows: set[Row] = set()
    for province, wards in mapping["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for new_key, old_keys in wards.items():
            pairs = ((old[key], new[province, new_key]) for key in old_keys)
            rows |= {(before, after, "true", "true", NEW_FROM) for before, after in pairs if before}
    for province, wards in mapping["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old_key, targets in wards.items():
            for target in targets:
                after = new[province, target["newWardKey"]]
                rows.add((old[old_key], after, "false", str(target["isDefaultNewWard"]).lower(), NEW_FROM))
    return rows


def build(source: Path, target: Path) -> dict[str, int]:
    """Write the four CSV files into `target`; returns how many rows each has."""
    with sqlite3.connect(source / "dataset.db") as database:
        database.create_function("vn_name", 1, _name, deterministic=True)
        old = database.execute(
            "SELECT provinceCode, vn_name(province), districtCode, vn_name(district), wardCode, vn_name(ward), "
            "provinceKey || '_' || districtKey || '_' || coalesce(wardKey, '') FROM admin_units_legacy"
        ).fetchall()
        new = database.execute(
            "SELECT provinceCode, vn_name(province), wardCode, vn_name(ward), provinceKey, wardKey FROM admin_units"
        ).fetchall()
    mapping = json.loads((source / "converter_2025.json").read_text(encoding="utf-8"))
    # Five island districts had no communes: a key without a ward, and no ward code to map from.
    old_codes = {key.rstrip("_"): ward or "" for _, _, _, _, ward, _, key in old}
    old_codes |= {key: ward or "" for _, _, _, _, ward, _, key in old}
    changes = _changes(mapping, old_codes, {(p, w): code for _, _, code, _, p, w in new})
    provinces = _provinces({(r[0], r[1]) for r in old}, OLD_FROM, OLD_UNTIL)
    provinces |= _provinces({(r[0], r[1]) for r in new}, NEW_FROM, "")
    districts = {(r[2], r[3], _kind(r[3]), r[0], OLD_FROM, OLD_UNTIL) for r in old}
    wards = {(r[4], r[5], _kind(r[5]), r[0], r[2], OLD_FROM, OLD_UNTIL) for r in old if r[4]}
    wards |= {(r[2], r[3], _kind(r[3]), r[0], "", NEW_FROM, "") for r in new}
    period = ("valid_from", "valid_until")
    return {
        "provinces": _write(target / "provinces.csv", ("code", "name", "kind", *period), provinces),
        "districts": _write(target / "districts.csv", ("code", "name", "kind", "province_code", *period), districts),
        "wards": _write(
            target / "wards.csv", ("code", "name", "kind", "province_code", "district_code", *period), wards
        ),
        "ward_changes": _write(
            target / "ward_changes.csv", ("old_code", "new_code", "is_whole", "is_default", "valid_from"), changes
        ),
    }


if __name__ == "__main__":
    for name, rows in build(Path(sys.argv[1]), Path(sys.argv[2])).items():
        sys.stdout.write(f"{name:<14}{rows:>7,}\n")
