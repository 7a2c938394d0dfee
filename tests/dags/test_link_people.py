"""The DAGs over persons: when they run, what they ask, and that no question holds a value of a record."""

from __future__ import annotations

from copy import copy

import pytest
from airflow.sdk import Asset


def test_linking_follows_every_table_that_speaks_of_persons(dags, contracts):
    wanted = {
        f"registry/{contract.registry}/{table.name}"
        for contract in contracts.values()
        for table in contract.tables
        if any(column.link for column in table.columns)
    }
    condition = dags["link_people"].timetable.asset_condition
    assert type(condition).__name__ == "AssetAny"
    assert {asset.name for asset in condition.objects} == wanted
    assert "registry/population/citizen" in wanted


def test_linking_asks_before_it_commits_and_offers_the_persons_as_assets(dags):
    dag = dags["link_people"]
    edges = {(task.task_id, below) for task in dag.tasks for below in task.downstream_task_ids}
    assert edges == {("link", "gate"), ("link", "commit"), ("gate", "commit")}
    outlets = dag.get_task("commit").outlets
    assert {asset.uri for asset in outlets if isinstance(asset, Asset)} == {
        f"lake://people/{name}" for name in ("index", "golden", "events", "findings")
    }


def test_reviews_are_asked_pair_by_pair_and_each_answer_is_kept(dags):
    dag = dags["review_persons"]
    edges = {(task.task_id, below) for task in dag.tasks for below in task.downstream_task_ids}
    assert edges == {("find", "review.ask"), ("review.ask", "review.keep")}
    assert dag.get_task("review.ask").options == [
        "Một người / Same person",
        "Hai người khác nhau / Different persons",
        "Không thể biết / Cannot tell",
    ]


def test_a_reason_that_cannot_be_kept_cannot_be_sent(dags, monkeypatch):
    # The store refused what Airflow's form had taken: the answer was final, and lost. No test held one to the other.
    from airflow.providers.standard.operators.hitl import HITLOperator
    from airflow.sdk.exceptions import AirflowFailException

    from include.contracts.words import MAX_NOTE

    ask = dags["review_persons"].get_task("review.ask")
    assert ask.params.get_param("note").schema["maxLength"] == MAX_NOTE
    ask = copy(ask)
    ask.pair = {"pair_id": "5f0c2a9e41b7d836"}
    said = {"chosen_options": [ask.options[0]], "responded_by_user": {"name": "Lan"}}
    for characters in (MAX_NOTE, MAX_NOTE + 1):
        answer = {**said, "params_input": {"note": "x" * characters}}
        monkeypatch.setattr(HITLOperator, "execute_complete", lambda *_, answer=answer: answer)
        if characters <= MAX_NOTE:
            assert ask.execute_complete({}, {})["note"] == "x" * MAX_NOTE
        else:
            with pytest.raises(AirflowFailException, match="clear this task, it asks again"):
                ask.execute_complete({}, {})


def test_the_gate_tells_what_is_outside_and_the_estimates(dags):
    from plugins.gate_questions import link_question

    figures = dict.fromkeys(
        ("records", "persons", "candidates", "links", "grey", "minted", "merged", "split", "retired", "moved"), 1_234
    )
    shares = {f"{name}{end}": 0.5 for name in ("precision", "recall") for end in ("", "_lower", "_upper")}
    finding = {
        "message": "1,234 persons would be merged",
        "vietnamese": "1.234 người sẽ bị gộp",
        "measured": 12.341,
        "allowed": "at most 0.5 % of persons",
    }
    _, text = link_question({"run_id": "r", "findings": [finding], **figures, **shares})
    assert "| 1,234 persons would be merged | 12.34 | at most 0.5 % of persons |" in text
    assert "| precision | 0.5000 (0.5000 to 0.5000) |" in text
    assert "| 1.234 người sẽ bị gộp | 12,34 | nhiều nhất 0,5 % số người |" in text
    assert "| độ chuẩn xác | 0,5000 (0,5000 đến 0,5000) |" in text

    shares |= {"recall": None, "recall_reason": "numbers"}
    _, text = link_question({"run_id": "r", "findings": [finding], **figures, **shares})
    assert "| recall | not estimable: " in text
    assert "| độ đầy đủ | không ước lượng được: " in text


def test_a_reviewer_reads_weights_and_words_and_whether_a_second_person_is_needed(dags):
    from plugins.person_review import question

    step = {"comparison": "name", "found": "same name", "bits": 7.25, "sum": -1.5}
    pair = {
        "pair_id": "5f0c2a9e41b7d836",
        "found_by": "model",
        "probability": 0.71,
        "first_by": "Lan",
        "needs_second": True,
        "steps": [step],
    }
    text = question(pair)
    assert "same name | +7,2 | -1,5 |" in text
    assert "trùng họ tên / " in text
    assert "**Lan: một người / same person.**" in text
    assert "hơn 30 ngày" in question({**pair, "first_by": ""})
    assert "more than 30 days" in question({**pair, "first_by": ""})
