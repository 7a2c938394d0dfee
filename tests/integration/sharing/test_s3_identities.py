"""On a real S3 server a recipient reads its own folder with the stock package, and nothing else, and writes nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow import fs

from include.audit.ledger import entries
from include.audit.ledger.record import Record
from include.audit.verification.table_commits import commit_records
from include.audit.verification.verify_lake import verify
from include.lake.publishing.code_lists import publish_reference
from include.lake.storage.lake import Lake
from include.sharing.agreements.loading import load_agreement
from include.sharing.products.keys import MasterKey
from include.sharing.products.share import share_agreement
from include.sharing.recipients.store_identities import Credential

from .recipients import BUCKET, CONTRACTS, LAKE_URI, PREFIX, SERVER, filesystem, options, write_agreement

SCHEMAS = Path(__file__).parents[3] / "schemas"
AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
LATER = datetime(2027, 3, 1, tzinfo=UTC)
KEY = MasterKey(bytes(range(32)))
NSO = Credential("nso-access", "nso-secret-0123456789")
MOH = Credential("moh-access", "moh-secret-0123456789")


def publish(lake: Lake, *names: str) -> None:
    rows = {
        "personal_id": [f"{n:012d}" for n in range(len(names))],
        "full_name": list(names),
        "status_code": ["1"] * len(names),
        "_run_id": ["r"] * len(names),
        "_warnings": pa.array([None] * len(names), pa.list_(pa.string())),
    }
    write_deltalake(
        lake.registry_table("population", "citizen"),
        pa.table(rows),
        mode="overwrite",
        storage_options=lake.storage_options(),
    )


def share(lake: Lake, folder: Path, recipient: str, run_id: str, at: datetime = AT) -> None:
    agreement = load_agreement(write_agreement(folder, recipient))
    done = share_agreement(agreement, CONTRACTS, lake=lake, at=at, run_id=run_id, key=KEY)
    records = [Record(one.kind, one.subject, one.payload, on_change=True) for one in done.records]
    records += commit_records(lake, [result.subject for result in done.results])
    entries.append(lake, records, at=at, actor="share")


@pytest.fixture
def shared(lake: Lake, tmp_path: Path) -> Lake:
    """A citizen table shared with nso and moh."""
    publish(lake, "Nguyễn Thị Ánh", "Trần Văn Bình")
    for recipient in ("nso", "moh"):
        share(lake, tmp_path, recipient, f"r-{recipient}")
    return lake


def as_reader(endpoint: str, reader: Credential, path: str) -> DeltaTable:
    return DeltaTable(f"{LAKE_URI}/{path}", storage_options=options(reader.access_key, reader.secret_key, endpoint))


def test_a_recipient_reads_its_own_product_with_the_stock_package(shared: Lake, endpoint: str) -> None:
    table = as_reader(endpoint, NSO, "shared/nso/citizen")
    rows = pa.table(table.to_pyarrow_table()).to_pylist()
    assert sorted(row["full_name"] for row in rows) == ["Nguyễn Thị Ánh", "Trần Văn Bình"]
    assert {row["personal_id"] for row in rows} == {KEY.of("nso").pseudonym(f"{n:012d}") for n in (0, 1)}


def test_and_no_other_table(shared: Lake, endpoint: str) -> None:
    """Nor the figures that counts of its own are made of, which are held below statistics/."""
    for path in (
        "shared/moh/citizen", "registry/population/citizen", "audit/ledger", "shared/nsox/c",
        "shared/nso/../moh/citizen", "statistics/nso/population",
    ):  # fmt: skip
        with pytest.raises(Exception, match=r"(?i)access ?denied|forbidden|403"):
            as_reader(endpoint, NSO, path).to_pyarrow_table()


def test_nor_lists_what_is_not_its_own(shared: Lake, endpoint: str) -> None:
    below = f"{BUCKET}/{PREFIX}"
    for path in (
        BUCKET, below, f"{below}/shared", f"{below}/shared/moh", f"{below}/registry/population/citizen",
    ):  # fmt: skip
        with pytest.raises(OSError, match=r"(?i)access.?denied"):
            filesystem(endpoint, NSO).get_file_info(fs.FileSelector(path, recursive=True))


def test_nor_reads_a_file_whose_name_it_learnt(shared: Lake, endpoint: str) -> None:
    (file,) = [uri for uri in shared.list(shared.path("shared", "moh", "citizen")) if uri.endswith(".parquet")]
    path = file.removeprefix("s3://")
    assert filesystem(endpoint, MOH).open_input_file(path).size() > 0
    with pytest.raises(OSError, match=r"(?i)access.?denied|forbidden"):
        filesystem(endpoint, NSO).open_input_file(path).read()


def test_a_recipient_reads_the_code_list_of_its_column_and_no_other(
    shared: Lake, endpoint: str, tmp_path: Path
) -> None:
    lists = tmp_path / "house" / "reference"
    lists.mkdir(parents=True)
    for name in ("person_statuses", "wards"):
        shutil.copy(SCHEMAS / "reference" / f"{name}.csv", lists)
    publish_reference(shared, lists.parent)
    statuses = as_reader(endpoint, NSO, "reference/person_statuses").to_pyarrow_table()
    assert statuses.num_rows > 1
    # the column that names the list is dropped from the other agreement
    for reader, path in [(NSO, "reference/wards"), (MOH, "reference/person_statuses")]:
        with pytest.raises(Exception, match=r"(?i)access ?denied|forbidden|403"):
            as_reader(endpoint, reader, path).to_pyarrow_table()
    with pytest.raises(OSError, match=r"(?i)access.?denied"):
        filesystem(endpoint, NSO).get_file_info(fs.FileSelector(f"{BUCKET}/{PREFIX}/reference"))
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403"):
        write_deltalake(as_reader(endpoint, NSO, "reference/person_statuses"), statuses, mode="append")


def test_and_writes_nothing(shared: Lake, endpoint: str) -> None:
    own = as_reader(endpoint, NSO, "shared/nso/citizen")
    before = own.version()
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403"):
        write_deltalake(own, own.to_pyarrow_table(), mode="append")
    files = filesystem(endpoint, NSO)
    folder = f"{BUCKET}/{PREFIX}/shared/nso/citizen"
    log = f"{folder}/_delta_log/{0:020d}.json"
    with pytest.raises(OSError, match=r"(?i)access.?denied|forbidden"), files.open_output_stream(log) as stream:
        stream.write(b"{}")
    for remove in (files.delete_file, files.delete_dir):
        with pytest.raises(OSError, match=r"(?i)access.?denied|forbidden"):
            remove(log if remove == files.delete_file else folder)
    assert as_reader(endpoint, NSO, "shared/nso/citizen").version() == before
    assert as_reader(endpoint, NSO, "shared/nso/citizen").to_pyarrow_table().num_rows == 2


def test_the_sharing_server_reads_shared_tables_and_no_other_zone(shared: Lake, endpoint: str) -> None:
    for path in ("shared/nso/citizen", "shared/moh/citizen", "audit/ledger"):
        assert as_reader(endpoint, SERVER, path).to_pyarrow_table().num_rows > 0
    with pytest.raises(Exception, match=r"(?i)access ?denied|forbidden|403"):
        as_reader(endpoint, SERVER, "registry/population/citizen").to_pyarrow_table()
    own = as_reader(endpoint, SERVER, "shared/nso/citizen")
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403"):
        write_deltalake(own, own.to_pyarrow_table(), mode="append")


def test_without_or_with_wrong_credentials_there_is_nothing(shared: Lake, endpoint: str) -> None:
    for reader in (Credential("nso-access", "guess"), Credential("nobody", "x" * 20)):
        with pytest.raises(Exception, match=r"(?i)denied|forbidden|403|signature|InvalidAccessKeyId"):
            as_reader(endpoint, reader, "shared/nso/citizen")
    with pytest.raises(Exception, match=r"(?i)denied|forbidden|403"):
        DeltaTable(
            f"{LAKE_URI}/shared/nso/citizen",
            storage_options={
                "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
                "AWS_SKIP_SIGNATURE": "true",
            },
        )  # fmt: skip


def test_the_change_feed_and_the_end_of_the_agreement_on_s3(shared: Lake, endpoint: str, tmp_path: Path) -> None:
    publish(shared, "Nguyễn Thị Ánh", "Trần Văn Bảo", "Lê Cường")
    share(shared, tmp_path, "nso", "r2")
    table = as_reader(endpoint, NSO, "shared/nso/citizen")
    feed = pa.table(table.load_cdf(starting_version=1)).to_pylist()
    assert sorted(row["_change_type"] for row in feed) == ["insert", "update_postimage", "update_preimage"]
    share(shared, tmp_path, "nso", "r3", LATER)
    closed = as_reader(endpoint, NSO, "shared/nso/citizen")
    assert (closed.version(), closed.to_pyarrow_table().num_rows) == (0, 0)
    assert closed.metadata().description == "Closed: agreement expired after 2026-12-31"
    owner = filesystem(endpoint, Credential("owner-access", "owner-secret-0123456789"))
    below = owner.get_file_info(fs.FileSelector(f"{BUCKET}/{PREFIX}/shared/nso", recursive=True))
    assert [info.base_name for info in below if info.type == fs.FileType.File] == [f"{0:020d}.json"]
    found = verify(shared)
    assert [d.why for d in found.discrepancies if "shared/" in d.subject] == []
    assert found.records >= 6
