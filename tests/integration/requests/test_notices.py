"""Notices by a real mail server and a real web server: what is sent, to whom, once; and what a failing way stops."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from include.embedded.site import free_port
from include.pipelines import PipelineContext
from include.pipelines.requests import ask_for, follow_requests, refuse
from include.sharing.requests import Refusal
from plugins import notices
from plugins.deadlines import deadline_missed
from plugins.steward_gate import StewardGate
from tests.dags.test_second_gate import LAN, Asked, executed, made
from tests.small_population import MONDAY, STEWARD, At
from tests.unit.requests.conftest import DAY, an_ask, context

__all__ = ["context"]


@dataclass
class Post:
    """What arrived: mails with their mailboxes, and the bodies of web requests."""

    mails: list[tuple[list[str], Message]] = field(default_factory=list)
    hooks: list[dict[str, Any]] = field(default_factory=list)
    fails_for: str = ""
    dead: tuple[str, ...] = ()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.dead:
            return "550 mailbox unavailable"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))  # type: ignore[arg-type]
        return "250 OK"

    def texts(self) -> list[str]:
        return [_body(mail) for _, mail in self.mails]


def _body(mail: Message) -> str:
    return "\n".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")  # type: ignore[attr-defined]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def mail(post: Post, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    port = free_port()
    server = Controller(post, hostname="127.0.0.1", port=port)
    server.start()
    extra = {"from_email": "lienthong@vpcp.example", "disable_ssl": True, "disable_tls": True}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LIENTHONG_MAIL", json.dumps(connection))
    yield
    server.stop()


@pytest.fixture
def webhook(post: Post, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fails = post.fails_for and said.get("request_id", "").startswith(post.fails_for)
            if not fails:
                post.hooks.append(said)
            self.send_response(500 if fails else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host = f"http://127.0.0.1:{server.server_port}/hooks/lake"
    monkeypatch.setenv("AIRFLOW_CONN_LIENTHONG_WEBHOOK", json.dumps({"conn_type": "http", "host": host}))
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def lake(context: At, monkeypatch: pytest.MonkeyPatch) -> At:
    """The small lake, which notices find in place of the one of the environment."""
    monkeypatch.setattr(PipelineContext, "from_environment", classmethod(lambda cls: context))
    ask_for(context, "nso", "population.citizen", an_ask())
    return context


def test_nothing_is_sent_unless_a_way_is_set(lake: At) -> None:
    assert notices.tell_of_requests() == 0


@pytest.mark.usefixtures("mail", "webhook")
def test_each_event_is_told_once_to_the_office_that_it_concerns(lake: At, post: Post) -> None:
    assert notices.tell_of_requests() == 1
    assert [to for to, _ in post.mails] == [["a@bca.example"]]
    assert "nso-population-citizen-1" in str(post.mails[0][1]["subject"])
    assert post.hooks[0]["act"] == "asked"
    lake.clock[0] = MONDAY + 3 * DAY
    follow_requests(lake)
    lake.clock[0] = MONDAY + 4 * DAY
    follow_requests(lake)
    refuse(lake, "nso-population-citizen-1", STEWARD, Refusal("state_secret", "Điều 7", "Thuộc danh mục"))
    assert notices.tell_of_requests() == 3
    assert [to for to, _ in post.mails[1:]] == [["a@bca.example"], ["a@bca.example"], ["b@nso.example"]]
    assert [hook["act"] for hook in post.hooks] == ["asked", "reminded", "escalated", "refused"]
    assert notices.tell_of_requests() == 0
    for text in [*post.texts(), *map(str, post.hooks)]:
        assert not any(word in text for word in ("Lập mẫu", "danh mục", "Điều 7", "full_name"))


@pytest.mark.usefixtures("webhook")
def test_what_could_not_be_sent_is_sent_by_the_next_run(lake: At, post: Post) -> None:
    ask_for(lake, "moh", "population.citizen", an_ask(recipient_name="Bộ Y tế"))
    post.fails_for = "nso-"
    with pytest.raises(notices.NoticesUnsent, match=r"nso-population-citizen-1 \(HttpNotifier"):
        notices.tell_of_requests()
    assert [hook["request_id"] for hook in post.hooks] == ["moh-population-citizen-1"]
    post.fails_for = ""
    assert notices.tell_of_requests() == 1
    assert notices.tell_of_requests() == 0


@pytest.mark.usefixtures("mail", "webhook")
def test_a_way_that_worked_is_not_used_again_when_the_other_failed(lake: At, post: Post) -> None:
    post.fails_for = "nso-"
    for _ in range(3):
        with pytest.raises(notices.NoticesUnsent, match="HttpNotifier"):
            notices.tell_of_requests()
    assert len(post.mails) == 1
    post.fails_for = ""
    before = len(post.hooks)
    assert notices.tell_of_requests() == 1
    assert (len(post.mails), len(post.hooks)) == (1, before + 1)
    assert notices.tell_of_requests() == 0


@pytest.mark.usefixtures("mail", "webhook")
def test_a_dead_mailbox_keeps_nothing_from_other_offices_and_the_webhook(lake: At, post: Post) -> None:
    post.dead = ("b@nso.example",)
    refuse(lake, "nso-population-citizen-1", STEWARD, Refusal("state_secret", "Điều 7", "Thuộc danh mục"))
    lake.clock[0] = MONDAY + DAY
    ask_for(lake, "moh", "population.citizen", an_ask(recipient_name="Bộ Y tế", contact="c@moh.example"))
    with pytest.raises(notices.NoticesUnsent, match="nso-population-citizen-1"):
        notices.tell_of_requests()
    assert [to for to, _ in post.mails] == [["a@bca.example"], ["a@bca.example"]]
    assert [(hook["request_id"], hook["act"]) for hook in post.hooks] == [
        ("nso-population-citizen-1", "asked"),
        ("nso-population-citizen-1", "refused"),
        ("moh-population-citizen-1", "asked"),
    ]


@pytest.mark.usefixtures("mail")
def test_what_was_tried_for_a_week_is_told_to_the_operators_and_what_never_was_to_nobody(
    lake: At, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.dead = ("a@bca.example",)
    with pytest.raises(notices.NoticesUnsent):
        notices.tell_of_requests()
    ask_for(lake, "moh", "population.citizen", an_ask(recipient_name="Bộ Y tế", contact="c@moh.example"))
    lake.clock[0] = MONDAY + 8 * DAY
    with pytest.raises(notices.NoticesUnsent, match="nso-population-citizen-1"):  # no operator is known
        notices.tell_of_requests()
    assert not post.mails
    monkeypatch.setenv("LIENTHONG_NOTICES_TO", "van-hanh@bca.example")
    assert notices.tell_of_requests() == 0
    ((to, _),) = post.mails
    assert to == ["van-hanh@bca.example"]
    assert "nso-population-citizen-1: asked" in post.texts()[0]
    assert "moh-population-citizen-1" not in post.texts()[0]
    assert notices.tell_of_requests() == 0
    assert len(post.mails) == 1


@pytest.mark.usefixtures("mail")
def test_a_notice_for_which_no_mailbox_is_known_fails_the_task(
    lake: At, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (lake.schemas / "agreements").glob("*.yaml"):
        path.unlink()
    with pytest.raises(notices.NoticesUnsent, match="set LIENTHONG_NOTICES_TO"):
        notices.tell_of_requests()
    monkeypatch.setenv("LIENTHONG_NOTICES_TO", "van-hanh@bca.example, truc@bca.example")
    assert notices.tell_of_requests() == 1
    assert post.mails[0][0] == ["van-hanh@bca.example", "truc@bca.example"]


@pytest.mark.usefixtures("mail", "webhook")
def test_operators_are_told_of_gates_deadlines_and_verification(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_NOTICES_TO", "van-hanh@bca.example")
    notices.Notice(subject="Chờ: {{ dag_id }}", text="{{ where }}")({"dag_id": "sync_land", "where": "<gate>"})
    asyncio.run(deadline_missed(registry="land", owner="Bộ Nông nghiệp và Môi trường", hours=4))
    subjects = [str(mail["subject"]) for _, mail in post.mails]
    assert subjects == ["Chờ: sync_land", "[Liên Thông] Quá hạn / Deadline missed: sync_land"]
    assert "&lt;gate&gt;" in post.texts()[0]
    assert [hook["text"].partition("\n")[0] for hook in post.hooks] == subjects


@pytest.mark.usefixtures("webhook")
def test_a_held_gate_tells_where_it_is_answered(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    executed(made(StewardGate, Asked((LAN,), (), needs_two=False, is_enough=False)), monkeypatch)
    (hook,) = post.hooks
    assert "A gate waits for a steward: sync_land" in hook["text"]
    assert hook["text"].endswith("/tasks/sync_table.gate/mapped/3/required_actions")


def test_a_way_that_fails_holds_nothing_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_LIENTHONG_WEBHOOK", json.dumps({"conn_type": "http", "host": "http://127.0.0.1:9"})
    )
    with caplog.at_level(logging.ERROR, "lienthong.notices"):
        notices.Notice(subject="a", text="b")({})
    assert "a notice was not sent by HttpNotifier" in caplog.text
