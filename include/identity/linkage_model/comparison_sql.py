"""Splink's settings as SQL: the level of each comparison (gamma), and what it weighs.

Splink's own predict does both in one step, and gives the levels only together with every compared value. Here levels
are kept, as they depend on the two records alone, and weighed anew when frequencies move. `tests/integration/identity`
holds the two against each other.
"""

from __future__ import annotations

import math
import re

import duckdb

from include.identity.linkage_model.comparisons import Comparison, Level, Settings
from include.lake.storage import literal

# damerau_levenshtein(a, b) <= 1, several times as fast. Of equal length, one edit is one letter or two neighbours; else
# a half of the shorter stands where it stood. CASE, because AND and OR work out all their parts where a value is asked.
_ONE_EDIT = """CASE
    WHEN strlen(a) = strlen(b) THEN CASE
        WHEN strlen(a) = 0 THEN TRUE
        ELSE CASE hamming(a, b) WHEN 0 THEN TRUE WHEN 1 THEN TRUE WHEN 2 THEN damerau_levenshtein(a, b) <= 1
             ELSE FALSE END END
    WHEN abs(strlen(a) - strlen(b)) <> 1 THEN FALSE
    WHEN left(a, least(length(a), length(b)) // 2) = left(b, least(length(a), length(b)) // 2)
         OR right(a, least(length(a), length(b)) // 2) = right(b, least(length(a), length(b)) // 2)
        THEN levenshtein(a, b) = 1
    ELSE FALSE END"""
_ONE_EDIT_ASKED = re.compile(r"damerau_levenshtein(\(\w+, \w+\)) <= 1\b")


def names(settings: Settings) -> list[str]:
    """The comparisons' names, in order."""
    return [str(comparison["output_column_name"]) for comparison in settings["comparisons"]]


def gammas(settings: Settings) -> list[str]:
    """The columns that hold the levels."""
    return [f"gamma_{name}" for name in names(settings)]


def conditions(settings: Settings) -> list[list[str]]:
    """How levels are told: nothing else decides a gamma."""
    return [[str(level["sql_condition"]) for level in c["comparison_levels"]] for c in settings["comparisons"]]


def compare(connection: duckdb.DuckDBPyConnection, settings: Settings, *, pairs: str, into: str) -> None:
    """Make the temporary table `into`: the rows of `pairs` (join_key_l, join_key_r, ...) and a gamma per comparison.

    A gamma numbers the level that holds: -1 not known, 0 the least alike, upwards. `prepared` holds the records.
    """
    connection.execute(f"CREATE OR REPLACE TEMP MACRO one_edit(a, b) AS {_ONE_EDIT}")
    columns = [row[0] for row in connection.execute("DESCRIBE prepared").fetchall()]
    said = " ".join(condition for levels in conditions(settings) for condition in levels)
    wanted = [column for column in columns if re.search(rf"\b{column}_l\b", said)]
    sides = ", ".join(f"l.{c} AS {c}_l, r.{c} AS {c}_r" for c in wanted)
    cases = ", ".join(f"{_gamma(comparison)} AS {column}" for comparison, column in _with_columns(settings))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE {into} AS
        SELECT * EXCLUDE ({", ".join(f"{c}_l, {c}_r" for c in wanted)}), {cases}
        FROM (SELECT p.*, {sides} FROM {pairs} AS p JOIN prepared AS l ON l.unique_id = p.join_key_l
              JOIN prepared AS r ON r.unique_id = p.join_key_r)"""
    )


def weight(settings: Settings) -> str:
    """The log2 Bayes factor as SQL over gammas and over `l` and `r`, which hold a `tf_<column>` for each frequency."""
    return " + ".join(weights(settings).values()) or "0.0"


def weights(settings: Settings) -> dict[str, str]:
    """The part of each comparison, by its name."""
    return {name: _weight(c, f"gamma_{name}") for name, c in zip(names(settings), settings["comparisons"], strict=True)}


def labels(settings: Settings, name: str) -> str:
    """What a comparison found, in words, as SQL over its gamma."""
    comparison = next(c for c in settings["comparisons"] if c["output_column_name"] == name)
    whens = " ".join(f"WHEN {n} THEN {literal(level['label_for_charts'])}" for n, level in _numbered(comparison))
    return f"CASE gamma_{name} {whens} END"


def frequency_columns(settings: Settings) -> list[str]:
    """The columns whose values weigh by how frequent they are."""
    levels = [level for comparison in settings["comparisons"] for level in comparison["comparison_levels"]]
    return sorted({str(level["tf_adjustment_column"]) for level in levels if level.get("tf_adjustment_column")})


def count_frequencies(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Make the temporary table `frequencies`: unique_id and `tf_<column>`, the share of known values that equal it."""
    columns = frequency_columns(settings)
    shares = ", ".join(
        f"CASE WHEN {c} IS NOT NULL THEN count({c}) OVER (PARTITION BY {c}) / (SELECT count({c}) FROM prepared) END "
        f"AS tf_{c}"
        for c in columns
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE frequencies AS SELECT unique_id{', ' if columns else ''}{shares} FROM prepared"
    )


def _with_columns(settings: Settings) -> list[tuple[Comparison, str]]:
    return list(zip(settings["comparisons"], gammas(settings), strict=True))


def _numbered(comparison: Comparison) -> list[tuple[int, Level]]:
    """Levels from most to least alike with their gammas; the null level, which is -1, first."""
    levels = comparison["comparison_levels"]
    known = [level for level in levels if not level.get("is_null_level")]
    unknown = [level for level in levels if level.get("is_null_level")]
    return [(-1, level) for level in unknown] + [(len(known) - 1 - n, level) for n, level in enumerate(known)]


def _gamma(comparison: Comparison) -> str:
    whens = [
        f"WHEN {_quickly(level['sql_condition'])} THEN {n}"
        for n, level in _numbered(comparison)
        if level["sql_condition"].strip().upper() != "ELSE"
    ]
    return f"CAST(CASE {' '.join(whens)} ELSE 0 END AS TINYINT)"


def _quickly(condition: str) -> str:
    return _ONE_EDIT_ASKED.sub(r"one_edit\1", condition)


def _weight(comparison: Comparison, gamma: str) -> str:
    whens = []
    for n, level in _numbered(comparison):
        if level.get("is_null_level"):
            continue
        m, u = float(level["m_probability"]), float(level["u_probability"])
        told = repr(math.log2(m / u))
        if column := level.get("tf_adjustment_column"):
            # Splink's: u of the level gives way to the frequency of the more frequent of the two values.
            either = f"greatest(coalesce(l.tf_{column}, r.tf_{column}), coalesce(r.tf_{column}, l.tf_{column}))"
            told = f"{told} + coalesce({math.log2(u)!r} - log2({either}), 0.0)"
        whens.append(f"WHEN {n} THEN {told}")
    return f"CASE {gamma} {' '.join(whens)} ELSE 0.0 END"
