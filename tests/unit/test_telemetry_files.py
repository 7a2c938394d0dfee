"""The dashboard and the alerts name metrics and attributes that there are, and the dashboard shows every metric."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from include.telemetry import METRICS

FOLDER = Path(__file__).parents[2] / "environment" / "telemetry"
# Under these names Prometheus keeps what a collector hands on.
SERIES = {
    name: metric
    for metric in METRICS.values()
    for name in (
        [metric.prometheus_name.removesuffix("_bucket") + part for part in ("_bucket", "_sum", "_count")]
        if metric.kind == "histogram"
        else [metric.prometheus_name]
    )
}
A_SERIES = re.compile(r"\b(lienthong_\w+)(\{[^}]*\})?")
A_GROUPING = re.compile(r"\bby \(([^)]*)\)")


def expressions(text: str, name: str) -> list[str]:
    if name == "dashboard.json":
        return [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    return [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def wrong_in(expression: str) -> set[str]:
    """What the expression names that there is not."""
    series = A_SERIES.findall(expression)
    found = {name for name, _ in series if name not in SERIES}
    attributes = {of for name, _ in series if name in SERIES for of in SERIES[name].attributes} | {"le"}
    by = {of.strip() for group in A_GROUPING.findall(expression) for of in group.split(",")}
    chosen = {of for _, selector in series for of in re.findall(r"(\w+)\s*=", selector)}
    return found | (by - attributes) | (chosen - attributes)


@pytest.mark.parametrize("name", ["dashboard.json", "alerts.yaml"])
def test_every_expression_names_what_there_is(name: str) -> None:
    stated = expressions((FOLDER / name).read_text(encoding="utf-8"), name)
    assert len(stated) > 6
    assert {expression: wrong for expression in stated if (wrong := wrong_in(expression))} == {}
    assert all(A_SERIES.search(expression) for expression in stated)


def test_what_there_is_not_would_be_seen() -> None:
    assert wrong_in("sum by (person) (lienthong_rows_lost_total)") == {"person", "lienthong_rows_lost_total"}
    assert wrong_in('lienthong_table_rows{table="x", verdict="y"}') == {"verdict"}
    assert not wrong_in("sum by (step, le) (rate(lienthong_step_duration_seconds_bucket[1d]))")


def test_the_dashboard_shows_every_metric_and_its_variables_ask_for_one() -> None:
    text = (FOLDER / "dashboard.json").read_text(encoding="utf-8")
    shown = {SERIES[name].name for name, _ in A_SERIES.findall(text)}
    assert shown == {*METRICS}
    panels = json.loads(text)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [(p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy) for p in panels
             for dx in range(p["gridPos"]["w"]) for dy in range(p["gridPos"]["h"])]  # fmt: skip
    assert len(taken) == len({*taken}), "panels overlap"


def test_an_alert_is_explained_where_operators_read() -> None:
    page = (FOLDER.parents[1] / "docs" / "how-to" / "watch-with-opentelemetry.md").read_text(encoding="utf-8")
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in page] == []


def test_the_collector_hears_where_the_page_says() -> None:
    receivers = yaml.safe_load((FOLDER / "collector.yaml").read_text(encoding="utf-8"))["receivers"]
    assert receivers["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
