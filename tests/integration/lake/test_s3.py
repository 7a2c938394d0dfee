"""The same lake on a real S3 server: what holds for a folder holds there, by configuration alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from shutil import copyfile

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.lake.delta.commit_metadata import last_commit
from include.lake.delta.maintenance import Expired, expire_landing, find_tables, maintain_table
from include.lake.incremental.reconciliation import reconcile
from include.lake.publishing.code_lists import list_files, publish_reference
from include.lake.publishing.publication import publish
from include.lake.rejected.append import append_rejected
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.errors import LakeDenied, LakeUnreachable
from include.lake.storage.lake import REPOSITORY, Lake
from tests.integration.lake.weed import S3, serve
from tests.repeats import repeats
from tests.unit.lake.staging import PERSON, START, content, run, stage

pytestmark = pytest.mark.slow
AN, BINH, CHI = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)


@pytest.fixture
def environ(s3: S3, tmp_path, request) -> dict[str, str]:
    return {**s3.environ(request.node.originalname), "LIENTHONG_TMP": str(tmp_path)}


@pytest.fixture
def lake(environ) -> Lake:
    return Lake.from_environment(environ)


def test_small_files(lake):
    note = lake.path("staging/a/note.json")
    assert not lake.exists(note)
    with pytest.raises(FileNotFoundError):
        lake.read_text(note)
    lake.write_text(note, "một")
    lake.write_text(note, "hai")
    assert (lake.read_text(note), lake.size(lake.path("staging"))) == ("hai", 3)
    assert lake.list(lake.path("staging/a")) == [note]
    assert lake.file_stamp(note)
    lake.delete_tree(lake.path("staging"))
    assert not lake.exists(note)


def test_a_table_lives_through_every_kind_of_run(lake):
    assert run(lake, PERSON, 1, [AN, BINH, CHI], rejected=[2]).version == 0
    assert run(lake, PERSON, 2, [AN, ("b", "Bính", 2), CHI]).updated == 1
    moved = run(lake, PERSON, 3, [("a", "Ân", 1), CHI], merge_rows=0)
    assert (moved.updated, moved.deleted, moved.live_rows) == (1, 1, 2)
    assert run(lake, PERSON, 4, [("a", "Ân", 1), CHI]).updated == 0
    assert not run(lake, PERSON, 4, [AN]).is_new
    assert content(lake, PERSON) == [("a", "Ân", 1), CHI]
    assert last_commit(lake, PERSON).run_id == "r4"
    feed = pa.table(lake.table("registry/population/citizen").load_cdf(starting_version=moved.version).read_all())
    assert sorted(feed["_change_type"].to_pylist()) == ["delete", "update_postimage", "update_preimage"]
    connection = lake.connect(memory_limit="200MB")
    files = lake.table("registry/population/citizen").file_uris()
    assert connection.execute("SELECT count(*) FROM read_parquet($files)", {"files": files}).fetchone() == (2,)
    connection.close()


def test_rejected_rows_and_a_run_id_of_airflow(lake):
    run_id = "scheduled__2026-01-01T00:00:00+00:00"
    for _ in range(2):
        staged = stage(lake, PERSON, run_id, [AN, BINH], rejected=[1])
        append_rejected(lake, PERSON, run_id=run_id, at=START, staged=staged, extract_uri=staged.extract)
    rows = pa.table(lake.table("rejected/population/citizen").to_pyarrow_table()).to_pylist()
    assert [(row["_run_id"], row["full_name"]) for row in rows] == [(run_id, "Bình")]


def test_code_lists_and_maintenance(lake, tmp_path):
    schemas = tmp_path / "schemas"
    (schemas / "reference").mkdir(parents=True)
    for path in [*list_files(REPOSITORY / "schemas")[:: repeats(8, 1)], REPOSITORY / "schemas/reference/sex.csv"]:
        copyfile(path, schemas / "reference" / path.name)
    names = publish_reference(lake, schemas)
    assert "sex" in names
    assert publish_reference(lake, schemas) == []
    assert f"reference/{names[0]}" in find_tables(lake)
    run(lake, PERSON, 1, [AN, BINH])
    run(lake, PERSON, 2, [AN])
    assert maintain_table(lake, "registry/population/citizen", retention=timedelta(0)).files_vacuumed >= 1
    assert content(lake, PERSON) == [AN]
    at = datetime.now(UTC) + timedelta(days=2)
    expired = expire_landing(lake, "population", at=at, retention=timedelta(days=1))
    assert expired.folders == 2
    assert expire_landing(lake, "population", at=at, retention=timedelta(days=1)) == Expired()


def test_commits_at_once_lose_nothing(lake):
    """The server's conditional PUT decides who commits a version; the others try again."""

    def record(number: int) -> bool:
        facts = {"run_id": f"r{number}", "registry": "population", "table": "citizen", "verdict": "held"}
        return log_tables.append_run(lake, RunRow.from_dict(facts))

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(record, range(36)))
    assert all(made)
    assert sorted(log_tables.read(lake, "runs")["run_id"].to_pylist()) == sorted(f"r{n}" for n in range(36))


def test_writers_of_one_version_all_get_their_turn(lake):
    """All find the same version; only one commits it, the others start from what is there then."""
    run(lake, PERSON, 0, [AN])
    staged = [stage(lake, PERSON, f"r{n}", [AN, (f"k{n}", "x", n)]) for n in (1, 2, 3)]

    def commit(number: int) -> int:
        # Each on a machine of its own, where it does not see the others wait.
        elsewhere = replace(lake, scratch=lake.scratch / str(number))
        return publish(
            elsewhere, PERSON, run_id=f"r{number}", at=START, staged=staged[number - 1], metadata={}, mode="incremental"
        ).version

    with ThreadPoolExecutor(3) as pool:
        versions = sorted(pool.map(commit, (1, 2, 3)))
    assert versions == [1, 2, 3]
    assert len(content(lake, PERSON)) == 4


def test_a_lake_is_reconciled_and_an_increment_published(lake):
    run(lake, PERSON, 1, [AN, BINH, CHI])
    folder = lake.staging_path("population", "citizen", "r2")
    staged = stage(lake, PERSON, "r2", [AN, CHI])
    found = reconcile(lake, PERSON, conformed_keys=staged.conformed, folder=folder)
    assert (found.gone, found.missed_changes) == (1, 0)
    commit = publish(
        lake, PERSON, run_id="r2", at=START, staged=staged, metadata={}, mode="incremental", gone=found.gone_uri
    )
    assert (commit.deleted, content(lake, PERSON)) == (1, [AN, CHI])


def test_a_wrong_secret_is_denied(environ):
    lake = Lake.from_environment({**environ, "AWS_SECRET_ACCESS_KEY": "wrong-and-secret"})
    with pytest.raises(LakeDenied, match="AWS_SECRET_ACCESS_KEY") as caught:
        lake.is_table("registry", "population", "citizen")
    assert "wrong-and-secret" not in str(caught.value)
    with pytest.raises(LakeDenied):
        lake.write_text(lake.path("x"), "x")


def test_a_reader_of_one_prefix_reads_that_and_nothing_else(s3, environ, lake, tmp_path):
    """A ministry's key: rights such as `Read:lake/shared/moh/*` are enough for delta-rs, and for no more."""
    root = Lake.from_environment({**environ, "LAKE_URI": "s3://lake"})
    log_tables.append(root, "runs", pa.table({"run_id": ["r1"], "secret": ["x"]}))
    for recipient in ("moh", "mof"):
        rows = pa.table({"personal_id": ["a"]})
        write_deltalake(root.path("shared", recipient, "p"), rows, storage_options=root.storage_options())
    reader = Lake.from_environment({**s3.environ(key="reader", secret="reader-secret"), "LIENTHONG_TMP": str(tmp_path)})
    assert reader.table("shared/moh/p").to_pyarrow_table().num_rows == 1
    for path in ("shared/mof/p", "audit/runs"):
        with pytest.raises(LakeDenied):
            reader.table(path)
    with pytest.raises(LakeDenied):
        reader.write_text(reader.path("shared/moh/note"), "x")


def test_a_bucket_that_is_not_there(environ):
    lake = Lake.from_environment({**environ, "LAKE_URI": "s3://no-such-bucket/x"})
    with pytest.raises(LakeUnreachable, match="bucket's name"):
        lake.is_table("registry", "population", "citizen")
    with pytest.raises(LakeUnreachable, match="bucket's name"):
        lake.write_text(lake.path("x"), "x")


def test_a_server_that_stops_and_comes_back_with_nothing_half_done(tmp_path):
    with serve(tmp_path / "weed") as s3:
        lake = Lake.from_environment({**s3.environ("l"), "LIENTHONG_TMP": str(tmp_path / "scratch")})
        run(lake, PERSON, 1, [AN])
        staged = stage(lake, PERSON, "r2", [AN, BINH])
        s3.stop()
        with pytest.raises(LakeUnreachable, match="does not answer") as caught:
            publish(lake, PERSON, run_id="r2", at=START, staged=staged, metadata={})
        assert "writer-secret" not in str(caught.value)
