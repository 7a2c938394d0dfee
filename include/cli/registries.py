"""Commands over registries: check, sync, contract, maintain."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from include.cli.application import (
    NOT_PUBLISHED,
    ApproveAs,
    AsJson,
    Note,
    Registry,
    Servers,
    Tables,
    app,
    approval_of,
    end,
)
from include.console import output, progress, show_problems
from include.contracts.words import of_environment

if TYPE_CHECKING:
    from include.pipelines.sync import Window


@app.command()
def check(
    what: Annotated[
        str | None,
        typer.Argument(help="Folder to check [default: $SCHEMAS_DIR or schemas]; with --source also one registry."),
    ] = None,
    source: Annotated[bool, typer.Option("--source", help="Look at the live sources too; no row is read.")] = False,
    as_json: AsJson = False,
) -> None:
    """Explain every mistake in the contracts and agreements, by file, line and remedy.

    With `--source` also what the live sources lack, what a sync would be refused for, and what it would reject.

    Example: `lienthong check`, `lienthong check my/schemas`, `lienthong check --source population`
    """
    from include.pipelines import PipelineContext, schemas_folder
    from include.pipelines.checks import check_schemas, check_sources

    if source:
        context = PipelineContext.from_environment()
        is_folder = what is not None and what not in context.registries and Path(what).is_dir()
        if is_folder:
            context = replace(context, schemas=Path(what or "").absolute())
        report = check_sources(context, None if is_folder else what)
    else:
        report = check_schemas(Path(what) if what else schemas_folder())
    if as_json:
        output.print_json(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        show_problems(report.problems)
        output.print(report.text(of_environment()))
    raise typer.Exit(NOT_PUBLISHED if report.has_errors else 0)


@app.command()
def sync(
    registry: Registry,
    table: Tables = None,
    server: Servers = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, even if nothing changed.")] = False,
    since: Annotated[datetime | None, typer.Option(help="Read what was written from then on again (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="... and before then [default: now].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last run that did not publish.")] = False,
    approve_as: ApproveAs = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Bring a registry into the lake: extract, assess, gate, publish.

    Only what is new is read where the contract states a cursor, unless all must be: `lienthong plan` says which.

    Example: `lienthong sync population` or `lienthong sync land --table parcel --json`; of a registry with several
    servers only one: `lienthong sync land --server land-38`; a day again:
    `lienthong sync land --since 2026-03-01 --until 2026-03-02`; a run that was held, with a steward's word:
    `lienthong sync land --resume --approve-as cuc-quan-ly-dat-dai --note "merged wards"`
    """
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.sync import resumable_run, sync_registry

    approval = None if approve_as is None else approval_of(approve_as, note)
    context = PipelineContext.from_environment()
    window = _window(since, until, context.now())
    if window and full:
        raise typer.BadParameter("--full reads everything, --since a part: give one of them")
    total = len(context.source_tables(registry, table or (), server or ()))
    with progress(total, quiet=as_json) as watch:
        run = sync_registry(
            registry,
            run_id=resumable_run(context, registry) if resume else new_run_id(context.now()),
            tables=table or (),
            servers=server or (),
            is_full=full,
            window=window,
            approval=approval,
            watch=watch,
            context=context,
        )
    end(run, as_json)


@app.command()
def plan(registry: Registry, as_json: AsJson = False) -> None:
    """Tell what a sync would do: how much it reads and why, what changes in the tables, and for which agreements.

    Reads no source and writes nothing. Exits 1 when a change is breaking.

    Example: after raising the version of a contract, `lienthong plan land`
    """
    from include.console import show_plan
    from include.pipelines import PipelineContext
    from include.pipelines.checks import plan_registry

    plans = plan_registry(PipelineContext.from_environment(), registry)
    if as_json:
        output.print_json(json.dumps([plan.to_dict() for plan in plans], ensure_ascii=False))
    else:
        show_plan(registry, [plan.to_dict() for plan in plans])
    raise typer.Exit(NOT_PUBLISHED if any(plan.is_breaking for plan in plans) else 0)


def _window(since: datetime | None, until: datetime | None, now: datetime) -> Window | None:
    if since is None:
        if until is not None:
            raise typer.BadParameter("--until needs --since")
        return None
    from include.pipelines.sync import Window

    end_of = until.replace(tzinfo=UTC) if until else now
    if since.replace(tzinfo=UTC) >= end_of:
        raise typer.BadParameter("--since must come before --until")
    return Window(since.replace(tzinfo=UTC), end_of)


@app.command()
def contract(registry: Registry) -> None:
    """Print the contract of a registry's published tables, for tools that know ODCS and not us.

    Example: `lienthong contract land > land.odcs.yaml; datacontract test --server lake land.odcs.yaml`
    """
    from include.contracts.reading import published_yaml
    from include.pipelines import PipelineContext
    from include.vietnam import expand_macros

    context = PipelineContext.from_environment()
    typer.echo(published_yaml(context.contract(registry).path, context.lake.uri, plain=expand_macros), nl=False)


@app.command()
def maintain(as_json: AsJson = False) -> None:
    """Compact and vacuum the lake's tables and let expired landing go, by each contract's retention.

    Example: `lienthong maintain`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.upkeep import maintain_lake

    done = maintain_lake(PipelineContext.from_environment(), at=datetime.now(UTC))
    if as_json:
        output.print_json(json.dumps(done.to_dict(), ensure_ascii=False, default=str))
    else:
        output.print(done.summary)
