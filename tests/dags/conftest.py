"""The DAG folder as Airflow reads it, with the contracts of the repository."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).parents[2]
# Airflow reads its settings when it is first imported.
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "lienthong-airflow-tests"))
os.environ |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins")}
os.environ.pop("SCHEMAS_DIR", None)

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

    from include.contracts.model import Contract
    from include.sharing.agreements.agreement import Agreement


@pytest.fixture(scope="session")
def bag() -> DagBag:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(ROOT / "dags"))


@pytest.fixture(scope="session")
def dags(bag: DagBag) -> dict[str, DAG]:
    return bag.dags


@pytest.fixture(scope="session")
def contracts() -> dict[str, Contract]:
    from include.contracts.reading.load import load_contracts

    return load_contracts(ROOT / "schemas")


@pytest.fixture(scope="session")
def agreements() -> dict[str, Agreement]:
    from include.sharing.agreements.loading import load_agreements

    return load_agreements(ROOT / "schemas")


@pytest.fixture(scope="session")
def syncs(dags: dict[str, DAG], contracts: dict[str, Contract]) -> list[tuple[DAG, Contract]]:
    """Every sync DAG of a registry on one server, with its contract; of several servers see test_servers.py."""
    return [(dags[f"sync_{name}"], contract) for name, contract in contracts.items() if not contract.is_federated]
