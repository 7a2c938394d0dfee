"""The receiver of the store's access log: what becomes a record, what does not, and what is no entry at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.audit.reads import Journal, JournalFull, bring_in, product_reads
from include.embedded.site import free_port
from include.lake.delta import commit_properties
from include.lake.storage import Lake
from include.pipelines.serving.store_log import LARGEST_MESSAGE, StoreLog, listening
from include.pipelines.serving.store_reads import StoreReads
from include.sharing.agreements.agreement import Agreement
from include.sharing.products.keys import MasterKey

from .conftest import PEOPLE, write_published
from .test_share import CITIZEN, share

Agree = Callable[..., Agreement]
Entry = dict[str, Any]


@pytest.fixture
def reads(lake: Lake, agree: Agree, key: MasterKey) -> StoreReads:
    """Of a lake in a folder, whose bucket has no name: keys are its paths."""
    share(lake, agree(), key)
    return StoreReads(lake)


def entry(lake: Lake, path: str, **other: Any) -> Entry:
    return {
        "request_id": "18ECF7FC", "requester": "nso", "operation": "REST.GET.OBJECT", "bucket": "", "status": 200,
        "key": f"{lake.uri.removeprefix('/')}/{path}", "remote_ip": "203.0.113.9", "error_code": "", **other,
    }  # fmt: skip


def file_of(lake: Lake) -> str:
    (uri,) = lake.table("shared/nso/citizen").file_uris()
    return uri.removeprefix(f"{lake.uri}/")


AT = datetime(2026, 3, 2, 1, 2, 3, 456_000, tzinfo=UTC)


def test_a_recipient_s_read_of_its_file_has_the_agreement_and_the_versions(lake: Lake, reads: StoreReads) -> None:
    record = reads.record(entry(lake, file_of(lake)), AT)
    assert record is not None
    assert (record.read_id, record.at, record.action, record.verdict) == ("store-18ECF7FC", AT, "store", "offered")
    assert (record.recipient, record.agreement, record.purpose) == ("nso", "census", "Thống kê")
    assert (record.registry, record.table, record.product) == ("population", "citizen", "citizen")
    assert (record.from_version, record.version) == (0, 0)
    assert record.columns == ("personal_id", "full_name", "birth_date")


def test_a_file_counts_for_the_versions_that_have_it(
    lake: Lake, reads: StoreReads, agree: Agree, key: MasterKey
) -> None:
    first = file_of(lake)
    assert reads.record(entry(lake, first), AT) is not None
    write_published(lake, CITIZEN, PEOPLE[:2])
    share(lake, agree(), key, run_id="r2")
    write_published(lake, CITIZEN, PEOPLE[:1])
    share(lake, agree(), key, run_id="r3")
    versions = {}
    for file in lake.files_below(lake.path("shared/nso/citizen")):
        if (record := reads.record(entry(lake, file), AT)) is not None:
            versions[file] = record.from_version, record.version
    assert versions[first] == (0, 0)
    assert versions[file_of(lake)][1] == lake.table("shared/nso/citizen").version()
    changes = {file: span for file, span in versions.items() if "/_change_data/" in file}
    assert set(changes.values()) == {(0, 1), (1, 2)}


@pytest.mark.parametrize(
    "other",
    [
        {"requester": "lienthong"}, {"requester": "lienthong-sharing"}, {"requester": ""}, {"requester": "NSO"},
        {"status": 404}, {"status": 304}, {"operation": "REST.PUT.OBJECT"}, {"operation": "REST.HEAD.OBJECT"},
        {"key": "lake/registry/population/citizen/part-0.parquet"}, {"bucket": "other"},
    ],
)  # fmt: skip
def test_what_is_no_read_of_a_recipient_is_none(lake: Lake, reads: StoreReads, other: Mapping[str, Any]) -> None:
    assert reads.record(entry(lake, file_of(lake)) | dict(other), AT) is None


def test_the_address_is_told_as_what_the_reader_may_have_written_itself(lake: Lake, reads: StoreReads) -> None:
    """SeaweedFS takes it from the request's X-Forwarded-For or X-Real-IP, which no signature covers."""
    record = reads.record(entry(lake, file_of(lake)), AT)
    assert record is not None
    assert record.address == "claimed:203.0.113.9"


def test_a_log_and_a_folder_are_no_data(lake: Lake, reads: StoreReads) -> None:
    for path in ("_delta_log/00000000000000000000.json", "", "_delta_log/_last_checkpoint"):
        assert reads.record(entry(lake, f"shared/nso/citizen/{path}"), AT) is None
    assert reads.record(entry(lake, "shared/nso"), AT) is None


@pytest.mark.parametrize("operation", ["REST.GET.OBJECT", "REST.HEAD.OBJECT"])
def test_what_the_store_refused_is_on_record(lake: Lake, reads: StoreReads, operation: str) -> None:
    refused = {"status": 403, "error_code": "AccessDenied", "operation": operation}
    record = reads.record(entry(lake, "shared/moh/citizen/x.parquet", **refused), AT)
    assert record is not None
    assert (record.verdict, record.reason, record.product) == ("refused", "the store: AccessDenied", None)


def test_a_table_that_an_agreement_left_a_moment_ago(lake: Lake, reads: StoreReads) -> None:
    record = reads.record(entry(lake, "shared/nso/former/x.parquet"), AT)
    assert record is not None
    assert (record.product, record.agreement, record.version) == ("former", None, None)


@pytest.mark.parametrize("since", ["new text", "a slip", "the file is gone"])
def test_a_record_tells_what_was_read_and_not_what_the_agreement_says_since(
    lake: Lake, reads: StoreReads, agree: Agree, since: str
) -> None:
    """Older tests read under the text that had made the table."""
    before = reads.record(entry(lake, file_of(lake)), AT)
    agreement = agree(
        ("version: 1.0.0", "version: 2.0.0"), ("purpose: Thống kê", "purpose: Khác"),
        ("full_name, protection: none", "full_name, protection: drop"),
    )  # fmt: skip
    if since == "a slip":
        agreement.path.write_text(agreement.path.read_text("utf-8").replace("until", "untill"), "utf-8")
    elif since == "the file is gone":
        agreement.path.unlink()
    record = StoreReads(lake).record(entry(lake, file_of(lake)), AT)
    assert record == before
    assert record is not None
    assert (record.agreement, record.agreement_version, record.purpose) == ("census", "1.0.0", "Thống kê")
    assert record.columns == ("personal_id", "full_name", "birth_date")


def test_a_read_of_a_table_that_was_made_anew_since_tells_nothing_of_the_new_one(
    lake: Lake, reads: StoreReads, agree: Agree, key: MasterKey
) -> None:
    """The store sends what a server that was down has missed. Older tests sent each entry before the next run."""
    former = file_of(lake)
    share(lake, agree(("full_name, protection: none", "full_name, protection: drop")), key, run_id="r2")
    record = reads.record(entry(lake, former), AT)
    assert record is not None
    assert (record.recipient, record.product, record.columns, record.purpose) == ("nso", "citizen", None, None)


def test_a_reader_that_no_agreement_names_is_on_record(lake: Lake, reads: StoreReads) -> None:
    """An identity outlives its agreement until the store gets a new list. Older tests had but our own processes."""
    record = reads.record(entry(lake, "shared/tax/parcel/x.parquet", requester="tax"), AT)
    assert record is not None
    assert (record.verdict, record.recipient, record.product) == ("offered", "tax", "parcel")
    refused = reads.record(entry(lake, "shared/nso/citizen/x", requester="tax", status=403), AT)
    assert refused is not None
    assert (refused.verdict, refused.recipient) == ("refused", "tax")
    assert reads.record(entry(lake, "shared/nso/citizen/x", requester="anonymous", status=403), AT) is None


def test_what_a_table_of_before_does_not_tell_of_its_agreement_stays_empty(lake: Lake, agree: Agree) -> None:
    """No older table is without these notes in the tests; the agreement of today would be a guess."""
    agree()
    notes = {"agreement": "census", "state": "open", "source": "registry/population/citizen"}
    write_deltalake(
        lake.path("shared/nso/citizen"), pa.table({"full_name": ["x"]}), commit_properties=commit_properties("r", notes)
    )
    record = StoreReads(lake).record(entry(lake, file_of(lake)), AT)
    assert record is not None
    assert (record.agreement, record.agreement_version, record.purpose) == ("census", None, None)
    assert (record.registry, record.table, record.columns) == ("population", "citizen", ("full_name",))


def test_a_damaged_log_hinders_no_record(lake: Lake, reads: StoreReads) -> None:
    """The entry would come again for ever. Older tests had no damaged log, and records were made without the table."""
    file = file_of(lake)
    for commit in Path(lake.uri, "shared/nso/citizen/_delta_log").iterdir():
        commit.write_text("{", encoding="utf-8")
    record = reads.record(entry(lake, file), AT)
    assert record is not None
    assert (record.recipient, record.product, record.columns) == ("nso", "citizen", None)


@pytest.mark.parametrize("strange", ["<script>alert(1)</script>", "", None, 5, "a" * 101, "1.2.3.4\n"])
@pytest.mark.parametrize("field", ["request_id", "remote_ip", "error_code"])
def test_an_entry_with_a_strange_field_is_told_all_the_same(
    lake: Lake, reads: StoreReads, field: str, strange: object
) -> None:
    """One that is refused would come again for ever, and nothing after it."""
    record = reads.record(entry(lake, file_of(lake)) | {field: strange, "status": 403}, AT)
    assert record is not None
    assert "<" not in f"{record.read_id}{record.address}{record.reason}"
    assert "\n" not in f"{record.read_id}{record.address}{record.reason}"


def test_an_entry_without_anything_is_none(reads: StoreReads) -> None:
    assert reads.record({}, AT) is None


class Receiving:
    """A receiver on a port, with a journal below a folder, and what is sent to it."""

    def __init__(self, reads: StoreReads, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.journal = Journal(folder)
        self.log = StoreLog(reads.record, self.journal)

    def run(self, doing: Callable[[], Awaitable[None]], kept_before: tuple[str, ...] = ()) -> None:
        async def whole() -> None:
            async with listening(self.log, "127.0.0.1", self.port, lambda: kept_before):
                await doing()
            self.journal.close_file()

        asyncio.run(whole())

    async def send(self, *sent: bytes) -> bytes:
        """What comes back until the connection is closed, or nothing more comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = b""
        try:
            for part in sent:
                writer.write(part)
                await writer.drain()
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 5)
        except ConnectionError:
            pass
        writer.close()
        return answer

    def ids(self, lake: Lake) -> list[str]:
        bring_in(lake, self.folder)
        if not lake.is_table(lake.path("audit/reads")):
            return []
        return sorted(lake.table("audit/reads").to_pyarrow_table()["read_id"].to_pylist())


def message(of: Entry, chunk: str = "c1") -> bytes:
    return bytes(msgpack.packb(["store.s3.access", 1_796_083_014, of, {"chunk": chunk}]))


@pytest.fixture
def receiving(reads: StoreReads, tmp_path: Path) -> Receiving:
    return Receiving(reads, tmp_path / "reads")


def test_an_entry_is_acknowledged_once_it_is_on_disk_and_kept_once(lake: Lake, receiving: Receiving) -> None:
    first, other = entry(lake, file_of(lake)), entry(lake, file_of(lake), request_id="2")

    async def doing() -> None:
        assert await receiving.send(message(first)) == msgpack.packb({"ack": "c1"})
        assert await receiving.send(message(first, "c1"), message(other, "c2")) == msgpack.packb(
            {"ack": "c1"}
        ) + msgpack.packb({"ack": "c2"})  # the first again: its acknowledgement was lost
        assert await receiving.send(message(entry(lake, file_of(lake), request_id="kept"))) != b""

    receiving.run(doing, kept_before=("store-kept",))
    assert receiving.ids(lake) == ["store-18ECF7FC", "store-2"]
    (counted,) = product_reads(lake, since=AT, until=datetime(2027, 1, 1, tzinfo=UTC), beside=["sex"])
    assert (counted.recipient, counted.table, counted.reads) == ("nso", "citizen", 2)


def test_nothing_is_acknowledged_that_cannot_be_kept(
    lake: Lake, receiving: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise JournalFull("no room")

    monkeypatch.setattr(receiving.journal, "keep", full)

    async def doing() -> None:
        assert await receiving.send(message(entry(lake, file_of(lake)))) == b""

    receiving.run(doing)


NONSENSE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    msgpack.packb("text"),
    msgpack.packb([]),
    msgpack.packb(["tag", 1, "no entry", {}]),
    msgpack.packb(["tag", "now", {"request_id": "1"}]),
    msgpack.packb(["tag", 10**18, {"request_id": "1"}]),
    msgpack.packb(["tag", 2**62, {"request_id": "1"}]),
    msgpack.packb(["tag", float("inf"), {"request_id": "1"}]),
    msgpack.packb(["tag", float("nan"), {"request_id": "1"}]),
    msgpack.packb(["tag", 1, {"request_id": "1"}, ["chunk"]]),
    msgpack.packb(["tag", 1, {"request_id": "1"}, None]),
    msgpack.packb(["tag", 1, [1, 2], {"chunk": "c"}]),
    msgpack.packb(["tag", msgpack.ExtType(5, b"x"), {}]),
    msgpack.packb(["tag", msgpack.ExtType(0, b"x"), {}]),
    b"\xdb\xff\xff\xff\xff" + b"x" * 100,
    msgpack.packb(["tag", 1, {"request_id": "x" * (LARGEST_MESSAGE + 1)}]),
    b"\x91" * 5000,
    b"\xc1",
]


def test_what_is_no_entry_ends_the_connection_and_no_other(lake: Lake, receiving: Receiving) -> None:
    unhandled: list[dict[str, Any]] = []

    async def doing() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unhandled.append(told))
        for nonsense in NONSENSE:
            assert await receiving.send(nonsense) == b"", nonsense[:40]
        assert await receiving.send(message(entry(lake, file_of(lake)))) != b""

    receiving.run(doing)
    assert receiving.ids(lake) == ["store-18ECF7FC"]
    assert unhandled == [], "a text that nobody foresaw reaches no log"
