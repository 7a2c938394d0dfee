"""Which pairs of records are worth comparing: those that share a block, if the block is not too large."""

from __future__ import annotations

import duckdb

BLOCK_CAP = 120

# Name of the rule, the keys of a record (a list), from the columns of `prepared`. A NULL key is no key. A rule with
# finer keys stands beside each coarse one, so that a name too common for its block is still found in a smaller one.
RULES: dict[str, str] = {
    "personal_id": "ids",
    "old_id": "[old_id]",
    "insurance_number": "[insurance_number, card_number]",
    "tax_code": "[CASE WHEN length(tax_code) <> 12 THEN tax_code END]",
    "phone": "[phone]",
    "passport": "[passport]",
    "address": "[address_key]",
    "name and birth": "[name_sorted || birth_key]",
    "name and year": "[name_sorted || birth_year]",
    "name and place": "list_transform(places, lambda x: name_sorted || x)",
    "family, given and place": "list_transform(places, lambda x: family || '|' || given || x)",
    "family, middle and place": "list_transform(places, lambda x: family || '|' || middle || '|' || x)",
    "birth and given": "[CASE WHEN birth_precision = 'day' THEN birth_key || given END]",
    "birth and family": "[CASE WHEN birth_precision = 'day' THEN birth_key || '|' || family END]",
    "birth and place": "CASE WHEN birth_precision = 'day' THEN list_transform(places, lambda x: birth_key || x) END",
    "year, given and place": "list_transform(places, lambda x: birth_year || given || x)",
    # Names that came apart are spelt by many tongues: fewer share one, and more of them are misspelt.
    "name": "[CASE WHEN is_split THEN name_sorted END]",
    "year and place": "CASE WHEN is_split THEN list_transform(places, lambda x: birth_year || x) END",
    "family and place": "CASE WHEN is_split THEN list_transform(places, lambda x: family || '|' || x) END",
    "given and place": "CASE WHEN is_split THEN list_transform(places, lambda x: given || '|' || x) END",
}
NUMBER_RULES = 4
"""The first rules are numbers of which a person has one; `match_key` is the last rule that found a pair."""
# Rows of one population-like table are different persons unless all of this is the same: then it is a finding.
_WITHIN_POPULATION = ("name and birth",)

# Which population-like table a record is a row of: a number from 1, or 0.
SIDES = """
SELECT unique_id, CASE WHEN is_population THEN number ELSE 0 END AS population
FROM prepared JOIN (SELECT source, row_number() OVER (ORDER BY source) AS number
                    FROM (SELECT DISTINCT source FROM prepared) AS sources) AS numbered USING (source)"""


def steps() -> dict[str, str]:
    """The tables that lead from `prepared` to `pairs`, each with its query, in DuckDB's SQL.

    A block of more than BLOCK_CAP records is left out: too many share it for it to say anything.
    """
    keys = " UNION ALL ".join(
        f"SELECT {number}::UTINYINT AS rule, unnest({expression}) AS value, unique_id FROM prepared"
        for number, expression in enumerate(RULES.values())
    )
    within = ", ".join(str(list(RULES).index(name)) for name in _WITHIN_POPULATION)
    return {
        "sides": SIDES,
        "keys": f"SELECT DISTINCT rule, hash(value) AS key, unique_id FROM ({keys}) AS said WHERE value IS NOT NULL",
        "blocked": f"""SELECT k.* FROM keys AS k JOIN (
            SELECT rule, key FROM keys GROUP BY rule, key HAVING count(*) BETWEEN 2 AND {BLOCK_CAP}) AS kept
            USING (rule, key)""",
        "pairs": f"""
        SELECT CAST(max(l.rule) AS VARCHAR) AS match_key, l.unique_id AS join_key_l, r.unique_id AS join_key_r
        FROM blocked AS l JOIN blocked AS r ON l.rule = r.rule AND l.key = r.key AND l.unique_id < r.unique_id
        JOIN sides AS a ON a.unique_id = l.unique_id JOIN sides AS b ON b.unique_id = r.unique_id
        WHERE NOT (a.population = b.population AND a.population > 0) OR l.rule IN ({within})
        GROUP BY l.unique_id, r.unique_id""",
    }


def block(connection: duckdb.DuckDBPyConnection) -> int:
    """Make the temporary tables `sides` and `pairs` (join_key_l < join_key_r, match_key); returns how many pairs."""
    for name, query in steps().items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        if name == "blocked":
            connection.execute("DROP TABLE keys")
    connection.execute("DROP TABLE blocked")
    counted = connection.execute("SELECT count(*) FROM pairs").fetchone()
    return int(counted[0]) if counted else 0
