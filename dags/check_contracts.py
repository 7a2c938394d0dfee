"""No DAG: shows Airflow's operators every mistake in the contracts and agreements, as an import error of this file.

A registry whose contract is broken has no sync until it is mended, and a broken agreement is not shared; all others go
on. The same text, with file, line and remedy: `lienthong check`.
"""

from __future__ import annotations

from include.contracts.reading import readable_contracts
from include.contracts.yaml_files import ContractError
from include.sharing.agreements import readable_agreements
from plugins.dag_settings import SCHEMAS

if mistakes := [*readable_contracts(SCHEMAS)[1], *readable_agreements(SCHEMAS)[1]]:
    raise ContractError(mistakes)
