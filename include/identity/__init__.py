"""Linking persons across registries: records, a trained linkage model, scores, clusters, stable person ids.

Packages in the order of the work: `records`, `linkage_model`, `scoring`, `persons`; `link_steps` runs them.
"""

from __future__ import annotations

from include.identity.link_steps import RUNS, Work, forget_compared, run_folder

__all__ = [
    "RUNS",
    "Work",
    "forget_compared",
    "run_folder",
]
