"""Read contracts from YAML. Whoever holds a `Contract` holds one without mistakes."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlglot
from open_data_contract_standard.model import (
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    Team,
)
from open_data_contract_standard.model import Server as OdcsServer
from sqlglot import exp

from include.contracts.model import (
    RESERVED_PREFIX,
    Column,
    Contract,
    Relationship,
    Rule,
    Table,
)
from include.contracts.odcs import standard_problems
from include.contracts.policies import extract_policy, link_role, sla, source_server, tolerance
from include.contracts.problems import ContractError, Problem
from include.contracts.rules import column_rules, quality_rule, reference_targets
from include.contracts.types import sql_type
from include.contracts.violations import RuleError
from include.contracts.yaml_file import Place, YamlFile, read_yaml

SUFFIX = ".odcs.yaml"
_CLASSIFICATIONS = ("public", "internal", "confidential", "restricted")


def contract_paths(schemas_dir: Path) -> dict[str, Path]:
    """The contract files of a schemas folder by registry name (the file's stem), sorted.

    Raises:
        ContractError: the folder is missing or holds no contract.
    """
    found = {}
    for folder in (schemas_dir, schemas_dir / "registries"):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found[path.name.removesuffix(SUFFIX)] = path
    if not found:
        remedy = f"put <registry>{SUFFIX} in {schemas_dir / 'registries'}, or set SCHEMAS_DIR to the folder that has it"
        raise ContractError([Problem(schemas_dir, 0, "", "holds no contract", remedy)])
    return dict(sorted(found.items()))


def load_contracts(schemas_dir: Path) -> dict[str, Contract]:
    """Every contract under `schemas_dir` or its `registries/`, by registry; all mistakes of all files at once.

    Raises:
        ContractError: with every problem of every file.
    """
    contracts: dict[str, Contract] = {}
    problems: list[Problem] = []
    for registry, path in contract_paths(schemas_dir).items():
        try:
            contracts[registry] = load_contract(path)
        except ContractError as error:
            problems.extend(error.problems)
    if problems:
        raise ContractError(problems)
    return contracts


def load_contract(path: Path) -> Contract:
    """One contract, checked against ODCS v3.2 and against itself.

    Raises:
        ContractError: with every problem found, each with file, line and remedy.
    """
    file = read_yaml(path)
    problems = standard_problems(file)
    if problems:
        raise ContractError(problems)
    odcs = OpenDataContractStandard(**file.data)
    registry = path.name.removesuffix(SUFFIX)
    reader = _Reader(file, registry)
    contract = reader.contract(odcs)
    if reader.problems:
        raise ContractError(sorted(reader.problems, key=lambda p: p.line))
    return contract


class _Reader:
    """Builds the model from a valid ODCS document and collects the mistakes that the standard cannot see."""

    def __init__(self, file: YamlFile, registry: str) -> None:
        self.file = file
        self.registry = registry
        self.problems: list[Problem] = []

    def mistake(self, place: Place, message: str, remedy: str) -> None:
        self.problems.append(self.file.problem(place, message, remedy))

    def contract(self, odcs: OpenDataContractStandard) -> Contract:
        if not odcs.servers:
            self.mistake((), "names no server", "add `servers:`; the first is the source the registry is read from")
        if not odcs.schema_:
            self.mistake((), "describes no table", "add `schema:` with one entry per table")
        tables, seen = [], set()
        for index, written in enumerate(odcs.schema_ or []):
            place: Place = ("schema", index)
            if not written.name or written.name.startswith(RESERVED_PREFIX):
                self.mistake(place, "has no usable name", f"give `name:`, not beginning with `{RESERVED_PREFIX}`")
            if written.name in seen:
                self.mistake(place, f"the table `{written.name}` stands twice", "give each table its own name")
            seen.add(written.name)
            tables.append(self.table(written, place))
        team = odcs.team if isinstance(odcs.team, Team) else None
        members = (team.members if team else odcs.team) or []
        meaning = json.dumps(self.file.data, sort_keys=True, ensure_ascii=False, default=str)
        return Contract(
            registry=self.registry,
            version=str(odcs.version),
            path=self.file.path,
            digest=hashlib.sha256(meaning.encode()).hexdigest(),
            server=source_server((odcs.servers or [OdcsServer(server=self.registry, type="custom")])[0]),
            tables=tuple(tables),
            sla=sla(
                odcs.slaProperties or [], lambda message, remedy: self.mistake(("slaProperties",), message, remedy)
            ),
            name=odcs.name or self.registry,
            business_name=odcs.dataProduct or odcs.name or self.registry,
            description=(odcs.description.purpose if odcs.description else "") or "",
            owner=(team.name if team else "") or odcs.tenant or "",
            limitations=(odcs.description.limitations if odcs.description else "") or "",
            team=tuple(m.model_dump(exclude_none=True) for m in members),
            legal_sources=tuple(d.description or d.url or "" for d in odcs.authoritativeDefinitions or []),
        )

    def table(self, written: SchemaObject, place: Place) -> Table:
        name = written.name or ""
        prefix = f"{self.registry}.{name}"
        properties = written.properties or []
        if not properties:
            self.mistake(place, "has no columns", "add `properties:`")
        columns: list[Column] = []
        seen: set[str] = set()
        for index, prop in enumerate(properties):
            if (prop.name or "").lower() in seen:
                self.mistake((*place, "properties", index), "stands twice", "give each column its own name")
            seen.add((prop.name or "").lower())
            columns.append(self.column(prop, (*place, "properties", index), len(columns)))
        rules: list[Rule] = []
        relationships = self.relationships(name, written, place)
        for index, (prop, column) in enumerate(zip(properties, columns, strict=True)):
            here: Place = (*place, "properties", index)
            own = self.relationships(name, prop, here)
            lists = [r for r in own if r.registry == "reference"]
            relationships += own
            rules += column_rules(prefix, column, prop, lists)
            rules += self.quality(prefix, prop.quality or [], columns, column, here)
        rules += self.quality(prefix, written.quality or [], columns, None, place)
        self.unique_ids(rules, place)
        known = {c.name for c in columns}

        def refuse(message: str, remedy: str) -> None:
            self.mistake((*place, "customProperties"), message, remedy)

        for relationship in relationships:
            for column_name in set(relationship.columns) - known:
                self.mistake(place, f"a relationship speaks of `{column_name}`", f"one of: {', '.join(sorted(known))}")
        custom = {p.property or "": p.value for p in written.customProperties or []}
        return Table(
            registry=self.registry,
            name=name,
            source_name=written.physicalName or name,
            columns=tuple(columns),
            rules=tuple(rules),
            relationships=tuple(relationships),
            extract=extract_policy(written.customProperties or [], known, refuse),
            tolerance=tolerance(written.customProperties or [], refuse),
            business_name=written.businessName or "",
            description=written.description or "",
            custom={k: v for k, v in custom.items() if k not in ("extract", "tolerance")},
        )

    def column(self, prop: SchemaProperty, place: Place, position: int) -> Column:
        name = prop.name or ""
        if not name or name.startswith(RESERVED_PREFIX) or '"' in name:
            remedy = f"give `name:`, not beginning with `{RESERVED_PREFIX}` and without quotes"
            self.mistake(place, "has no usable name", remedy)
        classification = prop.classification or "internal"
        if classification not in _CLASSIFICATIONS:
            near = difflib.get_close_matches(classification, _CLASSIFICATIONS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(_CLASSIFICATIONS)}"
            self.mistake((*place, "classification"), f"classification `{classification}` is unknown", hint)
        expression = (prop.transformLogic or "").strip()
        if expression:
            self.check_expression(expression, (*place, "transformLogic"))
        options = dict(prop.logicalTypeOptions or {})
        key = None
        if prop.primaryKey:
            key = prop.primaryKeyPosition if prop.primaryKeyPosition and prop.primaryKeyPosition > 0 else position + 1

        def refuse(message: str, remedy: str) -> None:
            self.mistake((*place, "customProperties"), message, remedy)

        return Column(
            name=name,
            source_name=prop.physicalName or name,
            logical_type=prop.logicalType or "string",
            sql_type=sql_type(prop.logicalType or "string", prop.physicalType or "", options),
            expression=expression,
            is_required=bool(prop.required or prop.primaryKey),
            is_unique=bool(prop.unique and not prop.primaryKey),
            primary_key_position=key,
            classification=classification,  # type: ignore[arg-type]
            business_name=prop.businessName or "",
            description=prop.description or "",
            options=options,
            link=link_role(prop.customProperties or [], refuse),
        )

    def check_expression(self, expression: str, place: Place) -> None:
        remedy = 'write one SQL expression over the source\'s columns, e.g. vn_name("ho_ten")'
        try:
            parsed = sqlglot.parse_one(expression, read="duckdb")
        except sqlglot.errors.SqlglotError:
            self.mistake(place, "is not SQL", remedy)
            return
        if isinstance(parsed, exp.Query | exp.DDL | exp.DML | exp.Command) or list(parsed.find_all(exp.Query)):
            self.mistake(place, "is a statement or holds a subquery", remedy)

    def relationships(self, table: str, owner: SchemaObject | SchemaProperty, place: Place) -> list[Relationship]:
        try:
            return list(reference_targets(table, owner, self.registry))
        except RuleError as error:
            self.mistake((*place, "relationships"), str(error), error.remedy)
            return []

    def quality(
        self, prefix: str, written: Sequence[Any], columns: Sequence[Column], owner: Column | None, place: Place
    ) -> list[Rule]:
        rules = []
        for index, entry in enumerate(written):
            try:
                rule = quality_rule(prefix, entry, columns, owner, index)
            except RuleError as error:
                self.mistake((*place, "quality", index), str(error), error.remedy)
                continue
            if rule is not None:
                rules.append(rule)
        return rules

    def unique_ids(self, rules: Sequence[Rule], place: Place) -> None:
        seen: set[str] = set()
        for rule in rules:
            if rule.rule_id in seen:
                self.mistake(
                    (*place, "quality"), f"the rule id `{rule.rule_id}` stands twice", "give each rule its own id"
                )
            seen.add(rule.rule_id)
