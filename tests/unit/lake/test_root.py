"""Where things are in the lake, and that nothing leads out of it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import duckdb
import pytest

from include.lake.storage import duckdb_engine
from include.lake.storage.errors import LakeError, LakePathRefused, LakeTableMissing
from include.lake.storage.lake import REPOSITORY, Lake


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def test_the_lake_is_in_the_repository_unless_the_environment_says_otherwise(tmp_path):
    assert Lake.from_environment({}).uri == str(REPOSITORY / "var" / "lake")
    assert Lake.from_environment({"LAKE_URI": f"file://{tmp_path}/"}).uri == str(tmp_path)
    assert Lake.from_environment({"LAKE_URI": "s3://bucket/prefix/"}).uri == "s3://bucket/prefix"


def test_another_scheme_is_refused_with_the_remedy():
    with pytest.raises(LakeError, match="use a folder or s3://"):
        Lake.from_environment({"LAKE_URI": "gs://bucket"})


def test_plain_http_must_be_meant():
    environ = {"LAKE_URI": "s3://b", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    with pytest.raises(LakeError, match="AWS_ALLOW_HTTP=true"):
        Lake.from_environment(environ)
    assert Lake.from_environment({**environ, "AWS_ALLOW_HTTP": "true"}).is_s3


def test_a_lake_shows_no_secret(lake):
    s3 = Lake.from_environment({"LAKE_URI": "s3://b", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_ACCESS_KEY_ID": "me"})
    assert s3.storage_options()["AWS_SECRET_ACCESS_KEY"] == "hush"
    assert "hush" not in repr(s3)
    assert lake.storage_options() is None


@pytest.mark.parametrize("parts", [("..",), ("a", "../b"), ("a//b",), ("",), ("a/.",), ("a\n",), ("a\\b",), ("/etc",)])
def test_a_name_that_leads_out_is_refused(lake, parts):
    with pytest.raises(LakePathRefused):
        lake.path(*parts)


def test_files_outside_are_not_touched(lake, tmp_path):
    outside = tmp_path / "kept"
    outside.write_text("x")
    for uri in (str(outside), lake.uri, lake.uri + "/../kept"):
        with pytest.raises(LakePathRefused):
            lake.delete_tree(uri)
    assert outside.exists()


def test_zones_are_where_readers_expect_them(lake):
    where = [
        lake.landing_path("population", "citizen", "r1"),
        lake.staging_path("population", "citizen", "r1"),
        lake.registry_table("population", "citizen"),
        lake.rejected_table("population", "citizen"),
        lake.audit_table("runs"),
        lake.reference_table("sex"),
    ]
    assert [uri.removeprefix(lake.uri + "/") for uri in where] == [
        "landing/population/citizen/run=r1",
        "staging/population/citizen/run=r1",
        "registry/population/citizen",
        "rejected/population/citizen",
        "audit/runs",
        "reference/sex",
    ]


def test_small_files(lake):
    note = lake.path("staging/a/note.json")
    assert not lake.exists(note)
    assert lake.list(lake.path("staging")) == []
    with pytest.raises(FileNotFoundError):
        lake.read_text(note)
    lake.write_text(note, "một")
    first = lake.file_stamp(note)
    lake.write_text(note, "hai, ba")
    assert lake.read_text(note) == "hai, ba"
    assert lake.file_stamp(note) != first
    assert lake.list(lake.path("staging")) == [lake.path("staging/a")]
    assert lake.list(lake.path("staging/a")) == [note]
    assert [file.name for file in Path(note).parent.iterdir()] == ["note.json"], "no draft is left behind"
    assert lake.size(lake.path("staging")) == len(b"hai, ba")
    lake.delete_tree(lake.path("staging"))
    lake.delete_tree(lake.path("staging"))
    assert not lake.exists(note)
    assert lake.size(lake.path("staging")) == 0


def test_what_others_write_and_remove_meanwhile_is_no_failure(lake):
    folder = lake.path("audit/pages")
    lake.write_text(f"{folder}/a/page.html", "1")
    lake.write_text(f"{folder}/index.html", "1")
    Path(f"{folder}/index.html.0123abcd.draft").write_text("half a")
    assert lake.list(folder) == [f"{folder}/a", f"{folder}/index.html"]
    assert lake.list(f"{folder}/index.html") == []
    assert lake.list(f"{folder}/index.html.0123abcd.draft") == []

    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            lake.write_text(f"{folder}/b/c/page.html", "2")
            lake.delete_tree(f"{folder}/b")

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(500):
            assert set(lake.list(folder)) >= {f"{folder}/a", f"{folder}/index.html"}
            assert lake.size(folder) > 0
            lake.list(f"{folder}/b")
            lake.changed_at(f"{folder}/b")
    finally:
        ended.set()
        other.join()


def test_a_table_that_is_not_there(lake):
    assert not lake.is_table("registry", "a", "b")
    with pytest.raises(LakeTableMissing, match="sync the registry first"):
        lake.table("registry", "a", "b")


def test_each_connection_spills_into_a_folder_of_its_own(lake):
    first, second = lake.connect(memory_limit="100MB"), lake.connect(memory_limit="100MB", threads=1)
    folders = {c.execute("SELECT current_setting('temp_directory')").fetchone()[0] for c in (first, second)}
    assert len(folders) == 2
    assert all(folder.startswith(str(lake.scratch)) for folder in folders)
    assert second.execute("SELECT current_setting('threads')").fetchone() == (1,)
    first.close()
    second.close()


def test_extensions_come_from_packages_and_nothing_is_fetched(lake, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    connection = lake.connect(memory_limit="200MB")
    for name in ("postgres", "mysql", "sqlite", "httpfs", "delta"):
        duckdb_engine.load_extension(connection, name)
        duckdb_engine.load_extension(connection, name)
    with pytest.raises(duckdb.Error):
        connection.execute("LOAD spatial")
    with pytest.raises(LakeError, match="pip install duckdb-extension-spatial=="):
        duckdb_engine.load_extension(connection, "spatial")
    connection.close()
    assert not (tmp_path / "home").exists()


def test_an_extension_whose_signature_is_wrong_is_refused_also_after_one_that_was_right(lake, tmp_path, monkeypatch):
    """A process checks a file's signature once, and again when the file is another."""
    mine = tmp_path / "httpfs.duckdb_extension"
    shutil.copyfile(duckdb_engine.extension_file("httpfs"), mine)
    monkeypatch.setattr(duckdb_engine, "extension_file", lambda name: mine)
    with lake.connect(memory_limit="200MB") as connection:
        duckdb_engine.load_extension(connection, "httpfs")
    content = bytearray(mine.read_bytes())
    content[-1] ^= 1
    changed = mine.with_suffix(".new")
    changed.write_bytes(content)
    changed.replace(mine)
    with lake.connect(memory_limit="200MB") as connection, pytest.raises(duckdb.Error, match="signature"):
        duckdb_engine.load_extension(connection, "httpfs")


def test_where_a_contract_s_sql_runs_no_extension_can_be_loaded(lake):
    with lake.connect(memory_limit="200MB") as connection:
        duckdb_engine.restrict_access(connection)
        assert connection.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone() == (False,)
        with pytest.raises(duckdb.Error):
            connection.load_extension(str(duckdb_engine.extension_file("httpfs")))


def test_instants_are_utc_whatever_the_machine_says(lake, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    connection = lake.connect(memory_limit="100MB")
    text = connection.execute("SELECT CAST(TIMESTAMPTZ '2026-01-01 07:00:00+07' AS VARCHAR)").fetchone()[0]
    assert text == "2026-01-01 00:00:00+00"
    connection.close()
