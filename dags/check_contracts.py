"""No DAG: shows Airflow's operators every mistake in the contracts, as an import error of this file.

A registry whose contract is broken has no sync until it is mended; all others go on. The same text, with file, line and
remedy: `lienthong check`.
"""

from __future__ import annotations

from include.contracts.reading import load_contracts
from plugins.dag_settings import SCHEMAS

load_contracts(SCHEMAS)
