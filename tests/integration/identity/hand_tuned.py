"""What an expert would make of FEBRL with Splink: comparisons, blocking rules and training chosen for these columns.

After Splink's own tutorials on FEBRL 3 and 4 (https://moj-analytical-services.github.io/splink/demos/), with addresses
beside what those compare. Its threshold is the one that the labels show to be best: more than an expert could know.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa

Row = Mapping[str, str | None]
_COLUMNS = ("given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "date_of_birth",
            "soc_sec_id")  # fmt: skip
_LEAST_WEIGHT = -10.0


def best_f1(registers: Sequence[Sequence[Row]], *, has_id: bool) -> float:
    """Pairwise F1 of a Splink model on one register, or between two, at the best of its thresholds."""
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    rules = [
        block_on("given_name", "surname"), block_on("date_of_birth"), block_on("surname", "postcode"),
        block_on("given_name", "postcode"), block_on("address_1"), block_on("suburb", "substr(surname, 1, 3)"),
        block_on("suburb", "substr(given_name, 1, 3)"), block_on("postcode", "substr(date_of_birth, 1, 6)"),
        "l.given_name = r.surname AND l.surname = r.given_name",
    ]  # fmt: skip
    sure = [
        "l.given_name = r.given_name AND l.surname = r.surname AND l.date_of_birth = r.date_of_birth",
        "l.surname = r.surname AND l.date_of_birth = r.date_of_birth AND l.postcode = r.postcode",
        "l.given_name = r.given_name AND l.address_1 = r.address_1 AND l.date_of_birth = r.date_of_birth",
    ]
    if has_id:
        rules, sure = [block_on("soc_sec_id"), *rules], ["l.soc_sec_id = r.soc_sec_id", *sure]
    settings = SettingsCreator(
        link_type="dedupe_only" if len(registers) == 1 else "link_only",
        unique_id_column_name="rec_id",
        comparisons=_comparisons(has_id),
        blocking_rules_to_generate_predictions=rules,
    )
    with duckdb.connect() as connection:
        api = DuckDBAPI(connection)
        for number, rows in enumerate(registers):
            connection.register(f"told_{number}", _table(rows))
            connection.execute(f"CREATE TABLE register_{number} AS FROM told_{number}")
        tables = [api.register(f"register_{number}") for number in range(len(registers))]
        linker = Linker(tables if len(tables) > 1 else tables[0], settings, log_level=None)
        training = linker.training
        training.estimate_probability_two_random_records_match(sure, recall=0.9)
        training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
        for chosen_by in (("date_of_birth",), ("given_name", "surname"), ("postcode", "suburb")):
            training.estimate_parameters_using_expectation_maximisation(block_on(*chosen_by))
        scored = linker.inference.predict(threshold_match_weight=_LEAST_WEIGHT, warning_mode="never")
        person = "regexp_extract(rec_id_{}, 'rec-([0-9]+)', 1)"
        pairs = connection.execute(
            f"""SELECT {person.format("l")} = {person.format("r")} AS is_true, match_weight
            FROM {scored.physical_name} ORDER BY match_weight DESC"""
        ).fetchnumpy()
    both = np.cumsum(pairs["is_true"])
    return float(np.max(2 * both / (np.arange(1, len(both) + 1) + _true_pairs(registers))))


def _comparisons(has_id: bool) -> list[object]:
    import splink.comparison_library as cl

    told = [
        cl.NameComparison("given_name", jaro_winkler_thresholds=[0.92, 0.85, 0.7]),
        cl.NameComparison("surname", jaro_winkler_thresholds=[0.92, 0.85, 0.7]),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.LevenshteinAtThresholds("street_number", 1),
        cl.JaroWinklerAtThresholds("address_1", [0.95, 0.85]).configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("address_2", [0.95, 0.85]).configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("suburb", [0.95, 0.85]).configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ]
    return [*told, cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2])] if has_id else told


def _table(rows: Sequence[Row]) -> pa.Table:
    names = ("rec_id", *_COLUMNS)
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})


def _true_pairs(registers: Sequence[Sequence[Row]]) -> int:
    people = [Counter(re.findall(r"rec-(\d+)", str(row["rec_id"]))[0] for row in rows) for rows in registers]
    if len(people) > 1:
        return sum(count * people[1][person] for person, count in people[0].items())
    return sum(count * (count - 1) // 2 for count in people[0].values())
