"""Two engines, one result: what a standalone cluster of two workers finds is what DuckDB finds, pair for pair.

`make test-spark` installs pyspark and runs this; without pyspark it is left out.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from include.cli import app
from include.cluster.spark_session import ClusterUnreachable, ClusterUnusable, Spark
from include.identity.linkage_model import comparison_sql
from include.identity.linkage_model.comparisons import comparisons_for
from include.identity.records.blocking import block
from include.identity.scoring.spark import compare_on
from tests.integration.identity.registers import Country
from tests.integration.standalone import standalone_cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore"),
]

ROLES = frozenset({"name_key", "birth_key", "sex", "place", "personal_id", "old_id", "address_key", "phone"})
# Letters lost, added, changed and changed about; two edits that overlap (ca, abc); bytes that are not characters; the
# empty text; quotes and signs that SQL and patterns give a meaning.
NAMES = [
    "", "a", "ca", "abc", "acb", "nguyen van an", "nguyen van na", "nguyen vna an", "nguyen v an", "n v a", "an nguyen",
    "nguyễn văn an", "nguyễn văn ăn", "nguyen van ân", "nguye\u0302n va\u0306n an", "đỗ đạt", "đo đat", "𠮷野 家",
    "吉野 家", "𠮷𠮷野 家", "🙂", "🙃", "o'brien", 'o"brien', "o\\brien", "a%_b", "a b c d e f g h", "a c b d e f h g",
    "le thi hoa", "le thi hao", "li thi hoa", "le hoa", None,
]  # fmt: skip
BIRTHS = ["19900102", "19900201", "19900112", "19901102", "19900101", "19910102", "1990", "", None]
NUMBERS = ["001090000001", "001090000010", "001090000011", "01090000001", "", None]
PLACES = [["26740"], ["26740", "27628"], ["27628", "10081"], ["xã 𠮷", "𠮷"], ["", "26740"], []]
ADDRESSES = [
    "12 pho hue",
    "12 pho  hue",
    "pho hue 12",
    "12a pho hue cua nam",
    "so 12 pho hue cua nam ha noi",
    "𠮷",
    None,
]


def records(seed: int, count: int) -> pa.Table:
    """Rows of `prepared`, of values that are hard to compare, each common enough to share blocks."""
    pick = random.Random(seed).choice
    rows: list[dict[str, Any]] = []
    for n in range(count):
        name, birth, places, number = pick(NAMES), pick(BIRTHS), pick(PLACES), pick(NUMBERS)
        words = name.split(" ") if name else [None]
        rows.append(
            {
                "unique_id": n + 1, "source": pick(["population.citizen", "insurance.member", "finance.taxpayer"]),
                "personal_id": number, "ids": [i for i in {number, pick(NUMBERS)} if i is not None],
                "old_id": pick(NUMBERS), "insurance_number": pick(NUMBERS), "card_number": pick(NUMBERS),
                "passport": pick(NUMBERS),
                "tax_code": pick(NUMBERS), "name_key": name, "name_tone": pick([name, pick(NAMES)]),
                "name_sorted": name and " ".join(sorted(words)), "has_marks": pick([True, False]),
                "initials": name and "".join(word[:1] for word in words), "has_initial": pick([True, False]),
                "family": words[0], "middle": words[1] if len(words) > 2 else None, "given": words[-1],
                "is_split": pick([True, False]), "birth_key": birth, "birth_year": birth and birth[:4],
                "birth_precision": birth and pick(["day", "year"]), "sex": pick(["male", "female", None]),
                "place": places[0] if places else None, "places": places, "place_province": pick(["79", "01", None]),
                "address_key": pick(ADDRESSES), "phone": pick(NUMBERS),
            }
        )  # fmt: skip
    table = pa.Table.from_pylist(rows)
    population = pa.array([row["source"] == "population.citizen" for row in rows])
    unique_id = table["unique_id"].cast(pa.int32())
    return table.set_column(0, "unique_id", unique_id).append_column("is_population", population)


def all_comparisons() -> list[dict[str, Any]]:
    """Every comparison there is, at some probabilities."""
    made = comparisons_for(ROLES, is_split=True, is_ward=True)
    others = [c for c in comparisons_for(ROLES, is_split=False, is_ward=False) if c not in made]
    made += [{**c, "output_column_name": f"{c['output_column_name']}_in_words"} for c in others]
    draw = random.Random(7).uniform
    for level in (level for c in made for level in c["comparison_levels"] if not level.get("is_null_level")):
        level |= {"m_probability": draw(0.01, 0.99), "u_probability": draw(0.0001, 0.9)}
    return made


def by_duckdb(connection: duckdb.DuckDBPyConnection, settings: dict[str, Any]) -> list[tuple[Any, ...]]:
    block(connection)
    comparison_sql.compare(connection, settings, pairs="pairs", into="compared")
    comparison_sql.count_frequencies(connection, settings)
    said = ", ".join([*comparison_sql.gammas(settings), comparison_sql.weight(settings)])
    return connection.execute(
        f"""SELECT join_key_l, join_key_r, {said} FROM compared JOIN frequencies AS l ON l.unique_id = join_key_l
        JOIN frequencies AS r ON r.unique_id = join_key_r ORDER BY ALL"""
    ).fetchall()


def by_spark(
    connection: duckdb.DuckDBPyConnection, settings: dict[str, Any], where: Spark, folder: Path
) -> list[tuple[Any, ...]]:
    pairs = compare_on(where, connection, settings, folder=str(folder))
    levels = ", ".join(comparison_sql.gammas(settings))
    found = connection.execute(
        f"SELECT join_key_l, join_key_r, {levels}, match_weight FROM compared ORDER BY ALL"
    ).fetchall()
    assert len(found) == pairs
    return found


def test_both_engines_agree_on_every_pair_level_and_weight(master: str, tmp_path: Path) -> None:
    settings = {
        "link_type": "dedupe_only", "unique_id_column_name": "unique_id", "comparisons": all_comparisons(),
        "probability_two_random_records_match": 0.5, "blocking_rules_to_generate_predictions": [],
    }  # fmt: skip
    shared = tmp_path / "a folder with a space"
    with duckdb.connect() as connection:
        connection.register("given", records(1, 600))
        connection.execute("CREATE TEMP TABLE prepared AS FROM given")
        ours, sides = by_duckdb(connection, settings), connection.execute("FROM sides ORDER BY ALL").fetchall()
        theirs = by_spark(connection, settings, Spark(master, shared), tmp_path / "unused")
        assert connection.execute("FROM sides ORDER BY ALL").fetchall() == sides
    assert len(ours) > 10_000
    assert [row[:2] for row in theirs] == [row[:2] for row in ours]
    assert [row[:-1] for row in theirs] == [row[:-1] for row in ours]
    assert max(abs(one[-1] - other[-1]) for one, other in zip(ours, theirs, strict=True)) < 1e-6
    for n, name in enumerate(comparison_sql.names(settings)):
        labels = next(c for c in settings["comparisons"] if c["output_column_name"] == name)["comparison_levels"]
        assert len({row[2 + n] for row in ours}) > len(labels) - 2, f"too few levels of {name} were seen"
    assert list(shared.iterdir()) == [], "no record stays behind"


def test_the_command_gives_the_same_persons(
    master: str, nation: Country, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lake = nation.context.lake

    def content(name: str, columns: list[str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = lake.table("people", name).to_pyarrow_table(columns=columns).to_pylist()
        return sorted(rows, key=str)

    links = ["left_id", "right_id", "pass", "weight", "probability", "decision", "why", "holds"]
    before = [content("index", ["record_id", "person_id"]), content("golden", ["person_id"]), content("links", links)]
    for name, value in {"ENGINE": "spark", "SPARK_MASTER": master, "SCHEMAS_DIR": str(nation.context.schemas)}.items():
        monkeypatch.setenv(name, value)
    for name, value in nation.context.environ.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["link", "--full"])
    assert done.exit_code == 0, done.output
    after = [content("index", ["record_id", "person_id"]), content("golden", ["person_id"]), content("links", links)]
    assert after == before
    assert not list(Path(lake.path("staging")).rglob("prepared.parquet")), "no record stays behind"
    told = done.output + "".join(capfd.readouterr())
    people = [row["name"] for row in content("golden", ["name"]) if row["name"]]
    assert people
    assert not [name for name in people if name in told]


def test_workers_that_cannot_do_it_are_told_with_a_remedy(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    settings = {"link_type": "dedupe_only", "comparisons": all_comparisons()[:2], "unique_id_column_name": "unique_id"}
    with duckdb.connect() as connection:
        connection.register("given", records(2, 20))
        connection.execute("CREATE TEMP TABLE prepared AS FROM given")
        with pytest.raises(ClusterUnusable, match="PYSPARK_PYTHON must name") as told:
            compare_on(Spark(master), connection, settings, folder=str(tmp_path))
    assert told.value.__cause__ is None
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_without_workers_is_told(master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.cluster.spark_session.PATIENCE_SECONDS", 5.0)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    with standalone_cluster(tmp_path, workers=0) as idle, duckdb.connect() as connection:
        connection.register("given", records(3, 2))
        connection.execute("CREATE TEMP TABLE prepared AS FROM given")
        with pytest.raises(ClusterUnreachable, match="no worker of"):
            compare_on(Spark(idle), connection, {"comparisons": []}, folder=str(tmp_path / "own"))
