"""Requests to providers: asking, disputing, answering and following them, each event in the ledger before it counts."""

from include.pipelines.requests.access import (
    agreements_of,
    all_requests,
    answers_for,
    course_of,
    look_at_dispute,
    product_of,
    provider_named,
    request_of,
    rows_behind,
)
from include.pipelines.requests.answering import Choice, accept, drafted, grant, mailbox_of, refuse, reject
from include.pipelines.requests.asking import ask_for, dispute, withdraw
from include.pipelines.requests.following import Notice, follow_requests, note_told, note_untold, notices
from include.pipelines.requests.refusals import RequestOvertaken, RequestRefused, RequestUnknown
