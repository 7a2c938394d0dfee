"""The gate of linking: passes by itself inside tolerance; a jump in merges or splits waits for a steward.

It is the gate of the registries with a question of its own. The question shows figures, never a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.gate_words import link_question
from plugins.steward_gate import StewardGate

if TYPE_CHECKING:
    from include.pipelines.decisions import Answer


class LinkGate(StewardGate):
    """Passes at once when `assessed["held"]` is false, else waits. `assessed` is what `link_step` returned."""

    def ask(self) -> tuple[str, str]:
        """The question and what the steward reads, in Markdown."""
        return link_question(self.assessed)

    def approve(self, by: str, note: str) -> dict[str, str]:
        """Put the approval on record; returns what `commit_link_step` wants to know."""
        from include.pipelines.link import approve_link_step

        return approve_link_step(self.assessed, by, note)

    def refuse(self, answer: Answer) -> None:
        """Put a refusal, or that nobody answered, on record."""
        from include.pipelines.link import refuse_link_step

        refuse_link_step(self.assessed, answer)
