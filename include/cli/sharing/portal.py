"""Commands of the portal: run it, and the tokens by which officials sign in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from include.cli.application import AsJson, app
from include.cli.sharing.serve import Days, Out, hand_over, show_revoked, show_tokens
from include.console import errors, output
from include.console_words import local, number

official = typer.Typer(
    help="Tokens of officials for the portal: made, renewed, ended and listed.", no_args_is_help=True
)
app.add_typer(official, name="official")

Username = Annotated[str, typer.Argument(help="Official: a `username` under `team.members` of a contract.")]


@official.command()
def token(username: Username, days: Days = 90, out: Out = None) -> None:
    """Make a token with which an official signs in to the portal. It is shown this once, and kept nowhere.

    Example: `lienthong official token c06 --out c06.token`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import issue_token

    hand_over(issue_token(PipelineContext.from_environment(), username, days=days, kind="officials"), out)


@official.command()
def rotate(
    username: Username,
    days: Days = 90,
    overlap_hours: Annotated[int, typer.Option(min=0, help="Hours for which the former tokens stay valid.")] = 24,
    out: Out = None,
) -> None:
    """Make a new token; the former ones end after the overlap.

    Example: `lienthong official rotate c06 --out c06.token`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import rotate_token

    context, overlap = PipelineContext.from_environment(), timedelta(hours=overlap_hours)
    hand_over(rotate_token(context, username, days=days, overlap=overlap, kind="officials"), out)


@official.command()
def revoke(
    username: Username,
    token_id: Annotated[str | None, typer.Option("--token", help="Only this token, by its id [default: all].")] = None,
) -> None:
    """End the tokens of an official, and the sessions that began with them, at once.

    Example: `lienthong official revoke c06`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import revoke_tokens

    show_revoked(revoke_tokens(PipelineContext.from_environment(), username, token_id, kind="officials"))


@official.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens of officials that were ever made.

    Example: `lienthong official list`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.serving import all_tokens

    context = PipelineContext.from_environment()
    heading = local("cán bộ", "official")
    show_tokens(all_tokens(context.lake, "officials"), "official", heading, context.now(), as_json)


@app.command()
def portal(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8770,
) -> None:
    """Serve the portal, until it is told to end: the catalogue for everybody, requests for those who sign in.

    LIENTHONG_PORTAL_URL is the address at which people reach it, if that is not where it listens.

    Example: `LIENTHONG_PORTAL_URL=https://data.example.gov.vn lienthong portal`
    """
    from include.pipelines import PipelineContext
    from include.portal import serve

    def started(url: str) -> None:
        errors.print(local(f"Cổng dữ liệu: {url}", f"The portal: {url}"))

    serve(PipelineContext.from_environment(), host=host, port=port, started=started)


@app.command()
def catalogue(
    out: Annotated[Path, typer.Option(help="File to write, e.g. catalogue.jsonld.")],
) -> None:
    """Write the catalogue of all published tables for harvesters: DCAT-AP 3.0 as JSON-LD.

    The portal serves the same at /catalogue.jsonld. LIENTHONG_PORTAL_URL, the portal's address, is part of every name.

    Example: `LIENTHONG_PORTAL_URL=https://data.example.gov.vn lienthong catalogue --out catalogue.jsonld`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.catalogue import write_catalogue

    tables = write_catalogue(PipelineContext.from_environment(), out)
    said = local(f"Đã ghi {number(tables)} bảng vào {out}", f"Wrote {number(tables)} tables to {out}")
    output.print(said)
