"""Starts syncs that can be killed: a process that has imported everything and forks one child per sync.

Reads one JSON object a line, `{run_id, is_full, is_patched, folder, uri, environ, kill_after}`, and answers with one:
`{killed, seconds, verdict}`. `is_patched` has a small table published as great ones are. Nothing runs in this process
but the loop, so forking it is safe.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def sync(order: dict[str, Any]) -> str:
    from include.lake.publishing import publication
    from include.lake.upsert import file_rewrite
    from include.pipelines.sync.registry_sync import sync_registry
    from tests.integration.everyday.ledger_source import context_of

    if order["is_patched"]:
        publication.MERGE_TABLE_BYTES, file_rewrite._MOST_PATCHED = -1, 1.0
    context = context_of(Path(order["folder"]), order["uri"], **order["environ"])
    run = sync_registry("payments", run_id=order["run_id"], is_full=order["is_full"], context=context)
    errors = [str(table.get("error")) for table in run["tables"] if table["verdict"] == "failed"]
    return "; ".join([str(run["verdict"]), *errors])


def child(order: dict[str, Any], said: int) -> None:
    os.setpgid(0, 0)
    try:
        answer = sync(order)
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}"
    os.write(said, answer.encode())
    os._exit(0)


def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    hear, said = os.pipe()
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.close(hear)
        child(order, said)
    os.close(said)
    deadline = None if order["kill_after"] is None else began + order["kill_after"]
    while True:
        ended, _ = os.waitpid(pid, os.WNOHANG)
        if ended or (deadline is not None and time.perf_counter() >= deadline):
            break
        time.sleep(0.002)
    seconds = time.perf_counter() - began
    if not ended:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with os.fdopen(hear, "rb") as answers:
        verdict = answers.read().decode()
    return {"killed": not verdict, "seconds": seconds, "verdict": verdict}


def main() -> None:
    import include.pipelines.sync.registry_sync
    import include.quality.expectations.data_docs
    import include.quality.expectations.suite  # noqa: F401

    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(carry_out(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
