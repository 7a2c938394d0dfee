"""Client of Airflow's public REST API (v2), as far as the demo needs it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

# Airflow on a busy SQLite sometimes answers 500; every request here may be repeated.
ATTEMPTS = 5
ENDED = frozenset({"success", "failed"})


class AirflowRefusedError(Exception):
    """Unexpected response of Airflow's API."""


class AirflowApi:
    """A signed-in client; results are Airflow's JSON objects."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=90)
        token = self._call("POST", "/auth/token", json={"username": user, "password": password})["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self._http.close()

    def dags(self) -> list[dict[str, Any]]:
        """The DAGs currently in the folder."""
        return [*self._all("/api/v2/dags", "dags")]

    def import_errors(self, since: str) -> list[str]:
        """The last line of each DAG import error at or after `since` (ISO 8601)."""
        found = self._all("/api/v2/importErrors", "import_errors")
        moment = datetime.fromisoformat(since)
        return [
            error["stack_trace"].strip().rpartition("  File ")[2].partition("\n")[2].strip()
            for error in found
            if datetime.fromisoformat(error["timestamp"]) >= moment
        ]

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": False})

    def trigger(self, dag_id: str, run_id: str) -> None:
        """Trigger a run of that id, unless it exists."""
        body = {"logical_date": None, "dag_run_id": run_id}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body, accept=httpx.codes.CONFLICT)

    def runs(self, since: str) -> list[dict[str, Any]]:
        """The runs of all DAGs that were queued at or after `since` (ISO 8601)."""
        return [*self._all("/api/v2/dags/~/dagRuns", "dag_runs", run_after_gte=since)]

    def task_instances(self, since: str, changed_since: str) -> list[dict[str, Any]]:
        """The task instances of those runs that changed since an instant; one that is tried again appears once."""
        path, instants = "/api/v2/dags/~/dagRuns/~/taskInstances", {"run_after_gte": since}
        return [*self._all(path, "task_instances", **instants, updated_at_gte=changed_since)]

    def questions(self, dag_id: str) -> list[dict[str, Any]]:
        """The unanswered questions of a DAG's gates."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails"
        return [asked for asked in self._all(path, "hitl_details") if not asked["response_received"]]

    def answer(self, question: dict[str, Any], option: str, note: str) -> None:
        """Answer a question as the signed-in user."""
        task = question["task_instance"]
        path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        body = {"chosen_options": [option], "params_input": {"note": note}}
        self._call("PATCH", f"{path}/{task['map_index']}/hitlDetails", json=body)

    def events(self) -> list[str]:
        """The asset names of all asset events."""
        names = {asset["id"]: asset["name"] for asset in self._all("/api/v2/assets", "assets")}
        return [names[event["asset_id"]] for event in self._all("/api/v2/assets/events", "asset_events")]

    def pools(self) -> dict[str, int]:
        """The slots of every pool."""
        return {pool["name"]: pool["slots"] for pool in self._all("/api/v2/pools", "pools")}

    def waiting_events(self, dag_id: str) -> int:
        """Number of queued asset events of that DAG."""
        answer = self._http.get(f"/api/v2/dags/{dag_id}/assets/queuedEvents")
        return answer.json()["total_entries"] if answer.status_code == httpx.codes.OK else 0

    def _all(self, path: str, key: str, **params: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._call("GET", path, params={**params, "limit": 100, "offset": offset})
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    def _call(self, method: str, path: str, accept: int = httpx.codes.OK, **how: Any) -> dict[str, Any]:
        for attempt in range(ATTEMPTS):
            answer = self._http.request(method, path, **how)
            if not answer.is_server_error or attempt == ATTEMPTS - 1:
                break
            time.sleep(1)
        if answer.is_error and answer.status_code != accept:
            raise AirflowRefusedError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        body: dict[str, Any] = answer.json()
        return body
