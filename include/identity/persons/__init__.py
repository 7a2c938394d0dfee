"""From linked pairs to persons: clusters, stable ids, golden records, reviews, findings for owners."""

from include.identity.persons.clustering import cluster, components
from include.identity.persons.decision_outlook import Outlook, outlook
from include.identity.persons.golden_record import GoldenRules, GoldenRulesBroken, Tolerance, load_golden, survive
from include.identity.persons.owner_findings import CONTRADICTIONS, find, persons_registers
from include.identity.persons.review_queue import (
    Pair,
    Review,
    ReviewRefused,
    decide,
    decided,
    ends,
    find_pair,
    pair_id,
    queue,
)
from include.identity.persons.stable_ids import Assigned, Resolved, assign, resolve
from include.identity.persons.withdrawal import Kept, not_followed, withdraw
