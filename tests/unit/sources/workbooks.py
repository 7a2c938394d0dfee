"""Workbooks written part by part, for what no library writes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def text(value: str, reference: str = "") -> str:
    """A cell with inline text."""
    place = f' r="{reference}"' if reference else ""
    return f'<c{place} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def row(*cells: str, number: int | None = None) -> str:
    place = "" if number is None else f' r="{number}"'
    return f"<row{place}>{''.join(cells)}</row>"


def column(*cells: str, name: str = "A") -> str:
    """Rows of a sheet with one column: its header, then one cell in each row."""
    return "".join(row(cell) for cell in (text(name), *cells))


def book(
    rows: str,
    *,
    formats: Sequence[str | int] = (),
    strings: Sequence[str] | None = None,
    after: str = "",
    workbook: str = "",
    is_strict: bool = False,
    sheets: Sequence[tuple[str, str]] = (("S", "worksheet"),),
    others: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A workbook whose first sheet with cells has these rows.

    `formats` are number formats (codes, or built-in ids) of styles 1, 2, ...; `strings` is the XML inside each shared
    string; `after` is XML behind the rows, `workbook` before the list of sheets; `others` replaces or adds parts.
    """
    main, relations = (STRICT, STRICT_RELATIONS) if is_strict else (MAIN, RELATIONS)
    codes = {165 + n: code for n, code in enumerate(formats) if isinstance(code, str)}
    styles = "".join(f'<xf numFmtId="{165 + n if isinstance(f, str) else f}"/>' for n, f in enumerate(formats))
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in enumerate(sheets, 1))
    links = [(f"r{n}", kind, f"{kind}s/{n}.xml") for n, (_, kind) in enumerate(sheets, 1)]
    parts: dict[str, str | bytes] = {
        "_rels/.rels": _relations(relations, [("r1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}">{workbook}'
        f"<sheets>{listed}</sheets></workbook>",
    }
    for _, kind, target in links:
        root = "worksheet" if kind == "worksheet" else "chartsheet"
        content = f"<sheetData>{rows}</sheetData>{after}" if kind == "worksheet" else ""
        parts[f"xl/{target}"] = f'<{root} xmlns="{main}">{content}</{root}>'
    if formats:
        links.append(("s", "styles", "styles.xml"))
        spelt = "".join(f'<numFmt numFmtId="{id_}" formatCode={quoteattr(code)}/>' for id_, code in codes.items())
        parts["xl/styles.xml"] = (
            f'<styleSheet xmlns="{main}"><numFmts>{spelt}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
            f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>'
        )
    if strings is not None:
        links.append(("t", "sharedStrings", "/xl/sharedStrings.xml"))
        items = "".join(f"<si>{inside}</si>" for inside in strings)
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}">{items}</sst>'
    parts["xl/_rels/workbook.xml.rels"] = _relations(relations, links)
    return zipped({**parts, **(others or {})})


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(name, part)
    return content.getvalue()


def _relations(base: str, links: Sequence[tuple[str, str, str]]) -> str:
    listed = "".join(f'<Relationship Id="{i}" Type="{base}/{kind}" Target="{target}"/>' for i, kind, target in links)
    return f'<Relationships xmlns="{PACKAGE_RELATIONS}">{listed}</Relationships>'
