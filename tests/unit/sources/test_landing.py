"""What every extract has: a digest that does not depend on order, a record, and nothing done twice."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from include.contracts.model import Column
from include.sources.access import SourceMissing
from include.sources.access.connection import Connection
from include.sources.databases.reflection import explainer
from include.sources.landing.landed import Extract
from tests.extracts import AT, contract_of, rows_of, take
from tests.unit.sources.conftest import Drop


def test_the_digest_ignores_order_and_sees_everything_else(drop: Drop) -> None:
    digests = {}
    for number, text in enumerate(
        ["1,2\n3,4\n", "3,4\n1,2\n", "1,2\n3,5\n", "1,2\n3,4\n3,4\n3,4\n", "1,2\n3,\n", "2,1\n4,3\n", ""]
    ):
        drop.put("a.csv", "A,B\n" + text)
        digests[number] = drop.take("a.csv", "A", "B").digest
    drop.put("a.csv", "A,C\n1,2\n3,4\n")
    digests[99] = drop.take("a.csv", "A").digest
    assert digests[0] == digests[1]
    assert len(set(digests.values())) == len(digests) - 1


def test_the_same_run_is_not_read_twice(drop: Drop) -> None:
    drop.put("a.csv", "A\n1\n")
    contract = contract_of("a.csv", ["A"])
    first = take(contract, drop.folder.as_uri(), drop.lake, run_id="r1")
    (drop.folder / "a.csv").unlink()
    assert take(contract, "file:///gone", drop.lake, run_id="r1") == first


def test_an_extract_that_did_not_end_is_made_again(drop: Drop) -> None:
    drop.put("a.csv", "A\n1\n")
    half = Path(drop.lake.landing_path("registry", "thing", "r1"))
    half.mkdir(parents=True)
    (half / "extract.parquet").write_bytes(b"half")
    assert rows_of(take(contract_of("a.csv", ["A"]), drop.folder.as_uri(), drop.lake, run_id="r1")) == [("1",)]


def test_the_record_is_json_and_comes_back_equal(drop: Drop) -> None:
    drop.put("a.csv", "A\n1\n")
    extracted = drop.take("a.csv", "A")
    written = Path(extracted.uri).with_name("_extract.json").read_text()
    assert Extract.from_dict(json.loads(written)) == extracted
    assert Extract.from_dict(json.loads(json.dumps(extracted.to_dict()))) == extracted
    assert (extracted.snapshot_at, extracted.bytes > 0) == (AT.isoformat(), True)


def test_the_folder_of_the_run_is_no_column(drop: Drop) -> None:
    drop.put("a.csv", "A\n1\n")
    assert [name for name, _ in drop.take("a.csv", "A").columns] == ["A"]


def test_the_cursor_is_the_greatest_value_if_it_has_an_order(drop: Drop) -> None:
    drop.put("a.csv", "A,U,V\n1,2024-01-02,02/01/2023\n2,2024-01-10,01/12/2022\n")
    ordered = Column("updated_at", "U", "timestamp", "TIMESTAMP")
    written = Column("updated_at", "V", "timestamp", "TIMESTAMP", 'vn_timestamp("V")')
    uri = drop.folder.as_uri()
    assert take(contract_of("a.csv", ["A", ordered], cursor=["updated_at"]), uri, drop.lake).cursor == ("2024-01-10",)
    assert take(contract_of("a.csv", ["A", written], cursor=["updated_at"]), uri, drop.lake).cursor is None
    assert take(contract_of("a.csv", ["A"]), uri, drop.lake).cursor is None


def test_errors_tell_whether_to_try_again() -> None:
    from include.sources.access import DropBroken, SourceDenied, SourceLost, SourceSecretMissing, SourceUnavailable

    assert [kind for kind in (SourceUnavailable, SourceLost) if not kind.is_retryable] == []
    assert [k for k in (SourceDenied, SourceMissing, DropBroken, SourceSecretMissing) if k.is_retryable] == []


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ("FATAL: password authentication failed for user", "", "SourceDenied"),
        ('connection failed: FATAL: database "x" does not exist', "", "SourceMissing"),
        ("connection to server failed: Connection refused", "", "SourceUnavailable"),
        ("server closed the connection unexpectedly", "", "SourceLost"),
        ("anything", "57P01", "SourceLost"),
        ("anything", "42501", "SourceDenied"),
        ("(2013, 'Lost connection to server during query')", "", "SourceLost"),
        ("(1040, 'Too many connections')", "", "SourceUnavailable"),
        ("invalid input syntax for type integer", "", None),
    ],
)
def test_what_a_databases_words_mean(words: str, code: str, kind: str | None) -> None:
    from include.sources.access.errors import kind_of

    found = kind_of(words, code=code)
    assert (found.__name__ if found else None) == kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (duckdb.IOException("server closed the connection unexpectedly"), "SourceLost"),
        (duckdb.HTTPException("Connection error: timed out"), None),
        (duckdb.IOException("IO Error: Connection refused for HTTP PUT to 'http://127.0.0.1:1/lake/x'"), None),
        (duckdb.IOException("Could not connect while writing s3://lake/x"), None),
        (duckdb.IOException("Failed to prepare query \"SELECT a AS 'timed out'\": something else"), None),
    ],
)
def test_a_failing_lake_is_not_blamed_on_the_source(error: duckdb.Error, kind: str | None) -> None:
    contract = contract_of("t")
    told = explainer(Connection("X", "postgresql"), contract.tables[0])(error)
    assert (type(told).__name__ if told else None) == kind
