"""One letter off is what damerau_levenshtein says, told faster."""

from __future__ import annotations

import random

import duckdb
import pyarrow as pa

from include.identity.linkage_model.comparison_sql import compare

LETTERS = "abcđế 中"


def test_one_letter_off_is_one_edit_of_damerau_levenshtein() -> None:
    chance = random.Random(1)
    texts = [("", "")]
    for _ in range(20_000):
        text = [chance.choice(LETTERS[: chance.choice((2, 7))]) for _ in range(chance.randrange(9))]
        texts.append(("".join(text), "".join(_edited(text, chance.randrange(3), chance))))
    settings = {
        "comparisons": [
            {
                "output_column_name": "near",
                "comparison_levels": [
                    {"sql_condition": "word_l IS NULL OR word_r IS NULL", "is_null_level": True},
                    {"sql_condition": "damerau_levenshtein(word_l, word_r) <= 1"},
                    {"sql_condition": "ELSE"},
                ],
            }
        ]
    }
    with duckdb.connect() as connection:
        words = pa.table({"unique_id": range(2 * len(texts) + 1), "word": [*(w for t in texts for w in t), None]})
        connection.register("prepared", words)
        connection.execute(
            f"""CREATE TABLE pairs AS
            SELECT 2 * range AS join_key_l, 2 * range + 1 AS join_key_r FROM range({len(texts)})
            UNION ALL SELECT 0, {2 * len(texts)}"""
        )
        compare(connection, settings, pairs="pairs", into="compared")
        found = connection.execute(
            """SELECT gamma_near, CASE WHEN damerau_levenshtein(l.word, r.word) <= 1 THEN 1
            WHEN r.word IS NULL THEN -1 ELSE 0 END AS truth, count(*) FROM compared
            JOIN prepared AS l ON l.unique_id = join_key_l JOIN prepared AS r ON r.unique_id = join_key_r
            GROUP BY ALL"""
        ).fetchall()
    assert all(gamma == truth for gamma, truth, _ in found)
    assert {gamma for gamma, *_ in found} == {-1, 0, 1}


def _edited(text: list[str], edits: int, chance: random.Random) -> list[str]:
    text = list(text)
    for _ in range(edits):
        at = chance.randrange(len(text) + 1)
        kind = chance.choice(("insert", "delete", "replace", "swap"))
        if kind == "insert":
            text.insert(at, chance.choice(LETTERS))
        elif kind == "delete":
            del text[at : at + 1]
        elif kind == "replace":
            text[at : at + 1] = [chance.choice(LETTERS)]
        else:
            text[at : at + 2] = reversed(text[at : at + 2])
    return text
