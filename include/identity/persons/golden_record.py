"""The golden record: for each person and attribute the value that survives, and the record it comes from.

What decides is declared in `schemas/models/golden.yaml`, in words an official can read; here they become an order.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from include.contracts.yaml_files import ContractError, read_yaml
from include.identity.records import RECORDS
from include.known_error import KnownError
from include.lake.storage import Lake, lake_errors, literal, quote, scan

Rule = Literal["source", "most_frequent", "most_precise", "newest"]
SOURCE = "_source_"
# Choosing the values of so many records fits into memory; of more it is done in parts, as DuckDB cannot spill it.
_PART = 500_000
_PRECISIONS = ("day", "month", "year")


class GoldenRulesBroken(KnownError, ValueError):
    """`golden.yaml` does not say what it should; the message names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of the golden record: `rules` in the order they decide, `carried` the columns taken along."""

    name: str
    rules: tuple[Rule, ...]
    sources: tuple[str, ...]
    carried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much a run may change before a person is asked (see include/identity/linking/gate.py)."""

    merged_percent: float = 0.5
    split_percent: float = 0.5
    retired_percent: float = 5
    candidates_change_percent: float = 50
    mean_records_change_percent: float = 10
    at_least: int = 20
    largest_person: int = 40


@dataclass(frozen=True, slots=True)
class GoldenRules:
    """What `golden.yaml` declares, and the digest of the file."""

    attributes: tuple[Attribute, ...]
    tolerance: Tolerance
    digest: str


def load_golden(path: Path) -> GoldenRules:
    """Read `golden.yaml`.

    Raises:
        GoldenRulesBroken: an attribute, a rule or a limit is not known.
    """
    text = path.read_text(encoding="utf-8")
    try:
        said = read_yaml(path).data
        attributes = tuple(
            _attribute(path.name, name, settings, said.get("sources", []))
            for name, settings in said["attributes"].items()
        )
        tolerance = _tolerance(path.name, said.get("tolerance") or {})
    except (ContractError, AttributeError, KeyError, TypeError):
        raise GoldenRulesBroken(
            f"{path.name} is not a YAML mapping with `sources`, `attributes` and `tolerance`: compare it with the one "
            "that came with this release"
        ) from None
    return GoldenRules(attributes, tolerance, hashlib.sha256(text.encode()).hexdigest())


def survive(lake: Lake, rules: GoldenRules, *, records_uri: str, index_uri: str, uri: str) -> int:
    """Write the golden records of all persons of an index to the Parquet file `uri`; returns how many.

    Columns: `person_id`, and for each attribute its value and `_source_<attribute>`, the record it comes from.
    """
    with lake.connect(memory_limit="2GB") as connection, lake_errors("making the golden records"):
        connection.execute(f"CREATE TEMP VIEW record AS FROM {scan(records_uri)}")
        records = connection.execute(f"SELECT count(*) FROM {scan(index_uri)}").fetchall()[0][0]
        parts = 1 + records // _PART
        for part in range(parts):
            connection.execute(
                f"""CREATE OR REPLACE TEMP VIEW member AS SELECT record_id, person_id FROM {scan(index_uri)}
                    WHERE hash(person_id) % {parts} = {part}"""
            )
            into = "INSERT INTO golden" if part else "CREATE TEMP TABLE golden AS"
            connection.execute(f"{into} {golden_query(rules)}")
        connection.execute(f"COPY golden TO {literal(uri)} (FORMAT parquet, COMPRESSION zstd)")
        found = connection.execute(f"SELECT count(*) FROM {scan(uri)}").fetchall()
    return int(found[0][0])


def golden_query(rules: GoldenRules) -> str:
    """SELECT of the golden records over the relations `record` and `member` (record_id, person_id)."""
    counted = [a for a in rules.attributes if "most_frequent" in a.rules]
    counts = "".join(
        f", count({quote(a.name)}) OVER (PARTITION BY person_id, {quote(a.name)}) AS {quote('n_' + a.name)}"
        for a in counted
    )
    chosen = ", ".join(f"{_chosen(attribute)} AS {quote(attribute.name)}" for attribute in rules.attributes)
    columns = []
    for attribute in rules.attributes:
        for name in (attribute.name, *attribute.carried):
            columns.append(f"{quote(attribute.name)}.{quote(name)} AS {quote(name)}")
            columns.append(f"{quote(attribute.name)}.record_id AS {quote(SOURCE + name)}")
    # Most persons are one record or two: counting values is left to those of three and more, where it can decide.
    return f"""
        WITH known AS (SELECT *, count(*) OVER (PARTITION BY person_id) AS n FROM record JOIN member USING (record_id)),
             counted AS (SELECT *{counts} FROM known WHERE n > 2
                         UNION ALL BY NAME SELECT *{_ones(counted)} FROM known WHERE n <= 2),
             chosen AS (SELECT person_id, {chosen} FROM counted GROUP BY person_id)
        SELECT person_id, {", ".join(columns)} FROM chosen"""


def _ones(counted: list[Attribute]) -> str:
    return "".join(f", 1 AS {quote('n_' + attribute.name)}" for attribute in counted)


def _chosen(attribute: Attribute) -> str:
    """The value first by the attribute's order, with its record; null if no record gives one."""
    parts = ", ".join(f"{quote(name)}: {quote(name)}" for name in (attribute.name, *attribute.carried))
    order = ", ".join([*(_rank(attribute, rule) for rule in attribute.rules), "record_id"])
    return f"arg_min({{{parts}, 'record_id': record_id}}, ROW({order})) FILTER ({quote(attribute.name)} IS NOT NULL)"


def _rank(attribute: Attribute, rule: Rule) -> str:
    """A number that is smaller the better a record's value is by this rule."""
    name = quote(attribute.name)
    if rule == "source":
        trusted = ", ".join(literal(source) for source in attribute.sources)
        return f"coalesce(list_position([{trusted}]::VARCHAR[], registry), {len(attribute.sources) + 1})"
    if rule == "most_frequent":
        return f"-{quote('n_' + attribute.name)}"
    if rule == "most_precise":
        if attribute.name == "birth_date":
            known = ", ".join(literal(precision) for precision in _PRECISIONS)
            return f"coalesce(list_position([{known}], birth_precision), {len(_PRECISIONS) + 1})"
        return f"-length({name}::VARCHAR)"
    return "-coalesce(epoch_us(updated_at), 0)"


def _attribute(file: str, name: str, settings: Mapping[str, Any], sources: list[str]) -> Attribute:
    carried = tuple(settings.get("with") or ())
    for column in (name, *carried):
        _known(file, "column", column, RECORDS.names)
    for rule in settings["rules"]:
        _known(file, "rule", rule, get_args(Rule))
    return Attribute(name, tuple(settings["rules"]), tuple(settings.get("sources") or sources), carried)


def _tolerance(file: str, said: Mapping[str, Any]) -> Tolerance:
    names = {_camel(name): name for name in Tolerance.__slots__}
    for key in said:
        _known(file, "limit", key, list(names))
    return Tolerance(**{names[key]: value for key, value in said.items()})


def _known(file: str, kind: str, name: str, known: Any) -> None:
    if name not in known:
        near = difflib.get_close_matches(str(name), list(known), n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(known)}"
        raise GoldenRulesBroken(f"{file}: the {kind} `{name}` is unknown: {hint}")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
