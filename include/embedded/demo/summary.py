"""Summary at the end of the demo: the outcome of each table, from the run log, and next steps."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from include.console import reasons_table, runs_table
from include.console_words import STAGES, local, number, word
from include.contracts.words import BilingualText
from include.embedded import servers
from include.embedded.demo.watch import DONE, FailedTask, Snapshot
from include.embedded.servers import console, say, show_command
from include.embedded.site import Site
from include.indicators.definitions import last_quarter
from include.lake import run_log
from include.lake.run_log import last_link_run
from include.lake.storage import Lake
from include.pipelines import PipelineContext, rule_texts


def show_end(site: Site, since: datetime, seen: Snapshot) -> int:
    """Print the summary; returns the demo's exit status."""
    rows = recorded_rows(site, since, [*seen.tables])
    recorded = {f"{row['registry']}.{row['table']}" for row in rows}
    console.print(runs_table(rows, local("Kết quả", "What happened"), width=console.width))
    if (grid := reasons_table(rows, _rules(site, rows))) is not None:
        console.print(grid)
    _tell_persons(site)
    for name, stage in seen.tables.items():
        if name not in recorded:
            say(f"{name}: {word(STAGES, stage)}", "yellow")
    _tell_unchanged(rows)
    failed = [*(_failure(site, task) for task in seen.failed)]
    for line, log in failed:
        say(line, "red")
        show_command(log)
    if seen.only_stewards_can_go_on:
        say(
            local(
                "Có bảng vượt ngưỡng cho phép và chờ cán bộ quản trị dữ liệu: chạy `make up`, mở trang sau để duyệt "
                "hoặc từ chối.",
                "A table is outside its tolerance and waits for a steward: run `make up`, open this page and approve "
                "or reject it.",
            ),
            "yellow",
        )
        show_command(f"{servers.url(site)}/required_actions")
    is_well = not failed and seen.has_ended and all(stage in DONE for stage in seen.tables.values())
    if not seen.has_ended and not seen.only_stewards_can_go_on:
        say(
            local(
                "Airflow chưa xong trong thời gian cho phép. Hãy chạy lại `make demo`. Nhật ký ở:",
                "Airflow had not finished in time. Run `make demo` again. Its logs are in:",
            ),
            "red",
        )
        show_command(str(site.var / "log"))
    _next_steps(site)
    return 0 if is_well else 1


def _rules(site: Site, rows: Sequence[Mapping[str, Any]]) -> dict[str, BilingualText]:
    """Texts of the registries' rules, by id."""
    context = PipelineContext(_lake(site), site.schemas, os.environ)
    registries = dict.fromkeys(row["registry"] for row in rows)
    return {rule_id: text for registry in registries for rule_id, text in rule_texts(context, registry).items()}


def _lake(site: Site) -> Lake:
    return Lake.from_environment({**os.environ, "LAKE_URI": site.lake_uri})


def _tell_unchanged(rows: Sequence[Mapping[str, Any]]) -> None:
    unchanged = sum(row["verdict"] == "unchanged" for row in rows)
    if not unchanged:
        return
    how_many = local(
        f"{unchanged} trên {len(rows)} bảng không đổi", f"{unchanged} of {len(rows)} tables did not change"
    )
    if unchanged == len(rows):
        how_many = local("Không có gì thay đổi", "Nothing changed")
    why = local(
        "nguồn giống như lần đồng bộ trước và hợp đồng dữ liệu không đổi nên không ghi gì; phiên bản là của lần "
        "đồng bộ trước.",
        "the source holds what it held at the last sync and the contract is the same, so nothing was written and the "
        "version is that of the last sync.",
    )
    say(f"{how_many}: {why}")


def _tell_persons(site: Site) -> None:
    """Print the result of linking on one line."""
    linked = last_link_run(_lake(site))
    if linked:
        records, persons, waiting = (number(count or 0) for count in (linked.records, linked.persons, linked.waiting))
        say(
            local(
                f"Đối khớp danh tính: {records} bản ghi là của {persons} người, mỗi người một mã; {waiting} cặp chờ "
                "người xem xét (lienthong link queue).",
                f"Persons: {records} records are {persons} persons with one id each; {waiting} pairs wait for a person "
                "to look at them (lienthong link queue).",
            )
        )


def recorded_rows(site: Site, since: datetime, tables: Sequence[str]) -> list[dict[str, Any]]:
    """The last row in `audit/runs` of each `registry.table` since an instant, in the order given."""
    lake = _lake(site)
    last: dict[str, dict[str, Any]] = {}
    for row in sorted(run_log.read(lake, "runs").to_pylist(), key=lambda row: run_log.place_of(row["recorded"])):
        if row["started_at"] >= since:
            last[f"{row['registry']}.{row['table']}"] = {**row, "reasons": json.loads(row["reasons"] or "[]")}
    return [last[name] for name in tables if name in last]


def _failure(site: Site, task: FailedTask) -> tuple[str, str]:
    """The last log line of a failed task, and its log file."""
    log = site.var / "log" / "airflow" / task.log
    what = local("thất bại", "failed")
    return f"{task.name} {what}: {_last_error(log) or local('xem nhật ký', 'see its log')}", str(log)


def _last_error(log: Path) -> str:
    text = ""
    for line in log.read_text().splitlines() if log.exists() else ():
        try:
            details = json.loads(line).get("error_detail") or []
        except ValueError:
            continue
        if details:
            text = f"{details[0]['exc_type']}: {details[0]['exc_value']}"
    return text


def _next_steps(site: Site) -> None:
    lake = Path(site.lake_uri)
    shown = lake.relative_to(site.root) if lake.is_relative_to(site.root) else site.lake_uri
    password = f"{local('người dùng', 'user')} {servers.USER}, {local('mật khẩu', 'password')}"
    steps = (
        (
            local("Xem trong Airflow", "See it in Airflow"),
            ("make up", servers.url(site), f"{password} {site.secret('airflow_password')}"),
        ),
        (
            local("Đọc một bảng đã công bố", "Read a published table"),
            (
                ".venv/bin/python",
                ">>> from deltalake import DeltaTable",
                f'>>> DeltaTable("{shown}/registry/population/citizen").to_pandas()',
            ),
        ),
        (
            local("Soạn báo cáo quý gửi Chính phủ", "Draft the quarterly report to the Government"),
            (f".venv/bin/lienthong report government --period {last_quarter(date.today())}",),
        ),
        (
            local("Thêm một cơ sở dữ liệu", "Add a registry"),
            (
                f"schemas/registries/NAME.odcs.yaml {local('và', 'and')} AIRFLOW_CONN_NAME, {local('rồi', 'then')}",
                ".venv/bin/lienthong check && .venv/bin/lienthong sync NAME",
            ),
        ),
    )
    say(f"\n{local('Tiếp theo', 'Next')}")
    for position, (what, commands) in enumerate(steps, 1):
        say(f"  {position}. {what}")
        for command in commands:
            show_command(command)
