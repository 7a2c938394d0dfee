"""The page on the simulator states every rate as it is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from include.simulator import DirtRates
from include.simulator.dirt.rates import HARD_KINDS, SUPERSEDED_KINDS

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "simulator.md"


def test_every_rate_is_documented_with_its_default_and_fate() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    stated = {name: (float(default), fate) for name, default, fate in rows}
    fate = {**dict.fromkeys(HARD_KINDS, "hard"), **dict.fromkeys(SUPERSEDED_KINDS, "superseded")}
    assert stated == {f.name: (getattr(DirtRates(), f.name), fate.get(f.name, "soft")) for f in fields(DirtRates)}
