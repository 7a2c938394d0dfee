"""The generated page of indicators: id, name, definition, law, period, unit and digits of each, by section."""

from __future__ import annotations

from pathlib import Path

from include.indicators.definitions import SECTIONS, UNITS, Indicator, load_indicators


def page(schemas: Path) -> list[str]:
    """The lines of docs/reference/indicators.md."""
    found = load_indicators(schemas).values()
    begin = (
        f"{len(found)} figures for the Government, from `schemas/indicators`. How they are computed and one is added: "
        "[schemas/indicators/README.md](../../schemas/indicators/README.md). A finding has a list for the owner of a "
        "register, which is read for a stated purpose only."
    )
    lines = ["# Indicators", "", begin]
    for section, title in SECTIONS.items():
        of_section = [one for one in found if one.section == section]
        if of_section:
            lines += ["", f"## {title.english} ({title.vietnamese})", "", "| id | figure | definition | law |"]
            lines += ["| --- | --- | --- | --- |", *(_row(one) for one in of_section)]
    return lines


def _row(one: Indicator) -> str:
    breakdown = ", ".join(dimension.name for dimension in one.breakdown)
    facts = [f"{UNITS[one.unit].english}, {one.digits} digits, {one.scheme}"]
    facts += [f"by {breakdown}"] if breakdown else []
    facts += [f"finding for {one.finding.owner}"] if one.finding else []
    figure = f"{one.name.english} · {one.name.vietnamese}<br>{'; '.join(facts)}"
    law = "; ".join(one.legal_basis)
    return f"| `{one.indicator_id}` | {figure} | {one.definition.english} | {law} |"
