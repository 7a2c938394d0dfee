"""Rates of the faults of the other systems: business, procedures, dossiers, documents, programme."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class SystemRates:
    """Share of rows per kind of fault, 0 to 1; shapes are seen in practice, the rates are ours.

    `SystemRates.none()` makes registers without a fault.
    """

    # Hard: business.
    enterprise_check_digit: float = 0.03
    branch_as_enterprise: float = 0.03
    negative_capital: float = 0.03
    branch_of_another: float = 0.05
    ratio_above_hundred: float = 0.02
    # Hard: procedures.
    procedure_without_dot: float = 0.02
    no_time_limit: float = 0.02
    agency_in_words: float = 0.005
    level_of_another_time: float = 0.01
    ended_before_begun: float = 0.01
    # Hard: dossiers.
    received_before_submitted: float = 0.005
    finished_before_received: float = 0.005
    unknown_state: float = 0.004
    two_origins: float = 0.005
    negative_fee: float = 0.005
    # Hard: documents.
    signed_after_issue: float = 0.01
    unknown_status: float = 0.004
    event_before_sending: float = 0.004
    serial_not_hexadecimal: float = 0.01
    # Hard: programme.
    unread_task_status: float = 0.01
    done_after_report: float = 0.01
    # Soft.
    trailing_separator: float = 0.05
    default_founding_day: float = 0.03
    line_of_four_digits: float = 0.02
    procedure_with_agency: float = 0.02
    due_missing: float = 0.02
    channel_missing: float = 0.01
    closed_in_batch: float = 0.02
    code_of_eight_digits: float = 0.02
    agency_of_new_form: float = 0.30
    test_dossier: float = 0.005
    damaged_notation: float = 0.02
    unsigned: float = 0.05
    zero_for_none: float = 0.05
    # Rows.
    repeated_row: float = 0.02

    def __post_init__(self) -> None:
        """Refuse what is not a share."""
        for item in fields(self):
            rate = getattr(self, item.name)
            if not 0.0 <= rate <= 1.0:
                raise ValueError(f"SystemRates.{item.name} is a share of rows: give a number from 0 to 1, not {rate}")

    @classmethod
    def none(cls) -> SystemRates:
        """No fault of any kind."""
        return cls(**{item.name: 0.0 for item in fields(cls)})


SYSTEM_HARD_KINDS: frozenset[str] = frozenset(
    {
        *("enterprise_check_digit", "branch_as_enterprise", "negative_capital", "branch_of_another"),
        *("ratio_above_hundred", "procedure_without_dot", "no_time_limit", "agency_in_words", "level_of_another_time"),
        *("ended_before_begun", "received_before_submitted", "finished_before_received", "unknown_state"),
        *("two_origins", "negative_fee", "signed_after_issue", "unknown_status", "event_before_sending"),
        *("serial_not_hexadecimal", "unread_task_status", "done_after_report"),
    }
)
