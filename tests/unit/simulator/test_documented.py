"""The pages on the simulated country state every rate as it is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from include.simulator import DirtRates, SystemRates
from include.simulator.dirt.rates import HARD_KINDS, SUPERSEDED_KINDS
from include.simulator.dirt.system_rates import SYSTEM_HARD_KINDS

PAGES = Path(__file__).parents[3] / "docs" / "explanation"


@pytest.mark.parametrize(("page", "rates"), [("simulator.md", DirtRates()), ("other-systems.md", SystemRates())])
def test_every_rate_is_documented_with_its_default_and_fate(page: str, rates: DirtRates | SystemRates) -> None:
    text = (PAGES / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| (\w+) \|", text, re.MULTILINE)
    stated = {name: (float(default), fate) for name, default, fate in rows}
    fate = {**dict.fromkeys(HARD_KINDS | SYSTEM_HARD_KINDS, "hard"), **dict.fromkeys(SUPERSEDED_KINDS, "superseded")}
    assert stated == {f.name: (getattr(rates, f.name), fate.get(f.name, "soft")) for f in fields(rates)}
