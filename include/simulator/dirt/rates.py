"""Rates of the simulated country's faults, by kind.

A rate is the share of a table's rows that receive the fault. Hard faults must be rejected by a contract; soft
ones are accepted (repaired, warned about, or simply lived with). The natural rates (year-only births in land
records, serials that were never issued) follow what a real ward's land file looked like; they are how the data
is, and no one "planted" them, but they are logged all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class DirtRates:
    """Share of rows per kind of fault, 0 to 1. `DirtRates.none()` makes a spotless country."""

    # Text: soft, repaired or folded when names are compared.
    decomposed_text: float = 0.03
    lost_diacritics: float = 0.02
    capitals: float = 0.03
    doubled_spaces: float = 0.01
    typo: float = 0.01
    eth_for_d: float = 0.01
    moved_tone: float = 0.01
    i_for_y: float = 0.003
    # Text: hard, nobody can say what it was.
    legacy_encoding: float = 0.003
    control_character: float = 0.002
    # Dates: soft.
    year_only_birth: float = 0.04
    zero_day_birth: float = 0.01
    default_first_january: float = 0.01
    swapped_day_month: float = 0.01
    # Dates: hard.
    impossible_date: float = 0.004
    # Identifiers: hard.
    lost_leading_zeros: float = 0.005
    wrong_birth_year_in_id: float = 0.003
    wrong_sex_in_id: float = 0.003
    bad_check_digit: float = 0.005
    card_not_of_member: float = 0.003
    # Identifiers: soft.
    old_card: float = 0.03
    unknown_prefix: float = 0.0005
    # Codes that are in no list: hard.
    unknown_ward: float = 0.004
    unknown_relationship: float = 0.004
    unknown_land_use: float = 0.004
    # Amounts and shares: hard.
    negative_amount: float = 0.004
    share_above_one: float = 0.002
    # Rows.
    repeated_row: float = 0.005
    older_version: float = 0.01
    orphan_reference: float = 0.005
    # What land records look like.
    land_birth_year_only: float = 0.87
    land_serial_missing: float = 0.10
    land_owner_id_missing: float = 0.01
    land_organisation_owner: float = 0.08

    def __post_init__(self) -> None:
        """Refuse what is not a share."""
        for item in fields(self):
            rate = getattr(self, item.name)
            if not 0.0 <= rate <= 1.0:
                raise ValueError(f"DirtRates.{item.name} is a share of rows: give a number from 0 to 1, not {rate}")

    @classmethod
    def none(cls) -> DirtRates:
        """No fault of any kind: what a test of false rejections wants."""
        return cls(**{item.name: 0.0 for item in fields(cls)})

    def times(self, factor: float) -> DirtRates:
        """All rates multiplied, capped at 1: `DirtRates().times(3)` is a country after a bad migration."""
        return replace(self, **{f.name: min(1.0, getattr(self, f.name) * factor) for f in fields(self)})


HARD_KINDS: frozenset[str] = frozenset(
    {
        "legacy_encoding",
        "control_character",
        "impossible_date",
        "lost_leading_zeros",
        "wrong_birth_year_in_id",
        "wrong_sex_in_id",
        "bad_check_digit",
        "card_not_of_member",
        "unknown_relationship",
        "unknown_land_use",
        "unknown_ward",
        "negative_amount",
        "share_above_one",
    }
)
SUPERSEDED_KINDS: frozenset[str] = frozenset({"repeated_row", "older_version"})
