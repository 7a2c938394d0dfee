"""The gate of linking: passes by itself inside tolerance; a jump in merges or splits waits for a steward.

It is the gate of the registries with a question of its own. The question shows figures, never a record.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context

from plugins.steward_gate import StewardGate

_FIGURES = ("records", "persons", "candidates", "links", "grey", "minted", "merged", "split", "retired", "moved")


class LinkGate(StewardGate):
    """Passes at once when `assessed["held"]` is false, else waits. `assessed` is what `link_step` returned."""

    def execute(self, context: Context) -> dict[str, str]:
        if not self.assessed["held"]:
            self.log.info("Inside tolerance: no approval needed.")
            return {}
        self.subject = "Commit a linking of persons that changes more than it should?"
        self.body = question(self.assessed)
        return ApprovalOperator.execute(self, context)


def question(linked: dict[str, Any]) -> str:
    """What the steward reads, in Markdown: what is outside, the figures, the estimated accuracy."""
    findings = [
        f"| {finding['message']} | {round(finding['measured'], 2):,} | {finding['allowed']} |"
        for finding in linked["findings"]
    ]
    figures = [f"| {name} | {linked[name]:,} |" for name in _FIGURES]
    accuracy = [
        f"| {name} | {linked[name]:.4f} ({linked[name + '_lower']:.4f} to {linked[name + '_upper']:.4f}) |"
        for name in ("precision", "recall")
    ]
    return f"""Nothing of run `{linked["run_id"]}` has been committed to `people/`.
**Approve** commits it; **Reject** leaves every person's id as it is.

| Outside tolerance | Measured | Allowed |
| --- | ---: | ---: |
{_lines(findings)}

| This run | |
| --- | ---: |
{_lines(figures)}

| Estimated | |
| --- | ---: |
{_lines(accuracy)}
"""


def _lines(rows: list[str]) -> str:
    return "\n".join(rows)
