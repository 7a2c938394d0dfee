"""Great Expectations' Data Docs of each table's latest run, as self-contained HTML pages.

GX renders the sections; its page around them is replaced, because it fetches styles, scripts and a logo from six
hosts: the evidence must be readable offline and unobserved.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaSectionView

from include.contracts.model import Table
from include.lake.storage import Lake

_VIEW = DefaultJinjaSectionView()  # compiles its templates once
_UNWANTED = re.compile(
    r"<(script|iframe)\b.*?</\1\s*>|</?(?:a|link|img|meta|base)\b[^>]*>|\bsrc\s*=\s*[\"'][^\"']*[\"']|\bon[a-z]+\s*=\s*\"[^\"]*\"",
    re.DOTALL | re.IGNORECASE,
)
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#1d2733;background:#f6f8fa}
main{max-width:1100px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0}h1 small{font-weight:400;color:#5b6875}
h2,h3,h4,h5{margin:20px 0 8px}a{color:#0b5cad}
.ge-section{background:#fff;border:1px solid #d9e0e7;border-radius:8px;padding:8px 20px 16px;margin:16px 0}
table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #e4e9ee;padding:6px 10px;text-align:left;
vertical-align:top;overflow-wrap:anywhere}th{white-space:nowrap;color:#5b6875;font-weight:600}
code,pre,.code-snippet{background:#eef2f6;border-radius:4px;padding:1px 4px;white-space:pre-wrap}
.fa-check-circle:before{content:"✓"}.fa-times:before,.fa-exclamation-triangle:before{content:"✗"}
.text-success{color:#1a7f37}.text-danger{color:#c62828}.badge{background:#eef2f6;border-radius:4px;padding:1px 6px}
.cooltip .top,.collapse{display:none}.popover{display:none}ul{margin:4px 0}
@media (prefers-color-scheme:dark){body{background:#12171d;color:#dde4ea}.ge-section{background:#1a2129;
border-color:#2c3742}td,th{border-color:#2c3742}code,pre,.code-snippet,.badge{background:#2c3742}a{color:#7ab8f5}}
"""


def write(lake: Lake, table: Table, result: ExpectationSuiteValidationResult) -> str:
    """Write the page of a table's latest run and the index of all tables; returns the page's URI.

    Raises:
        LakeError: the lake failed.
    """
    folder = lake.path("audit", "data_docs")
    uri = f"{folder}/{table.registry}/{table.name}.html"
    lake.write_text(uri, page(table, result))
    listed = None
    while listed != (pages := _pages(lake, folder)):  # tables are assessed in parallel: the last writer lists all pages
        lake.write_text(f"{folder}/index.html", index(pages))
        listed = pages
    return uri


def page(table: Table, result: ExpectationSuiteValidationResult) -> str:
    """HTML page of a table's expectations and their counts."""
    document = ValidationResultsPageRenderer().render(result)
    sections = [
        _VIEW.render({"section": section.to_json_dict(), "section_loop": {"index": number}})
        for number, section in enumerate(
            document.sections[1:], start=1
        )  # the first section links to pages that do not exist here
    ]
    met, all_ = result.statistics["successful_expectations"], result.statistics["evaluated_expectations"]
    run_id = html.escape(result.meta["run_id"]["run_name"])
    overview = (
        f'<p><a href="../index.html">All tables</a></p><p>Run <code>{run_id}</code>: {met} of {all_} expectations are '
        "met by every row. A row that does not meet one of severity critical is not published.</p>"
    )
    title = f"{table.qualified_name} <small>{html.escape(table.business_name)}</small>"
    return _page(title, overview + _UNWANTED.sub("", "\n".join(sections)))


def index(pages: Iterable[str]) -> str:
    """HTML index of all tables' pages; `pages` are paths such as `land/parcel.html`."""
    items = "".join(
        f'<li><a href="{html.escape(path)}">{html.escape(path.removesuffix(".html").replace("/", "."))}</a></li>'
        for path in sorted(pages)
    )
    return _page(
        "Data Docs <small>the latest run of each table</small>", f'<div class="ge-section"><ul>{items}</ul></div>'
    )


def _pages(lake: Lake, folder: str) -> list[str]:
    return [page.removeprefix(f"{folder}/") for registry in lake.list(folder) for page in lake.list(registry)]


def _page(title: str, body: str) -> str:
    plain = html.escape(re.sub(r"<[^>]*>", "", title))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{plain}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>\n{body}\n</main></body></html>\n"
    )
