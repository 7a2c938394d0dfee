"""The metrics: name, kind, unit, attributes and meaning of each. The reference page and the dashboard's test read it.

A counter and a histogram count what one process saw since its last export (delta temporality), as most processes live
for one step; a collector sums them up. A gauge has the last value of its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "histogram", "gauge"]
OF_A_TABLE = ("registry", "table", "server")
_OF_A_RUN = (*OF_A_TABLE, "mode", "verdict")
_SUFFIXES = {"counter": "_total", "histogram": "_bucket", "gauge": ""}
_UNITS = {"s": "_seconds"}

SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10800.0)
"""Upper bounds of the histogram's buckets."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `unit` by UCUM, {things} in braces. `server` is an attribute of slices only."""

    name: str
    kind: Kind
    unit: str
    attributes: tuple[str, ...]
    description: str

    @property
    def prometheus_name(self) -> str:
        """The name under which Prometheus keeps it; of a histogram that of its buckets."""
        return self.name.replace(".", "_") + _UNITS.get(self.unit, "") + _SUFFIXES[self.kind]


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "lienthong.runs", "counter", "{run}", _OF_A_RUN,
            "Runs of a table that were recorded, by verdict: published, unchanged, held, declined, timed out, failed. "
            "A run that was held and then decided counts under both verdicts.",
        ),
        Metric(
            "lienthong.rows.extracted", "counter", "{row}", _OF_A_RUN,
            "Rows that were read from the source (mode `replay`: open rejections that were judged again). Rows of runs "
            "that ended as published, declined or timed out; extracted = accepted + rejected + superseded.",
        ),
        Metric("lienthong.rows.accepted", "counter", "{row}", _OF_A_RUN, "Of them: rows that passed all rules."),
        Metric("lienthong.rows.rejected", "counter", "{row}", _OF_A_RUN, "Of them: rows that broke a rule."),
        Metric(
            "lienthong.rows.superseded", "counter", "{row}", _OF_A_RUN,
            "Of them: rows that passed, with a newer version of their key in the same run.",
        ),
        Metric(
            "lienthong.rows.rejected_by_rule", "counter", "{row}", (*OF_A_TABLE, "rule"),
            "Rejected rows by rule id. A row that breaks two rules counts under both.",
        ),
        Metric(
            "lienthong.step.duration", "histogram", "s", ("step", *OF_A_TABLE, "agreement", "outcome"),
            "Duration of a step of a run. `outcome` is its verdict, `done` if it has none, or `failed`.",
        ),
        Metric(
            "lienthong.table.delivered", "gauge", "s", OF_A_TABLE,
            "When the source was last read with success, also if nothing had changed: Unix time.",
        ),
        Metric(
            "lienthong.table.age", "gauge", "s", OF_A_TABLE,
            "Time since then, when it was measured (`lienthong status`, DAG `measure_tables`).",
        ),
        Metric(
            "lienthong.table.late", "gauge", "{table}", OF_A_TABLE,
            "1 if a scheduled run and its deadline, by the contract, have passed without a delivery; else 0. Measured "
            "with the age.",
        ),
        Metric("lienthong.table.rows", "gauge", "{row}", OF_A_TABLE, "Published rows."),
        Metric("lienthong.rejections.open", "gauge", "{row}", OF_A_TABLE, "Rejected rows that are open."),
        Metric(
            "lienthong.gates.waiting", "gauge", "{gate}", OF_A_TABLE,
            "1 if the newest run of the table waits at its gate for a steward, else 0. Linking is registry `people`.",
        ),
        Metric(
            "lienthong.reads", "counter", "{read}", ("registry", "table", "action", "verdict"),
            "Requests of recipients that were put on record, by published table: offered or refused. `action` is "
            "`query`, `changes`, `metadata` and others; `store` is a read at the S3 store.",
        ),
    )
}  # fmt: skip
"""Every metric by name."""
