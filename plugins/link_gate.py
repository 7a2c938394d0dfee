"""The gate of linking: passes by itself inside tolerance; a jump in merges or splits waits for a steward.

It is the gate of the registries with a question of its own. The question shows figures, never a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.steward_gate import StewardGate, lines

if TYPE_CHECKING:
    from include.pipelines.decisions import Answer

_FIGURES = ("records", "persons", "candidates", "links", "grey", "minted", "merged", "split", "retired", "moved")


class LinkGate(StewardGate):
    """Passes at once when `assessed["held"]` is false, else waits. `assessed` is what `link_step` returned."""

    def ask(self) -> tuple[str, str]:
        """The question and what the steward reads, in Markdown."""
        return "Commit a linking of persons that changes more than it should?", question(self.assessed)

    def approve(self, by: str, note: str) -> dict[str, str]:
        """Put the approval on record; returns what `commit_link_step` wants to know."""
        from include.pipelines.link import approve_link_step

        return approve_link_step(self.assessed, by, note)

    def refuse(self, answer: Answer) -> None:
        """Put a refusal, or that nobody answered, on record."""
        from include.pipelines.link import refuse_link_step

        refuse_link_step(self.assessed, answer)


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
{lines(findings)}

| This run | |
| --- | ---: |
{lines(figures)}

| Estimated | |
| --- | ---: |
{lines(accuracy)}
"""
