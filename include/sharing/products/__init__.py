"""Products: shared tables with exactly the columns, rows and protections of their agreements, or closed."""

from __future__ import annotations

from include.sharing.products.check import check_agreements, problems_of
from include.sharing.products.keys import MasterKey, PseudonymKeyMissing
from include.sharing.products.share import Sharing, close_orphans, share_agreement
from include.sharing.products.state import OPEN, ProductResult, opened

__all__ = [
    "OPEN",
    "MasterKey",
    "ProductResult",
    "PseudonymKeyMissing",
    "Sharing",
    "check_agreements",
    "close_orphans",
    "opened",
    "problems_of",
    "share_agreement",
]
