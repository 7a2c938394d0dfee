"""Who may see and answer a request: who asked, and the stewards and owners in office of the registry asked."""

from __future__ import annotations

from datetime import datetime

from include.contracts.model import OWNER, ROLE, Contract, normalised_name, offices
from include.contracts.yaml_files import ContractError
from include.lake.people import persons_of, record_id
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, NotASteward, note_look
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.requests.refusals import RequestRefused, RequestUnknown
from include.sharing.agreements import Agreement, Product, readable_agreements
from include.sharing.products import MasterKey
from include.sharing.requests import (
    Dispute,
    Event,
    Request,
    SourceRow,
    read_events,
    requests_of,
    source_rows,
)
from include.vietnam import WorkingDays


def all_requests(context: PipelineContext) -> dict[str, Request]:
    """Every request by its id, the oldest first. Who may see which is for the caller to say."""
    with no_values_escape("reading the requests"):
        return requests_of(context.lake, WorkingDays.load(context.schemas))


def request_of(context: PipelineContext, request_id: str) -> Request:
    """One request.

    Raises:
        RequestUnknown: there is none.
    """
    found = all_requests(context).get(request_id)
    if found is None:
        raise RequestUnknown(request_id)
    return found


def course_of(context: PipelineContext, request: Request) -> tuple[Event, ...]:
    """What happened to a request, the oldest first; its details may hold personal values."""
    with no_values_escape("reading a request"):
        return tuple(read_events(context.lake)[request.request_id])


def providers(contract: Contract, at: datetime) -> tuple[str, ...]:
    """Usernames of the stewards and owners in office, who answer for a registry."""
    return tuple(name for name, held in offices(contract, at).items() if held & {OWNER, ROLE})


def provider_named(context: PipelineContext, request: Request, by: str) -> str:
    """The username of the steward or owner in office who answers a request.

    Raises:
        NotASteward: that name may not.
    """
    contract = context.contract(request.registry)
    who = providers(contract, context.now())
    for username in who:
        if normalised_name(username) == normalised_name(by):
            return username
    known = ", ".join(who) or "nobody, so name a successor"
    raise NotASteward(
        f"`{by[:80]}` may not answer for {request.registry}. Who may: {known}. They stand under `team.members` (role: "
        f"{ROLE}, or {OWNER}) of {contract.path}"
    )


def answers_for(context: PipelineContext, username: str, registry: str) -> bool:
    """Whether an official answers for a registry today; not for one whose contract cannot be read."""
    try:
        return username in providers(context.contract(registry), context.now())
    except (ContractError, Misuse):
        return False


def agreements_of(context: PipelineContext) -> dict[str, Agreement]:
    """The agreements that can be read, by id."""
    return readable_agreements(context.schemas)[0]


def product_of(context: PipelineContext, recipient: str, agreement_id: str, name: str) -> Product | None:
    """A product of a recipient's agreement in force; None if there is none."""
    agreement = agreements_of(context).get(agreement_id)
    if agreement is None or agreement.recipient != recipient or agreement.standing(context.now()) != "in_force":
        return None
    return next((product for product in agreement.products if product.name == name), None)


def look_at_dispute(context: PipelineContext, request: Request, look: Look) -> Dispute:
    """The key, values and evidence of a dispute, for an official: on record before they are shown.

    Raises:
        RequestUnknown: the request is no dispute.
    """
    if request.dispute is None:
        raise RequestUnknown(request.request_id)
    note_look(context, f"requests/{request.request_id}", look, table=request.table_name)
    return request.dispute


def rows_behind(context: PipelineContext, request: Request, look: Look) -> tuple[SourceRow, ...]:
    """The published rows behind a disputed row of a shared table, for who looked at the dispute.

    On record before they are shown, with the digests of the persons whose records they are.

    Raises:
        PseudonymKeyMissing: the key is a pseudonym, and this process has not the key of pseudonyms.
        RequestUnknown: the request is no dispute, or there is no such agreement any more.
        RequestRefused: the agreement no longer gives the columns.
    """
    dispute = request.dispute
    if dispute is None or (agreement := agreements_of(context).get(dispute.agreement)) is None:
        raise RequestUnknown(request.request_id)
    product = next((one for one in agreement.products if one.name == dispute.product), None)
    _, table = context.table(request.registry, request.table)
    needed = {dispute.column, *(name for name, _ in dispute.key)}
    given = {one.name for one in product.given} & {one.name for one in table.columns} if product else set()
    if product is None or not needed <= given:
        raise RequestRefused(
            f"`{dispute.agreement}` gives {', '.join(sorted(needed - given))} no more: the row cannot be looked up",
            f"`{dispute.agreement}` không còn cung cấp {', '.join(sorted(needed - given))}: không tra cứu được bản ghi",
        )
    with no_values_escape("looking for a disputed row"):
        found = source_rows(
            context.lake, request.recipient, product, table, key=dispute.key, column=dispute.column,
            master_key=MasterKey.from_environment(context.environ),
        )  # fmt: skip
        persons = persons_of(context.lake, (record_id(table.qualified_name, (v for _, v in row.key)) for row in found))
        subject = f"requests/{request.request_id}"
        note_look(context, subject, look, table=request.table_name, rows=len(found), persons=persons)
    return found
