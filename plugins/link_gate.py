"""The gate of linking: passes by itself inside tolerance; a jump in merges or splits waits for a steward.

It is the gate of the registries with a question of its own. The question shows figures, never a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from include.contracts.model import Contract, needs_two
from plugins.gate_questions import link_question
from plugins.steward_gate import GATE, SECOND_GATE, SecondGate, StewardGate

if TYPE_CHECKING:
    from include.pipelines.decisions import Answer, Asked
    from include.pipelines.people import PersonsLinked


class LinkGate(StewardGate):
    """Passes at once when `assessed["held"]` is false, else waits. `assessed` is the result of `link_step`."""

    @property
    def _linked(self) -> PersonsLinked:
        from include.pipelines.people import PersonsLinked

        return PersonsLinked.from_dict(self.assessed)

    def whom(self) -> Asked:
        """Stewards who may answer, and those who have approved before."""
        from include.pipelines.people import ask_link_step

        return ask_link_step(self._linked)

    def note_place(self, path: str) -> None:
        """Nothing to store: runs of linking have no page."""

    def ask(self) -> tuple[str, str]:
        """Subject and body of the question, in Markdown."""
        return link_question(self.assessed)

    def approve(self, by: str, note: str) -> dict[str, str]:
        """Record the approval; returns the arguments of `commit_link_step`."""
        from include.pipelines.people import approve_link_step

        return approve_link_step(self._linked, by, note)

    def refuse(self, answer: Answer) -> None:
        """Record a refusal or a timeout."""
        from include.pipelines.people import refuse_link_step

        refuse_link_step(self._linked, answer)


class SecondLinkGate(SecondGate, LinkGate):
    """Asks another steward after the first approved, where a contract with link roles asks for two."""


def link_gates(contracts: Sequence[Contract], linked: Any) -> Any:
    """The gate of linking, and a second one if a table with link roles requires two stewards."""
    first = LinkGate(task_id=GATE, assessed=linked)
    tables = [table for contract in contracts for table in contract.tables if any(c.link for c in table.columns)]
    if not any(map(needs_two, tables)):
        return first.output
    return SecondLinkGate(task_id=SECOND_GATE, assessed=linked, first=first.output).output
