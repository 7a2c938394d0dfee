"""A shared table holds exactly what was agreed, and after the agreement nothing, in no version and in no file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from include.contracts.model import Column, Table
from include.contracts.yaml_files.problems import ContractError
from include.lake.storage.lake import Lake
from include.lake.upsert import table_upsert
from include.sharing.agreements.agreement import Agreement
from include.sharing.products.keys import MasterKey, PseudonymKeyMissing
from include.sharing.products.share import Sharing, close_orphans, share_agreement

from .conftest import AGREEMENT, AT, CITIZEN, CONTRACTS, CONTRIBUTION, MONTHS, PEOPLE, contract, write_published

LATER = datetime(2027, 1, 1, 12, tzinfo=UTC)
Agree = Callable[..., Agreement]


def share(lake: Lake, agreement: Agreement, key: MasterKey | None, *, run_id: str = "r1", at: datetime = AT) -> Sharing:
    return share_agreement(agreement, CONTRACTS, lake=lake, at=at, run_id=run_id, key=key)


def table(lake: Lake, recipient: str = "nso", product: str = "citizen") -> DeltaTable:
    """As the recipient opens it: the stock package and a path."""
    return DeltaTable(f"{lake.uri}/shared/{recipient}/{product}")


def rows(lake: Lake, recipient: str = "nso", product: str = "citizen") -> list[dict[str, Any]]:
    found = pa.table(table(lake, recipient, product).to_pyarrow_table()).to_pylist()
    return sorted(found, key=lambda row: str(row))


def nowhere_in_files(folder: Path, *texts: str) -> bool:
    """Whether no file below the folder holds any of the texts, also when its pages are unpacked."""
    for file in (f for f in folder.rglob("*") if f.is_file()):
        content = file.read_bytes()
        if file.suffix == ".parquet" and "_delta_log" not in file.parts:
            import pyarrow.parquet as pq

            content += repr(pq.read_table(file).to_pylist()).encode()
        if any(text.encode() in content for text in texts):
            return False
    return True


# Exactly the agreed columns, rows and protections


def test_the_agreed_columns_rows_and_protections_and_nothing_else(lake: Lake, agree: Agree, key: MasterKey) -> None:
    done = share(lake, agree(), key)
    pseudonym = key.of("nso").pseudonym
    assert rows(lake) == sorted(
        [
            {"personal_id": pseudonym("001199000001"), "full_name": "Nguyễn Thị Ánh", "birth_date": 1999},
            {"personal_id": pseudonym("001099000002"), "full_name": "Trần Văn Bình", "birth_date": 1999},
            {"personal_id": pseudonym("001085000004"), "full_name": "Đỗ Dũng", "birth_date": None},
        ],
        key=lambda row: str(row),
    )
    (result,) = done.results
    assert (result.verdict, result.rows, result.version, result.subject) == ("published", 3, 0, "shared/nso/citizen")
    assert table(lake).metadata().configuration["delta.enableChangeDataFeed"] == "true"


def test_rows_deleted_in_the_registry_are_not_shared(lake: Lake, agree: Agree, key: MasterKey) -> None:
    write_published(lake, CITIZEN, [row for row in PEOPLE if row[0] != "001199000001"])
    share(lake, agree(), key)
    assert [row["full_name"] for row in rows(lake)] != []
    assert "Nguyễn Thị Ánh" not in str(rows(lake))


def test_the_last_characters_are_kept_and_of_short_values_none(lake: Lake, agree: Agree, key: MasterKey) -> None:
    changes = [("protection: pseudonym", "protection: keep_last, keep: 4"), ("drop}", "keep_last, keep: 2}")]
    share(lake, agree(*changes), None)
    assert rows(lake)[0].keys() == {"personal_id", "full_name", "birth_date", "ethnicity_code"}
    assert {row["personal_id"] for row in rows(lake)} == {"0001", "0002", "0004"}
    assert {row["ethnicity_code"] for row in rows(lake)} == {""}


@pytest.mark.parametrize("name", ["ward", "code", "province_code", "w", "wards", "valid_until"])
def test_a_province_is_that_of_the_rows_ward_whatever_the_column_is_called(lake: Lake, agree: Agree, name: str) -> None:
    place = Table(
        "population", "place", "noi_o",
        (
            Column("id", "id", "string", "VARCHAR", primary_key_position=1),
            Column(name, "xa", "string", "VARCHAR", expression='vn_ward_current("xa")'),
            Column("updated_at", "ngay", "timestamp", "TIMESTAMPTZ"),
        ),
        (),
    )  # fmt: skip
    write_published(lake, place, [("1", "00001"), ("2", "00002"), ("3", "00003"), ("4", None)])
    wards = {"code": ["00001", "00002"], "province_code": ["01", "79"], "valid_until": pa.nulls(2, pa.date32())}
    write_deltalake(lake.reference_table("wards"), pa.table(wards))
    products = f"""products:
  - name: place
    table: population.place
    columns: [{{name: id, protection: none}}, {{name: {name}, protection: province}}]
"""
    agreement = agree(text=AGREEMENT[: AGREEMENT.index("products:")] + products)
    share_agreement(agreement, {"population": contract(place)}, lake=lake, at=AT, run_id="r1", key=None)
    assert [row[name] for row in rows(lake, product="place")] == ["01", "79", None, None]
    wards |= {"province_code": ["01", "92"]}
    write_deltalake(lake.reference_table("wards"), pa.table(wards), mode="overwrite")
    for run_id, verdict in (("r2", "published"), ("r3", "unchanged")):
        again = share_agreement(agreement, {"population": contract(place)}, lake=lake, at=AT, run_id=run_id, key=None)
        assert [result.verdict for result in again.results] == [verdict]
        assert [row[name] for row in rows(lake, product="place")] == ["01", "92", None, None]


def test_pseudonyms_join_one_recipients_products_and_no_other_recipients(
    lake: Lake, agree: Agree, key: MasterKey
) -> None:
    second = """\
  - name: contribution
    table: insurance.contribution
    columns: [{name: personal_id, protection: pseudonym}, {name: month, protection: none}]
"""
    from .conftest import AGREEMENT

    share(lake, agree(text=AGREEMENT + second), key)
    share(lake, agree(("id: nso", "id: moh"), name="other"), key)
    statistics = {row["personal_id"] for row in rows(lake)}
    assert {row["personal_id"] for row in rows(lake, product="contribution")} < statistics
    health = {row["personal_id"] for row in rows(lake, "moh")}
    assert len(health) == 3
    assert not health & statistics


def test_rows_do_not_come_in_the_order_of_the_source(lake: Lake, agree: Agree, key: MasterKey) -> None:
    write_published(lake, CITIZEN, [(f"{n:012d}", "x", None, "01", "1") for n in range(500)])
    share(lake, agree(), key)
    found = table(lake).to_pyarrow_table()["personal_id"].to_pylist()
    assert found == sorted(found)


def test_the_comment_of_a_column_tells_its_protection(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    comments = {field.name: field.metadata.get("comment") for field in table(lake).schema().fields}
    assert comments == {
        "personal_id": "personal_id [pseudonym]",
        "full_name": "full_name",
        "birth_date": "Ngày sinh [year]",
    }


def test_the_log_holds_no_value(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    write_published(lake, CITIZEN, PEOPLE[1:])
    share(lake, agree(), key, run_id="r2")
    assert nowhere_in_files(Path(lake.uri, "shared/nso/citizen/_delta_log"), "Ánh", "Bình", "Dũng", "001199000001")


# Run after run


def test_a_run_with_nothing_to_do_does_nothing(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    (result,) = share(lake, agree(), key, run_id="r2").results
    assert (result.verdict, result.version, result.rows) == ("unchanged", 0, 3)
    assert table(lake).version() == 0


def test_a_recipient_gets_the_changes_since_last_time(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    changed = [("001199000001", "Nguyễn Thị Anh", date(1999, 5, 17), "01", "1"), *PEOPLE[1:3]]
    new = ("001200000005", "Hồ Xuân Én", date(2000, 2, 29), "01", "1")
    write_published(lake, CITIZEN, [*changed, new])
    (result,) = share(lake, agree(), key, run_id="r2").results
    assert (result.inserted, result.updated, result.deleted, result.version) == (1, 1, 1, 1)
    feed = pa.table(table(lake).load_cdf(starting_version=1)).to_pylist()
    assert sorted((row["_change_type"], row["full_name"]) for row in feed) == [
        ("delete", "Đỗ Dũng"),
        ("insert", "Hồ Xuân Én"),
        ("update_postimage", "Nguyễn Thị Anh"),
        ("update_preimage", "Nguyễn Thị Ánh"),
    ]
    assert sorted(row["full_name"] for row in rows(lake)) == ["Hồ Xuân Én", "Nguyễn Thị Anh", "Trần Văn Bình"]


def test_a_large_difference_is_written_as_a_whole(
    lake: Lake, agree: Agree, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement = agree()
    share(lake, agreement, key)
    write_published(lake, CITIZEN, PEOPLE[1:])
    monkeypatch.setattr(table_upsert, "MERGE_ROWS", 0)
    (result,) = share(lake, agreement, key, run_id="r2").results
    assert (result.verdict, result.deleted, result.rows) == ("published", 1, 2)
    assert [row["full_name"] for row in rows(lake)] != []
    assert len(rows(lake)) == 2


def test_without_a_key_rows_are_still_compared(lake: Lake, agree: Agree, key: MasterKey) -> None:
    keyless = agree(("      - {name: personal_id, protection: pseudonym}\n", ""))
    share(lake, keyless, None)
    twin = ("001299000009", "Trần Văn Bình", date(1999, 1, 1), "01", "1")
    write_published(lake, CITIZEN, [*PEOPLE, twin])
    (added,) = share(lake, keyless, None, run_id="r2").results
    assert (added.inserted, added.deleted, added.rows) == (1, 0, 4)
    write_published(lake, CITIZEN, [*PEOPLE[1:], twin])
    (removed,) = share(lake, keyless, None, run_id="r3").results
    assert (removed.inserted, removed.deleted, removed.rows) == (0, 1, 3)
    assert [row["full_name"] for row in rows(lake)].count("Trần Văn Bình") == 2


def test_maintenance_of_the_source_changes_no_row(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    write_published(lake, CITIZEN, PEOPLE)  # a new version with the same rows
    (result,) = share(lake, agree(), key, run_id="r2").results
    assert (result.verdict, result.version) == ("unchanged", 1)
    (again,) = share(lake, agree(), key, run_id="r3").results
    assert (again.verdict, again.version) == ("unchanged", 1)


def test_a_run_is_not_applied_twice(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    write_published(lake, CITIZEN, PEOPLE[1:])
    share(lake, agree(), key, run_id="r2")
    write_published(lake, CITIZEN, PEOPLE)
    (again,) = share(lake, agree(), key, run_id="r2").results
    assert again.version == 1
    assert len(rows(lake)) == 2


def test_runs_at_the_same_time_all_end_and_share_the_same(lake: Lake, agree: Agree, key: MasterKey) -> None:
    agreement = agree()
    share(lake, agreement, key)
    write_published(lake, CITIZEN, PEOPLE[1:])
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda number: share(lake, agreement, key, run_id=f"at-once-{number}"), range(4)))
    assert sorted(sharing.results[0].verdict for sharing in done) == ["published", *["unchanged"] * 3]
    assert (table(lake).version(), len(rows(lake))) == (1, 2)


def test_the_source_may_not_be_there_yet(tmp_path: Path, agree: Agree, key: MasterKey) -> None:
    empty = Lake(str(tmp_path / "empty"), (), tmp_path / "tmp")
    (result,) = share(empty, agree(), key).results
    assert (result.verdict, result.reason) == ("waiting", "population.citizen is not published")
    assert rows(empty) == []
    write_published(empty, CITIZEN, PEOPLE)
    (result,) = share(empty, agree(), key, run_id="r2").results
    assert (result.verdict, result.rows) == ("published", 3)


# The end of an agreement


@pytest.mark.parametrize(
    ("change", "at", "reason"),
    [
        (("until: 2026-12-31", "until: 2026-02-28"), AT, "agreement expired after 2026-02-28"),
        (("from: 2026-01-01", "from: 2026-03-02"), AT, "agreement not valid before 2026-03-02"),
        (
            ("contact:", "withdrawn: {from: 2026-03-01, reason: purpose fulfilled}\ncontact:"),
            AT,
            "agreement withdrawn on 2026-03-01: purpose fulfilled",
        ),
        (("version: 1.0.0", "version: 1.0.0"), LATER, "agreement expired after 2026-12-31"),
    ],
)
def test_nothing_is_left_to_read_in_no_version_and_in_no_file(
    lake: Lake, agree: Agree, key: MasterKey, change: tuple[str, str], at: datetime, reason: str
) -> None:
    share(lake, agree(), key)
    write_published(lake, CITIZEN, PEOPLE[1:])
    share(lake, agree(), key, run_id="r2")
    folder = Path(lake.uri, "shared/nso")
    assert not nowhere_in_files(folder, "Trần Văn Bình")
    (result,) = share(lake, agree(change), None, run_id="r3", at=at).results
    assert (result.verdict, result.state, result.reason) == ("closed", "closed", reason)
    left = table(lake)
    assert (left.version(), left.file_uris(), left.metadata().description) == (0, [], f"Closed: {reason}")
    assert left.to_pyarrow_table().num_rows == 0
    assert left.history()[0]["lienthong.reason"] == reason
    assert not list(folder.rglob("*.parquet"))
    assert nowhere_in_files(folder, "Trần Văn Bình", key.of("nso").pseudonym("001099000002"))
    (again,) = share(lake, agree(change), None, run_id="r4", at=at).results
    assert again.verdict == "unchanged"


def test_an_agreement_that_comes_into_force_again_opens_the_table(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key, at=LATER)
    (result,) = share(lake, agree(("until: 2026-12-31", "until: 2027-12-31")), key, run_id="r2", at=LATER).results
    assert (result.verdict, result.rows) == ("published", 3)
    assert result.reason == "opened again (agreement expired after 2026-12-31)"


def test_the_last_day_counts_in_vietnam(agree: Agree) -> None:
    agreement = agree()
    assert agreement.standing(datetime(2026, 12, 31, 16, 59, tzinfo=UTC)) == "in_force"
    assert agreement.standing(datetime(2026, 12, 31, 17, 0, tzinfo=UTC)) == "expired"
    assert agreement.standing(datetime(2025, 12, 31, 17, 0, tzinfo=UTC)) == "in_force"


@pytest.mark.parametrize(
    "change",
    [
        ("{name: full_name, protection: none}", "{name: full_name, protection: drop}"),
        ("{name: full_name, protection: none}", "{name: full_name, protection: pseudonym}"),
        ("rows: status_code = '1'", "rows: full_name LIKE 'Lê%'"),
    ],
)
def test_other_terms_leave_nothing_of_what_was_shared_before(
    lake: Lake, agree: Agree, key: MasterKey, change: tuple[str, str]
) -> None:
    share(lake, agree(), key)
    (result,) = share(lake, agree(change), key, run_id="r2").results
    assert (result.verdict, result.reason, result.version) == ("published", "the terms changed", 0)
    assert nowhere_in_files(Path(lake.uri, "shared/nso"), "Trần Văn Bình")


def test_another_key_makes_new_pseudonyms_and_leaves_no_old_ones(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    old = key.of("nso").pseudonym("001099000002")
    assert not nowhere_in_files(Path(lake.uri, "shared/nso"), old)
    share(lake, agree(), MasterKey(bytes(range(1, 33))), run_id="r2")
    assert nowhere_in_files(Path(lake.uri, "shared/nso"), old)


def test_another_contact_is_noted_and_changes_no_row(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    (result,) = share(lake, agree(("b@nso", "c@nso")), key, run_id="r2").results
    assert (result.verdict, result.version) == ("unchanged", 1)


def test_a_product_that_no_agreement_names_is_closed(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    assert close_orphans([agree()], lake=lake, run_id="r2", at=AT).results == ()
    (result,) = close_orphans([], lake=lake, run_id="r2", at=AT).results
    assert (result.verdict, result.reason) == ("closed", "no agreement names this product")
    assert nowhere_in_files(Path(lake.uri, "shared"), "Trần Văn Bình")
    assert table(lake).schema().fields[0].name == "personal_id"


def test_what_a_killed_run_left_is_cleared_away(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    folder = Path(lake.uri, "shared/nso/citizen")
    for file in (folder / "_delta_log").iterdir():
        file.unlink()  # killed between removing the log and the rest
    share(lake, agree(("full_name, protection: none", "full_name, protection: drop")), key, run_id="r2")
    assert nowhere_in_files(folder, "Trần Văn Bình")
    assert len(rows(lake)) == 3


@pytest.mark.parametrize("is_changing", [True, False])
def test_old_versions_and_changes_go_when_the_history_ends(
    lake: Lake, agree: Agree, key: MasterKey, is_changing: bool
) -> None:
    now = datetime.now(UTC)
    share(lake, agree(("2026-12-31", "2100-12-31")), key, at=now)
    write_published(lake, CITIZEN, PEOPLE[:1])
    share(lake, agree(("2026-12-31", "2100-12-31")), key, run_id="r2", at=now)
    assert not nowhere_in_files(Path(lake.uri, "shared/nso"), "Trần Văn Bình")
    grow_old(Path(lake.uri, "shared/nso/citizen"), now - timedelta(days=31))
    if is_changing:
        write_published(lake, CITIZEN, [*PEOPLE[:1], ("001200000005", "Hồ Xuân Én", None, "01", "1")])
    share(lake, agree(("2026-12-31", "2100-12-31")), key, run_id="r3", at=now)
    assert nowhere_in_files(Path(lake.uri, "shared/nso"), "Trần Văn Bình")
    names = {row["full_name"] for row in rows(lake)}
    assert names == ({"Hồ Xuân Én", "Nguyễn Thị Ánh"} if is_changing else {"Nguyễn Thị Ánh"})
    if is_changing:
        (added,) = pa.table(table(lake).load_cdf(starting_version=2)).to_pylist()
        assert added["full_name"] == "Hồ Xuân Én"


def grow_old(folder: Path, born: datetime) -> None:
    """Make a Delta table look as if all its commits had been made then."""
    for file in folder.rglob("*"):
        if file.suffix == ".json":
            actions = [json.loads(line) for line in file.read_text().splitlines()]
            for action in actions:
                if "remove" in action:
                    action["remove"]["deletionTimestamp"] = int(born.timestamp() * 1000)
                if "commitInfo" in action:
                    action["commitInfo"]["timestamp"] = int(born.timestamp() * 1000)
            file.write_text("\n".join(json.dumps(action) for action in actions))
        if file.is_file():
            os.utime(file, (born.timestamp(), born.timestamp()))


# What stops it


def test_a_missing_key_is_told_with_its_remedy(lake: Lake, agree: Agree) -> None:
    with pytest.raises(PseudonymKeyMissing, match="LIENTHONG_PSEUDONYM_KEY is not set: make one with `openssl rand"):
        share(lake, agree(), None)
    assert not Path(lake.uri, "shared").exists()


def test_nobody_is_advised_to_make_a_new_key_for_a_lake_that_has_one(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    known = key.of(agree().recipient).key_id
    before = table(lake).version()
    with pytest.raises(PseudonymKeyMissing) as raised:
        share(lake, agree(), None)
    assert f"{known} of {agree().recipient}" in str(raised.value)
    assert "fetch it from the secret store" in str(raised.value)
    assert "openssl" not in str(raised.value)
    assert table(lake).version() == before


def test_an_agreement_that_does_not_fit_the_contracts_shares_nothing(lake: Lake, agree: Agree, key: MasterKey) -> None:
    with pytest.raises(ContractError, match="restricted and would be given bare"):
        share(lake, agree(("ethnicity_code, protection: drop", "ethnicity_code, protection: none")), key)
    assert not Path(lake.uri, "shared").exists()


def test_an_agreement_can_end_although_its_table_left_the_contracts(lake: Lake, agree: Agree, key: MasterKey) -> None:
    share(lake, agree(), key)
    done = share_agreement(agree(), {}, lake=lake, at=LATER, run_id="r2", key=None)
    assert done.results[0].verdict == "closed"
    assert table(lake).schema().fields[0].name == "personal_id"


# The record


def test_the_ledger_hears_of_agreement_and_export(lake: Lake, agree: Agree, key: MasterKey) -> None:
    agreement, export = share(lake, agree(), key).records
    assert (agreement.kind, agreement.subject) == ("agreement", "agreements/census")
    assert agreement.payload["standing"] == "in_force"
    assert agreement.payload["products"]["citizen"]["columns"][0] == "personal_id pseudonym"
    assert (export.kind, export.subject) == ("export", "shared/nso/citizen")
    assert export.payload == {"agreement": "census", "state": "open", "reason": "", "version": 0, "rows": 3}
    assert "Ánh" not in str((agreement, export))


def test_tables_of_contribution_are_keyed_by_two_columns(lake: Lake, agree: Agree, key: MasterKey) -> None:
    text = agree().path.read_text()
    text = text[: text.index("products:")] + (
        "products: [{name: c, table: insurance.contribution, columns: [{name: personal_id, protection: pseudonym}, "
        "{name: month, protection: none}]}]"
    )
    share(lake, agree(text=text), key)
    write_published(lake, CONTRIBUTION, [*MONTHS, ("001199000001", date(2026, 3, 1), 1)])
    (result,) = share(lake, agree(text=text), key, run_id="r2").results
    assert (result.inserted, result.updated, result.deleted) == (1, 0, 0)
    assert replace(result, version=0).rows == 3
