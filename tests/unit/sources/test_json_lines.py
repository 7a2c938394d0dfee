"""JSON Lines drops: values as written, and every line that cannot be taken as it is.

Older tests tried JSON that is written as json.dumps writes it: no key twice, no exact number, no surrogate.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.sources.access import DropBroken, SourceMissing
from include.sources.json_lines import json_table, survey
from tests.extracts import rows_of, types_of
from tests.unit.sources.conftest import Drop


def test_values_stay_as_written(drop: Drop) -> None:
    lines = [
        '{"a":"Nguyễn","n":1.10,"b":12345678901234567890123,"o":{"z": [1, 1.5]}}',
        "",
        '{"a":null,"n":true,"c":"\\u0000x"}',
        '{"a":"","n":false,"b":1e400,"c":"a\\ud83d\\ude00b\\\\ud83d"}',
    ]
    drop.put("a.jsonl", "\n".join(lines))
    drop.manifest("a.jsonl", rows=3)
    extracted = drop.take("a.jsonl", "a", "n", "b", "o", "c")
    assert rows_of(extracted, "a, n, b, o, c") == [
        ("", "false", "1e400", None, "a😀b\\ud83d"),
        ("Nguyễn", "1.10", "12345678901234567890123", '{"z": [1, 1.5]}', None),
        (None, "true", None, None, "\x00x"),
    ]
    assert set(types_of(extracted).values()) == {"VARCHAR"}


@pytest.mark.parametrize(
    "nested",
    [
        '{"a":1.10,"b":1e400,"c":12345678901234567890.123}',
        '[1.0, -0, 1E5 ,"\\u00e9" ,{ "a" : [ ] , "b":{}}]',
        '{"ten":"An","TEN":"Bình"}',
        '["{", "]", "\\"", ",:"]',
        "[]",
        "{}",
        "[" * 150 + "]" * 150,
    ],
)
def test_nested_values_are_the_piece_of_the_line_that_they_are(drop: Drop, nested: str) -> None:
    drop.put("a.jsonl", f' {{ "ma" : "1" ,\t"o" :  {nested}  , "z":0.50 }} \r\n{{"o":{nested}}}\n')
    assert rows_of(drop.take("a.jsonl", "ma", "o"), "ma, o, z") == [("1", nested, "0.50"), (None, nested, None)]


_OK = '{"ma":"1"}'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([_OK, '{"ma":"bimat","ma":"2"}'], "a.jsonl, line 2: a key twice in one object"),
        (['{"ma":"1","o":[{"x":1,"x":1}]}'], "a.jsonl, line 1: a key twice in one object"),
        (['{"ma":"1","MA":"2"}'], "a.jsonl, line 1: a key that the file has elsewhere in another letter case"),
        ([_OK, "", _OK, '{"Ma":"bimat"}', '{"MA":1}'], "a.jsonl, lines 4, 5: a key that the file has elsewhere"),
        ([_OK, '{"ma":"1","h\u00f2a":1}', '{"ma":"1","ho\u0300a":1}'], "line 3: a key that .* Unicode composition"),
        ([_OK, '{" ma":"1"}'], "line 2: a key that .* other blanks around it"),
        (['{"ma":"1","":2}'], "line 1: a key without a name"),
        (['{"ma":"1","  ":2}'], "line 1: a key without a name"),
        ([_OK, '{"ma":"\\ud83d"}'], r"line 2: half a character \(a lone surrogate"),
        ([_OK, '{"ma":"1","o":{"x":["\\uDE00\\ud83d"]}}'], "line 2: half a character"),
        ([_OK, '{"ma":"1","\\ud83d":1}'], "line 2: half a character"),
        ([_OK, '{"ma":NaN}', '{"ma":1,"o":[-Infinity]}'], "lines 2, 3: NaN or Infinity, which JSON does not have"),
        ([_OK, '{"ma":"bimat\x00"}', '{"ma":"\t"}'], "lines 2, 3: not one whole JSON object"),
        ([_OK, _OK + ",", _OK + _OK, '["bimat"]', '{"ma":01}', "{'ma':1}"], "lines 2, 3, 4, 5, 6: not one whole JSON"),
        ([_OK, '{"ma":"1","o":' + "[" * 201 + "]" * 201 + "}"], "line 2: more than 200 levels of nesting"),
        ([_OK, '{"ma":' + "[" * 100_000, '{"ma":' + '{"a":' * 100_000], "lines 2, 3: more than 200 levels of nesting"),
    ],
)
def test_lines_that_cannot_be_taken_as_they_are(drop: Drop, lines: list[str], told: str) -> None:
    drop.put("a.jsonl", "\n".join(lines) + "\n")
    with pytest.raises(DropBroken, match=told) as caught:
        drop.take("a.jsonl", "ma")
    assert "ask the sender to correct these lines" in str(caught.value)
    assert "bimat" not in str(caught.value)


def test_every_kind_of_fault_is_told_at_once(drop: Drop) -> None:
    drop.put("a.ndjson", b'{"a":"bimat"}\n["bimat"]\n{"a":"bimat\n\xff\n{"a":NaN}\n')
    with pytest.raises(DropBroken, match=r"a\.ndjson, lines 2, 3, 4: not one .*; a\.ndjson, line 5: NaN") as caught:
        drop.take("a.ndjson", "a")
    assert "bimat" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        json.dumps([{"ma": "bimat"}]),
        json.dumps([{"ma": "bimat"}, {"ma": "2"}], indent=1),
        '[\n{"ma":"bimat"},\n{"ma":"2"}\n]',
        json.dumps({"ma": "bimat", "o": {"x": 1}}, indent=2),
        "\n\n{\n",
    ],
)
def test_one_document_is_no_json_lines(drop: Drop, document: str) -> None:
    drop.put("a.json", document)
    with pytest.raises(DropBroken, match=r"a\.json is one JSON document.*ask the sender for one object a line") as no:
        drop.take("a.json", "ma")
    assert "bimat" not in str(no.value)


def test_files_of_one_table_spell_a_key_alike(drop: Drop) -> None:
    drop.put("a_1.jsonl", _OK)
    drop.put("a_2.jsonl", '{"MA":"1"}')
    with pytest.raises(DropBroken, match=r"a_2\.jsonl, line 1: a key that"):
        drop.take("a_*.jsonl", "ma")


def test_names_are_composed_trimmed_and_kept_from_the_lakes_own(drop: Drop) -> None:
    drop.put("a.jsonl", '{"te\u0302n ":"An","_row":7}\n')
    extracted = drop.take("a.jsonl", "t\u00ean")
    assert (rows_of(extracted), list(types_of(extracted))) == ([("An", "7")], ["t\u00ean", "_row_2"])


def test_a_line_over_the_bound(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MAX_LINE", 40)
    drop.put("a.jsonl", "\n".join([_OK, f'{{"ma":"{"x" * 100}"}}', f'{{"ma":"{"x" * 30}"}}', '{"ma":']))
    with pytest.raises(DropBroken, match=r"line 2: more than 16 MB in one line; a\.jsonl, line 4: not one whole"):
        drop.take("a.jsonl", "ma")


def test_values_for_keys(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MAX_COLUMNS", 3)
    drop.put("a.jsonl", "".join(f'{{"ma":"1","bimat{n}":1}}\n' for n in range(5)))
    with pytest.raises(DropBroken, match=r"a\.jsonl, line 3: .* they look like values") as caught:
        drop.take("a.jsonl", "ma")
    assert "bimat" not in str(caught.value)


@pytest.mark.parametrize("most", [1, 3, 7, 1_000])
def test_rows_are_the_same_in_batches_of_any_size(drop: Drop, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(json_table, "_VALUES_PER_BATCH", most)
    monkeypatch.setattr(survey, "_SHAPES_KEPT", 1)
    given: list[dict[str, Any]] = [{"ma": str(n), **({f"c{n % 3}": [n]} if n % 2 else {"c1": True})} for n in range(9)]
    drop.put("a.jsonl", "\n".join(map(json.dumps, given)))
    assert rows_of(drop.take("a.jsonl", "ma"), "ma, c0, c1, c2") == [
        ("0", None, "true", None),
        ("1", None, "[1]", None),
        ("2", None, "true", None),
        ("3", "[3]", None, None),
        ("4", None, "true", None),
        ("5", None, None, "[5]"),
        ("6", None, "true", None),
        ("7", None, "[7]", None),
        ("8", None, "true", None),
    ]


def test_an_empty_file_is_an_empty_table(drop: Drop) -> None:
    drop.put("a.jsonl", "")
    extracted = drop.take("a.jsonl", "a", "b")
    assert (extracted.rows, list(types_of(extracted))) == (0, ["a", "b"])


def test_a_key_that_is_missing_everywhere(drop: Drop) -> None:
    drop.put("a.jsonl", '{"ten": 1}\n')
    with pytest.raises(SourceMissing, match=r"no column 'tne' \(did you mean the one at position 1\?\)"):
        drop.take("a.jsonl", "tne")
