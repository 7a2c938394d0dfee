"""Content of an official letter, in Vietnamese."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LetterTable:
    """A table of texts. `widths` are the columns' parts of the page's width."""

    headings: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class LetterSection:
    """A numbered section: a table, or none, and paragraphs below it."""

    title: str
    table: LetterTable | None = None
    paragraphs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter from its subject to whom it goes. Who sends it, the number and the day are filled in when it is signed.

    `at` is the instant at which its content was true.
    """

    subject: str
    addressee: str
    opening: tuple[str, ...]
    sections: tuple[LetterSection, ...]
    recipients: tuple[str, ...]
    at: datetime

    parent = "CƠ QUAN CHỦ QUẢN"
    issuer = "TÊN CƠ QUAN TRẢ LỜI"
    number = "Số:        /"
    motto = ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
    place = "…………, ngày      tháng      năm"
    signer = "QUYỀN HẠN, CHỨC VỤ CỦA NGƯỜI KÝ"
    draft = "DỰ THẢO, CHƯA KÝ"
