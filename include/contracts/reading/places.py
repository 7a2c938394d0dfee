"""Places of a contract's parts in its file."""

from __future__ import annotations

from collections.abc import Sequence

from open_data_contract_standard.model import AuthoritativeDefinition, CustomProperty, OpenDataContractStandard

from include.contracts.yaml_files import Place


def place_of(place: Place, custom: Sequence[CustomProperty], name: str) -> Place:
    """Place of a custom property's value; that of all custom properties if there is none of that name."""
    for index, prop in enumerate(custom):
        if prop.property == name:
            return (*place, "customProperties", index, "value")
    return (*place, "customProperties")


def definitions_of(odcs: OpenDataContractStandard) -> dict[Place, AuthoritativeDefinition]:
    """The legal references at the top of a contract, by place."""
    described = (odcs.description.authoritativeDefinitions if odcs.description else None) or []
    found: dict[Place, AuthoritativeDefinition] = {}
    for place, definitions in (((), odcs.authoritativeDefinitions or []), (("description",), described)):
        found |= {(*place, "authoritativeDefinitions", i): d for i, d in enumerate(definitions)}
    return found
