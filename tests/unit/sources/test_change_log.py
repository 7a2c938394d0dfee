"""Change logs without a server: pgoutput's bytes, what a snapshot sees, keys written as they come, positions."""

from __future__ import annotations

import struct
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.sources.change_log import ChangePosition, TouchedKeys, touched_keys
from include.sources.change_log.mariadb_table import BinlogTable
from include.sources.change_log.pgoutput import Begin, Changed, Decoder, Message, Truncated, Undecodable
from include.sources.change_log.postgres_snapshot import Snapshot

RELATION = 16384


def relation(*names: str) -> bytes:
    columns = b"".join(b"\1" + name.encode() + b"\0" + struct.pack(">Ii", 23, -1) for name in names)
    return b"R" + struct.pack(">I", RELATION) + b"public\0t\0d" + struct.pack(">H", len(names)) + columns


def values(*given: str | None) -> bytes:
    """A tuple; None is NULL, `u` a value that is not logged again."""
    parts = []
    for value in given:
        text = (value or "").encode()
        parts.append({None: b"n", "u": b"u"}.get(value, b"t" + struct.pack(">I", len(text)) + text))
    return struct.pack(">H", len(given)) + b"".join(parts)


def changed(kind: bytes, **tuples: bytes) -> bytes:
    return kind + struct.pack(">I", RELATION) + b"".join(mark.encode() + data for mark, data in tuples.items())


@pytest.fixture
def decoder() -> Decoder:
    decoder = Decoder(["id", "kind"])
    assert not list(decoder.decode(relation("note", "kind", "id")))
    return decoder


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        (changed(b"I", N=values(None, "a", "1")), (("1", "a"),)),
        (changed(b"U", N=values("x", "a", "2")), (("2", "a"),)),
        (changed(b"U", K=values(None, "a", "1"), N=values("x", "b", "3")), (("3", "b"), ("1", "a"))),
        (changed(b"U", O=values("y", "a", "1"), N=values("u", "u", "1")), (("1", "a"), ("1", "a"))),
        (changed(b"D", K=values(None, "ế", "1")), (("1", "ế"),)),
    ],
)
def test_the_keys_of_a_changed_row(decoder: Decoder, message: bytes, keys: tuple[tuple[str, ...], ...]) -> None:
    assert list(decoder.decode(message)) == [Changed(keys)]


@pytest.mark.parametrize("new", [values("x", None, "1"), values("x", "u", "1")])
def test_a_key_that_is_not_whole_is_an_error(decoder: Decoder, new: bytes) -> None:
    with pytest.raises(Undecodable, match="not whole"):
        list(decoder.decode(changed(b"I", N=new)))


def test_a_relation_without_a_key_column_is_an_error() -> None:
    with pytest.raises(Undecodable, match="key column kind"):
        list(Decoder(["id", "kind"]).decode(relation("id")))


def test_what_else_the_log_says(decoder: Decoder) -> None:
    begin = b"B" + struct.pack(">QqI", 77, 0, 5)
    message = b"M\0" + struct.pack(">Q", 78) + b"lienthong\0" + struct.pack(">I", 2) + b"ab"
    truncated = b"T" + struct.pack(">IBII", 2, 0, 1, RELATION)
    assert [*decoder.decode(begin), *decoder.decode(message), *decoder.decode(truncated)] == [
        Begin(77, 5), Message(78, "lienthong", b"ab"), Truncated((1, RELATION)),
    ]  # fmt: skip
    assert not list(decoder.decode(b"C" + bytes(25)))


@pytest.mark.parametrize(
    ("snapshot", "xid", "is_seen"),
    [
        ("100:110:105,107", 99, True),
        ("100:110:105,107", 105, False),
        ("100:110:105,107", 106, True),
        ("100:110:105,107", 110, False),
        ("100:110:", 111, False),
        (f"{2**32 + 5}:{2**32 + 9}:{2**32 + 6}", 6, False),
        (f"{2**32 + 5}:{2**32 + 9}:{2**32 + 6}", 7, True),
        (f"{2**32 + 5}:{2**32 + 9}:", 2**32 - 1, True),  # before the number's last turn
        (f"{2**32 - 5}:{2**32 - 1}:", 3, False),  # after its next
    ],
)
def test_what_a_snapshot_sees(snapshot: str, xid: int, is_seen: bool) -> None:
    assert Snapshot.parse(snapshot).sees(xid) is is_seen


def test_keys_are_written_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched_keys, "_ROWS_PER_GROUP", 10)
    with TouchedKeys.writing(tmp_path / "keys.parquet", ["id"]) as keys:
        for number in range(25):
            keys.add((str(number),))
            keys.add((str(number // 10 * 10 + 1),))  # changed again and again
            assert len(keys._kept) < 10
    written = pq.ParquetFile(tmp_path / "keys.parquet")
    assert written.metadata.num_row_groups == 3
    assert keys.rows == written.metadata.num_rows < 30
    assert {int(number) for number in written.read().column("id").to_pylist()} == set(range(25))


def test_a_position_survives_the_commit_and_knows_what_is_worth_one() -> None:
    position = ChangePosition("postgresql", "slot", 100, "64 ab", "d", "2026-12-01T00:00:00+00:00")
    assert ChangePosition.from_json(position.to_json()) == position
    for offset, log, is_far in (16_777_315, "slot", False), (16_777_316, "slot", True), (100, "other", True):
        assert ChangePosition("postgresql", log, offset, "", "", "").is_far_from(position) is is_far


@pytest.mark.parametrize(
    ("name", "statement", "database", "may_be_meant"),
    [
        ("thue", "TRUNCATE THUE", "d", True),
        ("thue", "TRUNCATE ho", "d", False),
        ("thue", "ALTER TABLE ho COMMENT 'hộ'", "d", True),
        ("thue", "ALTER TABLE ho COMMENT 'h\\xf4'", "d", True),
        ("thue", "ALTER TABLE ho COMMENT 'hộ'", "other", False),
        ("thuế", "TRUNCATE thu\\xea", "d", True),
        ("thuế", "TRUNCATE d.thu\\xea", "other", True),
        ("thuế", "TRUNCATE ho", "d", True),
        ("thuế", "TRUNCATE ho", "other", False),
        ("a`b", "TRUNCATE `a``b`", "D", True),
    ],
)
def test_a_statement_is_about_another_table_only_if_that_is_proven(
    name: str, statement: str, database: str, may_be_meant: bool
) -> None:
    """Older tests altered a table of a plain name only, which every session spells alike."""
    assert BinlogTable("d", name, ("a",)).may_be_meant(statement, database) is may_be_meant
