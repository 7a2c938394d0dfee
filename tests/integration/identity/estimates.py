"""The table of `docs/explanation/one-person-one-id.md`: estimates beside the truth, over sets and seeds.

python -m tests.integration.identity.estimates
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.integration.identity.historical import ROLES, historical
from tests.integration.identity.labelled import FEBRL_ROLES, Labelled, Outcome, febrl
from tests.integration.identity.simulated import Simulated

SEEDS = (1, 2, 3)


def cases() -> Iterator[tuple[str, Callable[[Path], Outcome]]]:
    """Each case with a function that links it in an empty folder."""
    for number in (1, 2, 3, 4):
        for ids in (1.0, 0.5, 0.2, 0.0):
            roles = {column: role for column, role in FEBRL_ROLES.items() if ids or role != "personal_id"}
            for seed in SEEDS if ids in (0.5, 0.2) else SEEDS[:1]:
                yield (
                    f"FEBRL {number}, {ids:.0%} with id, seed {seed}",
                    lambda folder, number=number, ids=ids, roles=roles, seed=seed: Labelled(
                        folder, febrl(number, ids=ids, seed=seed), roles, seed
                    ).link(),
                )
    for numbered in (0.0, 0.1, 0.3, 0.6):
        roles = {column: role for column, role in ROLES.items() if numbered or role != "personal_id"}
        for seed in SEEDS:
            yield (
                f"historical figures, {numbered:.0%} with number, seed {seed}",
                lambda folder, numbered=numbered, roles=roles, seed=seed: Labelled(
                    folder, [historical(1500, seed, numbered=numbered)], roles, seed
                ).link(),
            )
    for dirt in (1.0, 3.0, 8.0):
        for seed in SEEDS:
            yield (
                f"simulated country, dirt times {dirt:g}, seed {seed}",
                lambda folder, dirt=dirt, seed=seed: Simulated(folder, persons=4_000, seed=seed, dirt=dirt).outcome,
            )


def main() -> None:
    """Print a line per case as Markdown, and how often the intervals hold."""
    warnings.filterwarnings("ignore")
    held = []
    print("| set | precision | estimated | recall | estimated |\n| --- | ---: | ---: | ---: | ---: |")
    for name, link in cases():
        with tempfile.TemporaryDirectory() as folder:
            outcome = link(Path(folder))
        told = [
            f"{share.value:.4f} ({share.lower:.4f}–{share.upper:.4f})" if share else "not estimable"
            for share in (outcome.accuracy.precision, outcome.accuracy.recall)
        ]
        held.append(outcome.is_honest)
        mark = "" if held[-1] else " **missed**"
        line = f"{name} | {outcome.precision:.4f} | {told[0]} | {outcome.recall:.4f} | {told[1]}{mark}"
        print(f"| {line} |", flush=True)
    print(f"\nThe intervals hold in {sum(held)} of {len(held)} cases.")


if __name__ == "__main__":
    main()
