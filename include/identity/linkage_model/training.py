"""Train a model on the records at hand: u by random sampling, m by expectation maximisation; by a seed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as installed
from typing import Any, cast

import duckdb

from include.identity.linkage_model.comparison_sql import compare, gammas
from include.identity.linkage_model.comparisons import STATED, Comparison, Settings, comparisons_for
from include.identity.linkage_model.expectation_maximisation import Expectation, complete
from include.identity.linkage_model.model import Model, ModelUnusable, Training
from include.identity.records import Prepared, prepare
from include.lake.storage import Lake

MAX_RECORDS = 60_000  # a larger set is sampled, all records of one name or none
_U_PAIRS = 1e6
# Pairs that mostly are of one person, found three ways, so that each comparison is seen where it was not asked for.
_EM_PAIRS = 300_000
# Pairs that mostly are of one person, found by rules that each leave other comparisons free: the role that is needed,
# the rule, and the comparisons that it says too much about to learn them from it.
_SESSIONS = (
    ("personal_id", "l.personal_id = r.personal_id", {"personal_id"}),
    (
        "birth_key",
        "l.name_sorted = r.name_sorted AND l.birth_year = r.birth_year",
        {"name", "family", "given", "birth"},
    ),
    ("birth_key", "l.birth_key = r.birth_key AND l.given = r.given", {"name", "given", "birth"}),
    ("old_id", "l.old_id = r.old_id", {"old_id"}),
    ("place", "l.family = r.family AND l.given = r.given AND l.place = r.place", {"name", "family", "given", "place"}),
    ("phone", "l.phone = r.phone", {"phone"}),
    ("passport", "l.passport = r.passport", {"passport"}),
)


def train(
    lake: Lake,
    records_uri: str,
    *,
    seed: int,
    at: datetime,
    on: str = "",
) -> Model:
    """A model with the comparisons that the roles of these records allow.

    Args:
        lake: whose scratch folder and engine settings are used.
        records_uri: what `collect` wrote.
        seed: of the sample of records and pairs.
        at: when, for the model's version.
        on: what the records are, in words, for the model's facts.

    Raises:
        ModelUnusable: too few records or roles to learn from.
    """
    with lake.connect(memory_limit="3GB", threads=1) as connection:
        prepared = prepare(connection, records_uri)
        comparisons = comparisons_for(
            prepared.roles, is_split=prepared.is_split, is_ward=prepared.is_ward, is_dated=prepared.is_dated
        )
        if prepared.named < 100 or len(comparisons) < 2:
            raise ModelUnusable(
                f"{prepared.named} records with a name and {len(comparisons)} comparisons are too few to learn from: "
                "give more columns a link role, or publish more tables first"
            )
        _sample(connection, prepared, seed)
        settings = _learn(connection, prepared, comparisons, seed)
        linked = _records_per_person(connection)
        sampled = connection.execute("SELECT count(*) FROM sample").fetchone()
    facts: Training = {
        "on": on,
        "seed": seed,
        "records": prepared.records,
        "sampled": sampled[0] if sampled else 0,
        "roles": sorted(prepared.roles),
        "splink": installed("splink"),
        "trained_at": at.astimezone(UTC).isoformat(timespec="seconds"),
    }
    return Model("person", at.astimezone(UTC).strftime("%Y.%m.%d"), settings, records_per_person=linked, training=facts)


def _sample(connection: duckdb.DuckDBPyConnection, prepared: Prepared, seed: int) -> None:
    share = min(1.0, MAX_RECORDS / max(prepared.named, 1))
    connection.execute(
        f"""CREATE OR REPLACE TABLE sample AS SELECT * FROM prepared
        WHERE name_key IS NOT NULL AND hash(coalesce(given, name_key) || '{int(seed)}') % 1000000 < {int(share * 1e6)}
        ORDER BY unique_id"""
    )


def _learn(
    connection: duckdb.DuckDBPyConnection, prepared: Prepared, comparisons: list[Comparison], seed: int
) -> Settings:
    from splink import DuckDBAPI, Linker  # here, as it takes a second to import

    settings: dict[str, Any] = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "linker_uid": "person",
    }
    with _quiet():
        linker = Linker(DuckDBAPI(connection).register("sample"), settings, log_level=None)
        linker.training.estimate_u_using_random_sampling(max_pairs=_U_PAIRS, seed=seed, min_count_per_level=None)
        learned = cast("Settings", linker.misc.save_model_to_json(None))
    learned.pop("probability_two_random_records_match", None)
    for comparison in learned["comparisons"]:
        complete(comparison["comparison_levels"])
    expect = Expectation(learned)
    matches = 0.0
    for role, rule, known in _SESSIONS:
        if role in prepared.roles:
            patterns = _patterns(connection, learned, rule)
            matches = max(matches, expect.see(patterns, blind=known) * sum(row[0] for row in patterns))
    expect.tell(matches / _pairs_of_sample(connection))
    for comparison in learned["comparisons"]:
        for level in comparison["comparison_levels"]:
            level |= {"m_probability": STATED[level["label_for_charts"]]} if level["label_for_charts"] in STATED else {}
    return learned


def _pairs_of_sample(connection: duckdb.DuckDBPyConnection) -> float:
    row = connection.execute("SELECT count(*) * (count(*) - 1) / 2 FROM sample").fetchone()
    return float(row[0]) if row else 1.0


def _patterns(connection: duckdb.DuckDBPyConnection, settings: Settings, rule: str) -> list[tuple[int, ...]]:
    """How often each combination of levels occurs among the pairs of a rule: the count, then the levels."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE seen AS SELECT '0' AS match_key, l.unique_id AS join_key_l,
        r.unique_id AS join_key_r FROM sample AS l JOIN sample AS r ON {rule} AND l.unique_id < r.unique_id
        WHERE NOT (l.is_population AND l.source = r.source AND r.is_population)
        ORDER BY hash(l.unique_id, r.unique_id) LIMIT {_EM_PAIRS}"""
    )
    compare(connection, settings, pairs="seen", into="compared")
    levels = ", ".join(gammas(settings))
    return connection.execute(f"SELECT count(*), {levels} FROM compared GROUP BY ALL ORDER BY ALL").fetchall()


def _records_per_person(connection: duckdb.DuckDBPyConnection) -> float:
    """From records that agree on a number or on name and birth: records over what they come down to."""
    row = connection.execute(
        """SELECT count(*), count(DISTINCT coalesce(name_sorted || birth_key, name_sorted || place, name_sorted))
        FROM sample"""
    ).fetchone()
    return round(max(row[0] / row[1], 1.0), 3) if row and row[1] else 1.0


@contextmanager
def _quiet() -> Iterator[None]:
    """Splink tells what it does as log lines of its own; here facts go to the model."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def fits(lake: Lake, records_uri: str, model: Model) -> bool:
    """Whether the model compares what the records hold."""
    with lake.connect() as connection:
        return model.fits(prepare(connection, records_uri))
