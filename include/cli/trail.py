"""Commands for recipients and auditors: share, report, verify, checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from include.cli.app import NOT_PUBLISHED, AsJson, app
from include.console import errors, output, show_sharing


@app.command()
def share(
    agreement: Annotated[str | None, typer.Argument(help="Agreement: the name of its file [default: all].")] = None,
    as_json: AsJson = False,
) -> None:
    """Carry out agreements: publish to each recipient what is agreed, empty what is no longer in force.

    Pseudonyms need LIENTHONG_PSEUDONYM_KEY (32 bytes or more, base64 or hex).

    Example: `lienthong share` or `lienthong share land_for_tax`
    """
    from include.pipelines.share import share_step
    from include.pipelines.workplace import Workplace, new_run_id

    place = Workplace.from_environment()
    done = share_step(agreement, new_run_id(place.now()), workplace=place)
    if as_json:
        output.print_json(json.dumps(done, ensure_ascii=False, default=str))
    else:
        show_sharing(done)
    raise typer.Exit(NOT_PUBLISHED if done["verdict"] == "failed" else 0)


@app.command()
def report(
    out: Annotated[Path | None, typer.Option(help="Folder for the files [default: var/reports].")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the auditors' report: pages in Vietnamese and English, the figures as CSV and Excel.

    Example: `lienthong report --out /srv/reports`
    """
    from include.pipelines.report import report_step

    made = report_step(folder=out)
    if as_json:
        output.print_json(json.dumps(made, ensure_ascii=False))
        return
    index = "not measured yet: sync a registry first" if made["index"] is None else f"{made['index']} of 100"
    output.print(f"{made['published_tables']} of {made['tables']} tables published; quality index {index}.")
    for path in made["paths"]:
        output.print(path, markup=False)


@app.command()
def verify(
    copy: Annotated[Path | None, typer.Option(help="Check this copy of audit/ instead of the lake.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="PEM file; checkpoints must be signed by it.")] = None,
    checkpoints: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A checkpoint kept elsewhere (may be repeated).")
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Also compare every data file with its digest: slow.")] = False,
    as_json: AsJson = False,
) -> None:
    """Walk the ledger and the tables' logs, and name the first record that was altered, dropped or inserted.

    Example: `lienthong verify` or, with nothing but a copy, `lienthong verify --copy audit --public-key key.pem`
    """
    from include.pipelines.trail import verify_folder, verify_lake
    from include.pipelines.workplace import Workplace

    if copy:
        found = verify_folder(copy, key_file=public_key, kept=checkpoints or ())
    else:
        found = verify_lake(Workplace.from_environment(), key_file=public_key, kept=checkpoints or (), with_files=files)
    if as_json:
        output.print_json(json.dumps(found.to_dict(), ensure_ascii=False, default=str))
    elif found.ok:
        signed = (
            f"entries up to {found.vouched_until} are signed for" if found.vouched_until else "nothing is signed for"
        )
        output.print(f"The trail is whole: {found.records} records, {found.commits} commits of tables; {signed}.")
    else:
        for discrepancy in found.discrepancies:
            place = f"record {discrepancy.sequence}" if discrepancy.sequence is not None else "no record"
            errors.print(f"{place}, {discrepancy.subject}: {discrepancy.why}", style="red", markup=False)
        errors.print(f"The first that is wrong: {found.first_bad}. {found.why}", style="bold red", markup=False)
    raise typer.Exit(0 if found.ok else NOT_PUBLISHED)


@app.command()
def checkpoint(as_json: AsJson = False) -> None:
    """Write down where the ledger stands, signed with the Ed25519 key in LIENTHONG_SIGNING_KEY.

    Keep copies where nobody who can write the lake can change them: they are what a cut-off ledger is found by.

    Example: `LIENTHONG_SIGNING_KEY=signing.pem lienthong checkpoint`
    """
    from dataclasses import asdict

    from include.pipelines.trail import sign_checkpoint
    from include.pipelines.workplace import Workplace

    made = sign_checkpoint(Workplace.from_environment())
    if as_json:
        output.print_json(json.dumps(asdict(made) if made else None, default=str))
    else:
        output.print(f"Checkpoint at record {made.sequence}." if made else "The ledger is empty: nothing to sign.")
