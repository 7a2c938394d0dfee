"""The parts of the Delta Sharing protocol: what a header, a body, a hint, a page and a URL mean; what is refused."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.lake.storage import Lake
from include.sharing.agreements import Agreement, Product
from include.sharing.delta_sharing import (
    Capabilities,
    Catalog,
    ChangesAsked,
    FileLinks,
    Forbidden,
    Malformed,
    NotShared,
    Query,
    SignedFile,
    page,
    tables,
)
from include.sharing.delta_sharing.hints import bounds, of_json, of_sql
from include.sharing.recipients.tokens import TokenAct, Tokens, new_token, profile

from .conftest import AT

Agree = Callable[..., Agreement]
NTZ = frozenset({"timestampNtz"})


# The response format


@pytest.mark.parametrize(
    ("header", "features", "expected"),
    [
        ("", frozenset(), "parquet"),
        ("responseformat=delta", frozenset(), "delta"),
        ("ResponseFormat=DELTA,parquet;readerfeatures=deletionvectors", frozenset(), "parquet"),
        ("responseformat=delta,parquet;readerfeatures=timestampntz", NTZ, "delta"),
        ("responseformat=delta;readerfeatures=deletionvectors,TimestampNtz", NTZ, "delta"),
        ("nonsense;=;responseformat", frozenset(), "parquet"),
    ],
)
def test_the_format_is_one_that_client_and_table_have(header: str, features: frozenset[str], expected: str) -> None:
    assert Capabilities.of(header).format_for(features) == expected


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "use_delta_format=True"),
        ("responseformat=delta;readerfeatures=deletionvectors", "timestampNtz, which your client does not name"),
        ("responseformat=csv", "use_delta_format=True"),
    ],
)
def test_a_client_that_cannot_read_a_timestamp_without_zone_is_told(header: str, told: str) -> None:
    """The stock client would fail with `Could not parse datatype: timestamp_ntz` (delta-sharing issue 745)."""
    with pytest.raises(Malformed, match=told):
        Capabilities.of(header).format_for(NTZ)


# Bodies and parameters


def test_a_query_without_body_asks_for_everything() -> None:
    assert Query.of(b"") == Query.of(b"{}") == Query()


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b"null", b'"x"', b"\xff\xfe", b'{"limitHint": -1}', b'{"version": "x"}', b'{"version": true}',
     b'{"version": 1e400}', b'{"version": 99999999999999999999}', b'{"timestamp": "2026-01-01"}', b'{"timestamp": 5}',
     b'{"version": 1, "startingVersion": 1}'],
)  # fmt: skip
def test_a_body_that_is_no_query_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        Query.of(body)


def test_hints_of_another_type_hint_at_nothing() -> None:
    assert Query.of(b'{"predicateHints": "a = 1", "jsonPredicateHints": {"op": "x"}}') == Query()
    assert Query.of(b'{"predicateHints": ["a = 1", 7]}').predicates == ("a = 1",)


@pytest.mark.parametrize("given", [{}, {"startingVersion": "1", "startingTimestamp": "2026-01-01T00:00:00Z"},
    {"startingVersion": "-1"}, {"startingVersion": "١"}, {"startingTimestamp": "yesterday"},
    {"startingVersion": "1", "endingVersion": "2", "endingTimestamp": "2026-01-01T00:00:00Z"}])  # fmt: skip
def test_changes_begin_somewhere(given: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        ChangesAsked.of(given)


# Hints against a file: ids 10 to 20, days of 2026 or none, names from Ánh to Đỗ


@pytest.fixture
def ranges(tmp_path: Path) -> object:
    rows = {
        "id": [10, 20], "day": [date(2026, 1, 5), None], "name": ["Ánh", "Đỗ"], "none": pa.nulls(2, pa.string()),
        "list": [["x"], None], "share": [0.5, 1.5],
    }  # fmt: skip
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    lake.make_folder(lake.uri)
    pq.write_table(pa.table(rows), f"{lake.uri}/a.parquet")
    return bounds(lake, lake.path("a.parquet"))


@pytest.mark.parametrize(
    ("hint", "may_be"),
    [
        ("id = 15", True), ("id = 21", False), ("21 = ID", False), ("id < 10", False), ("id <= 10", True),
        ("id > 20", False), ("id >= 20", True), ("5 >= id", False), ("`id` <> 15", True), ("id IS NULL", False),
        ("day = '2026-01-05'", True), ("day > '2026-01-05'", False), ("day IS NULL", True), ("day is not null", True),
        ("none IS NOT NULL", False), ("none = 'x'", False), ("name = 'Bình'", False), ("name = 'Ðan'", True),
        ("name >= 'Đỗ'", True), ("name = 'A'", False),
    ],
)  # fmt: skip
def test_a_file_is_left_out_only_if_no_row_can_meet_the_hint(hint: str, may_be: bool, ranges: object) -> None:
    predicate = of_sql(hint)
    assert predicate is not None
    assert predicate(ranges) is may_be  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "hint", ["id = '15'", "name = 15", "day = 'soon'", "share = 1", "unknown = 1", "list = 'x'", "day = '2026-01-05 x'"]
)
def test_what_cannot_be_compared_leaves_nothing_out(hint: str, ranges: object) -> None:
    predicate = of_sql(hint)
    assert predicate is None or predicate(ranges)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "hint", ["", "id", "id = 1; DROP TABLE x", "id = 1 OR 1 = 1", "f(id) = 1", "id = 1e5", "x" * 20_000]
)
def test_sql_beyond_the_protocol_is_no_hint(hint: str) -> None:
    assert of_sql(hint) is None


def compare(operation: str, name: str, value: str, kind: str) -> dict[str, object]:
    children = [
        {"op": "column", "name": name, "valueType": kind}, {"op": "literal", "value": value, "valueType": kind},
    ]  # fmt: skip
    return {"op": operation, "children": children}


NULL = {"op": "isNull", "children": [{"op": "column", "name": "day", "valueType": "date"}]}


@pytest.mark.parametrize(
    ("hint", "may_be"),
    [
        (compare("equal", "id", "15", "int"), True),
        (compare("greaterThan", "id", "20", "long"), False),
        (compare("lessThan", "day", "2026-01-05", "date"), False),
        (
            {"op": "and", "children": [compare("equal", "id", "15", "int"), compare("equal", "name", "Z", "string")]},
            False,
        ),
        (
            {"op": "or", "children": [compare("equal", "id", "15", "int"), compare("equal", "name", "Z", "string")]},
            True,
        ),
        ({"op": "or", "children": [compare("equal", "id", "99", "int"), {"op": "strange"}]}, True),
        (NULL, True),
        ({"op": "not", "children": [NULL]}, True),
        ({"op": "not", "children": [compare("equal", "id", "15", "int")]}, True),
    ],
)
def test_json_hints_say_the_same(hint: dict[str, object], may_be: bool, ranges: object) -> None:
    predicate = of_json(json.dumps(hint))
    assert (predicate is None or predicate(ranges)) is may_be  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "hint", ["not json", "{", "[]", "7", '{"op": "and"}', "[" * 9_000, '{"op":"not","children":[' * 300]
)
def test_what_is_no_json_predicate_is_no_hint(hint: str) -> None:
    assert of_json(hint) is None


# Names and pages


def test_a_recipient_finds_its_own_shares_in_any_case_and_no_other(agree: Agree) -> None:
    catalog = Catalog.of([agree(), agree(("id: nso", "id: moh"), name="health")])
    assert catalog.share("nso", "CENSUS", AT).table("Population", "CITIZEN").subject == "shared/nso/citizen"
    for recipient, name in [
        ("nso", "health"),
        ("moh", "census"),
        ("nobody", "census"),
        ("nso", "census/../health"),
        ("nso", ""),
    ]:
        with pytest.raises(NotShared):
            catalog.share(recipient, name, AT)
    with pytest.raises(NotShared):
        catalog.share("nso", "census", AT).table("population", "../citizen")
    with pytest.raises(Forbidden, match="expired after 2026-12-31"):
        catalog.share("nso", "census", datetime(2027, 1, 2, tzinfo=UTC))


def test_ten_thousand_tables_come_in_pages_each_once(agree: Agree) -> None:
    one = agree()
    product = one.products[0]
    many = replace(one, products=tuple(replace(product, name=f"t{number:05}") for number in range(10_000)))
    items = tables(Catalog.of([many]).share("nso", "census", AT))
    seen: list[str] = []
    token: str | None = None
    while True:
        got = page(items, None, token)
        seen += [item["name"] for item in got["items"]]  # type: ignore[attr-defined]
        token = got.get("nextPageToken")  # type: ignore[assignment]
        if token is None:
            break
    assert seen == [f"t{number:05}" for number in range(10_000)]
    assert page(items, "0", None)["items"] == []
    assert page(items, "0", None)["nextPageToken"]


@pytest.mark.parametrize(
    ("size", "token"), [("-1", None), ("x", None), ("1" * 40, None), (None, "x"), (None, "YWZ0ZXIgOTk="), (None, "é")]
)
def test_a_page_that_cannot_be_is_refused(size: str | None, token: str | None) -> None:
    with pytest.raises(Malformed):
        page([{"name": "a"}], size, token)


# Signed URLs


FILE = SignedFile("census", "population", "citizen", "_change_data/part 1%.parquet", "t1")


def target_of(url: str) -> str:
    return url.removeprefix("http://x/delta-sharing")


def test_a_signed_url_opens_its_file_until_its_time_is_over() -> None:
    links = FileLinks("http://x/delta-sharing")
    target = target_of(links.url(FILE, 1000))
    assert links.opened(target, 999.9) == FILE
    with pytest.raises(Forbidden, match="time is over"):
        links.opened(target, 1000)
    with pytest.raises(Forbidden, match="not signed"):
        FileLinks("http://x/delta-sharing").opened(target, 0)


def test_a_url_altered_by_one_byte_opens_nothing() -> None:
    links = FileLinks("http://x/delta-sharing")
    target = target_of(links.url(FILE, 1000))
    altered = {
        target[:place] + other + target[place + 1 :]
        for place in range(len(target))
        for other in ("a", "0", "/", "é", "%")
    }
    altered |= {target[:place] + target[place + 1 :] for place in range(len(target))}
    altered |= {target + letter for letter in string.printable} | {target.upper(), target.replace("part%20", "part+")}
    for one in altered - {target}:
        with pytest.raises(Forbidden):
            links.opened(one, 0)


# Tokens


def test_acts_with_tokens_make_which_are_valid() -> None:
    text, first = new_token("nso", at=AT, ends_at=AT + timedelta(days=90))
    _, second = new_token("nso", at=AT, ends_at=AT + timedelta(days=90))
    hour = AT + timedelta(hours=1)
    acts = [
        TokenAct("issued", "nso", first),
        TokenAct("rotated", "nso", second, (first.token_id,), hour),
        TokenAct("revoked", "moh", None, (second.token_id,)),  # another recipient's act ends nothing of this one
    ]
    kept = [TokenAct.of(act.holder, json.loads(json.dumps(act.payload()))) for act in acts]
    assert kept == acts
    tokens = Tokens().after(kept[:1]).after(kept[1:])
    found = tokens.of_text(text)
    assert found is not None
    assert (found.is_valid(hour - timedelta(seconds=1)), found.is_valid(hour)) == (True, False)
    assert tokens.of_id(second.token_id) == second
    ended = tokens.after([TokenAct("revoked", "nso", None, (first.token_id, second.token_id))])
    assert not any(token.is_valid(AT) for token in ended.of_holder("nso"))
    assert tokens.of_text(text + "x") is None
    assert text not in json.dumps([act.payload() for act in acts])


def test_a_profile_file_is_of_version_1() -> None:
    assert json.loads(profile("https://x/delta-sharing", "secret", AT)) == {
        "shareCredentialsVersion": 1,
        "endpoint": "https://x/delta-sharing",
        "bearerToken": "secret",
        "expirationTime": "2026-03-01T08:30:00.0Z",
    }


def test_a_product_has_a_name_of_the_protocol() -> None:
    assert Product("citizen", "population", "citizen", ()).name == "citizen"
