"""Heading, recipients and annexes of the report, from `schemas/reports/government.yaml`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from include.contracts.yaml_files import ContractError, YamlForm, read_yaml

_TEXTS = ("parent", "issuer", "number", "place", "subject", "addressee", "opening", "signer")
_LISTS = ("recipients", "first", "annexes", "plots")


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands around the figures, in Vietnamese; and which indicators come first, have annexes and plots."""

    parent: str
    issuer: str
    number: str
    place: str
    subject: str
    addressee: str
    opening: str
    legal_basis: tuple[str, ...]
    recipients: tuple[str, ...]
    signer: str
    first: tuple[str, ...]
    annexes: tuple[str, ...]
    plots: tuple[str, ...]


def heading_path(schemas_dir: Path) -> Path:
    """The file of the heading."""
    return schemas_dir / "reports" / "government.yaml"


def load_heading(path: Path, indicators: Collection[str]) -> Heading:
    """The heading of a report over these indicators.

    Raises:
        ContractError: with every mistake, each with file, line and remedy.
    """
    form = _Form(read_yaml(path))
    heading = form.heading(indicators)
    if form.problems:
        raise ContractError(form.problems)
    return heading


class _Form(YamlForm):
    """Reader of the heading's fields."""

    def heading(self, indicators: Collection[str]) -> Heading:
        data = self.file.data
        self.only(data, (*_TEXTS, *_LISTS, "legalBasis"), ())
        recipients, first, annexes, plots = (self.names(field) for field in _LISTS)
        for field, names in (("first", first), ("annexes", annexes), ("plots", plots)):
            for name in names:
                if name not in indicators:
                    remedy = f"name one of schemas/indicators: {', '.join(sorted(indicators))}"
                    self.note((field,), f"there is no indicator `{name}`", remedy)
        return Heading(
            **{name: self.text(data, (name,)) for name in _TEXTS},
            legal_basis=self.legal_basis(),
            recipients=recipients,
            first=first,
            annexes=annexes,
            plots=plots,
        )

    def names(self, field: str) -> tuple[str, ...]:
        given = self.file.data.get(field)
        if isinstance(given, list) and all(isinstance(entry, str) and entry.strip() for entry in given):
            return tuple(given)
        self.note((field,), f"`{field}` is missing or not a list of texts", f"write `{field}: [...]`")
        return ()
