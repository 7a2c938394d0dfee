"""Simulated file delivery of the Ministry of Finance: taxpayers, budget payments (monthly files), tax reliefs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator import dirt
from include.simulator.dirt import DirtRates, Sheet, each, repeat_rows
from include.simulator.render import Instants, dates, digits, instants, join, null_where, thousands, words
from include.simulator.society import Society, read_list
from include.simulator.staging import TruthWriter

PAYMENT_MONTHS = 6
PERSON_ITEMS = ("1001", "1003", "1006", "1014", "1601", "1602", "2801", "2824")
FIRM_ITEMS = ("1701", "1052", "1603", "2862", "2863", "3601")
PERSON_CHAPTERS, FIRM_CHAPTERS = ("757", "857"), ("554", "555", "556", "754", "755")
RELIEFS = ("01", "02", "03", "04", "06")
LOCAL = "%d/%m/%Y"


def build_finance(society: Society, rates: DirtRates, out: TruthWriter) -> None:
    """Writes the three tables, dirty, and their truth."""
    payers = np.flatnonzero(society.personal_tax_code.is_valid().to_numpy(zero_copy_only=False))
    _taxpayers(society, rates, society.stream("taxpayers"), payers, out)
    _payments(society, rates, society.stream("payments"), payers, out)
    out.add(_reliefs(society, rates, society.stream("reliefs"), payers))


def _in_file(name: str, first_line: int) -> dirt.Locate:
    return lambda rows: join(f"{name}:", digits(rows + first_line, 1))


def _taxpayers(
    society: Society, rates: DirtRates, rng: np.random.Generator, payers: npt.NDArray[np.intp], out: TruthWriter
) -> None:
    """Individuals, then organisations, then some branches of organisations."""
    firms = society.organisations
    branch_of = np.flatnonzero(rng.random(len(firms)) < 0.05)
    branches = pa.array(branch_of)
    size, people = payers.size + len(firms) + branch_of.size, payers.size
    is_person = np.arange(size) < people
    code = pa.concat_arrays(
        [society.personal_tax_code.take(pa.array(payers)), firms.tax_code, join(firms.tax_code.take(branches), "-001")]
    )
    names = [society.names.full_name.take(pa.array(payers)), firms.name, join("Chi nhánh ", firms.name.take(branches))]
    home = np.concatenate([society.home[payers], firms.home, firms.home[branch_of]])
    new_home = np.concatenate([society.new_home[payers], firms.new_home, firms.new_home[branch_of]])
    by_personal_id = is_person & (code_lengths(code) == 12)
    reform = np.datetime64("2025-07-02T00:00:00", "s")
    floor = np.where(by_personal_id, reform, np.datetime64("2016-01-04T08:00:00", "s"))
    written = society.written_at(rng, size, not_before=floor, mean_days=400.0)
    waiting = is_person & ~by_personal_id & (rng.random(size) < 0.04)
    status = np.where(waiting, 10, rng.choice([0, 1, 3, 5, 6], size, p=[0.9, 0.03, 0.02, 0.03, 0.02]))
    padding = pa.nulls(size - people, pa.string())
    known_id = pa.concat_arrays([society.personal_id.take(pa.array(payers)), padding])
    sheet = Sheet(
        registry="finance",
        table="taxpayer",
        keys=("MST",),
        rng=rng,
        locate=_in_file("nguoi_nop_thue.csv", 2),
        columns={
            "MST": code,
            "SO_DINH_DANH": null_where(known_id, waiting),
            "TEN_NNT": pa.concat_arrays(names),
            "LOAI": words(["DN", "CN"], is_person.astype(np.int32)),
            "DIA_CHI": _addresses(society, rng, new_home),
            "MA_XA": society.wards.codes_at(home, new_home, written),
            "TRANG_THAI": digits(status, 2),
            "NGAY_CAP_NHAT": instants(written, LOCAL),
        },
    )
    sheet.note("split_ward", "MA_XA", (written < np.datetime64("2025-07-01")) & society.wards.is_divided[home])
    _soil_taxpayers(sheet, society, rates, is_person, written)
    for column in ("TEN_NNT", "DIA_CHI"):
        sheet.columns[column] = pa.array(dirt.as_stored(sheet.columns[column].to_pylist()))
    out.add(sheet, persons=pa.array(np.concatenate([payers, np.full(size - people, -1)]), mask=~is_person))


def code_lengths(codes: pa.Array) -> npt.NDArray[np.int32]:
    """Number of characters of every code; they are ASCII."""
    return np.diff(np.frombuffer(codes.buffers()[1], np.int32)[codes.offset : codes.offset + len(codes) + 1])


def _soil_taxpayers(
    sheet: Sheet, society: Society, rates: DirtRates, is_person: npt.NDArray[np.bool_], written: Instants
) -> None:
    rng = sheet.rng
    sheet.plant(
        "lost_leading_zeros", "MST", rates.lost_leading_zeros, each(dirt.lost_zeros_of_tax_code), rule="tax-code-form"
    )
    sheet.plant(
        "bad_check_digit", "MST", rates.bad_check_digit, each(dirt.wrong_check_digit), rule="tax-code-check-digit"
    )
    unknown = dirt.unknown_wards(rng, society.wards.all_codes)
    sheet.plant("unknown_ward", "MA_XA", rates.unknown_ward, unknown, rule="ward_code.reference")
    # The code page knows neither Ð (U+00D0) nor text taken apart: those faults cannot come this way.
    dirt.soil_text(
        sheet, "TEN_NNT", rates, published="taxpayer_name", legacy_rule="taxpayer-name-not-legacy-encoded",
        has_eth=False, has_decomposed=False, as_code_page="cp1258", where=is_person,
    )  # fmt: skip
    repeat_rows(sheet, rates, written=written, show=lambda moments: instants(moments, LOCAL))


def _addresses(society: Society, rng: np.random.Generator, new_home: npt.NDArray[np.int32]) -> pa.Array:
    at, wards = pa.array(new_home), society.wards
    street = words(
        ["thôn Đông", "thôn Đoài", "xóm Mới", "tổ 3", "tổ 7", "ấp Chợ", "ấp 2", "bản Nà Sản", "đường Trần Phú",
         "đường Lê Lợi", "đường Nguyễn Huệ", "đường Hùng Vương", "đường Quang Trung", "ngõ 12 phố Huế"],
        rng.integers(0, 14, new_home.size).astype(np.int32),
    )  # fmt: skip
    number = join("Số ", digits(rng.integers(1, 400, new_home.size), 1))
    return join(number, street, wards.new_name.take(at), wards.new_province_name.take(at), separator=", ")


def _payments(
    society: Society, rates: DirtRates, rng: np.random.Generator, payers: npt.NDArray[np.intp], out: TruthWriter
) -> None:
    """A quarter of the individuals and every organisation pay in a month."""
    offices = {r["province_code"]: r["code"] for r in read_list(society.reference, "treasury_offices").to_pylist()}
    office_of = [offices.get(code) for code in society.wards.province_code]
    last = np.datetime64(society.as_of, "M") - 1
    first_row = 0
    for back in range(PAYMENT_MONTHS - 1, -1, -1):
        month = last - back
        persons = payers[rng.random(payers.size) < 0.25]
        firms = np.repeat(np.arange(len(society.organisations)), rng.integers(1, 5, len(society.organisations)))
        sheet = _payment_month(society, rates, rng, persons, firms, office_of, month, first_row)
        first_row += len(sheet)
        out.add(sheet)


def payment_file(month: str) -> str:
    """Name of the file of one month, e.g. of `2026-08`."""
    return f"thu_ngan_sach_{month}.csv"


def _payment_month(
    society: Society,
    rates: DirtRates,
    rng: np.random.Generator,
    persons: npt.NDArray[np.intp],
    firms: npt.NDArray[np.intp],
    office_of: list[str | None],
    month: np.datetime64,
    first_row: int,
) -> Sheet:
    is_firm = np.arange(persons.size + firms.size) >= persons.size
    shuffled = rng.permutation(is_firm.size)
    is_firm, size = is_firm[shuffled], is_firm.size
    code = pa.concat_arrays(
        [society.personal_tax_code.take(pa.array(persons)), society.organisations.tax_code.take(pa.array(firms))]
    ).take(pa.array(shuffled))
    home = np.concatenate([society.home[persons], society.organisations.home[firms]])[shuffled]
    days = int(((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64))
    paid_on = np.sort(month.astype("datetime64[D]") + rng.integers(0, days, size).astype("timedelta64[D]"))
    written = paid_on.astype("datetime64[s]") + rng.integers(7 * 3600, 36 * 3600, size).astype("timedelta64[s]")
    amount = np.where(is_firm, rng.lognormal(17.2, 1.2, size), rng.lognormal(14.0, 1.0, size))
    amount = np.clip(amount, 50_000, 8e11).astype(np.int64)
    chapter = np.where(
        is_firm,
        len(PERSON_CHAPTERS) + rng.integers(0, len(FIRM_CHAPTERS), size),
        rng.integers(0, len(PERSON_CHAPTERS), size),
    )
    item = np.where(
        is_firm, len(PERSON_ITEMS) + rng.integers(0, len(FIRM_ITEMS), size), rng.integers(0, len(PERSON_ITEMS), size)
    )
    sheet = Sheet(
        registry="finance",
        table="payment",
        keys=("SO_BIEN_LAI",),
        rng=rng,
        first_row=first_row,
        locate=_in_file(payment_file(str(month)), 2),
        columns={
            "SO_BIEN_LAI": join(f"BL{str(month).replace('-', '')}", digits(np.arange(1, size + 1), 8)),
            "MST": code,
            "CHUONG": words([*PERSON_CHAPTERS, *FIRM_CHAPTERS], chapter.astype(np.int32)),
            "TIEU_MUC": words([*PERSON_ITEMS, *FIRM_ITEMS], item.astype(np.int32)),
            "SO_TIEN": thousands(amount),
            "NGAY_NOP": dates(paid_on),
            "KHO_BAC": words(office_of, society.wards.province[home]),
            "NGAY_CAP_NHAT": instants(written, LOCAL),
        },
    )
    sheet.plant("negative_amount", "SO_TIEN", rates.negative_amount, each(dirt.negative), rule="amount-positive")
    sheet.plant(
        "impossible_date", "NGAY_NOP", rates.impossible_date, each(dirt.impossible_date), rule="paid_on.unreadable"
    )
    _soil_tax_codes(sheet, society, rates, prefix="payment-")

    floor = paid_on.astype("datetime64[s]")
    repeat_rows(sheet, rates, written=written, floor=floor, show=lambda moments: instants(moments, LOCAL))
    return sheet


def _soil_tax_codes(sheet: Sheet, society: Society, rates: DirtRates, *, prefix: str) -> None:
    sheet.plant(
        "lost_leading_zeros", "MST", rates.lost_leading_zeros, each(dirt.lost_zeros_of_tax_code),
        rule=f"{prefix}tax-code-form",
    )  # fmt: skip
    sheet.plant(
        "bad_check_digit",
        "MST",
        rates.bad_check_digit,
        each(dirt.wrong_check_digit),
        rule=f"{prefix}tax-code-check-digit",
    )
    strangers, rng = society.strangers.to_pylist(), sheet.rng
    sheet.plant(
        "orphan_reference", "MST", rates.orphan_reference,
        lambda values: [strangers[int(i)] for i in rng.integers(0, len(strangers), len(values))],
    )  # fmt: skip


def _reliefs(society: Society, rates: DirtRates, rng: np.random.Generator, payers: npt.NDArray[np.intp]) -> Sheet:
    """Decisions on relief for about one person in a hundred; dates and amounts are typed cells."""
    size = max(150, len(society) // 100)
    who = pa.array(rng.choice(payers, min(size, payers.size), replace=False))
    size = len(who)
    now = np.datetime64(society.as_of)
    decided = now - rng.integers(2, 600, size).astype("timedelta64[D]")
    written = decided.astype("datetime64[s]") + rng.integers(8 * 3600, 30 * 3600, size).astype("timedelta64[s]")
    sheet = Sheet(
        registry="finance",
        table="tax_relief",
        keys=("SO_QD",),
        rng=rng,
        locate=_in_file("mien_giam_thue.xlsx#MienGiam", 2),
        columns={
            "SO_QD": join(digits(np.arange(1, size + 1), 1), "/QĐ-CT"),
            "MST": society.personal_tax_code.take(who),
            "LOAI_MG": words(RELIEFS, rng.integers(0, len(RELIEFS), size).astype(np.int32)),
            "SO_TIEN": pa.array(np.clip(rng.lognormal(14.5, 0.9, size), 100_000, 5e9).astype(np.int64)),
            "NGAY_QD": pa.array(decided),
            "NGAY_CAP_NHAT": pa.array(written),
        },
    )
    sheet.plant(
        "negative_amount", "SO_TIEN", rates.negative_amount, lambda values: [-int(v) for v in values],
        rule="relief-amount-positive",
    )  # fmt: skip
    _soil_tax_codes(sheet, society, rates, prefix="relief-")
    sheet.repeat("repeated_row", rates.repeated_row)
    return sheet
