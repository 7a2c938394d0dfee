"""The report as HTML pages in each language: no script, nothing loaded from elsewhere, readable on paper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from include.audit.report_data import WORDS, Overview, QualityReportInputs, RegistryReport, column_lineage
from include.audit.report_pages.attention import attention, costliest
from include.audit.report_pages.lineage_picture import draw
from include.audit.report_pages.linking_plots import costs, course, probabilities, weights
from include.audit.report_pages.plots import Captions, trend
from include.audit.report_pages.tile_map import maps_of
from include.audit.report_words import LOCALES, LinkingWords, Locale
from include.contracts.words import Language

TEMPLATES = Path(__file__).parent / "templates"
WEB = Path(__file__).parent / "web"
"""Style sheets and macros that the pages in Airflow and the portal share."""
PAGES = ("report", "rules", "columns", "model")
MOST_ALERTS, MOST_REASONS, MOST_WARNINGS, MOST_HELD = 12, 8, 4, 100
"""Greatest lengths of lists in the report; longer ones are cut with a note."""

OTHER: Mapping[Language, Language] = {"vi": "en", "en": "vi"}


def render(overview: Overview, surroundings: QualityReportInputs, language: Language) -> dict[str, str]:
    """Pages of the report and its reference pages, by file name: `report.vi.html`, `rules.vi.html` ...

    The report is a summary with annexes; reference pages list every rule, every column and the linkage model.
    """
    locale = LOCALES[language]
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, WEB]), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"soft": _soft}
    environment.globals |= {
        "l": locale,
        "_": locale.pick,
        "WORDS": WORDS,
        "MOST_ALERTS": MOST_ALERTS,
        "MOST_REASONS": MOST_REASONS,
        "MOST_WARNINGS": MOST_WARNINGS,
        "MOST_HELD": MOST_HELD,
        "w": LinkingWords(locale),
        # Global names of every template and macro.
        "overview": overview,
        "surroundings": surroundings,
        "other": OTHER[language],
    }
    contracts = [registry.contract for registry in overview.registries]
    lineage: dict[tuple[str, str], list[Any]] = {}
    for column in column_lineage(contracts, surroundings.agreements):
        lineage.setdefault((column.registry, column.table), []).append(column)
    values = {
        "attention": attention(overview, surroundings, locale),
        "costliest": costliest(overview),
        "deductions": sum(len(table.index.deductions) for table in overview.tables),
        "plots": {registry.name: Markup(_plot(registry, locale)) for registry in overview.registries},  # noqa: S704
        "picture": draw(contracts, surroundings.agreements, {r.name: _kind(r) for r in overview.registries}),
        "maps": maps_of(overview.registries, overview.at, locale),
        "lineage": lineage,
        **_plots_of_persons(surroundings, locale),
    }
    return {
        f"{name}.{language}.html": environment.get_template(f"{name}.html.j2").render(values, name=name)
        for name in PAGES
    }


def _kind(registry: RegistryReport) -> str:
    """The source kind of a registry, from its runs."""
    return ", ".join(sorted({table.last.source for table in registry.tables if table.last and table.last.source}))


def _soft(name: str) -> Markup:
    """An id with line-break opportunities after its separators."""
    return Markup(re.sub(r"([._+/-])(?=\w)", r"\1<wbr>", str(escape(name))))  # noqa: S704


def _plots_of_persons(surroundings: QualityReportInputs, locale: Locale) -> dict[str, Markup]:
    """The plots of the linking section; none before the first run of linking."""
    linking, model = surroundings.linking, surroundings.model
    drawn = {"course": course(linking.trend, locale), "costs": costs(linking.thresholds, locale)}
    if linking.last and model:
        drawn |= {"weights": weights(model, locale), "probabilities": probabilities(model, locale)}
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704


def _plot(registry: RegistryReport, locale: Locale) -> str:
    described = [
        f"{table.table.name}: {locale.percent(table.trend[0].open_percent)} → "
        f"{locale.percent(table.trend[-1].open_percent)}, {locale.index(table.trend[0].index)} → "
        f"{locale.index(table.trend[-1].index)} ({len(table.trend)})"
        for table in registry.tables
        if table.trend
    ]
    captions = Captions(
        title=locale.pick(f"Diễn biến qua các lần chạy: {registry.name}", f"Trend over runs: {registry.name}"),
        desc=locale.pick(
            "Tỷ lệ bị loại còn chờ và chỉ số của từng bảng, lần đầu → lần cuối (số lần): ",
            "Share of open rejections and index of each table, first → last (runs): ",
        )
        + "; ".join(described),
        rejected=locale.pick("Bản ghi bị loại còn chờ (%)", "Open rejected rows (%)"),
        index=locale.pick("Chỉ số (không tính Sống)", "Index (without timeliness)"),
        point=locale.pick(",", "."),
    )
    return trend(registry.name, registry.tables, captions)
