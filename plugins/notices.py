"""Notices to offices by mail and webhook, through Airflow's notifiers: off unless their connection is set.

`lienthong_mail` (type smtp) and `lienthong_webhook` (type http) are looked at when something is to be told: in the
environment, a secrets backend or the metadata database, as Airflow resolves connections. A notice holds names of
registries, runs and requests, and no value of a row.
"""

from __future__ import annotations

import html
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from plugins.airflow_connections import PREFIX, AirflowConnections

if TYPE_CHECKING:
    from airflow.sdk import Context

MAIL, WEBHOOK = "lienthong_mail", "lienthong_webhook"
_NO_MAILBOX = "no mailbox is known: set LIENTHONG_NOTICES_TO, or a webhook"
_NEVER_SENT = "[Liên Thông] Thông báo không gửi được trong một tuần / Messages that could not be sent for a week"
log = logging.getLogger("lienthong.notices")


class NoticesUnsent(RuntimeError):
    """Notices that cannot be sent by any way that is set."""


class Notice(BaseNotifier):
    """Tells the operators by each way that is set. A way that fails is logged, and holds nothing up.

    `subject` and `text` are templates of Airflow.
    """

    template_fields: tuple[str, ...] = ("subject", "text")

    def __init__(self, *, subject: str, text: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subject = subject
        self.text = text

    def notify(self, context: Context) -> None:
        """Send it."""
        tell(self.subject, self.text, context=context)


def tell(subject: str, text: str, *, context: Mapping[str, Any] | None = None) -> None:
    """Tell the operators (LIENTHONG_NOTICES_TO, and the webhook); a way that fails is logged by its kind of error."""
    for way in ways(subject, text):
        try:
            way.notify(context or {})
        except Exception as error:
            log.error("a notice was not sent by %s: %s", type(way).__name__, type(error).__name__)


def ways(subject: str, text: str, *, to: Sequence[str] = (), **data: Any) -> list[BaseNotifier]:
    """Airflow's notifiers of a message, by the connections that are set.

    `to` are mailboxes beside those of the operators; `data` goes to the webhook.
    """
    found: list[BaseNotifier] = []
    boxes = [*dict.fromkeys([*to, *_operators()])]
    if _is_set(MAIL) and boxes:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        body = f"<pre>{html.escape(text)}</pre>"
        found.append(SmtpNotifier(smtp_conn_id=MAIL, to=boxes, subject=subject, html_content=body))
    if _is_set(WEBHOOK):
        from airflow.providers.http.notifications import HttpNotifier

        found.append(HttpNotifier(http_conn_id=WEBHOOK, json={"text": f"{subject}\n{text}", **data}))
    return found


def tell_of_requests() -> int:
    """Send what offices were not told of yet about requests; returns how many notices were sent.

    A notice that was sent is on record. One that fails stops no other, and is sent again by the next run, by the ways
    that failed; of one that failed for a week the operators are told.

    Raises:
        NoticesUnsent: told when all others are sent; a way fails, or no mailbox is known and mail alone is set.
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import note_told, note_untold, notices

    if not (_is_set(MAIL) or _is_set(WEBHOOK)):
        return 0
    context = PipelineContext.from_environment()
    sent, unsent, over = 0, [], []
    for notice in notices(context):
        if notice.is_over:
            over.append(notice)
            continue
        try:
            by = ways(notice.subject, notice.text, to=notice.to, **notice.to_dict())
            sent_by, why = _sent([way for way in by if type(way).__name__ not in notice.sent_by])
            if by and not why:
                note_told(context, notice)
                sent += 1
            else:
                note_untold(context, notice, sent_by)
                unsent.append(f"{notice.request_id} ({why or _NO_MAILBOX})")
        except Exception as error:
            unsent.append(f"{notice.request_id} ({type(error).__name__})")
    if over:
        lines = "\n".join(f"{notice.request_id}: {notice.act}" for notice in over)
        sent_by, why = _sent(ways(_NEVER_SENT, lines))
        if sent_by:
            for notice in over:
                note_told(context, notice)
        else:
            unsent += [f"{notice.request_id} (for a week; {why or _NO_MAILBOX})" for notice in over]
    if unsent:
        raise NoticesUnsent(f"not sent, and tried again by the next run: {', '.join(unsent)}")
    return sent


def _sent(by: Iterable[BaseNotifier]) -> tuple[list[str], str]:
    """Send by each way; the ways that worked, and why others did not."""
    worked, failed = [], []
    for way in by:
        try:
            way.notify({})
            worked.append(type(way).__name__)
        except Exception as error:
            failed.append(f"{type(way).__name__}: {type(error).__name__}")
    return worked, ", ".join(failed)


def _is_set(connection: str) -> bool:
    """Whether Airflow knows the connection; not if it cannot be asked."""
    try:
        return bool(AirflowConnections().get(f"{PREFIX}{connection.upper()}", "").strip())
    except Exception as error:
        log.error("no notice by %s, whose connection cannot be looked up: %s", connection, type(error).__name__)
        return False


def _operators() -> list[str]:
    """Mailboxes of those who operate the lake."""
    return [box for part in os.environ.get("LIENTHONG_NOTICES_TO", "").split(",") if (box := part.strip())]
