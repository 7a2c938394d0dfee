"""Steps as spans, durations and log lines: the decorator of every step of the pipelines."""

from __future__ import annotations

import inspect
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from include.telemetry.switch import PROTOCOL, endpoint, has, is_on, protocol

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from include.telemetry.sdk import Sdk

Given = ParamSpec("Given")
Result = TypeVar("Result")
RUN_ID: ContextVar[str] = ContextVar("run id", default="")
"""The run to which what happens now belongs; every line of the JSON log carries it."""
_SUBJECT = ("registry", "table", "run_id", "agreement_id")
Outcome = dict[str, str | int]
"""What is told of a step that has ended: its outcome and its counts."""
_COUNTS = ("extracted", "accepted", "rejected", "superseded", "deleted", "version", "live_rows")
_log = logging.getLogger(__name__)
_lock = threading.Lock()
_sdk: tuple[int, Sdk | None] | None = None
_open = 0
_runs: dict[str, Span] = {}


def step(name: str) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Decorator: a call of the function is the step `name` of a run.

    What it is about is read from its arguments (`registry`, `table`, `run_id`, `agreement_id`, or an argument that has
    these, as the result of the step before), its outcome from the result's `verdict`. Steps of one run are one trace:
    the first that is open in a process is the root of the others, whichever thread they are in. When the last open
    step ends, all is exported, within a second or so.
    """

    def decorate(function: Callable[Given, Result]) -> Callable[Given, Result]:
        @wraps(function)
        def observed(*args: Given.args, **kwargs: Given.kwargs) -> Result:
            if not is_on() and not _log.isEnabledFor(logging.INFO):
                return function(*args, **kwargs)
            subject = _subject(inspect.signature(function).bind_partial(*args, **kwargs).arguments)
            with _observed(name, subject) as ended:
                result = function(*args, **kwargs)
                ended(result)
            return result

        return observed

    return decorate


@contextmanager
def exported_at_the_end() -> Iterator[Sdk | None]:
    """What is recorded inside is exported when the outermost of these ends; gives the SDK, None without telemetry."""
    global _open
    with _lock:
        _open += 1
    try:
        yield sdk()
    finally:
        with _lock:
            _open -= 1
            is_last = _open == 0
        if is_last and _sdk is not None and _sdk[1] is not None and _sdk[0] == os.getpid():
            _sdk[1].flush()


def _begin_anew() -> None:
    """In a process that was forked: nothing of it is open yet."""
    global _lock, _open
    _lock, _open = threading.Lock(), 0


os.register_at_fork(after_in_child=_begin_anew)


def sdk() -> Sdk | None:
    """OpenTelemetry of this process, made when first asked for; None where it is off, or cannot be had."""
    global _sdk
    if not is_on():
        return None
    with _lock:
        if _sdk is None or _sdk[0] != os.getpid():
            _sdk = (os.getpid(), _made())
        return _sdk[1]


def _made() -> Sdk | None:
    signals = [signal for signal in ("metrics", "traces") if has(signal)]
    if unspoken := {signal: protocol(signal) for signal in signals if protocol(signal) != PROTOCOL}:
        _log.warning(
            "telemetry is off (%s): OTEL_EXPORTER_OTLP_PROTOCOL is %s; set %s and the collector's port for it (4318)",
            ", ".join(unspoken), ", ".join(sorted({*unspoken.values()})), PROTOCOL,
        )  # fmt: skip
    signals = [signal for signal in signals if signal not in unspoken]
    if not signals:
        return None
    try:
        from include.telemetry.sdk import Sdk

        return Sdk(signals)
    except Exception as error:
        _log.warning(
            "telemetry is off: OpenTelemetry cannot be set up for %s (%s)", endpoint(signals[0]), type(error).__name__
        )
        return None


@contextmanager
def _observed(name: str, subject: Mapping[str, str]) -> Iterator[Callable[[object], None]]:
    """Span, duration and log line of a step; it gives a function that is to be told the result."""
    run_id = subject.get("run_id") or RUN_ID.get()
    token, began = RUN_ID.set(run_id), time.perf_counter()
    said: Outcome = {"outcome": "failed"}

    def ended(result: object) -> None:
        said.update(_outcome(result))

    try:
        with exported_at_the_end() as telemetry:
            if telemetry is None:
                with _logged(name, subject, began, said):
                    yield ended
                return
            with telemetry.span(f"{name} {_named(subject)}".strip(), _runs.get(run_id)) as span:
                is_root = span is not None and bool(run_id) and _runs.setdefault(run_id, span) is span
                try:
                    with _logged(name, subject, began, said):
                        yield ended
                finally:
                    if is_root:
                        _runs.pop(run_id, None)
                    facts = {**subject, "run_id": run_id, "step": name}
                    if span is not None:
                        _describe(span, facts, said)
                    measured = {**facts, "agreement": subject.get("agreement_id", ""), "outcome": str(said["outcome"])}
                    telemetry.record("lienthong.step.duration", time.perf_counter() - began, measured)
    finally:
        RUN_ID.reset(token)


@contextmanager
def _logged(name: str, subject: Mapping[str, str], began: float, said: Outcome) -> Iterator[None]:
    """One line of the log when a step has ended."""
    try:
        yield
    except BaseException as error:
        said["error_type"] = type(error).__name__
        raise
    finally:
        seconds = round(time.perf_counter() - began, 3)
        facts = {**subject, "run_id": RUN_ID.get(), "step": name, **said, "seconds": seconds}
        of_run = f", run {facts['run_id']}" if facts["run_id"] else ""
        _log.info(
            "%s: %s in %.3f s%s", f"{name} {_named(subject)}".strip(), said["outcome"], seconds, of_run,
            extra={"facts": facts},
        )  # fmt: skip


def _subject(given: Mapping[str, object]) -> dict[str, str]:
    """What a step is about, from its arguments; a slice's name becomes its table and its server."""
    found = {name: value for name in _SUBJECT if isinstance(value := given.get(name), str)}
    for argument in given.values():
        for name in _SUBJECT:
            value = argument.get(name) if isinstance(argument, dict) else getattr(argument, name, None)
            if isinstance(value, str):
                found.setdefault(name, value)
    return {name: value for name, value in (found | of_table(found.get("table", ""))).items() if value}


def of_table(table: str) -> dict[str, str]:
    """The attributes `table` and `server` of a table's or a slice's name."""
    from include.contracts.model import AT

    name, _, server = table.partition(AT)
    return {"table": name, "server": server}


def _named(subject: Mapping[str, str]) -> str:
    table = ".".join(filter(None, (subject.get("registry"), subject.get("table"))))
    server = f"@{subject['server']}" if subject.get("server") else ""
    return f"{table}{server}" or subject.get("agreement_id", "")


def _outcome(result: object) -> Outcome:
    """How a step ended, and its counts, if its result tells them."""
    get: Callable[[str], Any] = result.get if isinstance(result, dict) else lambda name: getattr(result, name, None)
    verdict = get("verdict")
    counts = {name: get(name) for name in _COUNTS}
    return {
        "outcome": verdict if isinstance(verdict, str) else "done",
        **{name: value for name, value in counts.items() if type(value) is int},
    }


def _describe(span: Span, facts: Mapping[str, str], said: Outcome) -> None:
    from opentelemetry.trace import StatusCode

    for name, value in {**facts, **said}.items():
        if value != "":
            span.set_attribute(f"lienthong.{name}", value)
    if said["outcome"] == "failed":
        span.set_status(StatusCode.ERROR, str(said.get("error_type", "")))
