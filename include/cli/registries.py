"""Commands over registries: check, sync, contract, maintain."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from include.cli.app import NOT_PUBLISHED, ApproveAs, AsJson, Note, Registry, Tables, app, end
from include.console import output, progress, show_problems


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
    end(run, as_json)


@app.command()
def contract(registry: Registry) -> None:
    """Print the contract of a registry's published tables, for tools that know ODCS and not us.

    Example: `lienthong contract land > land.odcs.yaml; datacontract test --server lake land.odcs.yaml`
    """
    from include.contracts.published import published_yaml
    from include.pipelines.workplace import Workplace

    place = Workplace.from_environment()
    typer.echo(published_yaml(place.contract(registry).path, place.lake.uri), nl=False)


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
