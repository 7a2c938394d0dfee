"""Importing this loads what the DAG files import, and reads the contracts, so that a forked process has them.

To read all contracts takes longer than all else that a DAG file does. `load_contract` reads one again whose files have
changed. Mistakes, and a folder without contracts, are left to `dags/check_contracts.py`, which tells them.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from include.contracts.reading import contract_paths, load_contract
from include.contracts.yaml_files import ContractError
from plugins.dag_settings import SCHEMAS

for name in (
    "include.sharing.agreements",
    "include.telemetry",
    "plugins.link_gate",
    "plugins.person_review",
    "plugins.publishing_tasks",
    "plugins.quality_pages",
    "plugins.replay_form",
    "plugins.report_quarters",
):
    import_module(name)
with suppress(ContractError):
    for path in contract_paths(SCHEMAS).values():
        with suppress(ContractError):
            load_contract(path)
