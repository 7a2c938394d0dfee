"""Texts of a table's gate findings in both languages, with what to check before deciding."""

from __future__ import annotations

from collections.abc import Sequence

from include.contracts.model import Rule, Table
from include.contracts.words import BilingualText, Language, allowed, figure

Reasons = Sequence[tuple[str, int]]


def empty(table: Table, live: int) -> BilingualText:
    """Finding: a full extract without rows, while `live` rows are published."""
    return BilingualText(
        f"The source of {table.qualified_name} gave no rows "
        f"({f'{live:,} rows are published now' if live else 'nothing is published yet'}). Ask the registry's owner "
        f"whether {table.source_name} is really empty; decline unless it is.",
        f"Nguồn của {table.qualified_name} không trả về bản ghi nào "
        f"({f'hiện công bố {_vi(live)} bản ghi' if live else 'chưa công bố bản ghi nào'}). Hỏi cơ quan chủ quản xem "
        f"{table.source_name} có thật sự rỗng không; từ chối nếu không phải vậy.",
    )


def rejected(table: Table, new: int, rows: int, repeats: int, share: float, frequent: Reasons) -> BilingualText:
    """Finding: `new` of `rows` rows break rules, besides `repeats` repeats; `frequent`: the rules most often broken."""
    tolerated = table.tolerance.rejected_percent
    docs = f"audit/data_docs/{table.registry}/{table.name}.html"
    return BilingualText(
        f"{new:,} of {rows:,} rows of {table.qualified_name} ({percent('en', share, tolerated)}) break rules"
        f"{f', besides {repeats:,} that came before and are open' if repeats else ''}; {tolerated:g} % are tolerated. "
        f"{_listed('en', 'Most frequent', frequent)}The counts of every rule are in {docs} of the lake: send "
        "them to the registry's owner; approve only if the table is of use without these rows.",
        f"{_vi(new)} trên {_vi(rows)} bản ghi của {table.qualified_name} ({percent('vi', share, tolerated)}) vi phạm "
        f"quy tắc{f', ngoài {_vi(repeats)} bản ghi bị loại từ trước và còn mở' if repeats else ''}; mức cho phép là "
        f"{allowed('vi', f'{tolerated:g} %')}. {_listed('vi', 'Nhiều nhất', frequent)}Số liệu của từng quy tắc ở "
        f"{docs} trong hồ dữ liệu: gửi cơ quan chủ quản; chỉ duyệt nếu bảng vẫn dùng được khi thiếu các bản ghi này.",
    )


def superseded(table: Table, rows: int, extracted: int, share: float, tolerated: float) -> BilingualText:
    """Finding: `rows` of the extracted rows have the published key of a newer one."""
    key = ", ".join(table.primary_key)
    return BilingualText(
        f"{rows:,} of {extracted:,} rows of {table.qualified_name} ({percent('en', share, tolerated)}) have the key "
        f"({key}) of a newer row of the same extract and would not be published; {tolerated:g} % are tolerated. Ask "
        "the registry's owner whether codes in the key were given anew (wards, since 2025-07-01); decline if so.",
        f"{_vi(rows)} trên {_vi(extracted)} bản ghi của {table.qualified_name} ({percent('vi', share, tolerated)}) "
        f"trùng khóa ({key}) với bản ghi mới hơn trong cùng lần trích xuất nên sẽ không được công bố; mức cho phép là "
        f"{allowed('vi', f'{tolerated:g} %')}. Hỏi cơ quan chủ quản xem mã trong khóa có được cấp lại hay không (mã xã "
        "từ 01/7/2025); từ chối nếu đúng như vậy.",
    )


def row_count(table: Table, before: int, after: int, change: float) -> BilingualText:
    """Finding: the table's row count would change by `change` percent."""
    tolerated, grows = table.tolerance.row_count_change_percent, change > 0
    return BilingualText(
        f"{table.qualified_name} would {'grow' if grows else 'shrink'} from {before:,} to {after:,} rows "
        f"({percent('en', abs(change), tolerated)}); {tolerated:g} % are tolerated. Ask the registry's owner whether "
        "the extract is complete and whether such a change is expected; decline if it is not.",
        f"{table.qualified_name} sẽ {'tăng' if grows else 'giảm'} từ {_vi(before)} {'lên' if grows else 'xuống'} "
        f"{_vi(after)} bản ghi ({percent('vi', abs(change), tolerated)}); mức cho phép là "
        f"{allowed('vi', f'{tolerated:g} %')}. Hỏi cơ quan chủ quản xem dữ liệu trích xuất có đầy đủ không, thay đổi "
        "này có được dự kiến không; từ chối nếu không.",
    )


def deletes(table: Table, gone: int, live: int, share: float) -> BilingualText:
    """Finding: `gone` of `live` published rows are no longer at the source."""
    tolerated = table.extract.delete_limit_percent
    return BilingualText(
        f"{gone:,} of {live:,} published rows of {table.qualified_name} ({percent('en', share, tolerated)}) are gone "
        f"from the source and would leave the table; {tolerated:g} % are tolerated. Ask the registry's owner whether "
        "they were deleted or left out of the extract; decline if left out.",
        f"{_vi(gone)} trên {_vi(live)} bản ghi đang công bố của {table.qualified_name} "
        f"({percent('vi', share, tolerated)}) không còn tại nguồn và sẽ bị xóa khỏi bảng; mức cho phép là "
        f"{allowed('vi', f'{tolerated:g} %')}. Hỏi cơ quan chủ quản xem các bản ghi này đã được xóa hay bị sót khi "
        "trích xuất; từ chối nếu bị sót.",
    )


def bound(table: Table, rule: Rule, violations: int, rows: int, measured: float) -> BilingualText:
    """Finding: a table rule's bound does not hold."""
    is_share = rule.bound is not None and rule.bound.unit == "percent"
    about = f" of {', '.join(rule.columns)}" if rule.columns else ""
    of_columns = f" của {', '.join(rule.columns)}" if rule.columns else ""
    measure = f"{measured:.4g} % ({violations:,} of {rows:,} rows)" if is_share else f"{measured:,.0f} rows"
    so_lieu = (
        f"{allowed('vi', f'{measured:.4g}')} % ({_vi(violations)} trên {_vi(rows)} bản ghi)"
        if is_share
        else f"{_vi(measured)} bản ghi"
    )
    return BilingualText(
        f"{rule.description.rstrip('.')}: {rule.metric}{about} must be {rule.bound} over the rows of "
        f"{table.qualified_name}, and is {measure}. Ask the registry's owner why; approve only if that is understood.",
        f"{rule.text('vi').rstrip('.')}: {rule.metric}{of_columns} phải {allowed('vi', str(rule.bound))} trên các bản "
        f"ghi của {table.qualified_name}, thực tế là {so_lieu}. Hỏi cơ quan chủ quản về nguyên nhân; chỉ duyệt khi đã "
        "rõ nguyên nhân.",
    )


def percent(language: Language, measured: float, tolerated: float) -> str:
    """A percentage with as many digits as show that it is outside its bound: 5.0003 % against 5 %."""
    for digits in range(1, 5):
        if round(measured, digits) != round(tolerated, digits):
            return f"{figure(language, measured, digits)} %"
    return f"{figure(language, measured, 6)} %"


def _vi(value: float) -> str:
    return figure("vi", value)


def _listed(language: Language, title: str, reasons: Reasons) -> str:
    listed = ", ".join(f"{rule_id} ({figure(language, count)})" for rule_id, count in reasons)
    return f"{title}: {listed}. " if listed else ""
