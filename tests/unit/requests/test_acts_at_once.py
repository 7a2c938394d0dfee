"""Acts on one request that meet in the middle: no event that counts is passed over, none that does not is told.

Older tests had one act killed, or two acts of other words; not the same words after another event, nor a row that comes
after its event was given up.
"""

from __future__ import annotations

from typing import Any

import pytest

from include.pipelines.requests import (
    Choice,
    RequestOvertaken,
    ask_for,
    grant,
    note_told,
    notices,
    recording,
    refuse,
    request_of,
)
from include.sharing.requests import Event, Refusal, Request, read_events
from tests.small_population import MONDAY, STEWARD, At

from .conftest import an_ask

NO = Refusal("state_secret", "Điều 7", "Thuộc danh mục bí mật")


def killed(*_: object) -> bool:
    raise KeyboardInterrupt


def test_the_same_words_said_again_do_not_pass_over_what_was_said_between(
    context: At, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notice,) = notices(context)
    write = recording.write

    def overtaken(context_: Any, event: Event) -> bool:
        """Before a notifier writes, the steward grants, and another notifier is killed between entry and row."""
        monkeypatch.setattr(recording, "write", write)
        grant(context, asked.request_id, STEWARD, Choice())
        with monkeypatch.context() as patched:
            patched.setattr(recording, "append_event", killed)
            with pytest.raises(KeyboardInterrupt):
                note_told(context, notice)
        return write(context_, event)

    monkeypatch.setattr(recording, "write", overtaken)
    note_told(context, notice)
    assert [(e.number, e.after, e.act) for e in read_events(context.lake)[asked.request_id]] == [
        (1, 0, "asked"), (2, 1, "granted"), (3, 2, "notified"),
    ]  # fmt: skip
    assert request_of(context, asked.request_id).state == "granted"
    with pytest.raises(RequestOvertaken, match="is granted"):
        refuse(context, asked.request_id, STEWARD, NO)


def test_an_entry_that_does_not_say_what_it_follows_is_completed_too(
    context: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Former versions wrote such entries."""
    payload = recording._payload
    with monkeypatch.context() as patched:
        patched.setattr(recording, "append_event", killed)
        patched.setattr(recording, "_payload", lambda event: {k: v for k, v in payload(event).items() if k != "after"})
        with pytest.raises(KeyboardInterrupt):
            ask_for(context, "nso", "population.citizen", an_ask())
    assert ask_for(context, "nso", "population.citizen", an_ask()).number == 1


def test_who_was_given_up_is_told_so_and_nobody_else_of_it(
    context: At, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = recording.append_event

    def late(lake: Any, event: Event) -> bool:
        """The row of the grant comes after others gave it up, and refused."""
        monkeypatch.setattr(recording, "append_event", append)
        context.clock[0] = MONDAY + recording.GIVEN_UP * 2
        refuse(context, asked.request_id, STEWARD, NO)
        return append(lake, event)

    monkeypatch.setattr(recording, "append_event", late)
    with pytest.raises(RequestOvertaken, match="is refused"):
        grant(context, asked.request_id, STEWARD, Choice())
    assert [notice.act for notice in notices(context)] == ["asked", "refused"]
