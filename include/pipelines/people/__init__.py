"""Persons across registries: linking runs, the linkage model, reviews of pairs, undo, explanations."""

from include.pipelines.people.contradicting_links import PERSONS_A_PAGE, contradictions
from include.pipelines.people.explanations import Explained, ExplainedLink, explain_step
from include.pipelines.people.link_gate import approve_link_step, ask_link_step
from include.pipelines.people.link_results import LinkResult, PersonsLinked, link_result
from include.pipelines.people.linkage_model import Trained, digest, model_in_use, threshold_step, train_step
from include.pipelines.people.linking import awaited_tables, commit_link_step, link_persons, link_step, refuse_link_step
from include.pipelines.people.pair_evidence import IdSays, evidence
from include.pipelines.people.person_pairs import (
    PAIRS_A_PAGE,
    Beside,
    ReviewQueue,
    ShownPair,
    beside,
    queue_step,
    read_beside,
    waiting_pair,
    waiting_pairs,
)
from include.pipelines.people.review_changes import not_followed_step, outlook_step, withdraw_step
from include.pipelines.people.reviews import decide_step, resolve_step, reviewers_step
