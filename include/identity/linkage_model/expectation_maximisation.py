"""Expectation maximisation of m over counted combinations of levels, u being known (Winkler 1988).

Splink's own stops with an error at a level that fades out, which rare faults of names and dates do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from include.identity.linkage_model.comparisons import Level, Settings

Floats = npt.NDArray[np.float64]

# A level that no true pair of the sample showed is still held possible; so is agreement by chance.
LEAST_M, LEAST_U = 0.002, 1e-6
_ROUNDS, _STILL = 100, 1e-5


class Expectation:
    """Learns the m of a model's levels from several sets of pairs, and tells them to its settings at the end."""

    def __init__(self, settings: Settings) -> None:
        """`settings`: Splink's, with u in place."""
        self.names = [str(comparison["output_column_name"]) for comparison in settings["comparisons"]]
        # By gamma: 0 is the least alike, which Splink writes last.
        self.levels = [
            [level for level in reversed(comparison["comparison_levels"]) if not level.get("is_null_level")]
            for comparison in settings["comparisons"]
        ]
        self.matches = [np.zeros(len(levels)) for levels in self.levels]

    def see(self, patterns: Sequence[tuple[int, ...]], *, blind: set[str]) -> float:
        """Learn from pairs: for each combination, how many and the levels (-1 not known). Returns the share of matches.

        `blind`: comparisons that the pairs were chosen by.
        """
        if sum(row[0] for row in patterns) < 50:
            return 0.0
        table = np.array(patterns, dtype=np.int64)
        counts: Floats = table[:, 0].astype(np.float64)
        seen = [i for i, name in enumerate(self.names) if name not in blind]
        hot = [(table[:, i + 1][:, None] == np.arange(len(self.levels[i]))[None, :]).astype(np.float64) for i in seen]
        u = [np.array([float(level["u_probability"]) for level in self.levels[i]]) for i in seen]
        m = [np.linspace(0.05, 1.0, size) / np.linspace(0.05, 1.0, size).sum() for size in map(len, u)]
        share = 0.5
        for _ in range(_ROUNDS):
            weight = np.full(len(counts), np.log(share / (1.0 - share)))
            for levels, yes, no in zip(hot, m, u, strict=True):
                weight += levels @ np.log(np.maximum(yes, 1e-9) / no)
            is_match = counts / (1.0 + np.exp(-np.clip(weight, -500.0, 500.0)))
            before = m
            totals = [levels.T @ is_match for levels in hot]
            m = [total / max(float(total.sum()), 1e-9) for total in totals]
            share = float(np.clip(is_match.sum() / counts.sum(), 1e-6, 1.0 - 1e-6))
            if max(float(np.abs(new - old).max()) for new, old in zip(m, before, strict=True)) < _STILL:
                break
        for i, total in zip(seen, totals, strict=True):
            self.matches[i] += total
        return share

    def tell(self, share: float) -> None:
        """Write what was learned into the settings' levels.

        `share`: of random pairs, how many are of one person; u was sampled from random pairs, these among them.
        """
        for levels, matches in zip(self.levels, self.matches, strict=True):
            if matches.sum() > 0:
                for level, found in zip(levels, matches / matches.sum(), strict=True):
                    level["m_probability"] = float(found)
                    sampled = float(level["u_probability"])
                    level["u_probability"] = max(sampled - share * float(found), sampled / 4.0)
            complete(levels)


def complete(levels: list[Level]) -> None:
    """Every level gets an m and a u that are possible, to six digits."""
    for level in levels:
        if not level.get("is_null_level"):
            level["m_probability"] = _possible(level.get("m_probability"), LEAST_M)
            level["u_probability"] = _possible(level.get("u_probability"), LEAST_U)


def _possible(share: float | None, least: float) -> float:
    return float(f"{min(max(float(share or 0.0), least), 0.9999):.6g}")
