"""Simulated national database of business registration: the companies that taxes and insurance know."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator.dirt import SystemRates, each, wrong_check_digit
from include.simulator.other_registries.columns import Row, day, moved, sheet
from include.simulator.render import thousands
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

TYPES = {"Công ty TNHH MTV": "TNHH1", "Công ty TNHH": "TNHH2", "Công ty Cổ phần": "CP", "Doanh nghiệp tư nhân": "DNTN"}
STATUSES = (
    "Đang hoạt động",
    "Tạm ngừng kinh doanh",
    "Không còn hoạt động kinh doanh tại địa chỉ đã đăng ký",
    "Đã giải thể, phá sản, chấm dứt tồn tại",
)
LINES = ("41000", "46900", "49330", "62010", "14100", "03220", "10800", "47110", "68100", "85590")


def build_business(society: Society, rates: SystemRates, out: TruthWriter) -> None:
    """Writes enterprises, branches, lines of business and members, dirty, and their truth.

    Co-operatives are organisations too, but register under another law.
    """
    rng = society.stream("enterprises")
    adults = np.flatnonzero(society.is_alive & (society.age > 22) & (society.age < 75))
    enterprises, branches, lines, members = [], [], [], []
    persons: list[int] = []
    now = np.datetime64(society.as_of, "s")
    codes, names = society.organisations.tax_code.to_pylist(), society.organisations.name.to_pylist()
    for number, (code, name) in enumerate(zip(codes, names, strict=True)):
        kind = next((kind for form, kind in TYPES.items() if name.startswith(f"{form} ")), None)
        if kind is None:
            continue
        founded = moved(now, days=-float(rng.integers(400, 9_000)))
        changes = int(rng.integers(0, 6))
        amended = moved(founded, days=float(rng.integers(1, 380))) if changes else founded
        heads = rng.choice(adults, int(rng.integers(1, 3)), replace=False)
        capital = int(rng.lognormal(21, 1.2)) // 1_000_000 * 1_000_000
        enterprises.append(_enterprise(society, number, kind, founded, amended, changes, capital, heads, rng))
        written = moved(amended, hours=float(rng.integers(8, 17)))
        if rng.random() < 0.3:
            branches.append(_branch(code, f"{code}-001", "chi_nhanh", f"Chi nhánh {name}", written))
        if rng.random() < 0.3:
            branches.append(_branch(code, f"{int(rng.integers(1, 30)):05d}", "dia_diem_kinh_doanh", name, written))
        for place, line in enumerate(rng.choice(LINES, 3, replace=False)):
            lines.append(_line(code, str(line), place == 0, written))
        owners = rng.choice(adults, 1 if kind in ("TNHH1", "DNTN") else 2, replace=False)
        for place, owner in enumerate(owners, start=1):
            members.append(_member(society, code, place, int(owner), capital, len(owners), written))
            persons.append(int(owner))
    _write(rates, rng, out, enterprises, branches, lines)
    _write_members(rates, rng, out, members, persons)


def _enterprise(
    society: Society,
    number: int,
    kind: str,
    founded: np.datetime64,
    amended: np.datetime64,
    changes: int,
    capital: int,
    heads: npt.NDArray[np.intp],
    rng: np.random.Generator,
) -> Row:
    firms = society.organisations
    name = firms.name[number].as_py()
    return {
        "ENTERPRISE_GDT_CODE": firms.tax_code[number].as_py(),
        "ENTERPRISE_ID": str(100_000 + number),
        "IMP_BUSINESS_CODE": f"01030{number:05d}" if rng.random() < 0.3 else None,
        "NAME": name,
        "SHORT_NAME": None,
        "NAME_F": f"{name.split()[-1].upper()} CO., LTD" if rng.random() < 0.4 else None,
        "ENTERPRISE_TYPE": kind,
        "FOUNDING_DATE": day(founded),
        "LAST_AMEND_DATE": amended.astype("datetime64[D]").astype("datetime64[s]"),
        "NUMBER_CHANGES": changes,
        "ENTERPRISE_STATUS": str(rng.choice(STATUSES, p=(0.85, 0.06, 0.04, 0.05))),
        "CAPITAL_AMOUNT": thousands(np.array([capital]))[0].as_py(),
        "HO_CITY_ID": str(society.wards.province[firms.home[number]] + 1),
        "HO_WARD_ID": str(firms.home[number] + 1),
        "HO_ADDRESS": f"Số {number + 1}, {society.wards.new_name[int(firms.new_home[number])].as_py()}",
        "LEGAL_NAMES": ";".join(society.names.full_name[int(head)].as_py() for head in heads),
    }


def _branch(parent: str, code: str, kind: str, name: str, written: np.datetime64) -> Row:
    return {"PARENT_GDT_CODE": parent, "BRANCH_CODE": code, "BRANCH_KIND": kind, "NAME": name, "UPDATED_AT": written}


def _line(code: str, line: str, is_main: bool, written: np.datetime64) -> Row:
    row = {"ENTERPRISE_GDT_CODE": code, "VSIC_CODE": line, "IS_MAIN": "Y" if is_main else "N"}
    return {**row, "UPDATED_AT": written}


def _member(
    society: Society, code: str, place: int, owner: int, capital: int, among: int, written: np.datetime64
) -> Row:
    return {
        "ENTERPRISE_GDT_CODE": code,
        "MEMBER_NO": place,
        "MEMBER_KIND": "person",
        "MEMBER_NAME": society.names.full_name[owner].as_py(),
        "PERSONAL_ID": society.personal_id[owner].as_py(),
        "PASSPORT": None,
        "COUNTRY": "VN",
        "MEMBER_TAX_CODE": None,
        "AMOUNT": thousands(np.array([capital // among]))[0].as_py(),
        "RATIO_PERCENT": str(100 // among),
        "UPDATED_AT": written,
    }


def _write(
    rates: SystemRates,
    rng: np.random.Generator,
    out: TruthWriter,
    enterprises: list[Row],
    branches: list[Row],
    lines: list[Row],
) -> None:
    made = sheet("business", "enterprise", ("ENTERPRISE_GDT_CODE",), enterprises, rng)
    code = "ENTERPRISE_GDT_CODE"
    made.plant(
        "enterprise_check_digit",
        code,
        rates.enterprise_check_digit,
        each(wrong_check_digit),
        rule="enterprise-code-check-digit",
    )
    made.plant(
        "branch_as_enterprise", code, rates.branch_as_enterprise, each(lambda v: f"{v}-001"),
        rule="enterprise-code-form",
    )  # fmt: skip
    made.plant(
        "negative_capital", "CAPITAL_AMOUNT", rates.negative_capital, each(lambda v: f"-{v}"),
        rule="capital-not-negative",
    )  # fmt: skip
    made.plant("trailing_separator", "LEGAL_NAMES", rates.trailing_separator, each(lambda v: f"{v};"))
    made.plant("default_founding_day", "FOUNDING_DATE", rates.default_founding_day, each(lambda v: "01/01/1900"))
    out.add(made)
    made = sheet("business", "branch", ("PARENT_GDT_CODE", "BRANCH_CODE"), branches, rng)
    made.plant(
        "branch_of_another", "BRANCH_CODE", rates.branch_of_another,
        each(lambda v: None if len(v) == 5 else f"{'0100109106' if v[:10] != '0100109106' else '0101243150'}{v[10:]}"),
        rule="branch-of-its-parent",
    )  # fmt: skip
    out.add(made)
    made = sheet("business", "business_line", (code, "VSIC_CODE"), lines, rng)
    made.plant("line_of_four_digits", "VSIC_CODE", rates.line_of_four_digits, each(lambda v: v[:4]))
    out.add(made)


def _write_members(
    rates: SystemRates, rng: np.random.Generator, out: TruthWriter, members: list[Row], persons: list[int]
) -> None:
    made = sheet("business", "member", ("ENTERPRISE_GDT_CODE", "MEMBER_NO"), members, rng)
    made.plant(
        "ratio_above_hundred", "RATIO_PERCENT", rates.ratio_above_hundred, each(lambda v: "150"),
        rule="ratio_percent.maximum",
    )  # fmt: skip
    made.repeat("repeated_row", rates.repeated_row)
    out.add(made, persons=pa.array(persons, pa.int64()))
