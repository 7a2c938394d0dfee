"""A run killed at any instruction between its commit and its record is on record after the next run, of any kind.

Older tests went on with the killed run itself, or found nothing new after it; a run that found changes lost it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.audit.ledger import entries as ledger
from include.audit.verification.verify_lake import verify
from include.lake.run_log import log_tables
from include.pipelines import audit_log
from include.pipelines.context import PipelineContext, new_run_id
from include.pipelines.rejected.replaying import list_rejected, replay
from include.pipelines.sync import assess_and_publish_steps
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.registry_sync import sync_registry
from include.pipelines.upkeep import versions
from include.pipelines.upkeep.maintenance import maintain_lake
from include.pipelines.upkeep.versions import restore_step
from tests.integration.everyday.ledger_source import PaymentSource, context_of, copied
from tests.repeats import held_by


class Killed(BaseException):
    """What no handler of ours catches."""


APPEND = (audit_log.ledger, "append")
# Each is called once between the commit and the last record: killed before it, and after it.
POINTS = [
    (assess_and_publish_steps, "close_rejected"),
    (assess_and_publish_steps, "record_run"),
    (audit_log.run_log, "append_run"),
    (audit_log, "commit_records"),
    APPEND,
    (assess_and_publish_steps, "publish_contract"),
    (assess_and_publish_steps, "record_standing"),
    (audit_log, "digests_of"),
]
QUICK = ("a sync with news", "a restore")
OWN = "integration/everyday/test_killed_before_record.py"
LONG = held_by(f"{OWN}::test_a_sync_killed_after_its_commit")
LONG_RESTORE = held_by(f"{OWN}::test_a_restore_killed_after_its_commit")
APPROVAL = Approval("Lê Thu", "tried")
Next = Callable[[PipelineContext, PaymentSource], Any]


def sync(context: PipelineContext, **how: Any) -> dict[str, Any]:
    run = {"run_id": new_run_id(context.now()), "approval": APPROVAL, "context": context, **how}
    return sync_registry("payments", **run).tables[0].to_dict()


def news(context: PipelineContext, source: PaymentSource) -> None:
    source.insert(1)
    assert sync(context)["verdict"] == "published"


def restore(context: PipelineContext, source: PaymentSource) -> None:
    restore_step("payments", "payment", new_run_id(context.now()), version=0, approval=APPROVAL, context=context)


NEXT: dict[str, Next] = {
    "a sync with news": news,
    "an unchanged sync": lambda context, source: sync(context),
    "a full load": lambda context, source: sync(context, is_full=True),
    "a replay": lambda context, source: replay(context, "payments", run_id=new_run_id(context.now())),
    "maintenance": lambda context, source: maintain_lake(context, at=context.now()),
    "a restore": restore,
}


def killed(monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str], when: str, run: Callable[[], object]) -> None:
    owner, name = where
    real = getattr(owner, name)

    def die(*given: Any, **named: Any) -> Any:
        if when == "after":
            real(*given, **named)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, die)
        with pytest.raises(Killed):
            run()


def on_record(context: PipelineContext) -> dict[str, list[dict[str, Any]]]:
    """Records of published runs, without what differs from run to run."""
    left_out = ("run_id", "seconds", "started_at", "recorded", "same_as_run")
    runs = [row for row in log_tables.read(context.lake, "runs").to_pylist() if row["verdict"] == "published"]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in runs:
        found.setdefault(row["run_id"], []).append({k: v for k, v in row.items() if k not in left_out})
    return found


def entries(context: PipelineContext) -> dict[str, int]:
    """How many entries of kind `run` with verdict `published` the ledger has of each run."""
    found: dict[str, int] = {}
    for kind, text in zip(*(ledger.read(context.lake)[name].to_pylist() for name in ("kind", "payload")), strict=True):
        said = json.loads(text)
        if kind == "run" and said["verdict"] == "published":
            found[said["run_id"]] = found.get(said["run_id"], 0) + 1
    return found


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[PaymentSource, Path]:
    """A source whose first day is published."""
    folder = tmp_path_factory.mktemp("first")
    source = PaymentSource(f"sqlite:///{folder}/payments.db", seed=2, rows=60)
    source.spoil(2)
    assert sync(context_of(folder, source.uri))["verdict"] == "published"
    return source, folder


@pytest.fixture
def day(first_day: tuple[PaymentSource, Path], tmp_path: Path) -> tuple[PaymentSource, PipelineContext]:
    """The same, and a second day that has a row to reject and one to close."""
    source, context = copied(*first_day, tmp_path)
    source.clock += timedelta(days=1)
    for change in (source.insert, source.update, source.spoil, source.mend, source.delete):
        change(1)
    return source, context


@pytest.mark.parametrize(
    ("then", "where", "when"),
    [
        # Nothing is on record yet, or half of it; and what is another kind of run altogether.
        ("a sync with news", POINTS[0], "before"),
        ("a sync with news", APPEND, "before"),
        ("a restore", POINTS[0], "before"),
        # After one of them is, but for what lies between, before the next.
        *(pytest.param("a sync with news", where, "before", marks=LONG) for where in POINTS[1:] if where != APPEND),
        *(pytest.param("a sync with news", where, "after", marks=LONG) for where in POINTS),
        *(pytest.param(then, POINTS[0], "before", marks=LONG) for then in NEXT if then not in QUICK),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else value,
)
def test_a_sync_killed_after_its_commit(
    then: str,
    where: tuple[Any, str],
    when: str,
    day: tuple[PaymentSource, PipelineContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, context = day
    run_id = new_run_id(context.now())
    killed(
        monkeypatch, where, when,
        lambda: sync_registry("payments", run_id=run_id, approval=APPROVAL, context=context),
    )  # fmt: skip
    NEXT[then](context, source)
    recorded = on_record(context)
    assert len(recorded[run_id]) == 1
    (record,) = recorded[run_id]
    assert (record["mode"], record["extracted"] > 0, record["version"]) == ("incremental", True, 1)
    assert record["why"]
    assert record["contract_version"] == "1.0.0"
    assert entries(context) == dict.fromkeys(recorded, 1)
    assert verify(context.lake, with_files=True).ok
    spoiled = {row.rows for row in list_rejected(context, "payments")}
    assert then == "a restore" or sum(spoiled) == len(source.spoiled())
    assert context.lake.exists(f"{context.lake.path('registry', 'payments')}/contract.odcs.yaml")


@pytest.mark.parametrize(
    ("where", "when"),
    [
        ((versions, "record_run"), "before"),
        pytest.param((versions, "restore_rejected"), "before", marks=LONG_RESTORE),
        *(pytest.param((versions, name), "after", marks=LONG_RESTORE) for name in ("restore_rejected", "record_run")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else value,
)
@pytest.mark.parametrize("then", ["a sync with news"])
def test_a_restore_killed_after_its_commit(
    then: str,
    where: tuple[Any, str],
    when: str,
    day: tuple[PaymentSource, PipelineContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, context = day
    assert sync(context)["verdict"] == "published"
    run_id = new_run_id(context.now())
    killed(
        monkeypatch, where, when,
        lambda: restore_step("payments", "payment", run_id, version=0, approval=APPROVAL, context=context),
    )  # fmt: skip
    NEXT[then](context, source)
    (record,) = on_record(context)[run_id]
    assert (record["mode"], record["source"], record["approved_by"]) == ("restore", "restore", "Lê Thu")
    assert entries(context) == dict.fromkeys(on_record(context), 1)
    assert verify(context.lake, with_files=True).ok
