"""Requests to providers: data that is asked for and rows that are disputed, as events with a life and a deadline."""

from include.sharing.requests.deadlines import DAYS_TO_ANSWER, holiday_problems, is_last_day, is_late
from include.sharing.requests.disputed_row import SharedRow, is_mended, shared_row
from include.sharing.requests.drafting import draft, draft_id, draft_problems, fitting, proposed, shared_column
from include.sharing.requests.events import (
    ANSWERS,
    DUE_ON,
    REQUESTS_TABLE,
    Act,
    Event,
    append_event,
    details_of,
    is_allowed,
    read_events,
    requests_of,
)
from include.sharing.requests.objections import (
    example_of_rows,
    gives,
    objection_to_ask,
    objection_to_dispute,
    objection_to_rows,
    objection_to_text,
)
from include.sharing.requests.refusal_grounds import Ground, grounds
from include.sharing.requests.request import (
    WAITING,
    Ask,
    Details,
    Dispute,
    Grant,
    Kind,
    Note,
    Refusal,
    Request,
    State,
)
from include.sharing.requests.source_row import MOST_ROWS, SourceRow, source_rows
from include.sharing.requests.summary import ProviderSummary, summaries
from include.sharing.requests.words import ACTS, KINDS, STATES
