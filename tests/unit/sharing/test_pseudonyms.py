"""Pseudonyms are HMAC-SHA256, the SQL of them too, and the key shows nowhere."""

from __future__ import annotations

import base64
import hmac
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.lake.storage.lake import Lake
from include.sharing.agreements.agreement import SharedColumn
from include.sharing.products.keys import PSEUDONYM_KEY_VARIABLE, MasterKey, PseudonymKeyMissing, RecipientKey
from include.sharing.products.protect import expression, lend_key

from .conftest import CITIZEN

SECRET = bytes(range(32))
COLUMN = SharedColumn("full_name", "pseudonym")


def by_sql(values: list[str | None], key: RecipientKey) -> list[str | None]:
    with duckdb.connect() as connection:
        lend_key(connection, key)
        connection.execute("CREATE TABLE t (position INTEGER, full_name VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(values)))
        query = f"SELECT {expression(COLUMN, CITIZEN.column('full_name'))} FROM t, _key ORDER BY position"
        return [row[0] for row in connection.execute(query).fetchall()]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5),
    st.binary(min_size=1, max_size=64),
)
def test_the_sql_equals_the_hmac_module(values: list[str], secret: bytes) -> None:
    expected = [hmac.new(secret, value.encode(), "sha256").hexdigest()[:32] for value in values]
    assert by_sql(list(values), RecipientKey("x", secret)) == expected


def test_nothing_has_no_pseudonym_and_an_empty_text_has_one() -> None:
    key = RecipientKey("x", SECRET)
    assert by_sql([None, ""], key) == [None, key.pseudonym("")]


def test_a_key_per_recipient_from_one_master() -> None:
    master = MasterKey(SECRET)
    assert master.of("moh").pseudonym("1") == master.of("moh").pseudonym("1") != master.of("nso").pseudonym("1")
    assert master.of("moh").key_id == master.of("moh").key_id != master.of("nso").key_id
    # HKDF-SHA256 as RFC 5869 writes it, by hand.
    extracted = hmac.new(b"lienthong/pseudonym/v1", SECRET, "sha256").digest()
    assert master.of("moh").secret == hmac.new(extracted, b"moh\x01", "sha256").digest()


@pytest.mark.parametrize(
    "given",
    [SECRET.hex(), SECRET.hex().upper(), base64.b64encode(SECRET).decode(), base64.urlsafe_b64encode(SECRET).decode()],
)
def test_the_key_is_hex_or_base64(given: str) -> None:
    key = MasterKey.from_environment({PSEUDONYM_KEY_VARIABLE: f" {given}\n"})
    assert key is not None
    assert key.secret == SECRET


def test_no_key_is_no_error_until_it_is_needed() -> None:
    assert MasterKey.from_environment({}) is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (SECRET[:16].hex(), "no random key of 32 bytes"),
        (base64.b64encode(SECRET[:31]).decode(), "no random key of 32 bytes"),
        ("00" * 32, "no random key of 32 bytes"),
        ("correct horse battery staple!", "neither hex nor base64"),
        ("mật khẩu", "neither hex nor base64"),
    ],
)
def test_a_bad_key_is_refused_without_being_quoted(given: str, why: str) -> None:
    with pytest.raises(PseudonymKeyMissing) as raised:
        MasterKey.from_environment({PSEUDONYM_KEY_VARIABLE: given})
    assert why in str(raised.value)
    assert "If the lake has pseudonyms, its key is needed: fetch it" in str(raised.value)
    assert "If it has none yet: make one with `openssl rand -hex 32`" in str(raised.value)
    assert given not in str(raised.value)


def test_the_key_shows_in_no_text_plan_profile_log_or_error(tmp_path: Path) -> None:
    key = MasterKey(SECRET).of("moh")
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    profile = tmp_path / "profile.json"
    seen = [repr(MasterKey(SECRET)), repr(key), str(key), key.key_id]
    with lake.connect() as connection:
        connection.execute("CALL enable_logging(level='trace')")
        connection.execute("SET enable_profiling='json'")
        connection.execute(f"SET profiling_output='{profile}'")
        lend_key(connection, key)
        query = f"SELECT {expression(COLUMN, CITIZEN.column('full_name'))} AS p FROM (SELECT 'x' AS full_name), _key"
        assert connection.execute(query).fetchone() == (key.pseudonym("x"),)
        for kind in ("", "(ANALYZE) ", "(FORMAT json) "):
            seen.append(str(connection.execute(f"EXPLAIN {kind}{query}").fetchall()))
        seen.append(str(connection.execute("SELECT * FROM duckdb_logs").fetchall()))
        seen.append(str(connection.execute("SELECT sql FROM duckdb_views()").fetchall()))
        with pytest.raises(duckdb.Error) as raised:
            connection.execute(query.replace("left(", "sqrt("))
        seen.append(str(raised.value))
    seen.append(profile.read_text() if profile.exists() else "")
    text = "".join(seen).replace("\\", "")  # a plan in JSON doubles the backslashes of a blob
    with duckdb.connect() as connection:
        for secret in (SECRET, key.secret, key.inner, key.outer):
            as_duckdb_shows_it = connection.execute("SELECT CAST(CAST($1 AS BLOB) AS VARCHAR)", [secret]).fetchone()
            assert as_duckdb_shows_it is not None
            assert as_duckdb_shows_it[0].replace("\\", "")[:20] not in text
            for spelled in (secret.hex(), secret.hex().upper(), base64.b64encode(secret).decode()):
                assert spelled[:20] not in text
