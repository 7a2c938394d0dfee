"""Files of source variants: what some servers call things otherwise, laid over their registry's contract."""

from __future__ import annotations

import copy
import difflib
import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from include.contracts.checks import nearest
from include.contracts.reading.servers import FILE_FORM
from include.contracts.yaml_files import Place, Problem, ReportProblem, YamlFile

SUFFIX = ".variant.yaml"
API_VERSION, KIND = "lienthong/v1", "SourceVariant"
NOWHERE = "NULL"  # the expression of a column that the source does not have
_EMPTY = "empty"
_TOP = ("apiVersion", "kind", "description", "schema", "server")
_TABLE = ("name", "physicalName", "properties")
_COLUMN = ("name", "physicalName", "physicalType", "transformLogic", "transformDescription", "customProperties")
_SERVER = (*FILE_FORM, "schema")
_LISTS = ("properties", "customProperties")
_MAY_BE_NULL = ("physicalName", "transformLogic", "transformDescription")


def variant_paths(contract: Path) -> dict[str, Path]:
    """The files of variants beside a contract's file, by the variant's name."""
    registry = contract.name.partition(".")[0]
    found = sorted(contract.parent.glob(f"{glob.escape(registry)}.*{SUFFIX}"))
    return {path.name.removeprefix(f"{registry}.").removesuffix(SUFFIX): path for path in found}


@dataclass(frozen=True)
class MergedFile(YamlFile):
    """A contract with what a variant says laid over it: `data` is of both.

    A problem is told in the file of the variant, near what it says of the place. `places` are the variant's places of
    tables, columns and their custom properties, by those of the contract; `server` is what holds for its servers.
    """

    variant: YamlFile
    places: dict[Place, Place]
    server: dict[str, str]

    def problem(self, place: Sequence[str | int], message: str, remedy: str, *, warning: bool = False) -> Problem:  # type: ignore[override]
        """A problem of the contract as it holds for this variant; that of a server is the contract's own."""
        place = tuple(place)
        if place[:1] == ("servers",):
            return super().problem(place, message, remedy, warning=warning)
        line, level = self.variant.line(self._in_variant(place)), "warning" if warning else "error"
        return Problem(self.variant.path, line, self.describe(place), message, remedy, level)  # type: ignore[arg-type]

    def written(self, place: Place) -> dict[str, Any]:
        """What the variant says of a table or column of the contract; empty if nothing."""
        node: Any = self.variant.data
        for step in self.places.get(place, ()):
            node = node[step]
        return node if place in self.places else {}

    def _in_variant(self, place: Place) -> Place:
        """The place in the variant's file, or the nearest above it."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.places:
                below = takewhile(lambda step: step not in _LISTS, place[length:])  # positions differ in the variant
                return (*self.places[place[:length]], *below)
        return ()


def merged(contract: YamlFile, variant: YamlFile, report: ReportProblem) -> MergedFile:
    """The contract as the variant's servers have it; what a variant may not say is reported and left out."""
    data = variant.data
    _check_keys(data, _TOP, (), report)
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if data.get(key) != wanted:
            report((key,) if key in data else (), f"`{key}` is not `{wanted}`", f"write `{key}: {wanted}`")
    server = data.get("server") or {}
    if not isinstance(server, dict):
        report(("server",), "`server` is not a mapping", f"write e.g. `server: {{delimiter: ';'}}`; {_told(_SERVER)}")
        server = {}
    _check_keys(server, _SERVER, ("server",), report)
    server = {key: server[key] for key in _SERVER if _is_text(server, key, ("server",), report)}
    laid = _Overlay(copy.deepcopy(contract.data), report)
    laid.tables(data.get("schema"))
    laid.drop_file_forms(server)
    return MergedFile(contract.path, contract.text, laid.data, contract.root, variant, laid.places, server)


class _Overlay:
    """A copy of a contract's data over which a variant's tables are laid."""

    def __init__(self, data: dict[str, Any], report: ReportProblem) -> None:
        self.data, self.report = data, report
        self.places: dict[Place, Place] = {}

    def tables(self, written: object) -> None:
        for place, entry, table, own in self._pairs(
            written, ("schema",), self.data.get("schema"), ("schema",), "table"
        ):
            _check_keys(entry, _TABLE, place, self.report)
            if "physicalName" in entry and entry["physicalName"] is None:
                remedy = "name the source's table or view; one that has none of it cannot deliver to this registry"
                self.report((*place, "physicalName"), "leaves the table without a source", remedy)
            elif _is_text(entry, "physicalName", place, self.report):
                table["physicalName"] = entry["physicalName"]
            columns = (table.get("properties"), (*own, "properties"))
            for pair in self._pairs(entry.get("properties"), (*place, "properties"), *columns, "column"):
                self._column(*pair)

    def drop_file_forms(self, server: dict[str, str]) -> None:
        """What the variant says of all its files holds in place of what a table's custom properties say."""
        for table in self.data.get("schema") or []:
            custom = table.get("customProperties") or []
            table["customProperties"] = [p for p in custom if p.get("property") not in {*server} & {*FILE_FORM}]

    def _pairs(
        self, written: object, place: Place, known: Any, own: Place, kind: str
    ) -> Iterator[tuple[Place, dict[str, Any], dict[str, Any], Place]]:
        """What the variant says of each table or column, with the contract's and both their places."""
        by_name = {entry.get("name"): index for index, entry in enumerate(known or [])}
        if written is not None and not isinstance(written, list):
            self.report(place, f"`{place[-1]}` is not a list", "give one item a line: `- name: ...`")
        for index, entry in enumerate(written if isinstance(written, list) else []):
            here = (*place, index)
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str) or not name:
                self.report(here, f"names no {kind}", f"write `- name: <a {kind} of the contract>`")
            elif name not in by_name:
                remedy = f"{nearest(name, filter(None, by_name))}; a variant adds nothing"
                self.report((*here, "name"), f"the contract has no {kind} `{name}`", remedy)
            elif (there := (*own, by_name[name])) in self.places:
                self.report((*here, "name"), f"the {kind} `{name}` stands twice", "write all that differs in one place")
            else:
                self.places[there] = here
                yield here, entry, known[by_name[name]], there

    def _column(self, place: Place, entry: dict[str, Any], column: dict[str, Any], own: Place) -> None:
        _check_keys(entry, _COLUMN, place, self.report)
        told = {key: entry[key] for key in _COLUMN[1:-1] if _is_text(entry, key, place, self.report)}
        is_nowhere = "physicalName" in entry and entry["physicalName"] is None
        if is_nowhere and told.get("transformLogic"):
            remedy = "leave `physicalName` out where `transformLogic` computes the value from other columns"
            self.report((*place, "physicalName"), "says that there is no such column, and how it is read", remedy)
        elif is_nowhere:
            column.pop("physicalName", None)
            column["transformLogic"] = NOWHERE
            column["customProperties"] = [
                p for p in column.get("customProperties") or [] if p.get("property") != _EMPTY
            ]
        else:
            # The type that is published is the contract's, whatever the source's is.
            column |= {key: value for key, value in told.items() if key != "physicalType"}
            if "transformLogic" in entry and entry["transformLogic"] is None:
                column.pop("transformLogic", None)
        self._custom(entry.get("customProperties"), (*place, "customProperties"), column, (*own, "customProperties"))

    def _custom(self, written: object, place: Place, column: dict[str, Any], own: Place) -> None:
        """Lay the custom property `empty` over that of the column; without a value there is none."""
        for index, entry in enumerate(written if isinstance(written, list) else []):
            if not isinstance(entry, dict) or entry.get("property") != _EMPTY:
                name = entry.get("property") if isinstance(entry, dict) else entry
                remedy = (
                    'of custom properties it may only say what means "not given": `{property: empty, value: [...]}`'
                )
                self.report((*place, index), f"a variant may not say `{name}` of a column", remedy)
                continue
            custom = [p for p in column.get("customProperties") or [] if p.get("property") != _EMPTY]
            if entry.get("value") is not None:
                self.places[*own, len(custom)] = (*place, index)
                custom.append(copy.deepcopy(entry))
            column["customProperties"] = custom
        if written is not None and not isinstance(written, list):
            self.report(place, "`customProperties` is not a list", "write `[{property: empty, value: [...]}]`")


def _check_keys(entry: dict[str, Any], known: Sequence[str], place: Place, report: ReportProblem) -> None:
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.8)
            remedy = f"did you mean `{near[0]}`?" if near else f"{_told(known)}; all else is the contract's"
            report((*place, key), f"a variant may not say `{key}` here", remedy)


def _told(known: Sequence[str]) -> str:
    return f"it may say: {', '.join(known)}"


def _is_text(entry: dict[str, Any], key: str, place: Place, report: ReportProblem) -> bool:
    """Whether there is a text under the key; anything else is reported, but for null where that means something."""
    value = entry.get(key)
    if key not in entry or (value is None and key in _MAY_BE_NULL):
        return False
    if not isinstance(value, str) or not value:
        report((*place, key), f"`{key}` is no text", f"write it in quotes, or leave `{key}` out")
        return False
    return True
