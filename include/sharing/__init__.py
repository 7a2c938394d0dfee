"""Sharing: what an agreement gives a recipient (columns, rows, masks, pseudonyms) as a Delta table of its own."""

from __future__ import annotations

from include.sharing.check import check_agreements, problems_of
from include.sharing.keys import MasterKey, PseudonymKeyMissing
from include.sharing.recipient_code_lists import code_lists
from include.sharing.share import Sharing, close_orphans, share_agreement
from include.sharing.state import OPEN, opened
from include.sharing.store_identities import Credential, ReaderCredentialMissing, identities, reader_variable, render

__all__ = [
    "OPEN",
    "Credential",
    "MasterKey",
    "PseudonymKeyMissing",
    "ReaderCredentialMissing",
    "Sharing",
    "check_agreements",
    "close_orphans",
    "code_lists",
    "identities",
    "opened",
    "problems_of",
    "reader_variable",
    "render",
    "share_agreement",
]
