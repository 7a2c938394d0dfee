"""Error responses: not signed in, not allowed, not found, or the lake does not answer."""

from __future__ import annotations

import logging

from airflow.api_fastapi.app import get_auth_manager
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from include.contracts.yaml_files import ContractError
from include.known_error import KnownError
from include.lake.storage import LakeDenied, LakeError, LakeFull, LakeUnreachable
from include.pipelines import Misuse
from include.pipelines.decisions import NotASteward
from plugins.pages.csrf import StaleForm
from plugins.pages.rendering import page

log = logging.getLogger(__name__)

Text = tuple[str, str]

_BY_STATUS: dict[int, tuple[Text, Text]] = {
    401: (
        ("Cần đăng nhập", "Please sign in"),
        (
            "Trang này chỉ dành cho người dùng đã đăng nhập Airflow.",
            "This page is only for those who are signed in to Airflow.",
        ),
    ),
    403: (
        ("Không có quyền xem", "Not for your role"),
        (
            "Vai trò của bạn không được xem trang này. Hãy đề nghị quản trị viên Airflow cấp quyền nếu bạn cần.",
            "Your role may not see this page. Ask the administrator of Airflow if you need it.",
        ),
    ),
    404: (
        ("Không tìm thấy trang", "There is no such page"),
        (
            "Có thể bảng, lần chạy hoặc đường dẫn đã đổi. Hãy bắt đầu lại từ trang đầu.",
            "The table, the run or the address may have changed. Start again from the first page.",
        ),
    ),
}
_STALE: tuple[Text, Text] = (
    ("Hãy tải lại trang", "Load the page again"),
    (
        "Trình duyệt đã khởi động lại từ khi mở trang; chưa có gì được lưu. Hãy quay lại, tải lại trang rồi gửi lại.",
        "The browser was restarted since; nothing was kept. Go back, load the page again and send the form once more.",
    ),
)
_MISREAD_FORM: tuple[Text, Text] = (
    ("Biểu mẫu chưa đúng", "The form is not right"),
    (
        "Có ô quá dài hoặc không hợp lệ; chưa có gì được lưu. Hãy quay lại, sửa rồi gửi lại.",
        "A field is too long or not valid; nothing was kept. Go back, mend it and send the form once more.",
    ),
)
_BY_ERROR: tuple[tuple[type[Exception], Text, Text], ...] = (
    (
        LakeUnreachable,
        ("Hồ dữ liệu không trả lời", "The lake does not answer"),
        (
            "Kiểm tra LAKE_URI, AWS_ENDPOINT_URL, tên bucket và mạng, rồi tải lại trang.",
            "Check LAKE_URI, AWS_ENDPOINT_URL, the bucket's name and the network, then load the page again.",
        ),
    ),
    (
        LakeDenied,
        ("Hồ dữ liệu từ chối truy cập", "The lake refuses access"),
        (
            "Kiểm tra khóa truy cập của máy chủ API (AWS_ACCESS_KEY_ID) và quyền trên bucket, hoặc chủ của thư mục.",
            "Check the API server's credentials (AWS_ACCESS_KEY_ID) and the bucket's policy, or the folder's owner.",
        ),
    ),
    (
        LakeFull,
        ("Hết chỗ trên đĩa", "No space left"),
        (
            "Dọn đĩa của hồ dữ liệu hoặc thư mục tạm (LIENTHONG_TMP), rồi tải lại trang.",
            "Make room on the lake's disk or in the scratch folder (LIENTHONG_TMP), then load the page again.",
        ),
    ),
    (
        LakeError,
        ("Không đọc được hồ dữ liệu", "The lake could not be read"),
        (
            "Tải lại trang; nếu vẫn lỗi, hãy báo dòng dưới đây cho người vận hành.",
            "Load the page again; if it comes back, report the line below to those who run the lake.",
        ),
    ),
    (
        ContractError,
        ("Hợp đồng dữ liệu có lỗi", "A contract has mistakes"),
        (
            "Chạy `lienthong check`: lệnh này chỉ rõ tệp, dòng và cách sửa.",
            "Run `lienthong check`: it names file, line and remedy.",
        ),
    ),
)


def register(app: FastAPI) -> None:
    """Register handlers for all failures; none shows a stack trace or an engine's message."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(KnownError, _failed)
    app.add_exception_handler(Exception, _unforeseen)


def _refused(request: Request, error: Exception) -> HTMLResponse:
    code = error.status_code if isinstance(error, HTTPException) else 500
    heading, text = _STALE if isinstance(error, StaleForm) else _BY_STATUS.get(code, _BY_STATUS[404])
    login = ""
    if code == 401:
        login = get_auth_manager().get_url_login(next_url=str(request.url))
    return _message(request, heading, text, status=code, login=login)


def _misread(request: Request, error: Exception) -> HTMLResponse:
    if request.method == "POST":
        return _message(request, *_MISREAD_FORM, status=422)
    return _message(request, *_BY_STATUS[404], status=404)


def _failed(request: Request, error: Exception) -> HTMLResponse:
    log.warning("%s: %s", type(error).__name__, error)
    if isinstance(error, NotASteward):
        heading = ("Không thuộc quyền quyết định của bạn", "Not yours to decide")
        text = (
            "Chỉ cán bộ quản trị dữ liệu nêu trong hợp đồng dữ liệu được quyết định.",
            "Only the data stewards whom the contract names may decide.",
        )
        return _message(request, heading, text, status=403, detail=str(error))
    if isinstance(error, Misuse):
        heading = ("Chưa đủ thông tin", "Something is missing")
        text = ("Hãy quay lại và ghi rõ mục đích hoặc lý do.", "Go back and give the purpose or the reason.")
        return _message(request, heading, text, status=400, detail=str(error))
    for kind, heading, text in _BY_ERROR:
        if isinstance(error, kind):
            detail = "" if isinstance(error, ContractError) else str(error)
            return _message(request, heading, text, status=503, detail=detail)
    return _unforeseen(request, error)


def _unforeseen(request: Request, error: Exception) -> HTMLResponse:
    log.error("a quality page failed with %s", type(error).__name__)
    heading = ("Trang gặp lỗi", "The page failed")
    text = (
        "Tải lại trang; nếu vẫn lỗi, hãy báo dòng dưới đây cho người vận hành.",
        "Load the page again; if it comes back, report the line below to those who run Airflow.",
    )
    detail = str(error) if isinstance(error, KnownError) else type(error).__name__
    return _message(request, heading, text, status=500, detail=detail)


def _message(
    request: Request, heading: Text, text: Text, *, status: int, login: str = "", detail: str = ""
) -> HTMLResponse:
    values = {"heading": heading, "text": text, "detail": detail, "login": login, "is_signed_in": status != 401}
    return page(request, "message.html.j2", values, status=status)
