"""Addresses of the pages of requests."""

from __future__ import annotations

from starlette.routing import Route

from include.portal.requests import answering, asking, showing

_ONE = "/requests/{request_id:str}"
_POST = ["POST"]
ROUTES = [
    Route("/requests", showing.listed),
    Route("/requests/summary", showing.counted),
    Route("/requests/new", asking.ask_form),
    Route("/requests/new", asking.ask, methods=_POST),
    Route("/requests/dispute", asking.dispute_form),
    Route("/requests/dispute", asking.report, methods=_POST),
    Route(_ONE, showing.shown),
    Route(f"{_ONE}/agreement.yaml", showing.draft),
    Route(f"{_ONE}/look", showing.looked_at, methods=_POST),
    Route(f"{_ONE}/withdraw", asking.take_back, methods=_POST),
    Route(f"{_ONE}/grant", answering.give, methods=_POST),
    Route(f"{_ONE}/refuse", answering.say_no, methods=_POST),
    Route(f"{_ONE}/accept", answering.agree, methods=_POST),
    Route(f"{_ONE}/reject", answering.turn_down, methods=_POST),
]
