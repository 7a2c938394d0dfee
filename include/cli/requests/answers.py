"""Commands that ask for data in the name of an office, and answer in that of a steward or owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from include.cli.application import AsJson
from include.cli.requests.arguments import By, Reason, RequestId, day, requests_app, show_state

if TYPE_CHECKING:
    from include.sharing.agreements import SharedColumn

MANY = "may be repeated"


@requests_app.command()
def ask(
    table: Annotated[str, typer.Argument(help="Published table: `registry.table`.")],
    recipient: Annotated[str, typer.Option(help="Id of the asking office, as agreements have it, e.g. `nso`.")],
    column: Annotated[list[str], typer.Option(help=f"A column that is asked for ({MANY}).")],
    purpose: Annotated[str, typer.Option(help="What the data is needed for.")],
    legal_basis: Annotated[list[str], typer.Option(help=f"A law or decree that the request rests on ({MANY}).")],
    until: Annotated[str, typer.Option(help="Last day, as 2026-12-31.")],
    since: Annotated[str | None, typer.Option("--from", help="First day [default: today].")] = None,
    rows: Annotated[str, typer.Option(help="Condition on rows, as in an agreement [default: all rows].")] = "",
    name: Annotated[str, typer.Option(help="Name of an office that has no agreement yet.")] = "",
    contact: Annotated[str, typer.Option(help="Mailbox of an office that has no agreement yet.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record a request for data that came by letter, for an office that does not use the portal.

    Example: `lienthong requests ask population.citizen --recipient nso --column full_name --purpose "Lập mẫu điều tra"
    --legal-basis "Luật Thống kê 89/2015/QH13" --until 2026-12-31`
    """
    from include.contracts.words import day_of
    from include.pipelines import PipelineContext
    from include.pipelines.requests import agreements_of, ask_for
    from include.sharing.requests import Ask

    context = PipelineContext.from_environment()
    known = next((one for one in agreements_of(context).values() if one.recipient == recipient), None)
    first = day(since, "--from") if since else day_of(context.now())
    said = Ask(
        name or (known.recipient_name if known else ""), contact or (known.recipient_contact if known else ""),
        tuple(column), rows, purpose, tuple(legal_basis), first, day(until, "--until"),
    )  # fmt: skip
    show_state(ask_for(context, recipient, table, said), as_json)


@requests_app.command()
def withdraw(
    request_id: RequestId,
    recipient: Annotated[str, typer.Option(help="Id of the office that asked.")],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Take a request back, in the name of the office that asked.

    Example: `lienthong requests withdraw nso-population-citizen-1 --recipient nso`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import withdraw as take_back

    show_state(take_back(PipelineContext.from_environment(), recipient, request_id, reason), as_json)


@requests_app.command()
def grant(
    request_id: RequestId,
    by: By,
    column: Annotated[
        list[str] | None,
        typer.Option(help=f"A column to give, `name` or `name:protection` ({MANY}) [default: all, as proposed]."),
    ] = None,
    rows: Annotated[str, typer.Option(help="Further condition on the rows that were asked for.")] = "",
    until: Annotated[str | None, typer.Option(help="Last day, at most the asked one [default: as asked].")] = None,
    contact: Annotated[str, typer.Option(help="Provider's mailbox [default: that of its agreements].")] = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Grant a request, or a part of it. The drafted agreement takes force when its file is in schemas/agreements.

    Example: `lienthong requests grant nso-population-citizen-1 --by c06 --column full_name --column birth_date:year`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import Choice, request_of
    from include.pipelines.requests import grant as give
    from include.sharing.requests import proposed

    context = PipelineContext.from_environment()
    columns = None
    if column:
        request = request_of(context, request_id)
        _, table = context.table(request.registry, request.table)
        suggested = {one.name: proposed(one) for one in table.columns}
        columns = tuple(_chosen(text, suggested) for text in column)
    choice = Choice(columns, rows, None if until is None else day(until, "--until"), contact, reason)
    show_state(give(context, request_id, by, choice), as_json)


def _chosen(text: str, suggested: Mapping[str, SharedColumn]) -> SharedColumn:
    """The column of `name` or `name:protection`. Raises BadParameter: there is no such protection."""
    from include.sharing.agreements import Protection
    from include.sharing.requests import shared_column

    name, colon, written = text.partition(":")
    if not colon:
        return suggested.get(name) or shared_column(name, "none")
    protections = get_args(Protection)
    for protection in protections:
        if protection == written:
            return shared_column(name, protection)
    raise typer.BadParameter(f"`{written}` is no protection: use one of {', '.join(protections)}")


@requests_app.command()
def refuse(
    request_id: RequestId,
    by: By,
    ground: Annotated[str, typer.Option(help="Code of the ground: see schemas/reference/refusal_grounds.csv.")],
    article: Annotated[str, typer.Option(help="The article that restricts sharing, by number and instrument.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Refuse to give data. A refusal is written and names its legal ground (Decree 194/2025/NĐ-CP, Article 16(2)).

    Example: `lienthong requests refuse nso-population-citizen-1 --by c06 --ground state_secret
    --article "Điều 7 Luật 29/2018/QH14" --reason "Thuộc danh mục bí mật nhà nước"`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import refuse as say_no
    from include.sharing.requests import Refusal

    context = PipelineContext.from_environment()
    show_state(say_no(context, request_id, by, Refusal(ground, article, reason)), as_json)


@requests_app.command()
def accept(request_id: RequestId, by: By, reason: Reason = "", as_json: AsJson = False) -> None:
    """Accept that a row is wrong. The dispute closes by itself when the row as it is shared has changed.

    Example: `lienthong requests accept nso-population-citizen-2 --by c06`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import accept as agree

    show_state(agree(PipelineContext.from_environment(), request_id, by, reason), as_json)


@requests_app.command()
def reject(request_id: RequestId, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Reject that a row is wrong, with a reason.

    Example: `lienthong requests reject nso-population-citizen-2 --by c06 --reason "Đúng theo giấy khai sinh"`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import reject as turn_down

    show_state(turn_down(PipelineContext.from_environment(), request_id, by, reason), as_json)
