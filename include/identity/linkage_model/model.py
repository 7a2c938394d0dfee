"""The linkage model: settings that Splink reads, thresholds, and facts of its training. Data, apart from code."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple, TypedDict

from include.identity.linkage_model.comparisons import NUMBERS, Comparison, Settings, comparisons_for
from include.identity.records import Prepared
from include.known_error import KnownError

_NEEDED = ("name", "family", "given", "birth", "place")
# Of two different persons' records, how often one bears a number of the other: this share, over the number of persons.
SHARED_NUMBERS = 0.01


class ModelUnusable(KnownError, ValueError):
    """The model cannot be used on these records; the message names the remedy."""


class Training(TypedDict, total=False):
    """What a model was trained on and when, for the report; of another's model perhaps nothing."""

    on: str
    seed: int
    records: int
    sampled: int
    roles: list[str]
    splink: str
    trained_at: str


class LevelWeight(NamedTuple):
    """A level of a comparison with its probabilities among pairs of one person (m) and of two (u)."""

    name: str
    m: float | None
    u: float | None
    is_by_frequency: bool


@dataclass(frozen=True, slots=True)
class Model:
    """`settings`: Splink's, with m and u of every level.

    `link_at`, `review_at`: probabilities from which a pair is a link, or is shown to a person. `coverage`: the share of
    persons known elsewhere who are in the population registry too. `persons`: how many persons the sample had, where no
    population-like table says it.
    """

    name: str
    version: str
    settings: Settings
    link_at: float = 0.97
    review_at: float = 0.5
    coverage: float = 0.97
    records_per_person: float = 2.0
    training: Training = field(default_factory=Training)

    @property
    def comparisons(self) -> list[Comparison]:
        """Splink's comparisons, each with its levels."""
        found: list[Comparison] = self.settings["comparisons"]
        return found

    def fits(self, prepared: Prepared) -> bool:
        """Whether the model compares the names, births and places that the records hold, in the way they hold them.

        What else they hold (a phone number, say) the model may leave aside.
        """
        wanted = comparisons_for(
            prepared.roles, is_split=prepared.is_split, is_ward=prepared.is_ward, is_dated=prepared.is_dated
        )
        return all(
            _conditions(comparison) in map(_conditions, self.comparisons)
            for comparison in wanted
            if comparison["output_column_name"] in _NEEDED
        )

    def persons(self, prepared: Prepared) -> int:
        """How many persons the records speak of, about: one in so many random pairs is a pair of one person."""
        return max(prepared.population or round(prepared.named / self.records_per_person), 2)

    def settings_for(self, persons: int) -> Settings:
        """Splink's settings for so many persons, without a prior: the match weight is the log2 Bayes factor alone."""
        made = copy.deepcopy(self.settings)
        made["probability_two_random_records_match"] = 0.5
        for comparison in made["comparisons"]:
            if comparison["output_column_name"] in NUMBERS:
                first = next(level for level in comparison["comparison_levels"] if not level.get("is_null_level"))
                first["u_probability"] = SHARED_NUMBERS / persons
        return made

    def levels(self, persons: int) -> dict[str, tuple[LevelWeight, ...]]:
        """The levels of each comparison for so many persons; that a value is not known says nothing, and is none."""
        return {
            comparison["output_column_name"]: tuple(
                LevelWeight(
                    level.get("label_for_charts", level["sql_condition"]), level.get("m_probability"),
                    level.get("u_probability"), bool(level.get("tf_adjustment_column")),
                )
                for level in comparison["comparison_levels"]
                if not level.get("is_null_level")
            )
            for comparison in self.settings_for(persons)["comparisons"]
        }  # fmt: skip

    def save(self, path: Path) -> None:
        """Write the model as JSON, one level a line at most."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_model(path: Path) -> Model:
    """Read a model. Raises ModelUnusable if it is none."""
    try:
        return Model(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelUnusable(f"there is no model at {path}: train one with `lienthong link train`") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise ModelUnusable(f"{path} is not a linkage model: train one with `lienthong link train`") from error


def _conditions(comparison: Comparison) -> tuple[str, tuple[str, ...]]:
    levels = comparison["comparison_levels"]
    return comparison["output_column_name"], tuple(str(level["sql_condition"]) for level in levels)
