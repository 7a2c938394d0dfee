"""What `verify` finds, witness by witness: the chain, the tables' logs, the checkpoints."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from deltalake import CommitProperties, DeltaTable, Field, TableFeatures, Transaction, write_deltalake
from deltalake.schema import PrimitiveType

from include.audit.ledger import entries, signing
from include.audit.ledger.record import Record
from include.audit.verification import table_commits
from include.audit.verification.verify_lake import NoLedger, verify, verify_copy
from include.lake.storage.lake import Lake
from tests.repeats import repeats

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
CITIZEN = "registry/population/citizen"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three published versions of one table, each recorded, and the run that made each."""
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    for number in (1, 2, 3):
        commit(lake, CITIZEN, f"r{number}")
        record(lake, f"r{number}")
    return lake


def commit(lake: Lake, subject: str, run_id: str | None, mode: str = "append", **metadata: str) -> None:
    notes = {f"lienthong.{key}": value for key, value in metadata.items()}
    if run_id:
        notes |= {"lienthong.run_id": run_id, "lienthong.accepted": "2", entries.HEAD_METADATA: str(entries.head(lake))}
    rows = pa.table({"personal_id": ["001099000001", "001099000002"]})
    write_deltalake(lake.path(subject), rows, mode=mode, commit_properties=CommitProperties(custom_metadata=notes))


def record(lake: Lake, run_id: str = "r") -> None:
    run = Record("run", "population", {"run_id": run_id})
    table_commits.record(lake, [run], tables=[CITIZEN], at=AT, actor="sync")


def edit_file(folder: Path, column: str, old: object, new: object) -> None:
    """Change a value in the Parquet file that holds it, as somebody with a hex editor and patience would."""
    for file in folder.glob("*.parquet"):
        rows = pq.read_table(file)
        values = rows[column].to_pylist()
        if old in values:
            values[values.index(old)] = new
            position = rows.schema.get_field_index(column)
            pq.write_table(rows.set_column(position, rows.schema.field(column), pa.array(values)), file)
            return
    raise AssertionError("no such value")


def test_an_empty_lake_is_whole(tmp_path: Path) -> None:
    assert verify(Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")).ok


def test_an_untouched_ledger_is_whole(lake: Lake) -> None:
    found = verify(lake)
    assert found.ok, found.why
    assert (found.records, found.commits, found.commits_past_checking) == (6, 3, 0)


def test_maintenance_is_no_alteration(lake: Lake) -> None:
    lake.table(CITIZEN).optimize.compact()
    lake.table(entries.LEDGER).optimize.compact()
    lake.table(entries.LEDGER).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    record(lake)
    found = verify(lake)
    assert found.ok, found.why
    assert found.commits == 4


def test_a_record_edited_by_hand_is_named(lake: Lake) -> None:
    (row,) = [row for row in entries.read(lake).to_pylist() if row["sequence"] == 4]
    altered = row["payload"].replace('"r2"', '"r9"')
    edit_file(Path(lake.path(entries.LEDGER)), "payload", row["payload"], altered)
    found = verify(lake)
    assert found.first_bad == 4
    assert "altered" in found.why


def test_a_data_file_of_the_ledger_that_is_gone_or_garbage_is_named(lake: Lake) -> None:
    files = {
        row["add"]["path"] if "add" in row else row["path"]: row
        for row in pa.table(lake.table(entries.LEDGER).get_add_actions(flatten=True)).to_pylist()
    }
    (second,) = [path for path, row in files.items() if row["min.sequence"] == 3]
    Path(lake.path(entries.LEDGER), second).write_bytes(b"nothing")
    found = verify(lake)
    assert (found.first_bad, found.why) == (3, "entry 3 to 4 was dropped")
    assert any("data file" in discrepancy.why for discrepancy in found.discrepancies)


def test_entries_taken_out_through_delta_are_named_even_at_the_end(lake: Lake) -> None:
    lake.table(entries.LEDGER).delete("sequence >= 5")
    found = verify(lake)
    assert found.first_bad == 5
    assert "cut off" in found.why
    assert any("is a DELETE" in discrepancy.why for discrepancy in found.discrepancies)


def test_a_commit_past_the_pipelines_is_named(lake: Lake) -> None:
    commit(lake, CITIZEN, None)
    record(lake)
    found = verify(lake)
    assert f"version 3 of {CITIZEN} is not in the ledger" in found.why


def test_a_killed_run_is_caught_up_with_by_the_next_one(lake: Lake) -> None:
    commit(lake, CITIZEN, "r4")  # killed before its record
    assert not verify(lake).ok
    commit(lake, CITIZEN, "r5")
    record(lake)
    assert verify(lake).ok
    assert table_commits.commit_records(lake, [CITIZEN]) == []


def test_a_log_that_was_bent_or_shortened_is_named(lake: Lake) -> None:
    log = Path(lake.path(CITIZEN), "_delta_log", f"{1:020d}.json")
    text = log.read_text()
    log.write_text(text.replace('"lienthong.accepted":"2"', '"lienthong.accepted":"9"'))
    found = verify(lake)
    assert found.first_bad == 3
    assert f"the log of version 1 of {CITIZEN} was altered" in found.why
    log.write_text(text)
    assert verify(lake).ok
    (log.parent / f"{2:020d}.json").unlink()
    assert "version 2 of registry/population/citizen was removed from its log" in verify(lake).why


def test_a_log_past_its_retention_is_told_not_accused(lake: Lake) -> None:
    lake.table(CITIZEN).create_checkpoint()
    record(lake)
    for version in (0, 1):
        Path(lake.path(CITIZEN), "_delta_log", f"{version:020d}.json").unlink()
    found = verify(lake, now=datetime.now(UTC) + timedelta(days=31))
    assert found.ok, found.why
    assert (found.commits, found.commits_past_checking) == (1, 2)
    young = verify(lake)
    assert young.why == f"version 0 of {CITIZEN} was removed from its log", "nobody cleans a log of today's commits"


def test_a_table_replaced_without_a_word_is_named(lake: Lake) -> None:
    shutil.rmtree(lake.path(CITIZEN))
    assert "was removed or replaced" in verify(lake).why
    commit(lake, CITIZEN, "r4")
    record(lake)
    assert "was removed or replaced" in verify(lake).why


def test_a_table_made_anew_for_a_reason_is_recorded(lake: Lake) -> None:
    shutil.rmtree(lake.path(CITIZEN))
    commit(lake, CITIZEN, "r4", reason="the agreement expired")
    record(lake)
    found = verify(lake)
    assert found.ok, found.why
    rows = entries.read(lake).to_pylist()
    assert [row["kind"] for row in rows[6:]] == ["removal", "commit", "run"]
    assert "the agreement expired" in rows[6]["payload"]


def test_a_whole_new_ledger_is_betrayed_by_the_tables(lake: Lake) -> None:
    rows = entries.read(lake).to_pylist()
    shutil.rmtree(lake.path(entries.LEDGER))
    for row in rows:
        payload = json.loads(row["payload"].replace('"r1"', '"r7"'))
        entries.append(lake, [Record(row["kind"], row["subject"], payload)], at=row["at"], actor=row["actor"])
    found = verify(lake)
    assert "was committed upon another" in found.why


def test_a_data_file_edited_in_place_is_named_when_files_are_read(lake: Lake) -> None:
    found = verify(lake, with_files=True)
    assert (found.ok, found.files) == (True, 3)
    (file, *_) = sorted(Path(lake.path(CITIZEN)).glob("*.parquet"))
    content = file.read_bytes()
    file.write_bytes(content.replace(b"001099000001", b"001099000009"))
    assert verify(lake).ok  # same size, same log: only reading it tells
    found = verify(lake, with_files=True)
    assert (found.ok, found.files) == (False, 2)
    assert f"{file.name} of {CITIZEN} was altered" in found.why
    assert found.first_bad in (1, 3, 5)
    file.write_bytes(content)
    assert verify(lake, with_files=True).ok
    file.unlink()
    assert "is gone" in verify(lake, with_files=True).why


# Checkpoints


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


def test_a_copy_of_the_ledger_is_checked_with_the_public_key_alone(
    lake: Lake, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    signing.write_checkpoint(lake, key, at=AT)
    copy = Path(shutil.copytree(lake.path("audit"), tmp_path / "copy"))
    public = tmp_path / "signing.pub.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    found = verify_copy(copy, public_key=signing.public_key(public))
    assert found.ok, found.why
    assert (found.records, found.vouched_until) == (6, 6)
    assert verify_copy(copy / "ledger", public_key=key.public_key()).ok
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32).public_key()
    assert "not signed with the key" in verify_copy(copy, public_key=stranger).why
    with pytest.raises(NoLedger, match="copy of the lake's folder audit/"):
        verify_copy(tmp_path)


def test_an_end_cut_off_without_a_trace_is_found_by_a_checkpoint_kept_elsewhere(
    lake: Lake, key: Ed25519PrivateKey
) -> None:
    kept = signing.write_checkpoint(lake, key, at=AT)
    assert kept is not None
    shutil.rmtree(lake.path("audit", "checkpoints"))
    log = Path(lake.path(entries.LEDGER), "_delta_log")
    sorted(log.glob("*.json"))[-1].unlink()
    shutil.rmtree(lake.path("registry"))  # the tables cannot testify
    found = verify(lake, public_key=key.public_key(), checkpoints=[kept])
    assert found.first_bad in (3, 5)
    assert any("entries 5 to 6 were cut off" in discrepancy.why for discrepancy in found.discrepancies)
    assert "no checkpoint signed" in "".join(d.why for d in verify(lake, public_key=key.public_key()).discrepancies)


def test_a_forged_checkpoint_is_found(lake: Lake, key: Ed25519PrivateKey) -> None:
    made = signing.write_checkpoint(lake, key, at=AT)
    assert made is not None
    file = Path(lake.path("audit", "checkpoints", "000000000006.json"))
    file.write_text(made.to_json().replace("2026-03-01", "2026-03-02"))
    assert "not signed with the key" in verify(lake, public_key=key.public_key()).why
    file.write_text("{}")
    assert "not readable" in verify(lake).why


def test_an_unsigned_checkpoint_gives_way_to_a_signed_one(lake: Lake, key: Ed25519PrivateKey) -> None:
    assert signing.write_checkpoint(lake, None, at=AT).signature == ""  # type: ignore[union-attr]
    signed = signing.write_checkpoint(lake, key, at=AT)
    assert signed is not None
    assert signed.is_signed_by(key.public_key())
    assert signing.write_checkpoint(lake, None, at=AT) == signed


def test_the_key_is_read_from_the_environment_or_a_file(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "key.pem").write_text(pem)
    for given in (pem, str(tmp_path / "key.pem")):
        read = signing.signing_key({signing.SIGNING_KEY_VARIABLE: given})
        assert read is not None
        assert read.private_bytes_raw() == b"\x07" * 32
    assert signing.signing_key({}) is None
    for wrong in ("/nowhere/key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"):
        with pytest.raises(signing.SigningKeyUnreadable, match="openssl genpkey") as raised:
            signing.signing_key({signing.SIGNING_KEY_VARIABLE: wrong})
        assert "AAAA" not in str(raised.value)
    with pytest.raises(signing.SigningKeyUnreadable, match="openssl pkey"):
        signing.public_key(tmp_path / "key.pem")


def test_a_ledger_that_was_dropped_altogether_is_missed(lake: Lake) -> None:
    signing.write_checkpoint(lake, None, at=AT)
    DeltaTable(lake.path(CITIZEN))
    shutil.rmtree(lake.path(entries.LEDGER))
    found = verify(lake)
    assert found.first_bad == 1
    assert "entries 1 to 6 were cut off" in found.why


def test_evidence_of_a_lake_of_before_is_taken_as_it_was_found_and_held_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    with monkeypatch.context() as before:
        before.setattr(entries, "DESCRIPTION", "Every run, commit, approval, agreement change and export")
        entries.append(lake, [Record("run", "population", {"run_id": "r0"})], at=AT, actor="sync")

    def add(rows: int) -> None:
        write_deltalake(lake.path("audit/runs"), pa.table({"run_id": ["r1"], "rejected": [rows]}), mode="append")

    add(1)
    assert "version 0 of audit/runs is not in the ledger" in verify(lake).why
    table_commits.record(lake, tables=[CITIZEN], at=AT, actor="sync")  # of whatever table comes first
    assert verify(lake).ok
    add(2)
    table_commits.record(lake, tables=["audit/runs"], at=AT, actor="sync")
    whys = [discrepancy.why for discrepancy in verify(lake).discrepancies]
    assert any("version 1 of audit/runs is not in the ledger" in why for why in whys)
    assert any("the row `` of people, run r1, of audit/runs is in no entry of the ledger" in why for why in whys)


OF_OTHERS = {
    "one that says it changes no data": lambda lake: rewrite_log(lake, '"dataChange":true', '"dataChange":false'),
    "one in the name of a run that is on record": lambda lake: lake.table(CITIZEN).delete(
        "personal_id = '001099000002'", commit_properties=CommitProperties(custom_metadata={"lienthong.run_id": "r3"})
    ),
}


def settings(lake: Lake, **changes: object) -> None:
    """A commit without a file: the table's description again, with these changes."""
    log = Path(lake.path(CITIZEN), "_delta_log")
    actions = [json.loads(line) for line in (log / f"{0:020d}.json").read_text().splitlines()]
    described = next(action["metaData"] for action in actions if "metaData" in action)
    lines = [{"commitInfo": {"operation": "SET TBLPROPERTIES"}}, {"metaData": {**described, **changes}}]
    (log / f"{3:020d}.json").write_text("\n".join(map(json.dumps, lines)))


FIELD = {"name": "personal_id", "type": "string", "nullable": True, "metadata": {}}


def schema(*fields: dict[str, object]) -> str:
    return json.dumps({"type": "struct", "fields": list(fields)})


FEATURES = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
VECTORS = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **FEATURES}}
MAPPED = {"delta.columnMapping.mode": "name"}
OF_SETTINGS: dict[str, dict[str, object]] = {
    "a column taken from every reader": {"schemaString": schema({**FIELD, "name": "other"})},
    "a column of another name": {"schemaString": schema({**FIELD, "name": "Personal_id"})},
    "a column of another type": {"schemaString": schema({**FIELD, "type": "long"})},
    "a setting that readers go by": {"configuration": MAPPED},
    "another table": {"id": "00000000-0000-0000-0000-000000000000"},
}


@pytest.mark.parametrize("name", OF_SETTINGS)
def test_a_commit_without_a_file_that_readers_see_is_not_adopted(lake: Lake, name: str) -> None:
    """Older tests changed tables through files only; nobody had changed their description."""
    settings(lake, **OF_SETTINGS[name])
    record(lake, "r4")
    assert not verify(lake).ok


@pytest.mark.parametrize("action", [VECTORS, {"cdc": {}}])
def test_a_commit_with_an_action_of_another_kind_is_not_adopted(lake: Lake, action: dict[str, object]) -> None:
    log = Path(lake.path(CITIZEN), "_delta_log", f"{3:020d}.json")
    log.write_text(json.dumps({"commitInfo": {}}) + "\n" + json.dumps({"txn": {"appId": "r9", "version": 1}}))
    record(lake, "r4")
    assert f"version 3 of {CITIZEN} is not in the ledger" in verify(lake).why
    log.write_text(json.dumps({"commitInfo": {}}) + "\n" + json.dumps(action))
    assert table_commits.commit_records(lake, [CITIZEN]) == []


def test_settings_new_columns_and_upkeep_of_ours_are_recorded(lake: Lake) -> None:
    table = lake.table(CITIZEN)
    table.alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 2592000 seconds"})
    table.alter.set_table_properties({"lienthong.servers": "1 of 2"}, raise_if_not_exists=False)
    table.alter.add_feature(TableFeatures.TimestampWithoutTimezone, allow_protocol_versions_increase=True)
    born = Field("born", PrimitiveType("timestamp_ntz"))
    table.alter.add_columns([born])
    table.optimize.compact()
    record(lake, "r4")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    record(lake, "r5")
    found = verify(lake)
    assert found.ok, found.why


def rewrite_log(lake: Lake, old: str, new: str) -> None:
    lake.table(CITIZEN).delete("personal_id = '001099000002'")
    (newest,) = Path(lake.path(CITIZEN), "_delta_log").glob("*3.json")
    newest.write_text(newest.read_text().replace(old, new))


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_commit_of_others_is_not_adopted_by_the_next_record(lake: Lake, name: str) -> None:
    record_published(lake)
    OF_OTHERS[name](lake)
    record(lake, "r4")
    assert f"version 3 of {CITIZEN} is not in the ledger" in verify(lake).why


def record_published(lake: Lake) -> None:
    runs = [Record("run", CITIZEN, {}, once=(f"run/{CITIZEN}/r{n}/published", 1)) for n in (1, 2, 3)]
    table_commits.record(lake, runs, at=AT, actor="sync")


def test_a_checkpoint_laid_in_long_after_its_commit_is_not_adopted(lake: Lake) -> None:
    lake.table(CITIZEN).create_checkpoint()
    later = Path(lake.path(CITIZEN), "_delta_log", "_last_checkpoint")
    os.utime(later, (later.stat().st_mtime + 3600,) * 2)
    record(lake, "r4")
    assert "checkpoint" in verify(lake).why


def test_line_ends_of_other_scripts_in_what_a_commit_says(lake: Lake) -> None:
    commit(lake, CITIZEN, "r4", reason_="a\x85b\u2028c\u2029d")
    record(lake, "r4")
    found = verify(lake, receipts=[entries.Head()])
    assert found.ok, found.why


def test_an_unsigned_checkpoint_is_covered_by_a_later_signed_one(lake: Lake) -> None:
    key = Ed25519PrivateKey.generate()
    signing.write_checkpoint(lake, None, at=AT)
    assert "not signed with the key" in verify(lake, public_key=key.public_key()).why
    record(lake, "r4")
    signing.write_checkpoint(lake, key, at=AT)
    found = verify(lake, public_key=key.public_key())
    assert (found.ok, found.vouched_until, found.signed_until) == (True, 7, 7), found.why
    unlooked = verify(lake)
    assert (unlooked.ok, unlooked.vouched_until, unlooked.signed_until) == (True, 0, 7)


def test_an_entry_that_nobody_follows_is_no_discrepancy_wherever_a_checkpoint_falls(tmp_path: Path) -> None:
    lake, at = Lake(str(tmp_path / "lake"), scratch=tmp_path / "scratch"), datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(27):
        own = table_commits.commit_records(lake, [entries.LEDGER])
        entries.append(lake, [Record("export", "x", {"n": number}), *own], at=at, actor="a")
    for number in range(27, 53):  # a look or a token: nothing else is recorded with it
        entries.append(lake, [Record("export", "x", {"n": number})], at=at, actor="a")
        if number >= repeats(46, 27):  # the second checkpoint falls at the 50th commit
            assert verify(lake).discrepancies == (), number


def of_run(run_id: str, *marks: str) -> CommitProperties:
    transactions = [Transaction(mark, 1) for mark in marks]
    return CommitProperties(custom_metadata={"lienthong.run_id": run_id}, app_transactions=transactions)


@pytest.mark.parametrize(
    ("subject", "mark"),
    [
        ("people/index", "r1"),
        ("people/reviews", "r1"),
        ("shared/tax/citizen", "r1"),
        ("history/population/citizen", "published"),
        ("audit/checks", "r1/checks"),
        ("indicators/values", "edition"),
    ],
)
def test_no_zone_takes_a_commit_in_the_name_of_a_recorded_run(tmp_path: Path, subject: str, mark: str) -> None:
    """Older tests forged commits of registry/ only, and with no server's name."""
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    once = Record("run", subject, once=(f"run/{subject}/r1", 1))
    rows = pa.table({"run_id": ["r1"], "name": ["a"]})
    for _ in range(2):  # an honest one, then one in its name
        properties = of_run("r1", *([mark] if mark else []))
        write_deltalake(lake.path(subject), rows, mode="append", commit_properties=properties)
        table_commits.record(lake, [once], tables=[subject], at=AT, actor="sync")
    assert f"version 1 of {subject} is not in the ledger" in verify(lake).why


def test_a_zone_that_nobody_writes_is_not_ours(lake: Lake) -> None:
    """Older tests knew only zones of ours; any other was taken for one without marks."""
    write_deltalake(lake.path("elsewhere/table"), pa.table({"a": [1]}), commit_properties=of_run("r9", "r9"))
    assert table_commits.commit_records(lake, ["elsewhere/table"]) == []


def test_a_server_that_a_commit_makes_up_does_not_make_its_run_another(lake: Lake) -> None:
    """Older tests named no server: the commit's own word led to a mark that nobody had taken."""
    record_published(lake)
    notes = {"lienthong.run_id": "r3", "lienthong.server": "x"}
    lake.table(CITIZEN).delete("true", commit_properties=CommitProperties(custom_metadata=notes))
    record(lake, "r4")
    assert f"version 3 of {CITIZEN} is not in the ledger" in verify(lake).why


def moved(lake: Lake, change: Callable[[pa.Table], pa.Table], *, server: str = "") -> None:
    """A commit that claims to move the rows of each file into another one."""
    table = lake.table(SLICED)
    log, lines = Path(table.table_uri.removeprefix("file://"), "_delta_log"), [json.dumps({"commitInfo": {}})]
    for at, uri in enumerate(table.file_uris()):
        path = uri.partition(SLICED + "/")[2]
        was = {"_server": path.partition("=")[2].partition("/")[0]}
        now = {"_server": server or was["_server"]}
        copy = f"_server={now['_server']}/copy-{at}.parquet"
        Path(lake.path(SLICED, copy)).parent.mkdir(exist_ok=True)
        pq.write_table(change(pq.read_table(uri, partitioning=None)), lake.path(SLICED, copy))
        lines.append(json.dumps({"remove": {"path": path, "dataChange": False, "partitionValues": was}}))
        stamps = {"size": 1, "modificationTime": 0, "dataChange": False}
        lines.append(json.dumps({"add": {"path": copy, "partitionValues": now, **stamps}}))
    (log / f"{1:020d}.json").write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("path", "values"),
    [("_server=x/a.parquet", {}), ("_server=x/a.parquet", {"_server": "x"}), ("a.parquet", {"_server": "x"})],
)
def test_rows_in_a_folder_that_the_table_does_not_have_are_named(lake: Lake, path: str, values: dict[str, str]) -> None:
    """By such a folder a commit passed for another server's, whose runs are not on record, in the name of any run."""
    record_published(lake)
    Path(lake.path(CITIZEN, path)).parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({"personal_id": ["001099000003"]}), lake.path(CITIZEN, path))
    add = {"path": path, "partitionValues": values, "size": 1, "modificationTime": 0, "dataChange": True}
    lines = [{"commitInfo": {"lienthong.run_id": "r4"}}, {"add": add}]
    log = Path(lake.path(CITIZEN), "_delta_log", f"{3:020d}.json")
    log.write_text("\n".join(map(json.dumps, lines)))
    record(lake, "r5")
    assert f"version 3 of {CITIZEN} is not in the ledger" in verify(lake).why


SLICED = "registry/land/parcel"
MOVES: dict[str, tuple[Callable[[pa.Table], pa.Table], str, bool]] = {
    "the same rows": (lambda rows: rows.take([1, 0]), "", True),
    "another server's": (lambda rows: rows, "b", False),
    "a column in capitals": (lambda rows: rows.rename_columns(["OWNER", "area"]), "", False),
    "a column of another type": (lambda rows: rows.set_column(1, "area", rows["area"].cast("float32")), "", False),
    "a zero of another sign": (lambda rows: rows.set_column(1, "area", pa.array([0.0, -0.0])), "", False),
}


@pytest.mark.parametrize("name", MOVES)
def test_rows_are_the_same_only_as_readers_see_them(tmp_path: Path, name: str) -> None:
    """Older tests moved other rows, never the same ones to another slice, name or type."""
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    rows = pa.table({"owner": ["x", "y"], "area": [-0.0, 0.0], "_server": ["a", "a"]})
    write_deltalake(lake.path(SLICED), rows, partition_by=["_server"], commit_properties=of_run("r1"))
    table_commits.record(lake, tables=[SLICED], at=AT, actor="sync")
    change, server, is_same = MOVES[name]
    moved(lake, change, server=server)
    table_commits.record(lake, tables=[SLICED], at=AT, actor="sync")
    assert verify(lake).ok is is_same
