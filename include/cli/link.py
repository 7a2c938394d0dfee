"""Commands over persons: link, and under it train, threshold, queue, decide, undo, explain, resolve."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table as Grid

from include.cli.application import NOT_PUBLISHED, AsJson, Purpose, app, approval_of, look
from include.console import output
from include.console_words import DECISIONS, local, moment, number, word

link_app = typer.Typer(help="One person, one id: find the same person across registries.")
app.add_typer(link_app, name="link")


@link_app.callback(invoke_without_command=True)
def link(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Compare every pair again, even of unchanged records.")] = False,
    approve_as: Annotated[str | None, typer.Option(help="Commit beyond tolerance, in this steward's name.")] = None,
    note: Annotated[str, typer.Option(help="Why; needed with --approve-as, and kept with it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Link the persons of all published tables that have link roles, and give every record its person's id.

    Example: `lienthong link`, or after looking at what the gate says `lienthong link --approve-as NAME --note REASON`
    """
    if context.invoked_subcommand:
        return
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.people import link_persons

    if approve_as is not None:
        approval_of(approve_as, note)
    pipeline_context = PipelineContext.from_environment()
    done = link_persons(
        new_run_id(pipeline_context.now()),
        is_full=full,
        approved_by=approve_as,
        approval_note=note,
        context=pipeline_context,
    )
    if as_json:
        _print(done.to_dict())
    else:
        from include.cli.explained import show_linking

        show_linking(done)
    raise typer.Exit(NOT_PUBLISHED if done.verdict == "held" else 0)


@link_app.command()
def train(
    seed: Annotated[int, typer.Option(help="Of the sample; the same seed and records, the same model.")] = 2025,
    out: Annotated[Path | None, typer.Option(help="File to write [default: $SCHEMAS_DIR/models/person.json].")] = None,
    as_json: AsJson = False,
) -> None:
    """Train the linkage model on the published tables. Linking itself never trains.

    Example: `lienthong link train --seed 7 --out /tmp/person.json`
    """
    from include.pipelines.people import train_step

    made = train_step(seed=seed, out=out)
    if as_json:
        _print(made.to_dict())
        return
    output.print(f"Model {made.version} of {made.training['sampled']:,} records: {made.path}")


@link_app.command()
def threshold(
    precision: Annotated[float, typer.Option(help="Share of the model's links that shall be right, such as 0.99.")],
    as_json: AsJson = False,
) -> None:
    """Choose from which probability on the model links two records, by the precision wanted of its links.

    The report shows what each precision costs. The next run of linking follows the choice.

    Example: `lienthong link threshold --precision 0.99`, then `lienthong link`
    """
    from include.pipelines.people import threshold_step

    made = threshold_step(precision)
    if as_json:
        _print(asdict(made))
        return
    before, now = number(made.link_at_before, 6), number(made.link_at, 6)
    links, reviews = number(made.links), number(made.reviews)
    output.print(
        local(
            f"Từ xác suất {now} (trước: {before}): {links} cặp là một người, {reviews} cặp cần xem xét. "
            f"Đã ghi vào {made.path}.",
            f"From probability {now} on (before: {before}): {links} pairs linked, {reviews} left to people. "
            f"Written to {made.path}.",
        ),
    )


@link_app.command()
def queue(
    limit: Annotated[int, typer.Option(min=1, help="At most this many pairs.")] = 20, as_json: AsJson = False
) -> None:
    """List the pairs that wait for a person, the likeliest first; no value and no key of a record.

    Example: `lienthong link queue --limit 5`, then `lienthong link explain PAIR`
    """
    from include.pipelines.people import queue_step

    found = queue_step(limit=limit)
    if as_json:
        _print(found.to_dict())
        return
    if not found.pairs:
        output.print(local("Không có cặp nào chờ.", "No pair waits."))
        return
    total = number(found.total)
    grid = Grid(title=local(f"{total} cặp đang chờ", f"{total} pairs wait"), header_style="bold", box=box.SIMPLE)
    grid.add_column(local("cặp", "pair"), no_wrap=True)
    grid.add_column(local("bản ghi", "records"), overflow="fold")
    grid.add_column(local("tìm thấy bởi", "found by"), overflow="fold")
    grid.add_column(local("trọng số", "weight"), justify="right")
    grid.add_column(local("xác suất", "proba-\nbility"), justify="right")
    grid.add_column(local("hai người duyệt", "four eyes"), overflow="fold")
    for shown in found.pairs:
        pair = shown.pair
        needed = local("cần", "needed") if pair.needs_second else ""
        eyes = local(f"{pair.first_by}: một người", f"{pair.first_by} says same") if pair.first_by else needed
        grid.add_row(
            pair.pair_id, f"{'.'.join(shown.left)}\n{'.'.join(shown.right)}", pair.found_by, number(pair.weight, 1),
            number(pair.probability, 3), eyes,
        )  # fmt: skip
    output.print(grid)


@link_app.command()
def decide(
    pair: Annotated[str, typer.Argument(help="A pair's name from the queue, or a record's id with --and.")],
    decision: Annotated[str, typer.Argument(help="same, different or cannot_tell.")],
    by: Annotated[str, typer.Option(help="Who decides.")],
    other: Annotated[str | None, typer.Option("--and", help="The other record's id, for two that do not wait.")] = None,
    note: Annotated[str, typer.Option(help="Why; needed, and kept with the decision.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say whether two records are one person; the next run of linking follows it.

    Example: `lienthong link decide 5f0c2a9e41b7d836 same --by c06 --note "same parents"`
    """
    from include.pipelines.people import decide_step

    review = decide_step(pair, decision, by=by, note=note, other=other)
    if as_json:
        _print(asdict(review))
    elif review.is_complete:
        kept = word(DECISIONS, review.decision)
        output.print(
            local(
                f"Đã lưu: {kept}. Lần `lienthong link` sau sẽ theo quyết định này.",
                f"Kept: {kept}. The next `lienthong link` follows it.",
            ),
        )
    else:
        output.print(
            local(
                "Đã lưu, còn chờ: cả hai mã đã có hơn 30 ngày nên cần người thứ hai cũng xác nhận là một người "
                f"(`lienthong link decide {review.pair_id} same`).",
                "Kept, and waiting: both ids are older than 30 days, so a second person must say same too "
                f"(`lienthong link decide {review.pair_id} same`).",
            ),
        )


@link_app.command()
def undo(
    pair: Annotated[str | None, typer.Argument(help="A pair's name; without one, list what can be taken back.")] = None,
    by: Annotated[str, typer.Option(help="Who takes the decision back.")] = "",
    note: Annotated[str, typer.Option(help="Why; needed, and kept with the decision.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take the newest decision on a pair back, as long as no run of linking has followed it; both stay on record.

    Example: `lienthong link undo`, then `lienthong link undo 5f0c2a9e41b7d836 --by c06 --note "wrong pair"`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.people import not_followed_step, withdraw_step

    pipeline_context = PipelineContext.from_environment()
    if pair is not None:
        taken = withdraw_step(pair, by=by, note=note, context=pipeline_context)
        if as_json:
            _print(asdict(taken))
        else:
            output.print(
                local(
                    f"Đã rút quyết định về {pair}. Tình trạng trước đó được khôi phục.",
                    f"Taken back: the decision on {pair}. What held before it holds again.",
                ),
            )
        return
    kept = not_followed_step(context=pipeline_context)
    if as_json:
        # Without the keys of the records, which are personal.
        said = [{n: v for n, v in asdict(one).items() if n not in ("left_id", "right_id")} for one in kept]
        _print({"decisions": [{"pair_id": one.pair_id, **plain} for one, plain in zip(kept, said, strict=True)]})
        return
    for one in kept:
        when = f"{moment(one.at)} UTC"
        output.print(f"{one.pair_id}  {word(DECISIONS, one.decision)}  {one.by}, {when}: {one.note}")
    if not kept:
        output.print(
            local(
                "Không có quyết định nào rút được: chưa có, hoặc một lần đối khớp đã công bố hay chờ duyệt đã theo.",
                "No decision can be taken back: there is none, or a run of linking that was published or waits at its "
                "gate has followed it.",
            )
        )


@link_app.command()
def explain(
    asked: Annotated[str, typer.Argument(help="A person's id, a pair's name, or a record's id.")],
    other: Annotated[str | None, typer.Argument(help="Another person or record: why together, or why not.")] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Also the records' keys, which may be personal ids.")
    ] = False,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Say why records are one person, or why two are not, in words and weights.

    A digest stands for each record's key. Whoever sees keys is on record in the ledger, with the purpose, before.

    Example: `lienthong link explain PERSON_ID` or `lienthong link explain PERSON_ID --values --purpose "case 12"`
    """
    from include.pipelines.people import explain_step

    found = explain_step(asked, other, look=look(values, purpose))
    if as_json:
        _print(found.to_dict())
        return
    from include.cli.explained import show_explained

    show_explained(found)


@link_app.command()
def resolve(
    person_id: Annotated[str, typer.Argument(help="Any id a person ever had.")], as_json: AsJson = False
) -> None:
    """Follow an old id to the person of today.

    Example: `lienthong link resolve OLD_ID`
    """
    from include.pipelines.people import resolve_step

    found = resolve_step(person_id)
    if as_json:
        _print(asdict(found))
    else:
        output.print(f"{' -> '.join(found.way)} ({found.standing})")
    raise typer.Exit(NOT_PUBLISHED if found.standing == "unknown" else 0)


def _print(found: Mapping[str, object]) -> None:
    output.print_json(json.dumps(found, ensure_ascii=False, default=str))
