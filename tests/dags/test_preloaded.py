"""Every module that a task has loaded before it begins is there: Airflow passes over what it cannot import."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from include.embedded.servers.airflow import PRELOADED


@pytest.mark.parametrize("name", PRELOADED)
def test_it_is_there(name: str) -> None:
    assert find_spec(name)
