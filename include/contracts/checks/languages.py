"""Check that a contract with Vietnamese texts has them for all rules and legal references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from open_data_contract_standard.model import AuthoritativeDefinition

from include.contracts.checks.names import nearest
from include.contracts.model import Table
from include.contracts.yaml_files import Place, ReportProblem


def check_languages(
    tables: Sequence[Table],
    places: Mapping[str, Place],
    definitions: Mapping[Place, AuthoritativeDefinition],
    laws: Mapping[str, str],
    report: ReportProblem,
) -> None:
    """Warn of rules and legal references without a Vietnamese text, in a contract that has some.

    A contract in English only is valid: its texts are shown in English in both languages.

    Args:
        tables: with their rules; implied ones have generated texts.
        places: places of written rules, by id.
        definitions: the legal references, by place.
        laws: Vietnamese texts of legal references, by id.
        report: records a warning.
    """
    written = [rule for table in tables for rule in table.rules if rule.rule_id in places]
    if not laws and not any(rule.vietnamese for rule in written):
        return
    for rule in written:
        if not rule.vietnamese:
            remedy = "add `customProperties: [{property: vietnamese, value: ...}]` to the rule"
            report(places[rule.rule_id], "the rule has no Vietnamese text", remedy, warning=True)
    for place, definition in definitions.items():
        if definition.id not in laws:
            remedy = "give it an `id`, and that id a text in `description: customProperties: vietnamese`"
            report(place, "the reference has no Vietnamese text", remedy, warning=True)
    known = {definition.id for definition in definitions.values() if definition.id}
    for name in sorted(set(laws) - known):
        place = ("description", "customProperties")
        report(place, f"`vietnamese` names no reference `{name}`", nearest(name, known), warning=True)
