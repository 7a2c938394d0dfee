"""The processes a user can name: sync, link, share, report, verify; each reads like what it does.

Packages: `sync`, `rejected`, `people`, `sharing`, `reporting`, `decisions`, `upkeep`, `checks`. A `PipelineContext`
carries the lake, the contracts, the environment and the clock.
"""

from include.pipelines.audit_log import sign_checkpoint, verify_folder, verify_lake, verify_report
from include.pipelines.context import PipelineContext, new_run_id, schemas_folder
from include.pipelines.delivered_servers import delivered_in_run, published_in_run, unconnected_servers
from include.pipelines.errors import Misuse, OnlyReadWhole, StepFailed, no_values_escape
from include.pipelines.row_history import history_kept
from include.pipelines.rule_descriptions import rule_texts
from include.pipelines.step_results import Assessed, Extracted, Failed, Published, RegistryResult, Skipped
