"""Following requests by the clock: what took force, what was mended, reminders, escalation, and notices of all that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from include.contracts.model import OWNER, offices
from include.contracts.words import BilingualText
from include.contracts.yaml_files import ContractError
from include.known_error import KnownError
from include.pipelines.audit_log import ACTOR
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse, StepFailed, no_values_escape
from include.pipelines.requests.access import agreements_of, all_requests
from include.pipelines.requests.answering import mailbox_of
from include.pipelines.requests.recording import act_on
from include.pipelines.requests.refusals import RequestOvertaken
from include.sharing.agreements import Agreement
from include.sharing.requests import (
    Act,
    Event,
    Note,
    Request,
    details_of,
    gives,
    is_last_day,
    is_late,
    is_mended,
    read_events,
)
from include.telemetry import step

TOLD_WITHIN = timedelta(days=7)
"""Older events are told to no office: who turns notices on is not told of last year. Nor is one told for ever."""
TO_PROVIDER: tuple[Act, ...] = ("asked", "withdrawn", "reminded", "escalated")
WORDS: dict[Act, BilingualText] = {
    "asked": BilingualText("A new request", "Yêu cầu mới"),
    "withdrawn": BilingualText("A request was withdrawn", "Yêu cầu đã được rút"),
    "reminded": BilingualText("A request must be answered today", "Yêu cầu đến hạn trả lời hôm nay"),
    "escalated": BilingualText("A request is overdue", "Yêu cầu đã quá hạn trả lời"),
    "granted": BilingualText("A request was granted", "Yêu cầu được chấp thuận"),
    "refused": BilingualText("A request was refused", "Yêu cầu bị từ chối"),
    "in force": BilingualText("The agreement for a request is in force", "Thỏa thuận theo yêu cầu đã có hiệu lực"),
    "accepted": BilingualText("A reported row will be mended", "Phản ánh bản ghi sai được chấp nhận"),
    "rejected": BilingualText("A reported row stays as it is", "Phản ánh bản ghi sai bị bác bỏ"),
    "mended": BilingualText("A reported row was mended", "Bản ghi được phản ánh đã được sửa"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about one event of a request: to which mailboxes, and what it says. It holds no word of the request.

    `sent_by` are the ways by which it was sent when others failed, `was_tried` says that one failed; `is_over`, that
    the time for it is over.
    """

    request_id: str
    number: int
    act: Act
    to: tuple[str, ...]
    subject: str
    text: str
    sent_by: tuple[str, ...] = ()
    was_tried: bool = False
    is_over: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values of what it is about, for a webhook."""
        return {"request_id": self.request_id, "number": self.number, "act": self.act}


@step("follow_requests")
def follow_requests(context: PipelineContext) -> tuple[str, ...]:
    """Record what has happened to requests since the last look; returns the ids of those it happened to.

    Raises:
        StepFailed: some requests could not be followed, which the message names. All others were.
    """
    followed, failed = [], []
    agreements = agreements_of(context).values()
    for request in all_requests(context).values():
        try:
            with no_values_escape("following a request"):
                act = _due(context, request, agreements)
                if act and _recorded(context, request.request_id, act):
                    followed.append(request.request_id)
        except KnownError as error:
            failed.append(f"{request.request_id}: {error}")
    if failed:
        raise StepFailed(f"{len(failed)} requests could not be followed, all others were. {'; '.join(failed)}")
    return tuple(followed)


def notices(context: PipelineContext) -> tuple[Notice, ...]:
    """The messages about events of the last days that are still to be told, the oldest first.

    With older ones that were tried and failed: somebody else is to know of them.
    """
    with no_values_escape("reading the requests"):
        requests, now = all_requests(context), context.now()
        events = [event for counted in read_events(context.lake).values() for event in counted]
    said: dict[tuple[str, int], list[Note]] = defaultdict(list)
    for event in events:
        if event.act == "notified" and isinstance(note := details_of(event), Note):
            said[event.request_id, note.of_event].append(note)
    found = []
    for event in sorted(events, key=lambda event: (event.at, event.request_id, event.number)):
        before = said[event.request_id, event.number]
        is_over = now - event.at >= TOLD_WITHIN
        if event.act in WORDS and all(note.failed for note in before) and (before or not is_over):
            sent_by = tuple(sorted({way for note in before for way in note.sent_by}))
            notice = _notice(context, requests[event.request_id], event)
            found.append(replace(notice, sent_by=sent_by, was_tried=bool(before), is_over=is_over))
    return tuple(found)


def note_told(context: PipelineContext, notice: Notice) -> None:
    """Record that a notice was sent."""
    act_on(context, notice.request_id, "notified", ACTOR, lambda _: Note(of_event=notice.number))


def note_untold(context: PipelineContext, notice: Notice, sent_by: Iterable[str]) -> None:
    """Record that a notice was sent by these ways alone, and failed by another; nothing if that is known."""
    ways = tuple(sorted({*notice.sent_by, *sent_by}))
    if not notice.was_tried or ways != notice.sent_by:
        note = Note(of_event=notice.number, failed=True, sent_by=ways)
        act_on(context, notice.request_id, "notified", ACTOR, lambda _: note)


def _due(context: PipelineContext, request: Request, agreements: Iterable[Agreement]) -> Act | None:
    """What has happened to a request that is not on record yet."""
    at = context.now()
    if request.state == "granted":
        if any(one.standing(at) == "in_force" and gives(one, request) for one in agreements):
            return "in force"
    elif request.state == "accepted" and request.dispute is not None:
        if is_mended(context.lake, request.recipient, request.dispute):
            return "mended"
    elif request.state == "open":
        if is_late(request.due_on, at):
            return None if request.escalated else "escalated"
        if is_last_day(request.due_on, at) and not request.reminded:
            return "reminded"
    return None


def _recorded(context: PipelineContext, request_id: str, act: Act) -> bool:
    try:
        act_on(context, request_id, act, ACTOR, lambda _: Note())
    except RequestOvertaken:  # answered in this moment
        return False
    return True


def _notice(context: PipelineContext, request: Request, event: Event) -> Notice:
    words = WORDS[event.act]
    due = f"{request.due_on:%d/%m/%Y}"
    what = BilingualText(
        "Data is asked for" if request.kind == "ask" else "A row is reported as wrong",
        "Đề nghị cung cấp dữ liệu" if request.kind == "ask" else "Phản ánh bản ghi sai",
    )
    where = context.environ.get("LIENTHONG_PORTAL_URL", "").strip().rstrip("/")
    lines = (
        f"{words.vietnamese}: {request.request_id}",
        f"{what.vietnamese}, bảng {request.table_name}, bên nhận {request.recipient}; hạn trả lời {due}.",
        "",
        f"{words.english}: {request.request_id}",
        f"{what.english}: table {request.table_name}, recipient {request.recipient}; due on {request.due_on}.",
        "",
        *([f"{where}/requests/{request.request_id}"] if where else ()),
        f"lienthong requests show {request.request_id}",
    )
    to = tuple(dict.fromkeys(box for box in _to(context, request, event.act) if box))
    subject = f"[Liên Thông] {words.vietnamese} / {words.english}: {request.request_id}"
    return Notice(request.request_id, event.number, event.act, to, subject, "\n".join(lines))


def _to(context: PipelineContext, request: Request, act: Act) -> Iterator[str]:
    """Mailboxes of offices: the provider's for what waits for it, and the asker's for answers."""
    if act in TO_PROVIDER:
        yield mailbox_of(context, request.registry)
    elif request.ask is not None:
        yield request.ask.contact
    else:
        own = (a for a in agreements_of(context).values() if a.recipient == request.recipient)
        yield from (agreement.recipient_contact for agreement in own)
    if act == "escalated":
        with suppress(ContractError, Misuse):
            held = offices(context.contract(request.registry), context.now())
            yield from (name for name, roles in held.items() if OWNER in roles and "@" in name)
