"""Products: the shared table of each agreement, brought to exactly its columns, rows and protections, or closed."""

from __future__ import annotations

from include.sharing.products.check import check_agreements, problems_of
from include.sharing.products.keys import MasterKey, PseudonymKeyMissing
from include.sharing.products.share import Sharing, close_orphans, share_agreement
from include.sharing.products.state import OPEN, opened

__all__ = [
    "OPEN",
    "MasterKey",
    "PseudonymKeyMissing",
    "Sharing",
    "check_agreements",
    "close_orphans",
    "opened",
    "problems_of",
    "share_agreement",
]
