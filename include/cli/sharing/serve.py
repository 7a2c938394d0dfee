"""Commands of data sharing by the open protocol: serve, and the tokens of recipients."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from include.cli.application import AsJson, app
from include.console import errors, output
from include.console_words import day, local, number

if TYPE_CHECKING:
    from include.pipelines.serving import Issued
    from include.sharing.recipients import Token, Tokens

recipient = typer.Typer(
    help="Tokens of recipients for Delta Sharing: made, renewed, ended and listed.", no_args_is_help=True
)
app.add_typer(recipient, name="recipient")

Recipient = Annotated[str, typer.Argument(help="Recipient: the id in its agreements, e.g. `nso`.")]
Days = Annotated[int, typer.Option(help="Days for which the token is valid, at most 365.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Write the profile file or token here, readable by you alone [default: standard output]."),
]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8765,
    store_log_port: Annotated[
        int | None,
        typer.Option(help="Also take the access log of a SeaweedFS store on this port; for the store alone."),
    ] = None,
) -> None:
    """Serve the shared tables to their recipients by the open Delta Sharing protocol, until it is told to end.

    LIENTHONG_SHARING_URL is the address at which recipients reach it, if that is not where it listens. Every request is
    a row of `audit/reads`.

    Example: `LIENTHONG_SHARING_URL=https://sharing.example.gov.vn lienthong serve`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import serve as run

    def started(endpoint: str) -> None:
        said = local(f"Bên nhận truy cập tại {endpoint}", f"Recipients reach the shared tables at {endpoint}")
        errors.print(said)

    context = PipelineContext.from_environment()
    run(context, host=host, port=port, store_log_port=store_log_port, started=started)


@app.command()
def reads(
    table: Annotated[str, typer.Argument(help="Published table: `registry.table`.")],
    month: Annotated[str | None, typer.Option(help="Month, as 2026-11 [default: the last 30 days].")] = None,
    personal: Annotated[bool, typer.Option("--personal", help="Only reads of columns with personal data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which recipients read a table by Delta Sharing or at the store, under which agreement, and which columns.

    From `audit/reads`, into which the server brings its records twice a minute and when it ends.

    Example: `lienthong reads population.citizen --month 2026-11 --personal`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.reporting import reads_of_table

    found = reads_of_table(PipelineContext.from_environment(), table, month=month, personal=personal)
    if as_json:
        output.print_json(json.dumps([asdict(one) for one in found], ensure_ascii=False, default=str))
        return
    if not found:
        output.print(
            local(
                "Chưa ghi nhận lượt đọc nào; lượt đọc trong nửa phút gần nhất có thể chưa được ghi.",
                "No read is recorded; those of the last half minute may still be on their way.",
            )
        )
        return
    shown = Table(
        local("bên nhận", "recipient"), local("thỏa thuận", "agreement"), local("mục đích", "purpose"),
        local("lượt đọc", "reads"), local("bị từ chối", "refused"), local("lần cuối", "last"), local("cột", "columns"),
    )  # fmt: skip
    for one in found:
        last = f"{one.last_at:%Y-%m-%d %H:%M} UTC"
        counts = number(one.reads), number(one.refused)
        shown.add_row(one.recipient, one.agreement, one.purpose, *counts, last, ", ".join(one.columns))
    output.print(shown)


@recipient.command()
def token(recipient: Recipient, days: Days = 90, out: Out = None) -> None:
    """Make a token and print the profile file that holds it. It is shown this once, and kept nowhere.

    Example: `lienthong recipient token nso --out nso.share`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import issue_token

    hand_over(issue_token(PipelineContext.from_environment(), recipient, days=days), out)


@recipient.command()
def rotate(
    recipient: Recipient,
    days: Days = 90,
    overlap_hours: Annotated[int, typer.Option(min=0, help="Hours for which the former tokens stay valid.")] = 24,
    out: Out = None,
) -> None:
    """Make a new token; the former ones end after the overlap, so that nobody is locked out meanwhile.

    Example: `lienthong recipient rotate nso --out nso.share`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import rotate_token

    overlap = timedelta(hours=overlap_hours)
    hand_over(rotate_token(PipelineContext.from_environment(), recipient, days=days, overlap=overlap), out)


@recipient.command()
def revoke(
    recipient: Recipient,
    token_id: Annotated[str | None, typer.Option("--token", help="Only this token, by its id [default: all].")] = None,
) -> None:
    """End the tokens of a recipient, at once.

    Example: `lienthong recipient revoke nso`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import revoke_tokens

    show_revoked(revoke_tokens(PipelineContext.from_environment(), recipient, token_id))


@recipient.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens that were ever made: whose, from when until when, and whether they open anything now.

    Example: `lienthong recipient list`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import all_tokens

    context = PipelineContext.from_environment()
    heading = local("bên nhận", "recipient")
    show_tokens(all_tokens(context.lake), "recipient", heading, context.now(), as_json)


def show_tokens(tokens: Tokens, kind: str, heading: str, at: datetime, as_json: bool) -> None:
    """Print the tokens that were ever made for holders of one kind, as they stand at an instant."""
    rows = [
        {
            kind: token.holder,
            "token_id": token.token_id,
            "issued_at": token.issued_at.isoformat(timespec="seconds"),
            "ends_at": token.ends_at.isoformat(timespec="seconds"),
            "state": "revoked" if token.is_revoked else "valid" if token.is_valid(at) else "ended",
        }
        for token in sorted(tokens.by_digest.values(), key=lambda token: (token.holder, token.issued_at))
    ]
    if as_json:
        output.print_json(json.dumps(rows, ensure_ascii=False))
        return
    states = {
        "revoked": local("đã thu hồi", "revoked"),
        "valid": local("còn hiệu lực", "valid"),
        "ended": local("hết hạn", "ended"),
    }
    headings = (
        heading,
        local("mã khóa", "token"),
        local("cấp lúc", "issued"),
        local("hết hạn lúc", "ends"),
        local("tình trạng", "state"),
    )
    table = Table(*headings)
    for row in rows:
        table.add_row(*list(row.values())[:4], states[row["state"]])
    output.print(table)


def show_revoked(ended: Sequence[Token]) -> None:
    """Print which tokens were ended."""
    names = ", ".join(token.token_id for token in ended)
    output.print(local(f"Đã thu hồi: {names}", f"Revoked: {names}"))


def hand_over(issued: Issued, out: Path | None) -> None:
    """Give out a profile file, or an official's token: to a new file that only its owner reads, or standard output."""
    secret = issued.profile or f"{issued.text}\n"
    if out is None:
        typer.echo(secret, nl=False)
    else:
        try:
            with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secret)
        except FileExistsError:
            raise typer.BadParameter(f"{out} exists") from None
    ends, token_id = day(issued.token.ends_at), issued.token.token_id
    said = local(f"Mã khóa {token_id}, hết hạn {ends}.", f"Token {token_id}, valid until {ends}.")
    errors.print(said)
