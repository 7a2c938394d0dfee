"""The Delta Sharing server over a real lake: who gets what, who is refused and why, and that all of it is on record."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from include.audit.ledger import Record, append
from include.audit.verification import commit_records, verify
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse
from include.pipelines.reporting import reads_of_table
from include.pipelines.serving import issue_token, live_agreements, make_app, revoke_tokens, rotate_token
from include.sharing.agreements import Agreement
from include.sharing.products import MasterKey, share_agreement

from .conftest import AT, CITIZEN, CONTRACTS, PEOPLE, write_published

Agree = Callable[..., Agreement]
TABLE = "/delta-sharing/shares/census/schemas/population/tables/citizen"
SCHEMAS = Path(__file__).parents[3] / "schemas"
TABLES = "shares/census/schemas/population/tables"
HEALTH = ("id: nso", "id: moh"), ("purpose: Thống kê", "purpose: Y tế")


@dataclass(frozen=True)
class At(PipelineContext):
    """A context whose clock stands where the test puts it."""

    clock: list[datetime]

    def now(self) -> datetime:
        return self.clock[0]


@dataclass(frozen=True)
class Served:
    """A server on a lake with two recipients, each with a token."""

    context: At
    client: TestClient
    agreement: Agreement
    tokens: dict[str, str]

    def get(self, path: str, recipient: str = "nso", **how: Any) -> Any:
        return self.client.request(how.pop("method", "GET"), path, headers=self.as_(recipient), **how)

    def query(self, body: dict[str, Any] | bytes = b"{}", recipient: str = "nso", path: str = TABLE) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(f"{path}/query", content=content, headers=self.as_(recipient))

    def as_(self, recipient: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[recipient]}"}

    def share(self, run_id: str, agreement: Agreement | None = None) -> None:
        done = share_agreement(
            agreement or self.agreement, CONTRACTS, lake=self.context.lake, at=self.context.now(), run_id=run_id,
            key=MasterKey(bytes(range(32))),
        )  # fmt: skip
        records = [Record(one.kind, one.subject, one.payload, on_change=True) for one in done.records]
        records += commit_records(self.context.lake, [result.subject for result in done.results])
        append(self.context.lake, records, at=AT, actor="share")

    def reads(self) -> list[dict[str, Any]]:
        """All records, once the server has ended."""
        self.client.__exit__(None, None, None)
        table = self.context.lake.table("audit/reads").to_pyarrow_table()
        return sorted(pa.table(table).to_pylist(), key=lambda row: row["at"])


def token_of(text: str) -> str:
    return str(json.loads(text)["bearerToken"])


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def rows_of(served: Served, answer: Any) -> list[dict[str, Any]]:
    """The rows in the files of a query's answer, as the client finds them at their URLs."""
    found = []
    for line in lines(answer)[2:]:
        got = served.client.get(line["file"]["url"])
        assert got.status_code == 200, got.text
        found += pq.read_table(BytesIO(got.content)).to_pylist()
    return found


@pytest.fixture
def served(lake: Lake, agree: Agree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(live_agreements, "LOOK_SECONDS", 0.0)
    agreements = [agree(), agree(*HEALTH, name="health")]
    environ = {"LIENTHONG_SHARING_URL": "http://testserver/"}
    clock = [AT]
    context = At(lake, tmp_path / "schemas", environ, clock)
    tokens = {one.recipient: token_of(issue_token(context, one.recipient, days=90).profile) for one in agreements}
    with TestClient(make_app(context, every_seconds=3600), client=("203.0.113.9", 50000)) as client:
        served = Served(context, client, agreements[0], tokens)
        for agreement in agreements:
            served.share("r1", agreement)
        yield served


# What is there


def test_a_recipient_lists_what_is_its_own(served: Served) -> None:
    table = {"name": "citizen", "schema": "population", "share": "census"}
    assert served.get("/delta-sharing/shares").json()["items"] == [
        {"name": "census", "displayName": "Chia sẻ dữ liệu dân cư"}
    ]
    assert served.get("/delta-sharing/shares/census").json()["share"]["name"] == "census"
    assert served.get("/delta-sharing/shares/Census/schemas").json()["items"] == [
        {"name": "population", "share": "census"}
    ]
    assert served.get("/delta-sharing/shares/census/schemas/population/tables").json()["items"] == [table]
    assert served.get("/delta-sharing/shares/census/all-tables").json()["items"] == [table]
    assert [s["name"] for s in served.get("/delta-sharing/shares", "moh").json()["items"]] == ["health"]


def test_it_reads_the_rows_of_its_agreement_and_the_record_says_so(served: Served) -> None:
    answer = served.query()
    rows = rows_of(served, answer)
    assert {row["full_name"] for row in rows} == {"Nguyễn Thị Ánh", "Trần Văn Bình", "Đỗ Dũng"}
    assert set(rows[0]) == {"personal_id", "full_name", "birth_date"}
    (read,) = served.reads()
    size = sum(line["file"]["size"] for line in lines(answer)[2:])
    expected = {
        "read_id": answer.headers["lienthong-read"], "at": AT, "action": "query", "verdict": "offered", "status": 200,
        "address": "203.0.113.9", "reason": None, "recipient": "nso", "agreement": "census",
        "agreement_version": "1.0.0",
        "purpose": "Thống kê", "registry": "population", "table": "citizen", "product": "citizen", "version": 0,
        "from_version": None, "rows": 3, "size_bytes": size, "columns": ["personal_id", "full_name", "birth_date"],
    }  # fmt: skip
    assert {name: read[name] for name in expected} == expected


def test_version_metadata_and_both_formats(served: Served) -> None:
    for method, path in (("GET", f"{TABLE}/version"), ("HEAD", TABLE)):
        answer = served.get(path, method=method)
        assert (answer.status_code, answer.headers["delta-table-version"], answer.content) == (200, "0", b"")
    plain, described = lines(served.get(f"{TABLE}/metadata"))
    assert plain == {"protocol": {"minReaderVersion": 1}}
    assert described["metaData"]["configuration"] == {"enableChangeDataFeed": "true"}
    headers = {**served.as_("nso"), "delta-sharing-capabilities": "responseformat=delta;includeendstreamaction=true"}
    answer = served.client.post(f"{TABLE}/query", content=b"{}", headers=headers)
    protocol, metadata, file, end = lines(answer)
    assert answer.headers["delta-sharing-capabilities"] == "responseformat=delta;includeendstreamaction=true"
    assert protocol["protocol"]["deltaProtocol"]["minReaderVersion"] == 1
    assert metadata["metaData"]["deltaMetadata"]["configuration"]["delta.enableChangeDataFeed"] == "true"
    assert file["file"]["deltaSingleAction"]["add"]["path"].startswith("http://testserver/delta-sharing/files/census/")
    assert end["endStreamAction"]["minUrlExpirationTimestamp"] == file["file"]["expirationTimestamp"]


def test_changes_and_former_versions(served: Served) -> None:
    write_published(served.context.lake, CITIZEN, [*PEOPLE[1:], ("001085000009", "Mai Lan", None, "01", "1")])
    served.share("r2")
    found = lines(served.get(f"{TABLE}/changes?startingVersion=0"))[2:]
    assert [(next(iter(line)), next(iter(line.values()))["version"]) for line in found] == [("add", 0), ("cdf", 1)]
    changed = pq.read_table(BytesIO(served.client.get(found[1]["cdf"]["url"]).content)).to_pylist()
    kinds = {row["full_name"]: row["_change_type"] for row in changed}
    assert kinds == {"Nguyễn Thị Ánh": "delete", "Mai Lan": "insert"}
    former = rows_of(served, served.query({"version": 0}))
    assert "Nguyễn Thị Ánh" in {row["full_name"] for row in former}
    assert len(lines(served.query({"startingVersion": 1}))) > 2
    for parameters in (
        "startingVersion=2",
        "startingVersion=1&endingVersion=0",
        "",
        "startingTimestamp=2100-01-01T00:00:00Z",
    ):
        assert served.get(f"{TABLE}/changes?{parameters}").status_code == 400
    assert served.query({"version": 2}).status_code == 400
    reads = served.reads()
    (changes,) = [read for read in reads if read["action"] == "changes" and read["verdict"] == "offered"]
    assert (changes["from_version"], changes["version"], changes["rows"]) == (0, 1, 5)


def test_hints_leave_files_out_and_what_is_no_json_hints_at_nothing(served: Served) -> None:
    every = len(lines(served.query()))
    assert len(lines(served.query({"jsonPredicateHints": "not json"}))) == every
    assert len(lines(served.query({"predicateHints": ["birth_date = 1999", "full_name = 'Z' OR 1=1"]}))) == every
    assert len(lines(served.query({"predicateHints": ["birth_date = 1700"]}))) == 2
    assert len(lines(served.query({"limitHint": 0}))) == 2
    assert served.query(b"not json").status_code == 400
    assert served.query(b'"' + b"x" * 2**21 + b'"').status_code == 400


def test_what_nobody_should_send_is_refused_with_a_record_of_who_sent_it(served: Served) -> None:
    deep = b"[" * 100_000
    odd_hint = json.dumps({"jsonPredicateHints": json.dumps({"op": [], "children": []})}).encode()
    too_early = "0001-01-01T00:00:00%2B14:00"
    assert served.query(deep).status_code == 400
    assert served.query({"timestamp": "0001-01-01T00:00:00+14:00"}).status_code == 400
    assert served.query(odd_hint).status_code == 200
    assert served.get(f"{TABLE}/version?startingTimestamp={too_early}").status_code == 400
    assert served.get(f"{TABLE}/changes?startingTimestamp={too_early}").status_code == 400
    assert served.get(f"{TABLE}/changes").status_code == 400
    assert served.client.get(f"{TABLE}/changes").status_code == 401
    assert [read["recipient"] for read in served.reads()] == [*["nso"] * 6, None]


def test_the_url_of_a_file_ends_with_the_agreements_text(served: Served, agree: Agree) -> None:
    url = lines(served.query())[2]["file"]["url"]
    assert served.client.get(url).status_code == 200
    agree(("protection: none", "protection: pseudonym"))
    answer = served.client.get(url)
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "PERMISSION_DENIED")


def test_a_vacuumed_version_is_refused(served: Served) -> None:
    lake = served.context.lake
    write_published(lake, CITIZEN, PEOPLE[1:])
    served.share("r2")
    log = lake.path("shared/nso/citizen/_delta_log", f"{0:020d}.json")
    (first,) = [action["add"] for line in lake.read_text(log).splitlines() if "add" in (action := json.loads(line))]
    lake.delete_tree(lake.path("shared/nso/citizen", first["path"]))
    for answer in (served.query({"version": 0}), served.get(f"{TABLE}/changes?startingVersion=0")):
        assert answer.status_code == 400
        assert "no longer kept" in answer.json()["message"]
    lake.delete_tree(log)
    assert served.get(f"{TABLE}/changes?startingVersion=0").status_code == 400


# Who is refused


WRONG = (
    "", "Bearer", "Bearer ", "Bearer wrong", "Basic {token}", "Bearer {token}x", "Bearer x{token}", "{token}",
    "Bearer {TOKEN}", "Bearer {token},{token}", "Bearer ' OR 1=1",
)  # fmt: skip


def test_a_wrong_token_opens_nothing_and_is_on_record(served: Served) -> None:
    token = served.tokens["nso"]
    for header in WRONG:
        headers = (
            {"authorization": header.replace("{token}", token).replace("{TOKEN}", token.upper())} if header else {}
        )
        for path in ("/delta-sharing/shares", f"{TABLE}/metadata", "/delta-sharing/nothing"):
            answer = served.client.get(path, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), header
    reads = served.reads()
    assert {(read["verdict"], read["status"], read["recipient"], read["rows"]) for read in reads} == {
        ("refused", 401, None, None)
    }
    assert len(reads) == 3 * len(WRONG)


def test_an_expired_a_revoked_and_another_recipients_token(served: Served) -> None:
    url = lines(served.query())[2]["file"]["url"]
    assert served.query(recipient="moh").status_code == 404
    served.context.clock[0] = AT + timedelta(days=90)
    answer = served.query()
    assert (answer.status_code, "the token ended at 2026-05-30T08:30:00Z" in answer.text) == (401, True)
    served.context.clock[0] = AT + timedelta(seconds=1)
    assert served.query().status_code == 200
    revoke_tokens(served.context, "nso", None)
    for answer in (served.query(), served.client.get(url)):
        assert (answer.status_code, "revoked" in answer.text) == (401, True)
    assert served.query(recipient="moh", path=TABLE.replace("census", "health")).status_code == 200
    reads = [(read["recipient"], read["status"], read["agreement"]) for read in served.reads()]
    assert sorted(reads, key=str) == sorted(
        [("nso", 200, "census"), ("moh", 404, None), ("nso", 401, None), ("nso", 200, "census"), ("nso", 401, None),
         ("nso", 401, None), ("moh", 200, "health")],
        key=str,
    )  # fmt: skip


def test_rotation_leaves_no_gap(served: Served) -> None:
    former = served.as_("nso")
    newer = token_of(rotate_token(served.context, "nso", days=30, overlap=timedelta(hours=1)).profile)
    for token in (former["authorization"], f"Bearer {newer}"):
        assert served.client.get("/delta-sharing/shares", headers={"authorization": token}).status_code == 200
    served.context.clock[0] = AT + timedelta(hours=1)
    assert served.client.get("/delta-sharing/shares", headers=former).status_code == 401
    assert served.client.get("/delta-sharing/shares", headers={"authorization": f"Bearer {newer}"}).status_code == 200


def test_tokens_are_for_recipients_of_agreements_and_end(served: Served) -> None:
    for refused in (
        lambda: issue_token(served.context, "nobody", days=90),
        lambda: issue_token(served.context, "nso", days=366),
        lambda: revoke_tokens(served.context, "nso", "ffffffffffff"),
        lambda: rotate_token(served.context, "nobody", days=1, overlap=timedelta(0)),
    ):
        with pytest.raises(Misuse):
            refused()
    entries = pa.table(served.context.lake.table("audit/ledger").to_pyarrow_table()).to_pylist()
    acts = [entry for entry in entries if entry["kind"] == "credential"]
    assert sorted((entry["subject"], json.loads(entry["payload"])["act"]) for entry in acts) == [
        ("recipients/moh", "issued"), ("recipients/nso", "issued"),
    ]  # fmt: skip
    assert not any(token in entry["payload"] for token in served.tokens.values() for entry in entries)


TRICKS = (
    "shares/health", "shares/health/schemas/population/tables/citizen/metadata", "shares/..", "shares/%ff%fe", "",
    "shares/%2e%2e/schemas", "shares/census'--", "shares//schemas//tables//metadata", "audit/ledger",
    "shares/census/schemas/..%2f..%2fregistry/tables/citizen/metadata", "shares/census/schemas/x/tables",
    f"{TABLES}/..%2fmoh%2fcitizen/metadata", f"{TABLES}/citizen%00/metadata", f"{TABLES}/citizen%2f../metadata",
    f"{TABLES}/%252e%252e/metadata", f"{TABLES}/CITIZEN%20/metadata", f"{TABLES}/citizen/query",
    "shares/census/schemas/insurance/tables/contribution/metadata",
)  # fmt: skip


def test_path_tricks_lead_nowhere_and_are_on_record(served: Served) -> None:
    for path in TRICKS:
        answer = served.client.get(f"http://testserver/delta-sharing/{path}", headers=served.as_("nso"))
        assert answer.status_code == 404, path
        assert set(answer.json()) == {"errorCode", "message"}
    reads = served.reads()
    assert {(read["verdict"], read["recipient"], read["rows"]) for read in reads} == {("refused", "nso", None)}
    assert len(reads) == len(TRICKS)


def test_no_file_but_the_signed_one(served: Served) -> None:
    url = lines(served.query())[2]["file"]["url"]
    part = served.client.get(url, headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PAR1")
    assert served.client.head(url).headers["accept-ranges"] == "bytes"
    token, name = url.partition("token=")[2], re.escape(url.partition("?")[0].rpartition("/")[2])
    tricks = [
        url.replace("citizen/", "citizen%2f..%2fcitizen/"), url.replace("/census/", "/health/"), url + "&x=1", url[:-1],
        url.replace("expires=1", "expires=2"), re.sub(name, "_delta_log/00000000000000000000.json", url),
        url.partition("?")[0], url.replace(token, "x" + token), url.replace("sp=r", "sp=w"),
    ]  # fmt: skip
    for trick in tricks:
        assert served.client.get(trick).status_code in (403, 404, 401), trick
    served.context.clock[0] = AT + timedelta(minutes=15)
    late = served.client.get(url)
    assert (late.status_code, "time is over" in late.text) == (403, True)
    reads = served.reads()
    assert [read["action"] for read in reads if read["verdict"] == "offered"] == ["query"]
    assert len([read for read in reads if read["verdict"] == "refused"]) == len(tricks) + 1


# When the agreement ends or changes


def test_after_the_agreement_there_is_the_reason_and_nothing_else(served: Served) -> None:
    url = lines(served.query())[2]["file"]["url"]
    served.context.clock[0] = datetime(2027, 1, 1, tzinfo=UTC)
    token_of(issue_token(served.context, "nso", days=1).profile)
    served.tokens["nso"] = token_of(issue_token(served.context, "nso", days=1).profile)
    assert served.get("/delta-sharing/shares").json()["items"] == []
    answer = served.query()
    assert answer.status_code == 403
    assert answer.json()["message"] == "agreement expired after 2026-12-31; write to a@bca.example"
    assert served.client.get(url).status_code in (401, 403)
    refused = [read for read in served.reads() if read["status"] == 403]
    assert (refused[0]["agreement"], refused[0]["purpose"]) == ("census", "Thống kê")
    assert refused[0]["reason"].startswith("agreement expired")


def test_a_withdrawal_and_a_changed_text_are_seen_without_a_restart(served: Served, agree: Agree) -> None:
    url = lines(served.query())[2]["file"]["url"]
    changed = agree(("protection: none", "protection: pseudonym"))
    answer = served.query()
    assert (answer.status_code, "is not made by its new text yet" in answer.text) == (403, True)
    served.share("r2", changed)
    assert {len(row["full_name"]) for row in rows_of(served, served.query())} == {32}
    assert served.client.get(url).status_code == 404  # the former file is gone
    agree(("until: 2026-12-31", "until: 2026-12-31\nwithdrawn: {from: 2026-02-01, reason: Vi phạm}"))
    answer = served.query()
    assert (answer.status_code, "withdrawn on 2026-02-01: Vi phạm" in answer.text) == (403, True)
    (served.context.schemas / "agreements" / "census.yaml").write_text("nonsense", encoding="utf-8")
    assert served.query().status_code == 404


# The evidence


def test_every_request_is_one_record_and_verify_knows_the_table(served: Served) -> None:
    answered = [served.query().headers["lienthong-read"] for _ in range(20)]
    answered += [served.get("/delta-sharing/shares/nothing").headers["lienthong-read"] for _ in range(5)]
    reads = served.reads()
    assert [read["read_id"] for read in reads] == answered or sorted(answered) == sorted(r["read_id"] for r in reads)
    lake = served.context.lake
    found = verify(lake)
    assert [d.why for d in found.discrepancies if "registry/" not in d.subject] == []
    (file,) = [uri for uri in lake.list(lake.path("audit/reads")) if uri.endswith(".parquet")]
    rows = pq.read_table(file)
    rows = rows.set_column(rows.schema.get_field_index("recipient"), "recipient", pa.array(["moh"] * len(rows)))
    pq.write_table(rows, file)
    named = {d.why for d in verify(lake).discrepancies if d.subject == "audit/reads"}
    assert any("was altered" in why for why in named)
    assert len(named) > 1  # the file, and its rows


def test_a_week_of_reads_is_on_record_and_nothing_besides(served: Served) -> None:
    """Every night the server ends, and another begins; the reader's journal of the week is the table."""
    asked: list[tuple[datetime, str, str, str]] = []
    served.client.__exit__(None, None, None)
    for day in range(7):
        with TestClient(make_app(served.context, every_seconds=0.05)) as client:
            for hour in range(3):
                at = served.context.clock[0] = AT + timedelta(days=day, hours=hour)
                for recipient, share in (("nso", "census"), ("moh", "health"), ("nso", "health")):
                    path = TABLE.replace("census", share)
                    answer = client.post(f"{path}/query", content=b"{}", headers=served.as_(recipient))
                    verdict = "offered" if answer.status_code == 200 else "refused"
                    asked.append((at, recipient, answer.headers["lienthong-read"], verdict))
    rows = pa.table(served.context.lake.table("audit/reads").to_pyarrow_table()).to_pylist()
    kept = [(row["at"], row["recipient"], row["read_id"], row["verdict"]) for row in rows]
    assert sorted(kept) == sorted(asked)
    assert {verdict for *_, recipient, _, verdict in asked if recipient == "moh"} == {"offered"}
    assert [d.why for d in verify(served.context.lake).discrepancies if "registry/" not in d.subject] == []


def test_who_read_personal_columns_of_a_table_last_month_and_under_which_agreement(served: Served) -> None:
    shutil.copytree(SCHEMAS / "registries", served.context.schemas / "registries")
    served.query()
    served.query(recipient="moh", path=TABLE.replace("census", "health"))
    served.query(b"not json")
    served.reads()
    served.context.clock[0] += timedelta(hours=1)
    for how in ({"month": "2026-03"}, {"personal": True}):
        found = reads_of_table(served.context, "population.citizen", **how)  # type: ignore[arg-type]
        assert [(one.recipient, one.agreement, one.purpose, one.reads, one.refused) for one in found] == [
            ("moh", "health", "Y tế", 1, 0), ("nso", "census", "Thống kê", 1, 1),
        ]  # fmt: skip
    assert reads_of_table(served.context, "population.citizen", month="2026-02") == ()
    assert reads_of_table(served.context, "population.household_member") == ()
    for table, month in (("population.nothing", None), ("population.citizen", "2026-13")):
        with pytest.raises(Misuse):
            reads_of_table(served.context, table, month=month)


def test_no_personal_value_is_in_the_records(served: Served) -> None:
    served.query({"predicateHints": ["full_name = 'Nguyễn Thị Ánh'"]})
    served.client.get("/delta-sharing/shares/Nguyễn Thị Ánh", headers=served.as_("nso"))
    served.client.get("/delta-sharing/shares?pageToken=Nguyễn Thị Ánh", headers=served.as_("nso"))
    assert "Ánh" not in repr(served.reads())
