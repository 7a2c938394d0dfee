"""Disputed rows: reported by key as the recipient has it, looked at on record, and closed when the row has changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

from include.audit import ledger
from include.lake.people import INDEX, upsert_people
from include.pipelines.decisions import Look, person_digest
from include.pipelines.requests import (
    RequestRefused,
    accept,
    dispute,
    follow_requests,
    look_at_dispute,
    notices,
    reject,
    request_of,
    rows_behind,
)
from include.sharing.products import MasterKey, PseudonymKeyMissing
from include.sharing.requests import Request, summaries
from tests.small_population import OWNER, STEWARD, At, write_agreement

from .conftest import KEY, PEOPLE, share, write_citizens

ANH = "001199000001"
LOOK = Look.of("cuc-c06", "đối chiếu với hồ sơ gốc")


def pseudonym(personal_id: str) -> str:
    return MasterKey(KEY).of("nso").pseudonym(personal_id)


def report(context: At, **changed: Any) -> Request:
    """Cục Thống kê reports the year of birth of one citizen, whom it knows by a pseudonym."""
    said: dict[str, Any] = {
        "key": (("personal_id", pseudonym(ANH)),), "column": "birth_date", "right": "1998",
        "evidence": "Phiếu điều tra 2026",
    }  # fmt: skip
    return dispute(context, "nso", "census", "citizen", **{**said, **changed})


@pytest.fixture
def shared(context: At) -> At:
    share(context)
    return context


def test_a_row_is_reported_with_what_stands_there(shared: At) -> None:
    reported = report(shared)
    assert (reported.request_id, reported.kind, reported.state) == ("nso-population-citizen-1", "dispute", "open")
    assert reported.dispute is not None
    assert reported.dispute.shown == "1999"
    _, entries = ledger.read_kind(shared.lake, "request")
    assert pseudonym(ANH) not in str(entries.to_pylist())
    assert pseudonym(ANH) not in str(notices(shared))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"key": (("personal_id", ANH),)}, "0 rows of `citizen` have this key"),
        ({"key": (("status_code", "1"),)}, "4 rows of `citizen` have this key"),
        ({"key": ()}, "say which row"),
        ({"key": (("full_name", "Nguyễn Thị Ánh"),)}, "has no column `full_name`"),  # it was asked for and dropped
        ({"column": "_run_id"}, "has no column `_run_id`"),
        ({"column": "updated_on"}, "has no column `updated_on`"),
        ({"key": (("personal_id' OR 1=1 --", "x"),)}, "has no column"),
        ({"evidence": " "}, "how that is known"),
        ({"right": ""}, "say what is right"),
    ],
)
def test_it_is_sent_back_at_once(shared: At, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestRefused, match=told):
        report(shared, **changed)


@pytest.mark.parametrize(
    ("key", "told"),
    [((("personal_id", ANH),), "không tìm thấy bản ghi nào"), ((("status_code", "1"),), "có 4 bản ghi có các giá trị")],
)
def test_which_row_is_meant_is_asked_for_in_vietnamese(shared: At, key: tuple[Any, ...], told: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        report(shared, key=key)
    assert told in refused.value.text.vietnamese


def test_what_another_recipient_reads_cannot_be_reported_nor_what_ended(shared: At) -> None:
    for recipient, agreement in (("moh", "census"), ("nso", "health"), ("nso", "x")):
        with pytest.raises(RequestRefused, match="no agreement in force"):
            dispute(shared, recipient, agreement, "citizen", key=(("x", "y"),), column="z", right="a", evidence="b")
    write_agreement(shared.schemas, "census", ("until: 2026-12-31", "until: 2026-01-31"))
    with pytest.raises(RequestRefused, match="no agreement in force"):
        report(shared)


def test_it_is_reported_once(shared: At) -> None:
    report(shared)
    with pytest.raises(RequestRefused, match="reported before, in `nso-population-citizen-1`"):
        report(shared, right="1997")
    assert report(shared, column="status_code", right="2").request_id == "nso-population-citizen-2"


def test_a_steward_sees_the_row_behind_a_pseudonym_only_with_the_key_and_on_record(shared: At, tmp_path: Path) -> None:
    reported = report(shared)
    before = ledger.head(shared.lake).sequence
    assert look_at_dispute(shared, reported, LOOK).right == "1998"
    (entry,) = [e for e in ledger.read(shared.lake).to_pylist() if e["sequence"] > before]
    assert (entry["kind"], entry["actor"], entry["subject"]) == ("export", "cuc-c06", f"requests/{reported.request_id}")
    assert json.loads(entry["payload"])["purpose"] == "đối chiếu với hồ sơ gốc"
    with pytest.raises(PseudonymKeyMissing, match="LIENTHONG_PSEUDONYM_KEY"):
        rows_behind(shared, reported, LOOK)
    with_key = replace(shared, environ={"LIENTHONG_PSEUDONYM_KEY": KEY.hex()})
    linked = {"record_id": f'population.citizen:["{ANH}"]', "person_id": "a" * 32}
    write_table(pa.Table.from_pylist([linked], INDEX), tmp_path / "index.parquet")
    upsert_people(shared.lake, "index", str(tmp_path / "index.parquet"), run_id="linked")
    (row,) = rows_behind(with_key, reported, LOOK)
    assert (row.key, row.value) == ((("personal_id", ANH),), "1999-05-17")
    entry = ledger.read(shared.lake).to_pylist()[-1]
    assert (entry["kind"], entry["actor"], entry["subject"]) == ("export", "cuc-c06", f"requests/{reported.request_id}")
    assert json.loads(entry["payload"])["persons_sha256"] == [person_digest("a" * 32)]  # so she is told who looked
    assert ANH not in entry["payload"]


def test_an_accepted_dispute_closes_when_the_shared_row_has_changed(shared: At) -> None:
    reported = report(shared)
    accept(shared, reported.request_id, STEWARD)
    share(shared, run_id="s2")
    assert not follow_requests(shared)
    mended = [(*row[:2], row[2].replace(year=1998), row[3]) if row[0] == ANH else row for row in PEOPLE]  # type: ignore[union-attr]
    write_citizens(shared.lake, mended)
    assert not follow_requests(shared)  # published, and not shared yet
    share(shared, run_id="s3")
    assert follow_requests(shared) == (reported.request_id,)
    assert request_of(shared, reported.request_id).state == "mended"
    (counted,) = summaries([request_of(shared, reported.request_id)], at=shared.now())
    assert (counted.kind, counted.mended, counted.in_time) == ("dispute", 1, 1)


def test_a_row_that_left_closes_it_but_not_a_table_that_was_closed_or_made_anew(shared: At) -> None:
    reported = report(shared)
    accept(shared, reported.request_id, OWNER)
    write_agreement(shared.schemas, "census", ("until: 2026-12-31", "until: 2026-01-31"))
    share(shared, run_id="s2")
    assert not follow_requests(shared)
    write_agreement(shared.schemas, "census", ("rows: status_code = '1'", "rows: status_code = '2'"))
    share(shared, run_id="s3")
    assert not follow_requests(shared)
    write_agreement(shared.schemas, "census")
    share(shared, run_id="s4")
    assert not follow_requests(shared)
    write_citizens(shared.lake, PEOPLE[1:])
    share(shared, run_id="s5")
    assert follow_requests(shared) == (reported.request_id,)


def test_a_product_that_lost_the_columns_closes_nothing_and_says_so(shared: At) -> None:
    reported = report(shared)
    accept(shared, reported.request_id, OWNER)
    write_agreement(
        shared.schemas, "census", ("{name: birth_date, protection: year}", "{name: birth_date, protection: drop}")
    )
    share(shared, run_id="s2")
    assert not follow_requests(shared)
    with pytest.raises(RequestRefused, match="gives birth_date no more"):
        rows_behind(shared, reported, LOOK)


def test_a_rejection_says_why(shared: At) -> None:
    reported = report(shared)
    with pytest.raises(RequestRefused, match="say why"):
        reject(shared, reported.request_id, STEWARD, " ")
    done = reject(shared, reported.request_id, STEWARD, "Đúng theo giấy khai sinh")
    assert (done.state, done.reason) == ("rejected", "Đúng theo giấy khai sinh")
    assert report(shared).request_id == "nso-population-citizen-2"  # it may be reported again, with other evidence


def test_a_value_that_other_terms_show_otherwise_was_not_mended(shared: At) -> None:
    """Older tests changed terms by which the row was gone, never those that show the same row otherwise."""
    reported = report(shared)
    accept(shared, reported.request_id, STEWARD)
    write_agreement(shared.schemas, "census", ("protection: year", "protection: decade"))
    share(shared, run_id="s2")
    assert not follow_requests(shared)


OF_1985 = ("rows: status_code = '1'", "rows: status_code = '2'")  # one person, who was born in 1985


def test_a_pseudonym_by_another_key_was_not_mended(context: At, monkeypatch: pytest.MonkeyPatch) -> None:
    write_agreement(context.schemas, "census", OF_1985)
    share(context)
    reported = report(context, key=(("birth_date", "1985"),), column="personal_id", right="x")
    accept(context, reported.request_id, STEWARD)
    monkeypatch.setattr("tests.unit.requests.conftest.KEY", bytes(range(7, 39)))
    share(context, run_id="s2")
    assert not follow_requests(context)


def test_another_row_of_the_same_key_mends_nothing(context: At) -> None:
    """The least value of both was taken for that of the row."""
    named = ("{name: full_name, protection: drop}", "{name: full_name, protection: none}")
    write_agreement(context.schemas, "census", OF_1985, named)
    share(context)
    reported = report(context, key=(("birth_date", "1985"),), column="full_name")
    accept(context, reported.request_id, STEWARD)
    write_citizens(context.lake, [*PEOPLE, ("001085000099", "An Văn Mới", date(1985, 2, 2), "2")])
    share(context, run_id="s2")
    assert not follow_requests(context)
