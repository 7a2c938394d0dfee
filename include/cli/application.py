"""The application shared by the command modules: common options, main function, exit status."""

from __future__ import annotations

import getpass
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from include.console import errors, output, show_problems, show_run
from include.known_error import KnownError

if TYPE_CHECKING:
    from include.pipelines import RegistryResult
    from include.pipelines.decisions import Look
    from include.pipelines.sync import Approval

app = typer.Typer(
    name="lienthong",
    help="Liên Thông: connects a country's registers into one data lake. Connected, no duplicates, safe.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Registry = Annotated[str, typer.Argument(help="Registry: the name of its contract file, e.g. `population`.")]
Tables = Annotated[list[str] | None, typer.Option("--table", "-t", help="Only this table (may be repeated).")]
Servers = Annotated[
    list[str] | None, typer.Option("--server", "-s", help="Only this server of the registry (may be repeated).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
ApproveAs = Annotated[str | None, typer.Option(help="Publish beyond tolerance, in this steward's name.")]
Note = Annotated[str, typer.Option(help="Why; needed with --approve-as, and kept with it.")]

Purpose = Annotated[str, typer.Option(help="With --values: what they are needed for; kept in the ledger.")]

MISUSE, NOT_PUBLISHED, INTERRUPTED = 2, 1, 130
_HELP = {"-h", "--help"}
_STARTS_SERVERS = {"simulate", "demo", "up", "down"}  # commands that create the settings of the others


class OutputNotWritten(KnownError):
    """Standard output takes no more: its disk is full, or gone."""


@contextmanager
def _output_checked() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has what it wanted (`| head`): rich and click end quietly
        raise
    except OSError as error:
        raise OutputNotWritten(
            f"the output could not be written ({os.strerror(error.errno or 0)}). What the command did stands: make "
            "room where the output goes, or send it elsewhere, then ask again"
        ) from None


class _Output(io.TextIOWrapper):
    """Standard output that tells its own failures from those of a command's work."""

    def write(self, text: str, /) -> int:
        with _output_checked():
            return super().write(text)

    def flush(self) -> None:
        with _output_checked():
            super().flush()


def main() -> NoReturn:
    """Run the command line; every failure ends with a message and an exit status, never with a traceback.

    The process ends without Python's finalisation: ending threads of Arrow would otherwise sometimes abort it after the
    work is done (apache/arrow issue 34314), with a wrong exit status.
    """
    was = sys.stdout
    sys.stdout = _Output(was.buffer, was.encoding, was.errors, line_buffering=bool(was.line_buffering))
    status = _run()
    try:
        sys.stdout.flush()
    except OutputNotWritten as error:
        status = status or _told(error)
    sys.stderr.flush()
    os._exit(status)


def _run() -> int:
    # Help is for the terminal alone: what a command needs takes a second to import.
    if sys.argv[1:] and not _HELP & {*sys.argv} and not _STARTS_SERVERS & {*sys.argv[1:2]}:
        from include.embedded.site import complete

        complete(os.environ)
        from include.telemetry import log_as_json

        log_as_json()
    try:
        app()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else bool(ended.code)
    except Exception as error:
        return _told(error)
    return 0


def _told(failure: Exception) -> int:
    """The exit status of a command that failed, after a message without values."""
    from include.contracts.yaml_files import ContractError
    from include.pipelines import Misuse, no_values_escape

    try:
        with no_values_escape("running the command"):
            raise failure
    except ContractError as error:
        show_problems(error.problems)
        return NOT_PUBLISHED
    except KnownError as error:
        named = "" if isinstance(error, Misuse) else f"{type(error).__name__}: "
        errors.print(f"{named}{error}", style="red")
        return MISUSE if isinstance(error, Misuse) else NOT_PUBLISHED


def approval_of(name: str, note: str) -> Approval:
    """The approval of `--approve-as NAME --note REASON`.

    Raises:
        Misuse: no reason is given.
    """
    from include.pipelines.decisions import reason_given
    from include.pipelines.sync import Approval

    return Approval(name, reason_given(note))


def look(values: bool, purpose: str) -> Look | None:
    """Request to see personal values (`--values --purpose`), in the name of the account that runs the command.

    Raises:
        Misuse: one of the two is missing.
    """
    from include.pipelines import Misuse
    from include.pipelines.decisions import Look

    if not values:
        if purpose:
            raise Misuse("--purpose says what --values are needed for: give both, or neither")
        return None
    if not purpose.strip():
        raise Misuse("--values shows personal data: say what for, --purpose TEXT; it is kept in the ledger")
    return Look.of(account(), purpose)


def account() -> str:
    """The account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return f"uid {os.getuid()}"


def end(result: RegistryResult, as_json: bool) -> None:
    """Print a run, as JSON or for people, and exit with its status."""
    run = result.to_dict()
    if as_json:
        output.print_json(json.dumps(run, ensure_ascii=False, default=str))
    else:
        from include.pipelines import PipelineContext, rule_texts

        show_run(run, rule_texts(PipelineContext.from_environment(), result.registry))
    raise typer.Exit(NOT_PUBLISHED if result.verdict in ("held", "failed") else 0)
