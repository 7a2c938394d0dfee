"""Comparison of a report file with the recorded original, with their differences."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.contracts.words import BilingualText
from include.lake.storage import Lake

REPORTS = "audit/reports"
GOVERNMENT = "audit/government"
"""Folders of the quality reports, and of the reports to the Government."""
FIGURES = "lienthong-figures"
"""Name of the meta tag with the digest of the report's figures."""
_FIGURES = re.compile(rf'<meta name="{FIGURES}" content="([0-9a-f]{{64}})">')
_MOST = 20
_NONE = BilingualText(
    "no report is in the ledger: make one with `lienthong report`",
    "nhật ký chưa có báo cáo nào: lập bằng `lienthong report`",
)
_STRANGE = BilingualText(
    "no entry of the ledger has its digest: it was altered, or it is none of the report's files",
    "không mục nào của nhật ký có mã băm của tệp này: tệp đã bị sửa, hoặc không phải tệp của báo cáo",
)


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """One recorded report: time, digest of its figures, and digest of each file by path."""

    sequence: int
    at: datetime
    figures: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class ReportChecked:
    """Result of checking a file: `ok` if an entry has its digest. `differences` are pairs of actual and original lines.

    `sequence` and `at` are of its entry, or of the most similar report's; None where there is none.
    """

    ok: bool
    name: str
    sha256: str
    why: BilingualText
    sequence: int | None = None
    at: datetime | None = None
    differences: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "why": self.why.english, "vietnamese": self.why.vietnamese}


def figures_digest(texts: dict[str, str]) -> str:
    """SHA-256 over all figures of a report: its CSV files, each by name and content."""
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items() if name.endswith(".csv")}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def with_figures(html: str, digest: str) -> str:
    """The page with the digest of its figures in a meta tag."""
    return html.replace("</head>", f'<meta name="{FIGURES}" content="{digest}">\n</head>', 1)


def check_report(lake: Lake, entries: pa.Table, name: str, content: bytes) -> ReportChecked:
    """Check a file against the ledger's entries; else find the most similar report and the differences."""
    digest = hashlib.sha256(content).hexdigest()
    made = _made(entries)
    of_it = [one for one in made if digest in one.files.values()]
    if of_it:
        one = of_it[-1]
        newest = made[-1]
        why = BilingualText(
            f"made by entry {one.sequence} of the ledger and unaltered since",
            f"được lập theo mục {one.sequence} của nhật ký và chưa bị sửa",
        )
        if newest is not one:
            why = BilingualText(
                f"{why.english}; a newer report was made by entry {newest.sequence}",
                f"{why.vietnamese}; mục {newest.sequence} đã lập báo cáo mới hơn",
            )
        return ReportChecked(True, name, digest, why, one.sequence, one.at)
    if not made:
        return ReportChecked(False, name, digest, _NONE)
    text = _text(content)
    claimed = _FIGURES.search(text or "")
    candidates = [one for one in made if claimed and one.figures == claimed.group(1)] or made
    best: tuple[int, RecordedReport, list[tuple[str, str]]] | None = None
    for one in candidates[::-1][:_MOST]:
        original = _original(lake, one, name)
        if original is None or text is None:
            continue
        differences = _differences(original, text)
        if best is None or len(differences) < best[0]:
            best = (len(differences), one, differences)
    if best is None:
        return ReportChecked(False, name, digest, _STRANGE)
    count, one, differences = best
    where = "in 1 place" if count == 1 else f"in {count} places"
    why = BilingualText(
        f"it differs {where} from the file that entry {one.sequence} tells of",
        f"khác ở {count} chỗ so với tệp được lập theo mục {one.sequence}",
    )
    return ReportChecked(False, name, digest, why, one.sequence, one.at, tuple(differences[:_MOST]))


def _made(entries: pa.Table) -> list[RecordedReport]:
    is_report = pc.is_in(entries["subject"], pa.array([REPORTS, GOVERNMENT]))
    of_reports = entries.filter(pc.and_(pc.equal(entries["kind"], "export"), is_report))
    made = []
    for row in of_reports.to_pylist():
        payload = json.loads(row["payload"])
        made.append(RecordedReport(row["sequence"], row["at"], payload["figures_sha256"], payload["bound"]))
    return made


def _original(lake: Lake, made: RecordedReport, name: str) -> str | None:
    """The original file from the lake, if it is still there unaltered."""
    for path, digest in made.files.items():
        if path.rpartition("/")[2] == name:
            try:
                text = lake.read_text(lake.path(path))
            except (FileNotFoundError, UnicodeDecodeError):
                continue
            if hashlib.sha256(text.encode()).hexdigest() == digest:
                return text
    return None


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _differences(was: str, is_now: str) -> list[tuple[str, str]]:
    """Differing pieces, as (actual, original): lines, or the texts between tags of a page."""
    old, new = (_pieces(text) for text in (was, is_now))
    found = []
    for what, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            found.append((" ".join(new[j1:j2])[:200], " ".join(old[i1:i2])[:200]))
    return found


def _pieces(text: str) -> list[str]:
    pieces = re.split(r"(?<=>)|(?=<)|\n", text) if text.lstrip().startswith("<") else text.splitlines()
    return [piece for piece in pieces if piece.strip()]
