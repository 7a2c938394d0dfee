"""What expectation maximisation learns from counted combinations of levels."""

from __future__ import annotations

from typing import Any

import pytest

from include.identity.linkage_model.expectation_maximisation import LEAST_M, Expectation


def _settings() -> dict[str, Any]:
    def comparison(name: str, same: float) -> dict[str, Any]:
        levels = [
            {"sql_condition": "x IS NULL", "is_null_level": True},
            {"sql_condition": "x", "u_probability": same},
            {"sql_condition": "ELSE", "u_probability": 1.0 - same},
        ]
        return {"output_column_name": name, "comparison_levels": levels}

    return {"comparisons": [comparison("name", 0.01), comparison("birth", 0.001), comparison("sex", 0.5)]}


def test_m_and_the_share_of_matches_are_found_again() -> None:
    share, m, u = 0.3, (0.9, 0.8, 0.99), (0.01, 0.001, 0.5)
    patterns = []
    for name in (0, 1):
        for birth in (0, 1):
            for sex in (0, 1):
                yes = no = 1.0
                for level, m_same, u_same in zip((name, birth, sex), m, u, strict=True):
                    yes *= m_same if level else 1 - m_same
                    no *= u_same if level else 1 - u_same
                patterns.append((round(1e6 * (share * yes + (1 - share) * no)), name, birth, sex))
    settings = _settings()
    expect = Expectation(settings)
    assert expect.see(patterns, blind=set()) == pytest.approx(share, abs=0.01)
    expect.tell(0.0)
    learned = [c["comparison_levels"][1]["m_probability"] for c in settings["comparisons"]]
    assert learned == pytest.approx(m, abs=0.02)


def test_a_level_that_nobody_showed_stays_possible_and_a_blind_comparison_unlearned() -> None:
    settings = _settings()
    expect = Expectation(settings)
    expect.see([(500, 1, 1, 1), (500, 0, 0, 1), (500, 0, 0, 0)], blind={"sex"})
    expect.tell(0.0)
    name, _, sex = [c["comparison_levels"] for c in settings["comparisons"]]
    assert name[2]["m_probability"] == LEAST_M
    assert sex[1]["m_probability"] == LEAST_M


def test_too_few_pairs_teach_nothing() -> None:
    assert Expectation(_settings()).see([(10, 1, 1, 1)], blind=set()) == 0.0
