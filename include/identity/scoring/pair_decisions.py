"""What a weighed pair is: a link, a question for a person, a finding for the owner, or nothing."""

from __future__ import annotations

import math

import duckdb

from include.identity import linkage_model
from include.identity.linkage_model import SHARED_NUMBERS, Model, Settings
from include.identity.records import NUMBER_RULES, Prepared
from include.lake.storage import scan

REVIEWED_WEIGHT = 100.0
# Pairs this many bits below even odds are not kept: not even as rivals of a better pair.
_RIVAL_BITS = 6.0

# A number that is no comparison of the model, in the order of certainty.
_OTHER_NUMBERS = {
    "insurance_number": "l.insurance_number = r.insurance_number",
    "health_card": "l.card_number IN (r.insurance_number, r.card_number) OR r.card_number = l.insurance_number",
    "tax_code": "l.tax_code = r.tax_code",
}


def weigh(connection: duckdb.DuckDBPyConnection, model: Model, prepared: Prepared, *, is_weighed: bool = False) -> None:
    """Make `weighed` from `compared`: the weight of each pair worth keeping, its pass, the populations of its sides.

    `blind_weight`: the weight without id numbers, NULL where only an id number made the two a pair.

    `is_weighed`: the pairs come with their `match_weight`, from Splink.
    """
    persons = model.persons(prepared)
    settings = model.settings_for(persons)
    if is_weighed:
        records, weight = "prepared", "match_weight"
    else:
        linkage_model.count_frequencies(connection, settings)
        records, weight = "(FROM prepared JOIN frequencies USING (unique_id))", linkage_model.weight(settings)
    first = {name: len(levels) - 1 for name, levels in _levels(settings).items()}
    numbers = [name for name in ("personal_id", "old_id") if name in first]
    passes = [f"WHEN gamma_{name} = {first[name]} THEN '{name}'" for name in numbers]
    parts = linkage_model.weights(settings)
    by_number = " + ".join(parts[name] for name in numbers) or "0.0"
    other, number = other_numbers(persons)
    # Rounded to what does not depend on the order of addition, so that a pair weighs the same in every run.
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE weighed AS
        SELECT * EXCLUDE (told, other, weight, by_number), coalesce(told, other, 'model') AS pass,
               round(weight + CASE WHEN other IS NOT NULL THEN {number!r} ELSE 0.0 END, 9) AS weight,
               CASE WHEN CAST(match_key AS INTEGER) >= {NUMBER_RULES} THEN weight - by_number END AS blind_weight
        FROM (SELECT c.*, a.population AS population_l, b.population AS population_r,
                     {f"CASE {' '.join(passes)} END" if passes else "NULL::VARCHAR"} AS told,
                     {other} AS other, {weight} AS weight, {by_number} AS by_number
              FROM compared AS c JOIN sides AS a ON a.unique_id = join_key_l JOIN sides AS b ON b.unique_id = join_key_r
              JOIN {records} AS l ON l.unique_id = join_key_l
              JOIN {records} AS r ON r.unique_id = join_key_r)
        WHERE pass <> 'model' OR greatest(weight, blind_weight) >= {_least_rival(persons)!r}"""
    )


def other_numbers(persons: int) -> tuple[str, float]:
    """Which number beside the model's two records share, as SQL over `l` and `r`; and what it weighs."""
    whens = " ".join(f"WHEN {condition} THEN '{name}'" for name, condition in _OTHER_NUMBERS.items())
    return f"CASE {whens} END", math.log2((1.0 - SHARED_NUMBERS) * persons / SHARED_NUMBERS)


def decide(connection: duckdb.DuckDBPyConnection, model: Model, prepared: Prepared) -> None:
    """Make `edges` from `weighed`, as the model decides.

    A pair's odds are its Bayes factor over the number of persons. Where one side is a row of a population-like table,
    the rows of that table are rivals: at most one of them is this person, so their odds share one whole with the
    chance that the person is not in the table at all.
    """
    persons = model.persons(prepared)
    settings = model.settings_for(persons)
    levels = _levels(settings)
    said = ", ".join(linkage_model.labels(settings, name) for name in levels)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE rated AS
        WITH odds AS (
            SELECT *, CASE WHEN pass <> 'model' OR weight >= {_least_rival(persons)!r} THEN {_odds("weight", persons)}
                      END AS odds,
                   CASE WHEN blind_weight IS NOT NULL THEN {_odds("blind_weight", persons)} END AS blind_odds,
                   CASE WHEN population_l > 0 AND population_r = 0 THEN join_key_r
                        WHEN population_r > 0 AND population_l = 0 THEN join_key_l END AS claimant,
                   greatest(population_l, population_r) AS population
            FROM weighed
        ), shared AS (
            SELECT *, sum(odds) OVER claim AS rivals, sum(blind_odds) OVER claim AS blind_rivals
            FROM odds WHERE claimant IS NOT NULL WINDOW claim AS (PARTITION BY claimant, population)
            UNION ALL SELECT *, NULL, NULL FROM odds WHERE claimant IS NULL
        )
        SELECT *, {_probability("odds", "rivals", model)} AS probability,
               {_probability("blind_odds", "blind_rivals", model)} AS blind
        FROM shared"""
    )
    # Whoever may be one of several rows of a population, without clearly being one, is linked by a number only.
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE unsure AS
        SELECT DISTINCT claimant FROM rated WHERE claimant IS NOT NULL GROUP BY claimant, population
        HAVING max(probability) < {model.link_at!r} AND sum(probability) >= {model.review_at!r}"""
    )
    agrees, disagrees = _agreement(levels), _disagreement(levels)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE edges AS
        WITH decided AS (
            SELECT r.*, CASE
                WHEN population_l > 0 AND population_l = population_r
                    THEN CASE WHEN probability >= {model.link_at!r} THEN 'finding' END
                WHEN pass <> 'model' AND {disagrees} THEN 'finding'
                WHEN pass <> 'model' AND {agrees} AND (r.claimant IS NULL OR probability >= {model.review_at!r})
                    THEN 'link'
                WHEN probability >= {model.link_at!r}
                    THEN CASE WHEN r.claimant IS NULL AND (u.claimant IS NOT NULL OR v.claimant IS NOT NULL)
                              THEN 'review' ELSE 'link' END
                WHEN probability >= {model.review_at!r} THEN 'review'
                WHEN r.claimant IN (FROM unsure) AND probability >= {model.review_at / 4!r} THEN 'review'
            END AS decision
            FROM rated AS r LEFT JOIN unsure AS u ON u.claimant = join_key_l
            LEFT JOIN unsure AS v ON v.claimant = join_key_r
        )
        SELECT least(a.record_id, b.record_id) AS left_id, greatest(a.record_id, b.record_id) AS right_id, pass, weight,
               probability, blind, decision, concat_ws('; ', {said}) AS why
        FROM decided JOIN prepared AS a ON a.unique_id = join_key_l JOIN prepared AS b ON b.unique_id = join_key_r
        WHERE decision IS NOT NULL"""
    )


def count_edges(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """How many `edges` there are, by pass and decision."""
    counts: dict[str, dict[str, int]] = {}
    for name, decision, count in connection.execute(
        "SELECT pass, decision, count(*) FROM edges GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        counts.setdefault(name, {})[decision] = int(count)
    return counts


def _least_rival(persons: int) -> float:
    """The least weight of a pair that is kept."""
    return math.log2(persons) - _RIVAL_BITS


def _odds(weight: str, persons: int) -> str:
    return f"pow(2.0, least({weight}, 900.0) - {math.log2(persons)!r})"


def _probability(odds: str, rivals: str, model: Model) -> str:
    return (
        f"CASE WHEN claimant IS NULL THEN {odds} / (1.0 + {odds}) "
        f"ELSE {model.coverage!r} * {odds} / ({model.coverage!r} * {rivals} + {1.0 - model.coverage!r}) END"
    )


def review(connection: duckdb.DuckDBPyConnection, uri: str) -> None:
    """Change `edges` to what people decided: same is a link, different is no edge, what nobody could tell not asked."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE decided_by_people AS
        SELECT least(left_id, right_id) AS left_id, greatest(left_id, right_id) AS right_id, decision FROM {scan(uri)}
        WHERE decision IN ('same', 'different', 'cannot_tell')"""
    )
    connection.execute(
        """DELETE FROM edges AS e USING decided_by_people AS d
        WHERE e.left_id = d.left_id AND e.right_id = d.right_id
        AND (d.decision <> 'cannot_tell' OR e.decision = 'review')"""
    )
    connection.execute(
        f"""INSERT INTO edges BY NAME SELECT left_id, right_id, 'review' AS pass, {REVIEWED_WEIGHT} AS weight,
        1.0 AS probability, NULL AS blind, 'link' AS decision, 'decided by people' AS why FROM decided_by_people AS d
        WHERE decision = 'same' AND left_id IN (SELECT record_id FROM prepared)
        AND right_id IN (SELECT record_id FROM prepared)"""
    )


def _levels(settings: Settings) -> dict[str, list[str]]:
    """The labels of each comparison's levels, from most to least alike, without the null level."""
    return {
        comparison["output_column_name"]: [
            level["label_for_charts"] for level in comparison["comparison_levels"] if not level.get("is_null_level")
        ]
        for comparison in settings["comparisons"]
    }


def _at_least(levels: dict[str, list[str]], name: str, steps: int) -> str:
    """Whether a comparison is at one of its `steps` most alike levels; FALSE where there is none."""
    return f"gamma_{name} >= {len(levels[name]) - steps}" if name in levels else "FALSE"


def _agreement(levels: dict[str, list[str]]) -> str:
    """A number is borne out by the same name, or by the day of birth and a name that is not another."""
    names = " AND ".join(_at_least(levels, n, 2) for n in ("name", "family", "given") if n in levels) or "FALSE"
    birth = _at_least(levels, "birth", 1)
    no_other_birth = "gamma_birth <> 0" if "birth" in levels else "TRUE"
    alike = "gamma_name >= 1" if "name" in levels else "gamma_given >= 1" if "given" in levels else "FALSE"
    nameless = " AND ".join(f"gamma_{n} = -1" for n in ("name", "family", "given", "birth") if n in levels) or "TRUE"
    return f"(({names} AND {no_other_birth}) OR ({birth} AND {alike}) OR ({nameless}))"


def _disagreement(levels: dict[str, list[str]]) -> str:
    """Names, births and sexes, as far as known, all disagree; a name at least is known."""
    names = [n for n in ("name", "family", "given") if n in levels]
    others = [n for n in ("birth", "sex") if n in levels]
    if not names:
        return "FALSE"
    known = " AND ".join(f"gamma_{n} = 0" for n in names)
    return f"({known}{''.join(f' AND gamma_{n} <= 0' for n in others)})"
