"""Agreements: YAML turned into frozen, validated objects, with their row filters."""

from include.sharing.agreements.agreement import (
    Agreement,
    Product,
    Protection,
    SharedColumn,
    Statistics,
    terms_digest,
)
from include.sharing.agreements.loading import (
    agreement_paths,
    load_agreement,
    load_agreements,
    readable_agreements,
    withdrawn_from,
)
