"""Pages of the review queue: waiting pairs, one pair, a decision with its effect, undoing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, status
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BeforeValidator

from include.contracts.model import Contract
from include.contracts.words import MAX_NOTE
from include.identity.persons import Kept
from include.pipelines import Misuse
from include.pipelines.decisions import NotASteward, deciders, steward_named
from include.pipelines.people import (
    PAIRS_A_PAGE,
    PERSONS_A_PAGE,
    Beside,
    IdSays,
    ShownPair,
    beside,
    contradictions,
    decide_step,
    evidence,
    not_followed_step,
    outlook_step,
    read_beside,
    waiting_pair,
    waiting_pairs,
    withdraw_step,
)
from include.pipelines.reporting import QualityPages
from plugins.pages import pair_words
from plugins.pages.access import SignedIn, Visitor, signed_in
from plugins.pages.rendering import page
from plugins.pages.views import Pages, one_line

router = APIRouter(dependencies=[Depends(signed_in)], default_response_class=HTMLResponse)

Note = Annotated[str, BeforeValidator(one_line), Form(max_length=MAX_NOTE)]
PageNumber = Annotated[int, Query(alias="page", ge=1, le=100_000)]
Decision = Annotated[str, Form(max_length=20)]


@router.get("/persons")
def queue(
    request: Request,
    visitor: SignedIn,
    pages: Pages,
    page_number: PageNumber = 1,
) -> HTMLResponse:
    """Waiting pairs of the visible registries, and decisions that can be undone."""
    total, pairs = waiting_pairs(pages.context, page_number, registries=_seen(pages, visitor))
    kept = [one for one in not_followed_step(context=pages.context) if all(map(visitor.may_see, _registries(one)))]
    values = {
        "pairs": pairs,
        "total": total,
        "page_number": page_number,
        "pages": max(1, -(-total // PAIRS_A_PAGE)),
        "kept": [(one, _may_decide(pages, visitor, _registries(one))) for one in kept],
        "words": pair_words,
        "max_note": MAX_NOTE,
    }
    return page(request, "persons.html.j2", values)


@router.get("/persons/contradictions")
def contradicting(request: Request, visitor: SignedIn, pages: Pages, page_number: PageNumber = 1) -> HTMLResponse:
    """Persons whose registries contradict each other, of the visible registries."""
    found = contradictions(pages.context, page_number, registries=_seen(pages, visitor))
    values = {"found": found, "page_number": page_number, "pages": max(1, -(-found.total // PERSONS_A_PAGE))}
    return page(request, "persons_contradictions.html.j2", values)


@router.get("/persons/{pair_id}")
def pair(request: Request, pair_id: str, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """One pair: the comparisons' levels and weights; no value."""
    shown = _pair(pages, visitor, pair_id)
    return _page(request, pages, visitor, shown, beside(pages.context, shown))


@router.post("/persons/{pair_id}/values")
def values(
    request: Request,
    pair_id: str,
    visitor: SignedIn,
    pages: Pages,
    purpose: Note = "",
) -> HTMLResponse:
    """One pair with the values that the visitor's role may read; recorded in the ledger."""
    shown = _pair(pages, visitor, pair_id)
    readable = _readable(pages, visitor, shown.registries)
    if not readable:
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    rows = read_beside(pages.context, shown, registries=readable, reader=visitor.name, purpose=purpose)
    return _page(request, pages, visitor, shown, rows, has_values=True)


@router.post("/persons/{pair_id}/confirm")
def confirm(
    request: Request, pair_id: str, visitor: SignedIn, pages: Pages, decision: Decision, note: Note = ""
) -> HTMLResponse:
    """Preview of a decision's effect, without storing it."""
    shown = _pair(pages, visitor, pair_id)
    _steward(pages, visitor, shown.registries)
    reason = _reason(note)
    if decision not in pair_words.DECISIONS:
        raise Misuse(f"say one of {', '.join(pair_words.DECISIONS)}")
    values = {
        "shown": shown,
        "decision": decision,
        "note": reason,
        "outlook": outlook_step(shown.pair, context=pages.context),
        "evidence": evidence(pages.context, shown.pair),
        "words": pair_words,
    }
    return page(request, "person_confirm.html.j2", values)


@router.post("/persons/{pair_id}")
def decide(
    request: Request, pair_id: str, visitor: SignedIn, pages: Pages, decision: Decision, note: Note = ""
) -> RedirectResponse:
    """Store the visitor's decision, then redirect to the queue."""
    shown = _pair(pages, visitor, pair_id)
    _steward(pages, visitor, shown.registries)
    decide_step(pair_id, decision, by=visitor.name, note=_reason(note), context=pages.context)
    return _to_queue(request)


@router.post("/persons/{pair_id}/undo")
def undo(request: Request, pair_id: str, visitor: SignedIn, pages: Pages, note: Note = "") -> RedirectResponse:
    """Undo a decision that no run has applied yet, then redirect to the queue."""
    kept = next((one for one in not_followed_step(context=pages.context) if one.pair_id == pair_id), None)
    if kept is None or not all(map(visitor.may_see, _registries(kept))):
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    _steward(pages, visitor, _registries(kept))
    withdraw_step(pair_id, by=visitor.name, note=_reason(note), context=pages.context)
    return _to_queue(request)


def _reason(note: str) -> str:
    """The reason of a decision. Raises Misuse if there is none."""
    if not note:
        raise Misuse("give the reason: it is kept with your name and the decision")
    return note


def _to_queue(request: Request) -> RedirectResponse:
    root = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{root}/persons", status.HTTP_303_SEE_OTHER)


def _seen(pages: QualityPages, visitor: Visitor) -> list[str]:
    return [registry for registry in pages.contracts() if visitor.may_see(registry)]


def _registries(kept: Kept) -> set[str]:
    return {record.partition(".")[0] for record in (kept.left_id, kept.right_id)}


def _pair(pages: QualityPages, visitor: Visitor, pair_id: str) -> ShownPair:
    """A visible pair; 404 both for an invisible and a missing one."""
    shown = waiting_pair(pages.context, pair_id)
    if shown is None or not all(visitor.may_see(registry) for registry in shown.registries):
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return shown


def _readable(pages: QualityPages, visitor: Visitor, registries: set[str]) -> set[str]:
    contracts = pages.contracts()
    return {r for r in registries if r in contracts and visitor.may_read_values(contracts[r])}


def _may_decide(pages: QualityPages, visitor: Visitor, registries: set[str]) -> bool:
    """Whether the visitor may read both records, and is a steward of one of their registries."""
    try:
        _steward(pages, visitor, registries)
    except (NotASteward, HTTPException):
        return False
    return True


def _steward(pages: QualityPages, visitor: Visitor, registries: set[str]) -> None:
    """Check that the visitor may decide on records of these registries.

    Raises:
        HTTPException: the visitor's role may not read both (403).
        NotASteward: neither contract names the visitor, though one of them names stewards.
    """
    if _readable(pages, visitor, registries) != registries:
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    contracts = pages.contracts()
    steward_named([contracts[registry] for registry in sorted(registries)], visitor.name, at=pages.context.now())


def _contracts(pages: QualityPages, shown: ShownPair) -> list[Contract]:
    return [contract for registry, contract in pages.contracts().items() if registry in shown.registries]


def _page(
    request: Request,
    pages: QualityPages,
    visitor: Visitor,
    shown: ShownPair,
    rows: tuple[Beside, ...],
    *,
    has_values: bool = False,
) -> HTMLResponse:
    widest = max((abs(step.bits) for step in shown.steps), default=1.0) or 1.0
    readable = _readable(pages, visitor, shown.registries)
    found = evidence(pages.context, shown.pair)
    ids: list[tuple[tuple[str, str], IdSays | None, bool]] = [
        (shown.left, found.left, has_values and shown.left[0] in readable),
        (shown.right, found.right, has_values and shown.right[0] in readable),
    ]
    values = {
        "shown": shown,
        "rows": rows,
        "evidence": found,
        "ids": ids,
        "bars": [
            (step, pair_words.found(step.comparison, step.found), 50 * abs(step.bits) / widest) for step in shown.steps
        ],
        "has_values": has_values,
        "readable": readable,
        "deciders": [s.username for s in deciders(_contracts(pages, shown), at=pages.context.now())],
        "may_decide": _may_decide(pages, visitor, shown.registries),
        "words": pair_words,
        "max_purpose": MAX_NOTE,
        "max_note": MAX_NOTE,
    }
    return page(request, "person_pair.html.j2", values)
