"""The words of requests: kinds, states and events, as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from include.contracts.words import BilingualText

KINDS: Mapping[str, BilingualText] = {
    "ask": BilingualText("asks for data", "đề nghị cung cấp dữ liệu"),
    "dispute": BilingualText("reports a wrong row", "phản ánh bản ghi sai"),
}
STATES: Mapping[str, BilingualText] = {
    "open": BilingualText("open", "chờ trả lời"),
    "granted": BilingualText("granted", "được chấp thuận"),
    "in force": BilingualText("in force", "đang có hiệu lực"),
    "refused": BilingualText("refused", "bị từ chối"),
    "withdrawn": BilingualText("withdrawn", "đã rút"),
    "accepted": BilingualText("accepted, to be mended", "được chấp nhận, chờ sửa"),
    "mended": BilingualText("mended", "đã sửa"),
    "rejected": BilingualText("rejected", "bị bác bỏ"),
}
ACTS: Mapping[str, BilingualText] = {
    **STATES,
    "asked": BilingualText("sent", "đã gửi"),
    "accepted": BilingualText("accepted", "được chấp nhận"),
    "in force": BilingualText("agreement in force", "thỏa thuận có hiệu lực"),
    "reminded": BilingualText("provider reminded", "đã nhắc bên cung cấp"),
    "escalated": BilingualText("overdue, brought to the owner", "quá hạn, đã báo cơ quan chủ quản"),
    "notified": BilingualText("message sent", "đã gửi thông báo"),
}
