"""Decisions of stewards: who may decide, approvals (four eyes), the gate; each a ledger entry before it acts."""

from include.pipelines.decisions.approvals import (
    Asked,
    Matter,
    Word,
    approve,
    approved_by_all,
    digest_of,
    given,
    whom_to_ask,
)
from include.pipelines.decisions.authority import (
    NotASteward,
    concerned,
    deciders,
    free_stewards,
    officials,
    reason_given,
    steward_named,
)
from include.pipelines.decisions.ledger_entries import (
    Answer,
    DecidedRun,
    Look,
    note_look,
    note_refusal,
    note_review,
    person_digest,
)
from include.pipelines.decisions.look_file import write_look
from include.pipelines.decisions.table_gate import (
    about_the_held,
    approve_step,
    approved,
    ask_step,
    by_a_steward,
    gate_page,
    matter_of,
    note_gate,
    outside_tolerance,
    refuse_step,
    word_on,
)
