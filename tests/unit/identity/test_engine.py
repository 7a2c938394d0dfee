"""Which engine compares records: what the environment may say, and what is told where it cannot be."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import sqlglot
from typer.testing import CliRunner

from include.cli import app
from include.cluster.spark_session import ClusterUnreachable, Spark
from include.identity.linkage_model.comparisons import comparisons_for
from include.identity.records.blocking import steps
from include.identity.scoring.pair_scores import score
from include.identity.scoring.spark import in_sparks_words, settings_for_spark
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.engine_choice import cluster_for_all
from include.pipelines.errors import Misuse
from tests.unit.identity.linked import SCHEMAS, Country

ROLES = frozenset({"name_key", "birth_key", "sex", "place", "personal_id", "old_id", "address_key", "phone"})
ON_S3 = Lake("s3://bucket/lake")


def context_of(environ: dict[str, str], lake: Lake | None = None) -> PipelineContext:
    return PipelineContext(lake or Lake("/nowhere"), SCHEMAS, environ)


@pytest.mark.parametrize("environ", [{}, {"ENGINE": ""}, {"ENGINE": "duckdb", "SPARK_MASTER": "spark://host:7077"}])
def test_the_engine_is_duckdb_unless_asked(environ: dict[str, str]) -> None:
    assert cluster_for_all(context_of(environ)) is None


@pytest.mark.parametrize(
    ("environ", "lake", "remedy"),
    [
        ({"ENGINE": "sparc"}, None, "did you mean `spark`"),
        ({"ENGINE": "oracle"}, None, "known: duckdb, spark"),
        ({"ENGINE": "spark"}, None, "SPARK_MASTER"),
        ({"ENGINE": "spark", "SPARK_MASTER": "spark://host:7077"}, ON_S3, "SPARK_FOLDER"),
    ],
)
def test_what_is_missing_is_named(environ: dict[str, str], lake: Lake | None, remedy: str) -> None:
    with pytest.raises(Misuse, match=remedy):
        cluster_for_all(context_of(environ, lake))


def test_pyspark_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Misuse, match="pyspark, which is not installed"):
        cluster_for_all(context_of({"ENGINE": "spark", "SPARK_MASTER": "spark://host:7077"}))


def test_a_lake_on_s3_hands_over_in_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None))
    environ = {"ENGINE": "spark", "SPARK_MASTER": "spark://host:7077", "SPARK_FOLDER": "/mnt/shared"}
    assert cluster_for_all(context_of(environ, ON_S3)) == Spark("spark://host:7077", Path("/mnt/shared"))


def test_a_command_with_an_unknown_engine_is_misuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URI", str(tmp_path))
    monkeypatch.setenv("ENGINE", "sparc")
    done = CliRunner().invoke(app, ["link"])
    assert isinstance(done.exception, Misuse)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Country, str]:
    """A country of few, and its records."""
    country = Country(tmp_path_factory.mktemp("few"), crowd=20)
    return country, country.link().records


@pytest.mark.parametrize("master", ["spark://127.0.0.1:1", "spark://127.0.0.1:1,127.0.0.1:2", "spark://nobody"])
def test_a_cluster_that_is_not_there_is_told_at_once(few: tuple[Country, str], master: str) -> None:
    country, records = few
    with pytest.raises(ClusterUnreachable, match="no Spark master answers"):
        score(country.lake, records, country.model, out=country.lake.path("out"), spark=Spark(master))
    assert not list(Path(country.lake.path("out")).iterdir()), "no record stays behind"


@pytest.mark.parametrize("is_split", [True, False])
def test_every_level_and_every_block_has_words_that_spark_knows(is_split: bool) -> None:
    comparisons = comparisons_for(ROLES, is_split=is_split, is_ward=is_split)
    made = settings_for_spark({"comparisons": comparisons})["comparisons"]
    said = [level["sql_condition"] for c in made for level in c["comparison_levels"]]
    said += [in_sparks_words(query) for query in steps().values()]
    for words in said:
        for unknown in (
            "&&",
            "LIST_",
            "list_",
            "JAROWINKLER",
            " JARO_WINKLER",
            " DAMERAU",
            " HASH(",
            "LENGTH(SPLIT",
            "lambda",
        ):
            assert unknown not in words
        if words != "ELSE":
            assert sqlglot.parse_one(words, read="spark")
    assert comparisons == comparisons_for(ROLES, is_split=is_split, is_ward=is_split), "DuckDB's stay as they are"
