"""OpenLineage events of publish tasks: source object, published table and column lineage.

Everything comes from the contract: names, types, expressions. No value of a registry, no argument of a task and no
source code is in an event. Airflow loads this class through AIRFLOW__OPENLINEAGE__EXTRACTORS
(docs/how-to/collect-lineage-events.md).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.providers.openlineage.extractors.base import BaseExtractor, OperatorLineage
from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset

from include.audit.report_data import source_columns
from include.contracts.model import Contract, Table
from include.contracts.reading import contract_paths, load_contract

LAKE = "lake"
"""OpenLineage namespace of published tables, whose names are their lake paths."""


class ContractLineage(BaseExtractor):
    """OpenLineage extractor of `@task` tasks: a publish task's lineage from its contract, none for others."""

    @classmethod
    def get_operator_classnames(cls) -> list[str]:
        """The operator behind `@task`."""
        return ["_PythonDecoratedOperator"]

    def _execute_extraction(self) -> OperatorLineage:
        return OperatorLineage()

    def extract_on_complete(self, task_instance: Any) -> OperatorLineage:
        """The datasets of a published table."""
        registry = self.operator.dag_id.removeprefix("sync_")
        name = (self.operator.op_kwargs or {}).get("table")
        if registry == self.operator.dag_id or not self.operator.task_id.endswith("publish") or not name:
            return OperatorLineage()
        path = contract_paths(_schemas()).get(registry)
        return table_lineage(load_contract(path), name) if path else OperatorLineage()

    def extract_on_failure(self, task_instance: Any) -> OperatorLineage:
        """No datasets, since nothing was published."""
        return OperatorLineage()


def table_lineage(contract: Contract, name: str) -> OperatorLineage:
    """The source object as input, the published table as output, with its schema and the lineage of every column."""
    table = contract.table(name)
    source = Dataset(namespace=f"source://{table.server or contract.server.name}", name=table.source_name)
    return OperatorLineage(
        inputs=[InputDataset(namespace=source.namespace, name=source.name)],
        outputs=[
            OutputDataset(
                namespace=LAKE,
                name=f"registry/{contract.registry}/{table.base_name}",
                facets={"schema": _schema(table), "columnLineage": _columns(table, source)},
            )
        ],
    )


def _schema(table: Table) -> schema_dataset.SchemaDatasetFacet:
    return schema_dataset.SchemaDatasetFacet(
        fields=[
            schema_dataset.SchemaDatasetFacetFields(name=c.name, type=c.sql_type, description=c.business_name or None)
            for c in table.columns
        ]
    )


def _columns(table: Table, source: Dataset) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    fields = {}
    for column in table.columns:
        change = column_lineage_dataset.Transformation(
            type="DIRECT",
            subtype="TRANSFORMATION" if column.expression else "IDENTITY",
            description=column.expression,
            masking=False,
        )
        fields[column.name] = column_lineage_dataset.Fields(
            inputFields=[
                column_lineage_dataset.InputField(source.namespace, source.name, field, transformations=[change])
                for field in source_columns(table, column)
            ]
        )
    return column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)


def _schemas() -> Path:
    return Path(os.environ.get("SCHEMAS_DIR") or Path(__file__).parents[1] / "schemas")
