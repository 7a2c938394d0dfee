"""The same steps by hand: `lienthong --help`.

Exit status: 0 published (rejected rows within tolerance included) or nothing to do, 1 the gate held a table back or a
run failed, 2 misuse.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from include.console import errors, output, progress, show_problems, show_run, show_sharing

app = typer.Typer(
    name="lienthong",
    help="Liên Thông: connects a country's registers into one data lake. Connected, no duplicates, safe.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
rejected_app = typer.Typer(no_args_is_help=True, help="The rows that were not accepted, with their reasons.")
app.add_typer(rejected_app, name="rejected")

Registry = Annotated[str, typer.Argument(help="Registry: the name of its contract file, e.g. `population`.")]
Tables = Annotated[list[str] | None, typer.Option("--table", "-t", help="Only this table (may be repeated).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
ApproveAs = Annotated[str | None, typer.Option(help="Publish beyond tolerance, in this steward's name.")]
Note = Annotated[str, typer.Option(help="Why it is published beyond tolerance; kept in the audit trail.")]

MISUSE, NOT_PUBLISHED = 2, 1


def main() -> None:
    """Run the command line; every failure ends with a message and an exit status, never with a traceback."""
    from include.contracts.problems import ContractError
    from include.pipelines.errors import KNOWN_ERRORS, Misuse, no_values_escape

    try:
        with no_values_escape("running the command"):
            app()
    except ContractError as error:
        show_problems(error.problems)
        sys.exit(NOT_PUBLISHED)
    except KNOWN_ERRORS as error:
        errors.print(f"{type(error).__name__}: {error}", style="red", markup=False)
        sys.exit(MISUSE if isinstance(error, Misuse) else NOT_PUBLISHED)


@app.command()
def check(
    schemas: Annotated[Path | None, typer.Argument(help="Folder to check [default: $SCHEMAS_DIR or schemas].")] = None,
    as_json: AsJson = False,
) -> None:
    """Explain every mistake in the contracts and agreements, by file, line and remedy.

    Example: `lienthong check` or `lienthong check my/schemas`
    """
    from include.pipelines.check import check_schemas
    from include.pipelines.workplace import schemas_folder

    report = check_schemas(schemas or schemas_folder())
    if as_json:
        output.print_json(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        show_problems(report.problems)
        output.print(report.summary, markup=False)
    raise typer.Exit(NOT_PUBLISHED if report.has_errors else 0)


@app.command()
def sync(
    registry: Registry,
    table: Tables = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, even if nothing changed.")] = False,
    approve_as: ApproveAs = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Bring a registry into the lake: extract, assess, gate, publish.

    Example: `lienthong sync population` or `lienthong sync land --table parcel --json`
    """
    from include.pipelines.sync import Approval, sync_registry
    from include.pipelines.workplace import Workplace, new_run_id

    place = Workplace.from_environment()
    total = len(table or place.contract(registry).tables)
    with progress(total, quiet=as_json) as watch:
        run = sync_registry(
            registry,
            run_id=new_run_id(place.now()),
            tables=table or (),
            is_full=full,
            approval=Approval(approve_as, note) if approve_as else None,
            watch=watch,
            workplace=place,
        )
    _end(run, as_json)


@app.command()
def contract(registry: Registry) -> None:
    """Print the contract of a registry's published tables, for tools that know ODCS and not us.

    Example: `lienthong contract land > land.odcs.yaml; datacontract test --server lake land.odcs.yaml`
    """
    from include.contracts.published import published_yaml
    from include.pipelines.workplace import Workplace

    place = Workplace.from_environment()
    typer.echo(published_yaml(place.contract(registry).path, place.lake.uri), nl=False)


@rejected_app.command("list")
def rejected_list(registry: Registry, table: Tables = None, as_json: AsJson = False) -> None:
    """Count the rejected rows of the published state by rule.

    Example: `lienthong rejected list population`
    """
    from rich.table import Table as Grid

    from include.pipelines.rejected import list_rejected
    from include.pipelines.workplace import Workplace

    found = list_rejected(Workplace.from_environment(), registry, table or ())
    if as_json:
        output.print_json(json.dumps(found, ensure_ascii=False))
        return
    grid = Grid(title=f"{registry}: rejected rows by reason", header_style="bold")
    for name in ("table", "rule", "rows", "since", "what is wrong"):
        grid.add_column(name, justify="right" if name == "rows" else "left", overflow="fold")
    for entry in found:
        grid.add_row(
            entry["table"], entry["rule_id"], f"{entry['rows']:,}", entry["since"][:10], entry["message"] or ""
        )
    output.print(grid if found else f"{registry}: no rejected rows in the published state.")


@rejected_app.command("show")
def rejected_show(
    registry: Registry,
    table: Annotated[str, typer.Argument(help="Table of the registry.")],
    rule: Annotated[str | None, typer.Option(help="Only rows rejected by this rule id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many rows.")] = 20,
    values: Annotated[bool, typer.Option("--values", help="Also the row as received: personal data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show rejected rows: where each stands in the extract and every reason.

    Example: `lienthong rejected show population citizen --limit 5`
    """
    from include.pipelines.rejected import show_rejected
    from include.pipelines.workplace import Workplace

    rows = show_rejected(Workplace.from_environment(), registry, table, rule_id=rule, limit=limit, with_values=values)
    if as_json:
        output.print_json(json.dumps(rows, ensure_ascii=False, default=str))
        return
    for row in rows:
        output.print(f"row {row['_row']} ({row['_status']})", style="bold")
        for reason in row["_reasons"] or []:
            output.print(f"  {reason['rule_id']}: {reason['message']}", markup=False)
        if values:
            received = {k: v for k, v in row.items() if not k.startswith("_")}
            output.print("  as received:", json.dumps(received, ensure_ascii=False, default=str), markup=False)
    if not rows:
        output.print("no such rows in the published state.")


@rejected_app.command("replay")
def rejected_replay(
    registry: Registry, table: Tables = None, approve_as: ApproveAs = None, note: Note = "", as_json: AsJson = False
) -> None:
    """Judge the last extract again under the contract as it is now, without reading the source.

    Example: after mending a rule in the contract, `lienthong rejected replay land --table parcel`
    """
    from include.pipelines.rejected import replay
    from include.pipelines.sync import Approval
    from include.pipelines.workplace import Workplace, new_run_id

    place = Workplace.from_environment()
    approval = Approval(approve_as, note) if approve_as else None
    _end(replay(place, registry, tables=table or (), run_id=new_run_id(place.now()), approval=approval), as_json)


@app.command()
def share(
    agreement: Annotated[str | None, typer.Argument(help="Agreement: the name of its file [default: all].")] = None,
    as_json: AsJson = False,
) -> None:
    """Carry out agreements: publish to each recipient what is agreed, empty what is no longer in force.

    Pseudonyms need LIENTHONG_PSEUDONYM_KEY (32 bytes or more, base64 or hex).

    Example: `lienthong share` or `lienthong share moha-contribution`
    """
    from include.pipelines.share import share_step
    from include.pipelines.workplace import Workplace, new_run_id

    place = Workplace.from_environment()
    done = share_step(agreement, new_run_id(place.now()), workplace=place)
    if as_json:
        output.print_json(json.dumps(done, ensure_ascii=False, default=str))
    else:
        show_sharing(done)


@app.command()
def verify(
    copy: Annotated[Path | None, typer.Option(help="Check this copy of audit/ instead of the lake.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="PEM file; checkpoints must be signed by it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the ledger and the tables' logs, and name the first record that was altered, dropped or inserted.

    Example: `lienthong verify` or, with nothing but a copy, `lienthong verify --copy audit --public-key key.pem`
    """
    from include.pipelines.trail import verify_folder, verify_lake
    from include.pipelines.workplace import Workplace

    if copy:
        found = verify_folder(copy, key_file=public_key)
    else:
        found = verify_lake(Workplace.from_environment(), key_file=public_key)
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


@app.command()
def maintain(as_json: AsJson = False) -> None:
    """Compact and vacuum the lake's tables and let expired landing go, by each contract's retention.

    Example: `lienthong maintain`
    """
    from include.pipelines.maintain import maintain_lake
    from include.pipelines.workplace import Workplace

    done = maintain_lake(Workplace.from_environment(), at=datetime.now(UTC))
    if as_json:
        output.print_json(json.dumps(done, ensure_ascii=False, default=str))
    else:
        output.print(done["summary"], markup=False)


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


def _end(run: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.print_json(json.dumps(run, ensure_ascii=False, default=str))
    else:
        show_run(run)
    raise typer.Exit(NOT_PUBLISHED if run["verdict"] in ("held", "failed") else 0)


@app.command()
def simulate(
    persons: Annotated[int, typer.Option(min=100, help="How many persons the country has.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Same seed, same country, byte for byte.")] = 2025,
) -> None:
    """Build a small simulated country with known truth and known dirt, and load it into the source systems.

    Example: `lienthong simulate --persons 10000 --seed 7`
    """
    from include.embedded.country import simulate_country

    raise typer.Exit(simulate_country(persons=persons, seed=seed))


@app.command()
def demo(
    persons: Annotated[int, typer.Option(min=100, help="How many persons the simulated country has.")] = 2_000,
) -> None:
    """Walk the whole way once: a simulated country, Airflow, four registries to the lake. Under five minutes.

    Example: `lienthong demo --persons 5000`
    """
    from include.embedded.demo import run

    raise typer.Exit(run(persons=persons))


@app.command()
def up() -> None:
    """Start the embedded servers and Airflow with its UI, and leave them running."""
    from include.embedded.stack import up as start

    raise typer.Exit(start())


@app.command()
def down() -> None:
    """Stop what `up` or `demo` started."""
    from include.embedded.stack import down as stop

    raise typer.Exit(stop())


if __name__ == "__main__":
    main()
