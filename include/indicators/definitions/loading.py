"""Loading of indicators from YAML; an `Indicator` that loads has no mistakes of form.

Whether its SQL fits the contracts and code lists is checked in `check.py`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from include.contracts.words import BilingualText
from include.contracts.yaml_files import ContractError, Problem, YamlForm, all_valid, load_each, read_yaml
from include.indicators.definitions.indicator import SECTIONS, UNITS, Breakdown, Finding, Indicator, Unit
from include.indicators.definitions.period import SCHEMES

FOLDER = "indicators"
_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_COLUMN = re.compile(r"[a-z][a-z0-9_]*")
_FIELDS = ("version", "name", "definition", "legalBasis", "section", "unit", "digits", "period", "rows", "numerator",
           "denominator", "percentile", "breakdown", "notAvailable", "minimumCell", "finding")  # fmt: skip
_MOST_DIGITS, _LARGEST_CELL, _WHOLE = 6, 1000, 100

Choice = TypeVar("Choice", bound=str)


def indicator_paths(schemas_dir: Path) -> dict[str, Path]:
    """The files of a schemas folder by indicator id (the file's stem), sorted; there may be none."""
    return {path.stem: path for path in sorted((schemas_dir / FOLDER).glob("*.yaml"))}


def load_indicators(schemas_dir: Path) -> dict[str, Indicator]:
    """Every indicator under `schemas_dir/indicators`, by id.

    Raises:
        ContractError: with every problem of every file.
    """
    return all_valid(readable_indicators(schemas_dir))


def readable_indicators(schemas_dir: Path) -> tuple[dict[str, Indicator], list[Problem]]:
    """The valid indicators, by id, and the mistakes of the others."""
    return load_each(indicator_paths(schemas_dir), load_indicator)


def load_indicator(path: Path) -> Indicator:
    """One indicator.

    Raises:
        ContractError: with every mistake of form, each with file, line and remedy.
    """
    form = _Form(read_yaml(path))
    indicator = form.indicator()
    if form.problems:
        raise ContractError(form.problems)
    return indicator


class _Form(YamlForm):
    """Reader of one indicator's fields."""

    def indicator(self) -> Indicator:
        data, path = self.file.data, self.file.path
        self.only(data, _FIELDS, ())
        if not _ID.fullmatch(path.stem):
            what = f"the file's name `{path.stem}` is the indicator's id and cannot be one"
            self.note((), what, "use lower-case letters, digits and `-`, beginning with a letter")
        unit = self.choice(("unit",), tuple(UNITS), "count")
        percentile = self.percentile(unit)
        is_ratio = unit != "count" and not percentile
        denominator = self.text(data, ("denominator",), is_required=is_ratio)
        if denominator and not is_ratio:
            what = "a percentile" if percentile else "a count"
            self.note(("denominator",), f"{what} has no denominator", "leave it out, or give another unit")
        return Indicator(
            indicator_id=path.stem,
            version=self.text(data, ("version",)),
            name=self.bilingual(("name",)),
            definition=self.bilingual(("definition",)),
            legal_basis=self.legal_basis(),
            section=self.choice(("section",), tuple(SECTIONS), "registers"),
            unit=unit,
            digits=self.number(("digits",), 0 if unit == "count" else 2, _MOST_DIGITS),
            scheme=self.choice(("period",), SCHEMES, "calendar"),
            rows=self.text(data, ("rows",)),
            numerator=self.text(data, ("numerator",)),
            denominator=denominator,
            percentile=percentile,
            breakdown=self.breakdown(),
            not_available=self.bilingual(("notAvailable",)),
            minimum_cell=self.number(("minimumCell",), 0, _LARGEST_CELL),
            finding=self.finding(),
            path=path,
            digest="" if self.problems else hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest(),
        )

    def bilingual(self, place: tuple[str, ...]) -> BilingualText:
        item = self.mapping(self.file.data, place)
        if not item:
            return BilingualText("", "")
        self.only(item, ("vi", "en"), place)
        english, vietnamese = (" ".join(self.text(item, (*place, key)).split()) for key in ("en", "vi"))
        return BilingualText(english, vietnamese)

    def choice(self, place: tuple[str, ...], known: Sequence[Choice], default: Choice) -> Choice:
        given = self.text(self.file.data, place)
        for value in known:
            if given == value:
                return value
        if given:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            self.note(place, f"unknown {place[-1]} `{given}`", f"{hint}one of: {', '.join(known)}")
        return default

    def number(self, place: tuple[str, ...], default: int, most: int) -> int:
        given = self.file.data.get(place[-1], default)
        if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= most:
            return given
        self.note(place, f"`{place[-1]}` is no whole number from 0 to {most}", f"write e.g. `{place[-1]}: {default}`")
        return default

    def percentile(self, unit: Unit) -> int:
        """The percentile asked for; 0 where the value is none."""
        given = self.file.data.get("percentile", 0)
        if "percentile" not in self.file.data:
            return 0
        if not isinstance(given, int) or isinstance(given, bool) or not 0 < given < _WHOLE:
            self.note(("percentile",), "is no whole number from 1 to 99", "write `percentile: 50` for the median")
            return 50
        if unit in ("percent", "count"):
            self.note(("unit",), f"`{unit}` is no unit of what a percentile is of", "one of: hours, days, vnd")
        return given

    def breakdown(self) -> tuple[Breakdown, ...]:
        item: Mapping[str, Any] = self.mapping(self.file.data, ("breakdown",), is_required=False)
        found = []
        for name in item:
            place = ("breakdown", name)
            registry, _, rest = self.text(item, place).partition(".")
            table, _, column = rest.partition(".")
            if not _COLUMN.fullmatch(str(name)):
                self.note(place, f"`{name}` is no name of a column", "name a column that `rows` gives")
            elif not column:
                remedy = f"write `{name}: reference.<list>.code` or `{name}: <registry>.<table>.<column>`"
                self.note(place, "does not say which codes its members are", remedy)
            else:
                found.append(Breakdown(str(name), f"{registry}.{table}", column))
        return tuple(found)

    def finding(self) -> Finding | None:
        if "finding" not in self.file.data:
            return None
        item = self.mapping(self.file.data, ("finding",))
        self.only(item, ("owner", "columns"), ("finding",))
        columns = item.get("columns")
        if not isinstance(columns, list) or not columns or not all(isinstance(name, str) for name in columns):
            self.note(("finding", "columns"), "is missing or no list of columns", "list columns that `rows` gives")
            columns = []
        return Finding(self.text(item, ("finding", "owner")), tuple(columns))
