"""Independent evaluation of the contract's rules by Great Expectations on the same rows; both counts must agree."""

from __future__ import annotations

from include.quality.expectations.assessment import Assessment, assess
from include.quality.expectations.gx import import_gx_meanwhile

__all__ = [
    "Assessment",
    "assess",
    "import_gx_meanwhile",
]
