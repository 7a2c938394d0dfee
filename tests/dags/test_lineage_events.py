"""What a publish task tells OpenLineage: the contract's column lineage, written to a file, and no value."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.transport.file import FileConfig, FileTransport

from plugins.lineage_events import ContractLineage

SECRET = "Nguyễn Thị Bí Mật"


def extractor(dag_id="sync_land", task_id="sync_table.publish", table="ownership@land-01"):
    arguments = {"table": table, "assessed": {"error": SECRET}, "approval": {"approved_by": SECRET}}
    return ContractLineage(SimpleNamespace(dag_id=dag_id, task_id=task_id, op_kwargs=arguments))


def test_a_published_table_names_its_source_its_columns_and_what_feeds_them():
    told = extractor().extract_on_complete(None)
    assert [(d.namespace, d.name) for d in told.inputs] == [("source://land-01", "chu_so_huu")]
    (output,) = told.outputs
    assert (output.namespace, output.name) == ("lake", "registry/land/ownership")
    feeds = {
        name: [f.field for f in fields.inputFields] for name, fields in output.facets["columnLineage"].fields.items()
    }
    assert feeds["owner_personal_id"] == ["ma_chu"]
    assert feeds["map_sheet"] == ["so_to"]
    assert set(feeds) == {field.name for field in output.facets["schema"].fields}


def test_every_table_of_every_contract_can_be_told(contracts):
    for contract in contracts.values():
        for table in contract.tables:
            told = extractor(f"sync_{contract.registry}", table=table.name).extract_on_complete(None)
            fields = told.outputs[0].facets["columnLineage"].fields
            assert all(field.inputFields for field in fields.values())


@pytest.mark.parametrize(
    "other", [{"task_id": "sync_table.extract"}, {"dag_id": "maintain_lake"}, {"table": None}, {"dag_id": "sync_gone"}]
)
def test_other_tasks_tell_nothing(other):
    told = extractor(**other).extract_on_complete(None)
    assert not told.inputs
    assert not told.outputs


def test_a_task_that_begins_or_fails_tells_nothing():
    assert not extractor().extract().outputs
    assert not extractor().extract_on_failure(None).outputs


def test_events_in_the_file_hold_the_lineage_and_no_argument_of_the_task(tmp_path):
    told = extractor().extract_on_complete(None)
    transport = FileTransport(FileConfig(log_file_path=str(tmp_path / "events.jsonl"), append=True))
    OpenLineageClient(transport=transport).emit(
        RunEvent(
            eventTime="2026-03-01T00:00:00Z", eventType=RunState.COMPLETE, run=Run(str(uuid.uuid4())),
            job=Job("lienthong", "sync_land.sync_table.publish"), producer="https://example.test",
            inputs=told.inputs, outputs=told.outputs,
        )
    )  # fmt: skip
    text = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    event = json.loads(text.splitlines()[0])
    assert event["outputs"][0]["facets"]["columnLineage"]["fields"]["share"]["inputFields"][0]["field"] == "ty_le"
    assert SECRET not in text
    assert SECRET not in json.dumps(event, ensure_ascii=False)
