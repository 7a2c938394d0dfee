"""Open rejections by rule and age, and how they went."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.lake.rejected.backlog import rejection_backlog
from include.lake.storage.lake import Lake
from tests.unit.lake.rejecting import append, sync
from tests.unit.lake.staging import PERSON, START

AN, BINH, CHI, DUNG = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3), ("d", "Dũng", 4)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def test_open_rows_by_rule_age_and_day(lake):
    sync(lake, PERSON, 1, [AN, BINH, CHI, DUNG], rejected=[0, 1, 2])
    sync(lake, PERSON, 9, [AN, BINH, DUNG], rejected=[0])
    sync(lake, PERSON, 20, [AN, BINH, DUNG], rejected=[0, 1])
    append(lake, PERSON, 21, [AN, BINH, CHI, DUNG], rejected=[3])  # a run that has not committed
    figures = rejection_backlog(lake, PERSON, at=START + timedelta(days=22))
    (rule,) = figures.rules
    assert (rule.rule_id, rule.message) == ("population.citizen.age.required", "must not be empty")
    assert (rule.rows, rule.since, rule.ages) == (2, START + timedelta(days=1), (0, 1, 1, 0, 0))
    assert rule.trend == (0,) * 9 + (3,) * 8 + (1,) * 11 + (2,) * 3
    assert (figures.total.rows, figures.total.trend) == (2, rule.trend)
    assert (rule.a_week_ago, rule.a_month_ago) == (1, 0)


def test_nothing_is_open_any_more(lake):
    assert rejection_backlog(lake, PERSON, at=START) is None
    sync(lake, PERSON, 1, [AN, BINH], rejected=[0])
    sync(lake, PERSON, 2, [AN, BINH])
    figures = rejection_backlog(lake, PERSON, at=START + timedelta(days=3))
    assert (figures.total.rows, figures.total.since, figures.total.ages) == (0, None, (0,) * 5)
    assert figures.total.trend[-4:] == (0, 1, 0, 0)
    assert [rule.rows for rule in figures.rules] == [0]
