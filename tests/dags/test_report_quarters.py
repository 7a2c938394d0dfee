"""The report to the Government is due after each quarter, and a run knows which quarter it is for."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException

from plugins.report_quarters import quarter_of_run


def test_it_is_due_on_the_fifth_day_after_a_quarter(dags):
    dag = dags["report_government"]
    assert dag.timetable.expression == "0 6 5 1,4,7,10 *"
    assert [(task.task_id, task.upstream_task_ids) for task in dag.tasks] == [("report", set()), ("remind", {"report"})]


def test_the_run_fails_if_an_indicator_could_not_be_computed(dags):
    remind = dags["report_government"].get_task("remind").python_callable
    made = {"owed": [], "upcoming": [], "missing": [], "failed": []}
    remind(made)
    with pytest.raises(AirflowException, match="could not be computed: dossiers-received"):
        remind(made | {"failed": ["dossiers-received"]})


@pytest.mark.parametrize(
    ("form", "key", "began", "quarter"),
    [
        ("", "2018-01-05", datetime(2018, 4, 4, 23, 0, tzinfo=UTC), "2018Q1"),
        ("", "2017-10-05", datetime(2018, 1, 4, 23, 0, tzinfo=UTC), "2017Q4"),
        ("2017Q2", "2018-01-05", datetime(2018, 4, 4, 23, 0, tzinfo=UTC), "2017Q2"),
        ("", None, datetime(2018, 5, 20, tzinfo=UTC), "2018Q1"),
        ("", None, datetime(2018, 3, 31, 17, 0, tzinfo=UTC), "2018Q1"),  # the first of April in Viet Nam
        ("", None, datetime(2018, 1, 1, tzinfo=UTC), "2017Q4"),
    ],
)
def test_the_quarter_of_a_run(form, key, began, quarter):
    run = SimpleNamespace(partition_key=key, run_after=began)
    assert quarter_of_run({"params": {"period": form}, "dag_run": run}) == quarter
