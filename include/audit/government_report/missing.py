"""What the report lacks: figures that could not be computed or have no value, servers, and comparisons."""

from __future__ import annotations

from collections.abc import Mapping

from include.audit.government_report.inputs import ReportInputs
from include.indicators.computation import REASONS


def missing_texts(inputs: ReportInputs, numbers: Mapping[str, int]) -> tuple[str, ...]:
    """What has no value and why, which servers had not delivered, and what is not compared with the period before.

    `numbers` are those of the notes, by indicator.
    """
    servers: dict[str, int] = {}
    found = []
    for name in inputs.failed:
        label = inputs.definitions[name].name.vietnamese if name in inputs.definitions else "Chỉ tiêu"
        why = "không tính được trong lần lập này, vì định nghĩa hoặc truy vấn của chỉ tiêu có lỗi"
        found.append(f"{label} ({name}): {why}")
    for name in numbers:
        shown = inputs.now[name]
        for server in shown.stored.missing:
            servers[server] = servers.get(server, 0) + 1
        if shown.total.value is None and not shown.is_hidden(shown.total):
            label = inputs.definitions[name].name.vietnamese
            why = inputs.definitions[name].not_available.vietnamese
            reason = REASONS[shown.total.reason].vietnamese if shown.total.reason in REASONS else "–"
            found.append(f"{label}: {reason}. {why}")
    told = [
        f"Máy chủ nguồn {server} chưa gửi dữ liệu của kỳ: thiếu trong {count} chỉ tiêu"
        for server, count in sorted(servers.items())
    ]
    return *told, *found, *_not_compared(inputs, numbers)


def _not_compared(inputs: ReportInputs, numbers: Mapping[str, int]) -> list[str]:
    """Why there is no comparison with the period before, and for which indicators, by the numbers of their notes."""
    found: dict[str, list[str]] = {}
    for name, number in numbers.items():
        now, before = inputs.now[name].stored, inputs.before.get(name)
        if now.total.value is None or inputs.comparable_before(name):
            continue
        if not now.is_whole:
            why = "kỳ báo cáo chưa kết thúc"
        elif before is None or now.missing == before.stored.missing:
            why = "không tính được số của kỳ trước"
        else:
            servers = sorted({*now.missing} ^ {*before.stored.missing})
            why = f"máy chủ nguồn {', '.join(servers)} chỉ gửi dữ liệu của một trong hai kỳ"
        found.setdefault(why, []).append(str(number))
    return [f"Không so sánh với kỳ trước: {why} (chú giải {', '.join(notes)})" for why, notes in found.items()]
