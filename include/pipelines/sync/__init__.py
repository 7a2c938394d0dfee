"""Syncing one registry: read plan, extract, assess, gate, publish; and what a run needs to be resumed or skipped."""

from __future__ import annotations

from include.pipelines.sync.extraction import extract_step
from include.pipelines.sync.held_runs import held_run
from include.pipelines.sync.plan import plan_registry
from include.pipelines.sync.publication import Approval, assess_and_publish, assess_step, publish_step
from include.pipelines.sync.read_plan import Window
from include.pipelines.sync.registry_sync import prepare_step, sync_registry
from include.pipelines.sync.relationships import relationships_step
from include.pipelines.sync.resumable_runs import resumable_run
from include.pipelines.sync.table_quality import record_standing

__all__ = [
    "Approval",
    "Window",
    "assess_and_publish",
    "assess_step",
    "extract_step",
    "held_run",
    "plan_registry",
    "prepare_step",
    "publish_step",
    "record_standing",
    "relationships_step",
    "resumable_run",
    "sync_registry",
]
