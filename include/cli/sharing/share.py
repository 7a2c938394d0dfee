"""Commands that carry out agreements and tell recipients what will change: share, release-notes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from include.cli.application import NOT_PUBLISHED, AsJson, app
from include.console import output, show_sharing
from include.console_words import local


@app.command()
def share(
    agreement: Annotated[str | None, typer.Argument(help="Agreement: the name of its file [default: all].")] = None,
    as_json: AsJson = False,
) -> None:
    """Carry out agreements: publish to each recipient what is agreed, empty what is no longer in force.

    Pseudonyms need LIENTHONG_PSEUDONYM_KEY (32 bytes or more, base64 or hex).

    Example: `lienthong share` or `lienthong share land_for_tax`
    """
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.sharing import share_step

    context = PipelineContext.from_environment()
    done = share_step(agreement, new_run_id(context.now()), context=context)
    if as_json:
        output.print_json(json.dumps(done.to_dict(), ensure_ascii=False, default=str))
    else:
        show_sharing(done.to_dict())
    raise typer.Exit(NOT_PUBLISHED if done.verdict == "failed" else 0)


@app.command("release-notes")
def release_notes(
    first_day: Annotated[str, typer.Option("--from", help="First day of the changes, e.g. 2027-01-15.")],
    out: Annotated[Path | None, typer.Option(help="Folder for copies, one folder a recipient.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell each recipient what it will read otherwise once the present contracts and agreements are carried out.

    They are compared with the shared tables; nothing is shared. SCHEMAS_DIR names the folder of those under review. The
    notes are kept in the lake, and recipients find them in the portal. Notes for a day to come that are
    not written again, for another day or because nothing changes any more, are taken back.

    Example: `SCHEMAS_DIR=review/schemas lienthong release-notes --from 2027-01-15 --out notes`
    """
    from dataclasses import asdict
    from datetime import date

    from include.pipelines import PipelineContext
    from include.pipelines.sharing import write_release_notes

    try:
        day = date.fromisoformat(first_day)
    except ValueError:
        raise typer.BadParameter("--from is no day: write it as 2027-01-15") from None
    notes = write_release_notes(PipelineContext.from_environment(), day, out=out)
    if as_json:
        output.print_json(json.dumps([asdict(note) for note in notes], ensure_ascii=False, default=str))
        return
    for note in notes:
        output.print(f"{note.recipient}: {', '.join(note.products)}: {note.path}")
    if not notes:
        output.print(local("Không bên nhận nào bị ảnh hưởng.", "Nothing changes for any recipient."))
