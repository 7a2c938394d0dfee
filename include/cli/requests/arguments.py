"""The group of commands, and the arguments that several of them have."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from include.cli.application import app
from include.console import output
from include.console_words import local, word

if TYPE_CHECKING:
    from include.sharing.requests import Request

requests_app = typer.Typer(
    no_args_is_help=True, help="Requests to the providers of registries: for data, or to mend a wrong row."
)
app.add_typer(requests_app, name="requests")

RequestId = Annotated[str, typer.Argument(help="Request: its id, e.g. `nso-population-citizen-1`.")]
By = Annotated[str, typer.Option(help="Steward or owner in office who answers: `username` in the contract's team.")]
Reason = Annotated[str, typer.Option(help="Why; it goes to who asked.")]


def day(text: str, option: str) -> date:
    """A day of an option. Raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"`{text}` is no day: write {option} as 2026-12-31") from None


def plain(request: Request) -> dict[str, object]:
    """A request as plain values, without the key and the values of a dispute."""
    said = asdict(request)
    if request.dispute is not None:
        said["dispute"] = {name: getattr(request.dispute, name) for name in ("agreement", "product", "column")}
    return said


def show_state(request: Request, as_json: bool) -> None:
    """Print what became of a request."""
    from include.sharing.requests import STATES

    if as_json:
        output.print_json(json.dumps(plain(request), ensure_ascii=False, default=str))
        return
    state, due = word(STATES, request.state), f"{request.due_on:%d/%m/%Y}"
    said = local(f"hạn trả lời {due}", f"to be answered by {request.due_on}") if request.state == "open" else ""
    output.print(f"{request.request_id}: {state}{f'; {said}' if said else ''}")
