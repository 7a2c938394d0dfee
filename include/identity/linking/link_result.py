"""What a run of linking would publish, in figures: typed inside the library, plain values in its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.contracts.words import Finding
from include.identity.linking.accuracy import Accuracy
from include.identity.linking.gate import Figures
from include.identity.linking.threshold_choice import Threshold
from include.identity.persons import Assigned

_CHANGES = ("minted", "merged", "split", "retired", "moved")


@dataclass(frozen=True, slots=True)
class Linked:
    """`compared`: pairs compared in this run. `passes`: pairs by pass and decision. `findings`: of the gate.

    `sizes`: persons by number of records. `duplicates`, `shared_ids`: findings for the owners of registries.
    """

    mode: str
    compared: int
    figures: Figures
    assigned: Assigned
    passes: Mapping[str, Mapping[str, int]]
    accuracy: Accuracy
    thresholds: tuple[Threshold, ...]
    sizes: Mapping[str, int]
    duplicates: int
    shared_ids: int
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures by their names in the run log; None where nothing can be told."""
        links, grey = (
            sum(counts.get(decision, 0) for counts in self.passes.values()) for decision in ("link", "review")
        )
        accuracy = self.accuracy
        shares: dict[str, float | None] = {"unseen": accuracy.missed.value if accuracy.missed else None}
        for name, share in (("precision", accuracy.precision), ("recall", accuracy.recall)):
            ends = (share.value, share.lower, share.upper) if share else (None, None, None)
            shares |= dict(zip((name, f"{name}_lower", f"{name}_upper"), ends, strict=True))
        return {
            "mode": self.mode, "compared": self.compared, **asdict(self.figures), "links": links, "grey": grey,
            "passes": self.passes, **{name: getattr(self.assigned, name) for name in _CHANGES}, **shares,
            "recall_reason": accuracy.reason, "bands": [asdict(band) for band in accuracy.bands],
            "thresholds": [asdict(threshold) for threshold in self.thresholds], "sizes": self.sizes,
            "duplicates": self.duplicates, "shared_ids": self.shared_ids,
            "findings": [finding.to_dict() for finding in self.findings],
        }  # fmt: skip
