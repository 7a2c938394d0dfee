"""What people read in Vietnamese is in official words, wherever it is written: contracts have their own test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LETTER = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
ENGLISH = re.compile(r"\b(the|of|and)\b")  # a docstring that quotes a name
PAIR = re.compile(r"_\(\s*'((?:[^'\\]|\\.)*)'|l\.pick\(\s*'((?:[^'\\]|\\.)*)'")  # _('tiếng Việt', 'English') of a page

# what is wrong: what to write
BANNED = {
    r"\b[Mm]ật\b(?! khẩu)": "a class of state secrets; personal data is `dữ liệu cá nhân cơ bản` or `nhạy cảm`",
    r"^Từ$": "`Tiêu chí` for one of the five criteria; a day since which something holds says what: `Bị loại từ`",
    r"\d\.\d{1,2}(?![\d./-])": "a decimal comma: 0,5",
    r"\d{4}-\d{2}-\d{2}": "31/12/2024",
    r"[Kk]iểm toán": "`kiểm tra, giám sát`",
    r"[Đđ]ặc tả": "`hợp đồng dữ liệu`",
    r"[Ll]iên kết (danh tính|người)": "`đối khớp danh tính`",
    r"[Cc]ơ quan sở hữu|chủ sở hữu dữ liệu": "`cơ quan chủ quản`",
    r"[Nn]gười phụ trách dữ liệu": "`cán bộ quản trị dữ liệu`",
}


def python_texts(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def page_texts(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    for found in PAIR.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[1] or found[2] or ""


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Every Vietnamese text of the library, the plugins and the DAGs, with its place."""
    return tuple(_texts())


def _texts() -> Iterator[tuple[str, str]]:
    for folder in ("include", "plugins", "dags"):
        for path in sorted((ROOT / folder).rglob("*")):
            if {"simulator", "vietnam"} & {*path.parts} or path.suffix not in (".py", ".j2"):
                continue
            for line, text in python_texts(path) if path.suffix == ".py" else page_texts(path):
                if LETTER.search(text) and not ENGLISH.search(text):
                    yield f"{path.relative_to(ROOT)}:{line}", text


@pytest.mark.parametrize("wrong", BANNED)
def test_no_vietnamese_text_has(wrong: str) -> None:
    pattern = re.compile(wrong)
    found = [f"{place}: {text[:80]!r}" for place, text in texts() if pattern.search(text)]
    assert not found, f"write {BANNED[wrong]}:\n" + "\n".join(found)


def test_texts_are_found_where_they_are_written() -> None:
    """The tests above cannot pass because nothing was looked at."""
    files = {place.partition(":")[0] for place, _ in texts()}
    assert len(files) > 30
    assert {"include/console.py", "plugins/gate_questions.py", "include/quality/gate_words.py"} <= files
    assert any(file.endswith(".html.j2") for file in files)


@pytest.mark.parametrize("text", ["mật, cá nhân", "Từ", "0.5 %", "ngày 2025-07-01", "Nhật ký kiểm toán"])
def test_what_was_wrong_once_is_seen(text: str) -> None:
    assert any(re.search(wrong, text) for wrong in BANNED)


@pytest.mark.parametrize("text", ["mật khẩu", "Bị loại từ", "0,5 %", "1.234.567 bản ghi", "từ 001 đến 999"])
def test_what_is_right_is_let_pass(text: str) -> None:
    assert not any(re.search(wrong, text) for wrong in BANNED)
