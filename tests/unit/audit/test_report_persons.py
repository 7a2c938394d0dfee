"""The section on persons across registries: what linking came to, how good it is, what the model weighs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from include.audit.report_data.linking import Linking, OwnerFindings, Pass, Share, TablePersons, gather_linking
from include.audit.report_data.overview import gather
from include.audit.report_data.report_inputs import QualityReportInputs
from include.audit.report_export.export import csv_text, frames
from include.audit.report_pages.attention import attention
from include.audit.report_pages.linking_plots import costs, course, probabilities, weights
from include.audit.report_pages.rendering import render
from include.audit.report_words.linking_words import LinkingWords
from include.audit.report_words.words import LOCALES
from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.reporting.report import report_step
from tests.provincial import write_contract
from tests.unit.audit.link_evidence import JUMP, MODEL, SECRET, record_link_run, write_people
from tests.unit.audit.runs_evidence import NIGHT, report_of_nothing

EN, VI = LinkingWords(LOCALES["en"]), LinkingWords(LOCALES["vi"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """To be read only."""
    folder = tmp_path_factory.mktemp("linked")
    lake = Lake(str(folder / "lake"), (), folder / "tmp")
    record_link_run(lake)
    record_link_run(lake, 1, verdict="held", findings=[JUMP])
    record_link_run(lake, 1, findings=[JUMP], approved_by="c06", approval_note="a new register")
    write_people(lake, str(folder))
    return lake


@pytest.fixture(scope="module")
def pages(linked: Lake) -> dict[str, str]:
    """The page by language, with the model of the last run."""
    return {language: page(linked, language, model=MODEL) for language in LOCALES}


def page(lake: Lake, language: str, **told: object) -> str:
    """The page of a lake without registries."""
    surroundings = QualityReportInputs(linking=gather_linking(lake), **told)  # type: ignore[arg-type]
    return "".join(render(gather(lake, {}, at=NIGHT), surroundings, language).values())  # type: ignore[arg-type]


def drawn(svg: str) -> tuple[list[str], str]:
    """The texts of a plot, and its description."""
    tree = ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="s" ', 1))
    texts = [element.text or "" for element in tree.iter() if element.tag.endswith("}text")]
    return texts, next(element.text or "" for element in tree if element.tag.endswith("}desc"))


def test_before_the_first_run_one_sentence_says_so(lake: Lake) -> None:
    assert gather_linking(lake) == Linking()
    assert not any((course((), LOCALES["en"]), costs((), LOCALES["en"]), *frames_of(lake).values()))
    _, _, out = report_of_nothing()
    for language, sentence in (("en", "No persons are linked yet"), ("vi", "Chưa đối khớp danh tính lần nào")):
        text = (out / f"report.{language}.html").read_text(encoding="utf-8")
        section = text[text.index('<section id="persons"') :]
        assert sentence in section
        assert "<table" not in section[: section.index("</section>")]


def frames_of(lake: Lake) -> dict[str, list[dict[str, object]]]:
    tables = frames(gather(lake, {}, at=NIGHT), QualityReportInputs(linking=gather_linking(lake)))
    return {name: table.to_dict("records") for name, table in tables.items() if name.startswith("link_")}


def test_the_last_run_tells_its_figures_and_the_index_counts_persons_by_table(linked: Lake) -> None:
    linking = gather_linking(linked)
    assert linking.last
    assert [run.run_id for run in linking.trend] == ["link-0000", "link-0001"]
    assert (linking.last.persons, linking.last.waiting, linking.last.recall) == (4, 8, Share(0.975, 0.961, 0.983))
    assert linking.tables == (
        TablePersons("insurance", "member", records=2, persons=2, elsewhere=1),
        TablePersons("population", "citizen", records=3, persons=2, elsewhere=1),
    )
    assert linking.passes == (Pass("model", 90, 9, 4), Pass("old_id", 2, 0, 0))
    assert linking.told == (
        OwnerFindings("duplicate", "population", "citizen", "Bộ Công an", 1),
        OwnerFindings("shared_id", "population", "citizen", "Bộ Công an", 2),
    )
    assert [(band.low, band.basis, band.rate.value) for band in linking.bands] == [
        (None, "model", 0.05),
        (20.0, "reviews", 1.0),
    ]


def test_a_run_held_back_asks_for_attention_until_it_is_approved(lake: Lake) -> None:
    record_link_run(lake)
    record_link_run(lake, 1, verdict="held", findings=[JUMP])
    held, overview = gather_linking(lake), gather(lake, {}, at=NIGHT)
    assert [run.run_id for run in held.trend] == ["link-0000"]
    (sentence,) = attention(overview, QualityReportInputs(linking=held), LOCALES["en"])
    assert "link-0001" in sentence
    record_link_run(lake, 1, findings=[JUMP], approved_by="c06")
    approved = gather_linking(lake)
    assert [(event.run_id, event.is_published, event.approved_by) for event in approved.gate] == [
        ("link-0001", True, "c06")
    ]
    assert attention(overview, QualityReportInputs(linking=approved), LOCALES["en"]) == []


def test_a_run_held_back_that_another_run_followed_waits_no_more(lake: Lake) -> None:
    record_link_run(lake, 0, verdict="held", findings=[JUMP])
    first = gather_linking(lake)
    assert first.waits
    assert first.last is None
    record_link_run(lake, 1)
    assert gather_linking(lake).waits is None


@pytest.mark.parametrize("language", LOCALES)
def test_the_page_tells_it_in_its_language_and_no_personal_value(pages: dict[str, str], language: str) -> None:
    text = pages[language]
    vi = language == "vi"
    for expected in (
        "1.235" if vi else "1,235",
        "99,99\u00a0%" if vi else "99.99\u00a0%",
        "Trùng" if vi else "Duplicate records of one person",
        "Tỷ lệ người bị nhập làm một" if vi else "Share of persons merged",
        "Mô hình xác suất" if vi else "Probabilistic model",
        "trùng họ tên" if vi else "same name",
        "c06: a new register",
        "a &lt;simulated&gt; country",
        "insurance.<wbr>member",
        'id="match-weights-title"',
        'id="m-and-u-title"',
        'id="trend-persons-title"',
    ):
        assert expected.casefold() in text.casefold()
    assert SECRET not in text
    assert "a" * 32 not in text


def test_the_page_says_if_the_model_is_not_that_of_the_run_or_cannot_be_read(
    linked: Lake, pages: dict[str, str]
) -> None:
    assert "was not used yet" in page(linked, "en", model=replace(MODEL, is_of_last_run=False))
    assert "was not used yet" not in pages["en"]
    assert "no model that can be read" in page(linked, "en")


@pytest.mark.parametrize("address", ["https://a.example/quality", ""])
def test_the_persons_that_registers_contradict_are_counted_and_their_page_is_linked_or_named(
    linked: Lake, address: str
) -> None:
    text = page(linked, "vi", contradictions=1066, pages_url=address)
    summary = text[text.index('<section id="summary"') : text.index('<section id="registries"')]
    for part in (summary, text[text.index('<section id="persons"') :]):
        assert "1.066" in part
        assert ("persons/contradictions" in part) is bool(address)
        assert (f'href="{address}/persons/contradictions"' in part) is bool(address)
        assert ("(trang chất lượng, “" in part) is not bool(address)


def test_the_plots_name_levels_and_figures_as_text(linked: Lake) -> None:
    texts, desc = drawn(weights(MODEL, LOCALES["en"]))
    assert {"Name: same name", "hair: same hair", "10.0", "-4.3"} <= set(texts)
    assert "Name: same name: 10.0" in desc
    assert "same hair:" not in desc  # m is not known: no bar
    texts, desc = drawn(probabilities(MODEL, LOCALES["vi"]))
    assert "Họ tên: trùng họ tên" in texts
    assert "Họ tên: trùng họ tên: m 0,9000, u 0,000900" in desc
    texts, desc = drawn(course(gather_linking(linked).trend, LOCALES["en"]))
    assert {"Persons", "Links", "Precision", "Recall"} <= set(texts)
    assert "Persons: 3 → 4" in desc
    assert desc.endswith("(2)")


def test_the_plot_of_wanted_precisions_tells_recall_and_reviews_or_that_recall_is_not_estimable(linked: Lake) -> None:
    found = gather_linking(linked).thresholds
    texts, desc = drawn(costs(found, LOCALES["en"]))
    assert {"Recall (%)", "Pairs left to people", "95", "99.5"} <= set(texts)
    assert desc.startswith("95\u00a0%: Recall 98.00\u00a0% (96.50\u00a0–\u00a099.00), Pairs left to people 4")
    texts, desc = drawn(costs([replace(one, recall=None) for one in found], LOCALES["vi"]))
    assert {"không ước lượng được", "99,5"} <= set(texts)
    assert "Độ đầy đủ không ước lượng được" in desc


def test_a_recall_that_is_not_estimable_is_no_number_anywhere(linked: Lake, lake: Lake) -> None:
    shutil.copytree(linked.uri, lake.uri)
    nothing = {"recall": None, "recall_lower": None, "recall_upper": None, "unseen": None}
    record_link_run(lake, 2, **nothing, recall_reason="numbers")
    linking = gather_linking(lake)
    assert [run.recall is None for run in linking.trend] == [False, False, True]
    for language, reason in (("en", "not estimable: too few"), ("vi", "không ước lượng được: ")):
        assert page(lake, language, model=MODEL).count(reason) == 2
    assert frames_of(lake)["link_runs"][-1]["recall_reason"] == "numbers"
    assert "→ not estimable" in drawn(course(linking.trend, LOCALES["en"]))[1]


def test_the_sheets_hold_the_figures_and_no_record(linked: Lake) -> None:
    tables = frames(gather(linked, {}, at=NIGHT), QualityReportInputs(linking=gather_linking(linked), model=MODEL))
    runs, levels = tables["link_runs"], tables["link_model"]
    assert runs[["run_id", "persons", "precision_lower"]].to_numpy().tolist() == [
        ["link-0000", 3, 0.9951],
        ["link-0001", 4, 0.9951],
    ]
    assert levels["weight"].round(2).tolist()[:2] == [9.97, -4.31]
    assert tables["link_gate"]["what"].tolist() == ["merged"]
    assert tables["link_sizes"]["persons"].tolist() == [2, 1, 1]
    assert tables["link_bands"]["rate_upper"].tolist() == [0.3, 1.0]
    assert tables["link_findings"]["findings"].tolist() == [1, 2]
    assert tables["link_thresholds"][["precision", "reviews", "recall_lower"]].to_numpy().tolist() == [
        [0.95, 4, 0.965], [0.995, 33, 0.94],
    ]  # fmt: skip
    assert not any(SECRET in csv_text(frame) for frame in tables.values())


def test_the_report_reads_the_model_at_hand_and_weighs_it_for_the_persons_found(
    linked: Lake, lake: Lake, tmp_path: Path
) -> None:
    """A house with one small registry: its folder gives no model, so the one shipped is at hand."""
    shutil.copytree(linked.uri, lake.uri)
    write_contract(tmp_path, "land-01")
    made = report_step(context=PipelineContext(lake, tmp_path / "schemas", {}), folder=tmp_path / "out")
    assert made.persons == 4
    section = (tmp_path / "out" / "model.vi.html").read_text(encoding="utf-8")
    assert "một chữ số" in section
    for english in ("same ", "other ", " off"):
        assert f">{english}" not in section
    assert (tmp_path / "out" / "link_model.csv").read_text(encoding="utf-8").count("personal_id") == 4


def test_sizes_bands_and_small_figures_are_written_for_people() -> None:
    assert [EN.size(*pair) for pair in (("1", ""), ("2", "1"), ("10", "5"), ("over 50", "50"))] == [
        "1", "2", "6–10", "> 50",
    ]  # fmt: skip
    assert (EN.probability(0.5), EN.probability(4.93e-6), VI.probability(None)) == ("0.5000", "0.00000493", "–")
    assert (EN.percent(0.999999), EN.percent(1.0)) == ("99.99\u00a0%", "100.00\u00a0%")
    assert VI.share(Share(0.975, 0.96, 0.98)) == "97,50\u00a0% (96,00\u00a0–\u00a098,00)"
