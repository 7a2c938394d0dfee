"""The figures that reports of 2018 printed, over a few rows: services, tasks, connections and reports that were due.

The printed ones themselves, over a country's rows that were synced: tests/integration/indicators.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from include.indicators.computation import compute, tables_of, tables_read
from include.indicators.definitions import Catalogue, compile_indicator, load_indicator, period_of
from include.lake.storage import Lake

from .test_across_registers import CONTRACTS, NOW, SCHEMAS, catalogue, lake, lists, put

__all__ = ["catalogue", "lake", "lists"]
BEFORE, WITHIN, AFTER = date(2017, 10, 1), date(2018, 2, 15), date(2018, 4, 5)


def shares(lake: Lake, catalogue: Catalogue, name: str, period: str = "2018Q1") -> dict[str, tuple[int, int | None]]:
    """Numerator and denominator of the total, under an empty name, of each scope and of each agency."""
    compiled = compile_indicator(load_indicator(SCHEMAS / "indicators" / f"{name}.yaml"), catalogue)
    of = period_of(period, compiled.indicator.scheme)
    read = tables_read(lake, tables_of(compiled))
    done = compute(lake, compiled, of, catalogue=catalogue, contracts=CONTRACTS, read=read, now=NOW)
    return {
        one.member: (int(one.numerator), None if one.denominator is None else int(one.denominator))
        for one in done.figures
        if one.dimension in ("", "scope", "agency")
    }


def test_a_service_has_online_dossiers_if_one_came_online_in_the_quarter_to_who_offers_it(lake, catalogue):
    def offered(agency: str, service: str, scope: str = "ministry", **other: Any) -> dict[str, Any]:
        return {"agency_code": agency, "service_code": service, "scope": scope, "level": "3", "online_from": BEFORE,
                "online_until": None, **other}  # fmt: skip

    def dossier(service: str, agency: str = "G11", came: date = WITHIN, **other: Any) -> dict[str, Any]:
        return {"dossier_code": f"{service}{agency}", "service": service, "agency_code": agency, "channel": "2",
                "state": "9", "received_on": came, "submitted_on": came, "is_test": False,
                "updated_at": datetime(2018, 4, 2, tzinfo=UTC), **other}  # fmt: skip

    put(lake, "procedures/agency_service", *(offered("G11", name) for name in "abcdefgh"),
        offered("G11", "raised", online_until=WITHIN), offered("G11", "raised", online_from=WITHIN, level="4"),
        offered("G11", "of level 2", level="2"), offered("G11", "ended", online_until=BEFORE),
        offered("G11", "came and went", online_from=date(2018, 1, 15), online_until=date(2018, 3, 1)),
        offered("H56", "later", "province", online_from=date(2018, 4, 1)),
        offered("H55", "of two", "province"), offered("H56", "of two", "province"))  # fmt: skip
    put(lake, "dossiers/dossier", dossier("a"), dossier("a", dossier_code="a second one"), dossier("b", "G23"),
        dossier("c", channel="1"), dossier("d", state="7"), dossier("e", is_test=True), dossier("f", came=AFTER),
        dossier("g", came=date(2017, 12, 31)), dossier("of level 2"), dossier("ended"), dossier("came and went"),
        dossier("of nobody"), dossier("of two", "H56"),
        dossier("h", state="3"), dossier("h", updated_at=datetime(2018, 3, 2, tzinfo=UTC)))  # fmt: skip
    found = shares(lake, catalogue, "services-with-online-dossiers")
    assert found["ministry"] == found["G11"] == (2, 9)
    assert (found["province"], found["H55"], found["H56"]) == ((1, 2), (0, 1), (1, 1))
    assert shares(lake, catalogue, "services-with-online-dossiers", "2017Q4")["ministry"] == (1, 9)
    without = shares(lake, catalogue, "services-without-online-dossiers")
    assert (without["ministry"], without["province"]) == ((7, None), (1, None))


def test_a_task_is_done_as_it_was_told_last_by_the_end_of_the_period(lake, catalogue):
    put(lake, "programme/task",
        *({"resolution": "36a/NQ-CP", "task_code": code, "kind": kind, "lead_agency_code": "G11"}
          for code, kind in (("1", "specific"), ("2", "specific"), ("3", "specific"), ("4", "specific"),
                             ("g", "general"))),
        *({"resolution": of, "task_code": "1", "kind": "specific", "lead_agency_code": "G11"}
          for of in ("136a/NQ-CP", "01/NQ-CP")))  # fmt: skip
    put(lake, "programme/task_progress", *(
        {"resolution": of, "task_code": code, "as_of": day, "status": status, "done_on": None}
        for of, code, day, status in (
            ("36a/NQ-CP", "1", BEFORE, "hoan_thanh"), ("36a/NQ-CP", "2", WITHIN, "co_ban_hoan_thanh"),
            ("36a/NQ-CP", "3", BEFORE, "hoan_thanh"), ("36a/NQ-CP", "3", WITHIN, "dang_thuc_hien"),  # taken back
            ("36a/NQ-CP", "4", AFTER, "hoan_thanh"), ("136a/NQ-CP", "1", BEFORE, "hoan_thanh"),
            ("01/NQ-CP", "1", BEFORE, "hoan_thanh"),
        )
    ))  # fmt: skip
    assert shares(lake, catalogue, "tasks-36a-done")[""] == (2, 4)
    assert shares(lake, catalogue, "tasks-36a-done-strictly")[""] == (1, 4)
    assert shares(lake, catalogue, "tasks-36a-done-whole-percent", "2017-12-31")[""] == (2, 4)


def test_connections_and_reports_count_by_the_end_of_the_quarter(lake, catalogue):
    def connection(agency: str, state: str = "hoan_thanh", since: date = BEFORE, **other: Any) -> dict[str, Any]:
        return {"agency_code": agency, "kind": "QLVB-VPCP", "valid_from": since, "valid_until": None, "state": state,
                **other}  # fmt: skip

    put(lake, "programme/connection", connection("G01"), connection("G02", "thu_nghiem"), connection("G02.05"),
        connection("G03", "thu_nghiem", kind="LGSP"), connection("G04", since=AFTER), connection("K15"),
        connection("G22"), connection("G05", valid_until=WITHIN), connection("H56"))  # fmt: skip
    done = shares(lake, catalogue, "connections-with-government-office")
    assert {name: done[name][0] for name in ("ministry", "province", "G01", "G02")} == {
        "ministry": 1, "province": 1, "G01": 1, "G02": 0,
    }  # fmt: skip
    assert not {"G22", "K15"} & {*done}
    assert shares(lake, catalogue, "connections-being-tested")[""] == (1, None)

    due, late = datetime(2018, 3, 20, 10, tzinfo=UTC), datetime(2018, 3, 25, 1, tzinfo=UTC)
    put(lake, "programme/report_obligation", *(
        {"obligation": agency, "agency_code": agency, "due_at": due} for agency in ("G01", "G02", "G03", "G04")
    ))  # fmt: skip
    put(lake, "programme/submission", *(
        {"obligation": agency, "received_at": at}
        for agency, at in (("G01", due), ("G02", late), ("G03", due), ("G03", late))
    ))  # fmt: skip
    found = {name: shares(lake, catalogue, f"reports-{name}")[""] for name in ("missing", "late", "on-time")}
    assert found == {"missing": (1, None), "late": (1, None), "on-time": (2, 4)}
