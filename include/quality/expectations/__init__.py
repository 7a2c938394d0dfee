"""The second count: Great Expectations evaluates the contract's rules on the same rows; both counts must agree."""

from __future__ import annotations

from include.quality.expectations.assessment import Assessment, assess
from include.quality.expectations.gx import import_gx_meanwhile

__all__ = [
    "Assessment",
    "assess",
    "import_gx_meanwhile",
]
