"""What the tasks of the DAG `follow_requests`, and the verification after maintenance, do on a lake; no scheduler."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException
from deltalake import write_deltalake

from include.pipelines import PipelineContext
from include.pipelines.requests import request_of
from tests.small_population import MONDAY
from tests.unit.requests.conftest import DAY, asked, context

__all__ = ["asked", "context"]


@pytest.fixture
def lake(context, asked, monkeypatch):
    monkeypatch.setattr(PipelineContext, "from_environment", classmethod(lambda cls: context))
    return context


def test_a_request_is_followed_and_nobody_is_told_unless_a_way_is_set(dags, lake, asked):
    follow, tell = (dags["follow_requests"].get_task(name) for name in ("follow", "tell"))
    assert follow.downstream_task_ids == {"tell"}
    assert tell.trigger_rule == "all_done", "what was recorded is told although something cannot be read"
    assert follow.on_failure_callback
    assert follow.python_callable() == []
    lake.clock[0] = MONDAY + 4 * DAY
    assert follow.python_callable() == [asked.request_id]
    assert request_of(lake, asked.request_id).escalated
    assert tell.python_callable() == 0


def test_a_verification_that_finds_something_fails_and_tells(dags, lake):
    verify = dags["maintain_lake"].get_task("verify")
    assert verify.trigger_rule == "all_done"
    (told,) = verify.on_failure_callback
    told.render_template_fields({"dag": dags["maintain_lake"], "run_id": "r1"})
    assert told.text.endswith("maintain_lake r1")
    table = lake.lake.table("audit/requests")
    write_deltalake(table, table.to_pyarrow_table(), mode="overwrite")
    with pytest.raises(AirflowException, match="lienthong verify"):
        verify.python_callable()
