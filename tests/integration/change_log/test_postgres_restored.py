"""A source that fails over to a copy of itself, made earlier, and goes on from there (`changes: log`)."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from include.embedded.servers.postgres import start_postgres, stop_postgres, uri
from tests.integration.change_log.registered_source import context_of, published, synced
from tests.once import shared_site


def test_a_source_restored_from_a_copy_is_noticed(tmp_path: Path) -> None:
    """The copy has the slot too, and its log has grown past the last position: only the mark in the log tells."""
    site = shared_site("restored")
    data = site.folder("postgres") / "data"
    start_postgres(site, "citizens")
    source = uri(site, "citizens")
    with psycopg.connect(source, autocommit=True) as session:
        session.execute("ALTER SYSTEM SET wal_level = logical")
        session.execute("CREATE TABLE cong_dan (so_dinh_danh int PRIMARY KEY, ho_ten text, so_tien bigint)")
        session.execute("CREATE PUBLICATION lienthong_citizens FOR TABLE cong_dan")
        session.execute("INSERT INTO cong_dan SELECT n, 'Lê', n FROM generate_series(1, 100) n")
    stop_postgres(site)
    start_postgres(site)
    context = context_of(tmp_path, source)
    try:
        synced(context)
        stop_postgres(site)
        shutil.copytree(data, data.with_name("copy"), copy_function=shutil.copy2)
        start_postgres(site)
        with psycopg.connect(source) as session:
            session.execute("UPDATE cong_dan SET so_tien = 1000 WHERE so_dinh_danh < 10")
        assert synced(context)["mode"] == "incremental"
        stop_postgres(site)
        shutil.rmtree(data)
        data.with_name("copy").rename(data)
        start_postgres(site)
        with psycopg.connect(source) as session:
            session.execute("UPDATE cong_dan SET so_tien = 2000 WHERE so_dinh_danh < 5")
            session.execute("CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)")
        found = synced(context)
        assert found["mode"] == "full"
        assert "restored from a copy" in found["why"]
        with psycopg.connect(source) as session:
            rows = session.execute("SELECT so_dinh_danh, ho_ten, so_tien FROM cong_dan ORDER BY 1").fetchall()
        assert published(context) == rows
    finally:
        stop_postgres(site)
