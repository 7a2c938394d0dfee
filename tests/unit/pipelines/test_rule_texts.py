"""What people read for the ids that rejected rows bear, whatever became of the contract since."""

from __future__ import annotations

from pathlib import Path

from include.lake.storage.lake import Lake
from include.pipelines import rule_texts
from include.pipelines.context import PipelineContext
from tests.ascii_tables import SCHEMAS


def context_of(folder: Path, schemas: Path = SCHEMAS) -> PipelineContext:
    return PipelineContext(Lake(str(folder / "lake"), (), folder / "tmp"), schemas, {})


def test_every_id_a_rejected_row_can_bear_has_both_texts(tmp_path: Path) -> None:
    here = context_of(tmp_path)
    texts = rule_texts(here, "population")
    for table in here.contract("population").tables:
        for rule in table.rules:
            assert texts[rule.rule_id] == (rule.description, rule.vietnamese)
        superseded = texts[f"{table.qualified_name}.superseded"]
        assert superseded.english.startswith("another row of this extract has the same key")
        assert superseded.vietnamese.startswith("dữ liệu trích xuất có bản ghi khác cùng khóa")


def test_rules_of_one_servers_part_have_both_texts_too(tmp_path: Path) -> None:
    text = (SCHEMAS / "registries/population.odcs.yaml").read_text(encoding="utf-8")
    second = "servers:\n  - {server: other, type: custom, environment: prod}\n"
    (tmp_path / "registries").mkdir()
    (tmp_path / "registries/population.odcs.yaml").write_text(text.replace("servers:\n", second), encoding="utf-8")
    here = context_of(tmp_path, tmp_path)
    texts = rule_texts(here, "population")
    slices = here.contract("population").source_tables
    assert len(slices) == 4
    assert {rule.rule_id for table in slices for rule in table.rules} <= texts.keys()
    assert "another server" in texts["population.citizen.server"].english


def test_without_a_contract_that_can_be_read_nothing_is_known(tmp_path: Path) -> None:
    assert rule_texts(context_of(tmp_path), "forestry") == {}
    (tmp_path / "registries").mkdir()
    (tmp_path / "registries" / "forestry.odcs.yaml").write_text("apiVersion: v3.2.0\n")
    assert rule_texts(context_of(tmp_path, tmp_path), "forestry") == {}
    assert rule_texts(context_of(tmp_path, tmp_path / "nowhere"), "forestry") == {}
