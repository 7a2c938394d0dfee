"""What the shipped indicators make of dossiers and documents: the balance of a quarter, medians, working days."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.indicators.computation import Figure, compute, tables_of, tables_read
from include.indicators.definitions import Catalogue, compile_indicator, load_indicator, period_of
from include.lake.storage import Lake
from tests.repeats import repeats

from .test_across_registers import CONTRACTS, NOW, SCHEMAS, catalogue, lake, lists, put

__all__ = ["catalogue", "lake", "lists"]


def figures(lake: Lake, catalogue: Catalogue, name: str, period: str) -> dict[str, Figure]:
    """The total under an empty name, and the figure of each agency."""
    compiled = compile_indicator(load_indicator(SCHEMAS / "indicators" / f"{name}.yaml"), catalogue)
    read = tables_read(lake, tables_of(compiled))
    of = period_of(period, compiled.indicator.scheme)
    done = compute(lake, compiled, of, catalogue=catalogue, contracts=CONTRACTS, read=read, now=NOW)
    return {one.member: one for one in done.figures if one.dimension in ("", "agency")}


def hanoi(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=7)


def dossier(code: str, came: date, *, agency: str = "H56", state: str = "4", **other: Any) -> dict[str, Any]:
    return {"due_at": None, "finished_at": None, "returned_at": None, "refused_at": None} | {
        "dossier_code": code, "service": "1.000001", "agency_code": agency, "channel": "2", "state": state,
        "submitted_on": came, "received_on": came, "received_at": hanoi(came), "has_digitised_component": False,
        "is_test": False, "updated_at": hanoi(date(2026, 10, 1)), **other,
    }  # fmt: skip


def some_dossiers(seed: int) -> list[dict[str, Any]]:
    """Dossiers of two agencies: open, done, re-opened, withdrawn, stopped, not taken in; some are on two servers."""
    draw, rows = random.Random(seed), []
    for number in range(120):
        came = date(2026, 1, 1) + timedelta(days=draw.randrange(270))
        ended = came + timedelta(days=draw.randrange(80))
        state = draw.choice(["2", "3", "4", "5", "7", "8", "9", "10"])
        other: dict[str, Any] = {"due_at": draw.choice([None, hanoi(came + timedelta(days=10))])}
        if state in ("9", "10") or (state == "4" and draw.random() < 0.5):  # re-opened, and its former end still told
            other["finished_at"] = hanoi(ended, 10)
        if state == "8" and draw.random() < 0.5:
            other["refused_at"] = hanoi(ended, 10)
        code = f"d{number}"
        rows.append(dossier(code, came, agency=draw.choice(["H56", "G12"]), state=state, **other))
        if draw.random() < 0.3:  # an older copy, on which it was done
            older = {"updated_at": hanoi(date(2026, 9, 1)), "finished_at": hanoi(came + timedelta(days=1))}
            rows.append({**rows[-1], "state": "9", **older})
    return rows


@pytest.mark.parametrize("seed", range(repeats(1, 2)))
def test_what_comes_into_a_quarter_goes_out_of_it_or_is_pending(lake, catalogue, seed):
    put(lake, "procedures/agency_service", {"agency_code": "H56"}, {"agency_code": "G12"})
    put(lake, "dossiers/dossier", *some_dossiers(seed))

    def count(name: str, period: str) -> dict[str, int]:
        return {member: int(one.value) for member, one in figures(lake, catalogue, name, period).items()}

    names = ["carried-over", "received", "resolved", "withdrawn-or-refused", "pending"]
    quarters = [{name: count(f"dossiers-{name}", f"2026Q{number}") for name in names} for number in (2, 3)]
    for now in quarters:
        for member in ("", "H56", "G12"):
            carried, received, *out = (now[name].get(member, 0) for name in names)
            assert carried + received == sum(out)
            assert min(carried, received, out[0], out[2]) > 0
    assert quarters[1]["carried-over"] == quarters[0]["pending"]
    parts = [count(f"dossiers-resolved-{part}", "2026Q3")[""] for part in ("early", "late")]
    assert 0 < sum(parts) <= quarters[1]["resolved"][""]


def test_the_median_is_of_working_days_and_years_without_days_off_are_left_out(lake, catalogue):
    put(lake, "procedures/agency_service", {"agency_code": "H56"})
    ended = [(date(2026, 8, 28), date(2026, 9, 4)),  # Friday to Friday over National Day: 2 working days
             (date(2026, 8, 21), date(2026, 8, 22)),  # a Saturday that is worked: 1
             (date(2026, 7, 6), date(2026, 7, 13)),  # 5
             (date(2026, 7, 6), date(2026, 7, 6)),  # 0
             (date(2024, 12, 30), date(2026, 7, 6))]  # 2024 is not announced  # fmt: skip
    put(lake, "dossiers/dossier", *(
        dossier(f"d{place}", came, state="9", finished_at=hanoi(end)) for place, (came, end) in enumerate(ended)
    ))  # fmt: skip
    for name, value in (("median", "1.5"), ("p90", "4.1")):
        total = figures(lake, catalogue, f"dossiers-days-{name}", "2026Q3")[""]
        assert (str(total.value), total.numerator, int(total.denominator)) == (value, None, 4)
    nothing = figures(lake, catalogue, "dossiers-days-median", "2025Q3")[""]
    assert (nothing.value, nothing.reason) == (None, "nothing to measure")


def test_dossiers_are_answered_handed_over_and_judged_by_working_days(lake, catalogue):
    friday, monday, tuesday = date(2026, 7, 3), date(2026, 7, 6), date(2026, 7, 7)
    put(lake, "procedures/agency_service", {"agency_code": "H56"})
    limit = {"time_limit": 5, "time_unit": "ngay_lam_viec"}
    put(lake, "procedures/procedure", {"procedure_code": "1.000001", "valid_from": date(2020, 1, 1), **limit})
    put(lake, "dossiers/dossier",
        dossier("a", friday, state="3", refused_at=hanoi(date(2026, 7, 8))),  # on the third working day
        dossier("b", friday, received_at=hanoi(friday, 16), finished_at=hanoi(date(2026, 7, 10)), state="9"),  # 5 days
        dossier("c", friday, received_at=hanoi(friday, 16), finished_at=hanoi(date(2026, 7, 13)), state="9"),  # 6 days
        dossier("d", friday, due_at=hanoi(date(2026, 12, 1)), received_at=hanoi(friday, 10)))  # fmt: skip
    asked = {"sequence": 1, "previous_due_at": hanoi(monday), "new_due_at": hanoi(tuesday)}
    put(lake, "dossiers/supplement", {"dossier_code": "c", **asked, "requested_at": hanoi(date(2026, 7, 9))},
        *({"dossier_code": "d", **asked, "sequence": n, "requested_at": hanoi(tuesday)} for n in (1, 2)))  # fmt: skip
    put(lake, "dossiers/step", *({"dossier_code": code, "state": "4", "handled_at": at} for code, at in (
        ("b", hanoi(monday, 11)), ("c", hanoi(monday, 12)), ("d", hanoi(monday, 8)))))  # fmt: skip

    def share(name: str) -> tuple[int, int]:
        total = figures(lake, catalogue, name, "2026Q3")[""]
        return int(total.numerator), int(total.denominator)

    assert share("dossiers-answered-after-three-days") == (1, 3)  # c after four
    assert share("dossiers-handed-over-late") == (2, 3)  # c at noon, d not on the day
    assert share("dossiers-reappointed-more-than-once") == (1, 3)
    assert share("dossiers-on-time-766") == (1, 3)  # b alone: c took six days, d was asked twice


def test_documents_are_taken_in_completed_refused_and_recalled(lake, catalogue):
    sent = hanoi(date(2026, 7, 1))
    put(lake, "documents/document", *({"document_id": n, "due_on": None, "sender_code": "G12", "number": n,
                                       "promulgated_on": date(2026, 7, 1)} for n in "1249"))  # fmt: skip
    put(lake, "documents/transmission", *(
        {"document_id": n, "receiver_code": "H56", "sent_at": at} for n in "1249" for at in (sent, sent + timedelta(1))
    ))  # fmt: skip
    put(lake, "documents/status_event", *(
        {"document_id": n, "receiver_code": "H56", "status": status, "occurred_at": sent + timedelta(hours=hours)}
        for n, status, hours in (("1", "03", 1), ("1", "03", 9), ("1", "06", 50), ("2", "03", 2.5), ("4", "02", 1),
                                 ("9", "13", 5))
    ))  # fmt: skip
    values = {name: str(figures(lake, catalogue, f"documents-{name}", "2026Q3")[""].value) for name in (
        "hours-to-receipt-median", "days-to-completion-median", "refused", "unprocessed", "recalls-unanswered",
        "numbers-missing")}  # fmt: skip
    assert list(values.values()) == ["1.75", "2.0", "25.00", "2", "1", "5"]


def test_a_successor_has_the_tasks_and_services_of_the_former_agency_which_are_neither_ended_nor_added(lake, catalogue):
    begin, end = date(2026, 6, 30), date(2026, 9, 1)
    renamed = {"code": "G90", "successor": "G12", "valid_from": date(2020, 1, 1), "valid_until": date(2026, 8, 31)}
    write_deltalake(lake.reference_table("agencies"), pa.Table.from_pylist([renamed]), mode="overwrite",
                    schema_mode="overwrite")  # fmt: skip
    put(lake, "procedures/agency_service", *(
        {"agency_code": agency, "service_code": service, "scope": "ministry", "level": level, "online_from": since,
         "online_until": until}
        for agency, service, level, since, until in (
            ("G90", "renamed", "mot_phan", begin, end), ("G12", "renamed", "mot_phan", end, None),
            ("G12", "raised", "mot_phan", begin, end), ("G12", "raised", "toan_trinh", end, None),
            ("G12", "ended", "mot_phan", begin, end), ("G12", "added", "mot_phan", end, None),
            ("G12", "came and went", "mot_phan", date(2026, 7, 5), end),
        )
    ))  # fmt: skip

    def count(name: str, period: str = "2026Q3") -> int:
        return int(figures(lake, catalogue, f"services-{name}", period)[""].value)

    assert (count("added"), count("ended")) == (1, 1)
    assert count("offered-online") == count("offered-online", "2026Q2") + 1 - 1 == 3
    put(lake, "programme/task", *({"resolution": "36a/NQ-CP", "task_code": lead, "kind": "specific",
                                   "lead_agency_code": lead} for lead in ("G90", "G12")))  # fmt: skip
    put(lake, "programme/task_progress", {"resolution": "36a/NQ-CP", "task_code": "G90", "as_of": begin,
                                          "status": "hoan_thanh", "done_on": begin})  # fmt: skip
    for period, leads in (("2026Q2", {"": 50, "G12": 0, "G90": 100}), ("2026Q3", {"": 50, "G12": 50})):
        done = figures(lake, catalogue, "tasks-36a-done", period)
        assert {member: int(one.value) for member, one in done.items()} == leads
