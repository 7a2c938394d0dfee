"""Alerts at the head of the report: runs waiting, failed or late, evaluations that differ, largest deductions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.audit.report_data import Deduction, Overview, QualityReportInputs, TableReport
from include.audit.report_words import Locale
from include.lake.rejected import OpenRule

COSTLIEST = 5
MOST_SERVERS = 10


def attention(overview: Overview, surroundings: QualityReportInputs, locale: Locale) -> list[str]:
    """One sentence per alert, the most serious first; empty if all is well.

    First, since the list may be cut: a broken ledger, runs waiting for a decision, failed, late or disagreeing. Then
    the open rejections. Each by table, the worst first.
    """
    found = []
    ledger = surroundings.ledger
    if ledger and not ledger.is_whole:
        found.append(
            locale.pick(
                f"Nhật ký kiểm tra, giám sát không còn nguyên vẹn: {ledger.why.vietnamese}",
                f"The ledger is not whole: {ledger.why.english}",
            )
        )
    if surroundings.broken:
        files = ", ".join(surroundings.broken)
        found.append(
            locale.pick(
                f"Không đọc được, nên không có trong báo cáo: {files}; xem lỗi bằng lienthong check",
                f"Not readable, and so not in this report: {files}; lienthong check tells the mistakes",
            )
        )
    if held := surroundings.linking.waits:
        found.append(
            locale.pick(
                f"Đối khớp danh tính: lần chạy {held.run_id} bị tạm giữ, chờ cán bộ quản trị dữ liệu quyết định",
                f"Persons: run {held.run_id} of linking is held back and waits for a steward's decision",
            )
        )
    for registry in sorted(surroundings.missing):
        said = surroundings.delivered[registry]
        found.append(f"{registry}: {locale.pick(said.vietnamese, said.english)}")
    tables = worst_first(overview.tables)
    found += [sentence for table in tables for sentence in _of_table(table, locale)]
    return found + [_open(table, table.open.total, locale) for table in tables if table.open and table.open.total.rows]


def costliest(overview: Overview) -> list[tuple[TableReport, Deduction]]:
    """The largest deductions, over all tables."""
    listed = [(table, deduction) for table in overview.tables for deduction in table.index.deductions]
    return sorted(listed, key=lambda pair: (-pair[1].points, pair[0].table.qualified_name, pair[1].source))[:COSTLIEST]


def worst_first(tables: Iterable[TableReport]) -> list[TableReport]:
    """Tables by index, the lowest first; those not measured last."""
    return sorted(tables, key=lambda table: 101.0 if table.index.overall is None else table.index.overall)


def _of_table(table: TableReport, locale: Locale) -> Iterator[str]:
    """Of one table; of one that several servers deliver the failed runs in one sentence, and what waits for each.

    Late servers have a sentence of their registry.
    """
    if not table.slices:
        yield from _of_runs(table, locale)
        yield from _of_schedule(table, locale)
        yield from _of_rules(table, locale)
        return
    failed = [one.table.server for one in table.slices if one.latest and one.latest.verdict == "failed"]
    if failed:
        listed = ", ".join(failed[:MOST_SERVERS]) + (", …" if len(failed) > MOST_SERVERS else "")
        number = locale.pick(f"{len(failed)}/{len(table.slices)}", f"{len(failed)} of {len(table.slices)}")
        yield locale.pick(
            f"{_name(table, locale)}: lần chạy gần nhất thất bại ở {number} máy chủ nguồn: {listed}",
            f"{_name(table, locale)}: the newest run failed on {number} servers: {listed}",
        )
    for one in table.slices:
        if not (one.latest and one.latest.verdict == "failed"):
            yield from _of_runs(one, locale)
        yield from _of_rules(one, locale)


def _of_runs(table: TableReport, locale: Locale) -> Iterator[str]:
    name, latest = _name(table, locale), table.latest
    if latest and latest.verdict == "held":
        yield locale.pick(
            f"{name}: lần chạy {latest.run_id} bị tạm giữ, chờ cán bộ quản trị dữ liệu quyết định",
            f"{name}: run {latest.run_id} is held back and waits for a steward's decision",
        )
    if latest and latest.verdict == "declined":
        yield locale.pick(
            f"{name}: lần chạy {latest.run_id} bị {latest.refused_by} từ chối công bố; số liệu trước đó giữ nguyên",
            f"{name}: run {latest.run_id} was declined by {latest.refused_by}; what was published before stands",
        )
    if latest and latest.verdict == "timed out":
        yield locale.pick(
            f"{name}: lần chạy {latest.run_id} quá hạn duyệt, không được công bố",
            f"{name}: run {latest.run_id} was held back and nobody answered in time: it is not published",
        )
    if latest and latest.verdict == "failed":
        yield locale.pick(
            f"{name}: lần chạy {latest.run_id} thất bại ({latest.error_type})",
            f"{name}: run {latest.run_id} failed ({latest.error_type})",
        )


def _of_rules(table: TableReport, locale: Locale) -> Iterator[str]:
    at = f"@{table.table.server}" if table.table.server else ""
    for rule in table.rules:
        if rule.disagrees:
            yield locale.pick(
                f"{rule.rule_id}{at}: hai lần đánh giá độc lập cho kết quả khác nhau",
                f"{rule.rule_id}{at}: the two independent evaluations disagree",
            )


def _of_schedule(table: TableReport, locale: Locale) -> Iterator[str]:
    name, stands = _name(table, locale), table.freshness
    if stands.missed:
        yield locale.pick(
            f"{name}: quá hạn {stands.missed} kỳ cập nhật; lần cập nhật thành công gần nhất: "
            f"{locale.instant(stands.last_good_at)}",
            f"{name}: {stands.missed} scheduled runs missed; the last good one: {locale.instant(stands.last_good_at)}",
        )
    if stands.took_too_long:
        yield locale.pick(f"{name}: lần cập nhật cuối vượt thời hạn", f"{name}: the last run passed its deadline")


def _open(table: TableReport, opened: OpenRule, locale: Locale) -> str:
    name, rows, since = _name(table, locale), locale.number(opened.rows), locale.instant(opened.since)
    share = judged = ""
    if table.standing and table.standing.open_rows == opened.rows:
        share, judged = locale.percent(table.standing.open_percent), locale.number(table.standing.judged)
    of = locale.pick(f" ({share} trong {judged} bản ghi đã xét)", f" ({share} of the {judged} judged)") if share else ""
    return locale.pick(
        f"{name}: {rows} bản ghi bị loại còn chờ nguồn sửa{of}, lâu nhất từ {since}",
        f"{name}: {rows} rejected rows are open until their source mends them{of}, the oldest since {since}",
    )


def _name(table: TableReport, locale: Locale) -> str:
    """The table's display name."""
    name = table.table.qualified_name
    return locale.pick(f"{table.table.business_name} ({name})" if table.table.business_name else name, name)
