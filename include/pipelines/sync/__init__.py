"""Syncing one registry: read plan, extract, assess, gate, publish; and what a run needs to be resumed or skipped."""

from include.pipelines.sync.assess_and_publish_steps import Approval, assess_and_publish, assess_step, publish_step
from include.pipelines.sync.code_lists import publish_code_lists
from include.pipelines.sync.extraction import extract_step
from include.pipelines.sync.held_runs import held_run
from include.pipelines.sync.read_plan import Plan, Window, plan_extract
from include.pipelines.sync.registry_sync import prepare_step, sync_registry
from include.pipelines.sync.relationships import relationships_step
from include.pipelines.sync.resumable_runs import resumable_run
from include.pipelines.sync.table_quality_record import record_standing
