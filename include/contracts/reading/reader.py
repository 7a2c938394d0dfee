"""Reader from a parsed file to the model, with the checks beyond the standard's JSON schema."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from open_data_contract_standard.model import (
    CustomProperty,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    Team,
)

from include.contracts.checks import (
    check_change_logs,
    check_column,
    check_cursor,
    check_key,
    check_languages,
    check_relationships,
    check_rows_from_list,
    check_servers,
    same_but_for_case,
    why_no_column_name,
    why_no_table_name,
    why_no_value,
    why_not_compiled,
)
from include.contracts.model import (
    DERIVED,
    VIETNAMESE,
    Column,
    Contract,
    Refuse,
    Relationship,
    Rule,
    Server,
    Table,
    TypeOptions,
    empty_inputs,
    engine,
    extract_policy,
    key_scope,
    legal_references,
    link_role,
    row_history,
    rows_from_list,
    sla,
    sql_type,
    tolerance,
)
from include.contracts.reading.places import definitions_of, place_of
from include.contracts.reading.servers import source_servers
from include.contracts.rules import RuleError, cited, column_rules, key_rule, quality_rule, reference_targets
from include.contracts.sql import SqlRefused, rewritten
from include.contracts.yaml_files import Place, Problem, ReportProblem, YamlFile

_POLICIES = ("extract", "tolerance", "keyScope", "rowsFromList", "history", "engine")
_CLASSIFICATIONS = ("public", "internal", "confidential", "restricted", "sensitive")


class Reader:
    """Builder of the model from a valid ODCS document; collects mistakes beyond the standard's schema.

    `places` are positions in `file`: a table by its name, a column as `table.column`, a rule by its id, a server as
    `<name>:server`.
    """

    def __init__(self, file: YamlFile, registry: str) -> None:
        self.file = file
        self.registry = registry
        self.problems: list[Problem] = []
        self.places: dict[str, Place] = {}
        self.laws: dict[str, str] = {}  # Vietnamese texts of legal references by their ids

    def mistake(self, place: Place, message: str, remedy: str, *, warning: bool = False) -> None:
        self.problems.append(self.file.problem(place, message, remedy, warning=warning))

    def within(self, begin: Place) -> ReportProblem:
        """Function that records mistakes at places below `begin`."""

        def report(place: Place, message: str, remedy: str, *, warning: bool = False) -> None:
            self.mistake((*begin, *place), message, remedy, warning=warning)

        return report

    def refusing(self, place: Place, custom: Sequence[CustomProperty], name: str) -> Refuse:
        """Function that records mistakes in a custom property."""

        def refuse(message: str, remedy: str) -> None:
            self.mistake(place_of(place, custom, name), message, remedy)

        return refuse

    def contract(self, odcs: OpenDataContractStandard) -> Contract:
        servers = self.servers(odcs)
        if not odcs.schema_:
            self.mistake((), "describes no table", "add `schema:` with one entry per table")
        if wrong := why_no_table_name(self.registry):
            self.mistake((), wrong[0], f"rename the file: {wrong[1]}")
        custom = (odcs.description.customProperties if odcs.description else None) or []
        self.laws = legal_references(custom, self.refusing(("description",), custom, VIETNAMESE))
        tables = []
        for index, written in enumerate(odcs.schema_ or []):
            place: Place = ("schema", index)
            if wrong := why_no_table_name(written.name or ""):
                self.mistake((*place, "name"), *wrong)
            tables.append(self.table(written, place))
        for index, other in same_but_for_case(written.name or "" for written in odcs.schema_ or []):
            self.mistake(("schema", index), f"the table `{other}` stands twice", "give each table its own name")
        check_change_logs(tables, servers, self.places, self.within(()))
        check_languages(tables, self.places, definitions_of(odcs), self.laws, self.within(()))
        team = odcs.team if isinstance(odcs.team, Team) else None
        members = (team.members if team else odcs.team) or []
        definition = json.dumps(self.file.data, sort_keys=True, ensure_ascii=False, default=str)
        return Contract(
            registry=self.registry,
            version=str(odcs.version),
            path=self.file.path,
            digest=hashlib.sha256(definition.encode()).hexdigest(),
            server=servers[0],
            tables=tuple(tables),
            sla=sla(odcs.slaProperties or [], partial(self.mistake, ("slaProperties",))),
            name=odcs.name or self.registry,
            business_name=odcs.dataProduct or odcs.name or self.registry,
            description=(odcs.description.purpose if odcs.description else "") or "",
            owner=(team.name if team else "") or odcs.tenant or "",
            limitations=(odcs.description.limitations if odcs.description else "") or "",
            team=tuple(m.model_dump(exclude_none=True) for m in members),
            legal_sources=tuple(cited(odcs.authoritativeDefinitions)),
            legal_sources_vietnamese=tuple(cited(odcs.authoritativeDefinitions, self.laws)),
            servers=servers,
        )

    def servers(self, odcs: OpenDataContractStandard) -> tuple[Server, ...]:
        """The servers that the registry is read from; one of its name stands in where the contract names none."""
        found = source_servers(self.file.data, odcs.servers or [], self.within(()))
        if not found:
            self.mistake((), "names no server", "add `servers:` with the source that the registry is read from")
        check_servers(found, self.within(()))
        self.places |= {f"{server.name}:server": place for place, server in found.items()}
        return tuple(found.values()) or (Server(self.registry, "custom"),)

    def table(self, written: SchemaObject, place: Place) -> Table:
        name = written.name or ""
        prefix = f"{self.registry}.{name}"
        properties = written.properties or []
        if not properties:
            self.mistake(place, "has no columns", "add `properties:`")
        columns = [self.column(name, prop, (*place, "properties", n), n) for n, prop in enumerate(properties)]
        for index, _ in same_but_for_case(column.name for column in columns):
            self.mistake((*place, "properties", index), "stands twice", "give each column its own name")
        self.places |= {name: place, **{f"{name}.{c.name}": (*place, "properties", n) for n, c in enumerate(columns)}}
        rules: list[Rule] = []
        relationships = self.relationships(name, written, place)
        for index, (prop, column) in enumerate(zip(properties, columns, strict=True)):
            here: Place = (*place, "properties", index)
            own = self.relationships(name, prop, here)
            relationships += own
            rules += column_rules(prefix, column, prop, [r for r in own if r.registry == "reference"])
            rules += self.quality(prefix, prop.quality or [], columns, column, here)
        rules += [*self.quality(prefix, written.quality or [], columns, None, place), *key_rule(prefix, columns)]
        self.unique_ids(rules, place)
        given = written.customProperties or []
        for of in ("extract", "link"):
            self.places[f"{name}:{of}"] = place_of(place, given, of)
        check_relationships(relationships, columns, self.within(place))
        custom = {p.property or "": p.value for p in given}
        if "empty" in custom:
            self.refusing(place, given, "empty")("it is of a column, not of a table", "move under the column")
        if "link" in custom:
            custom["link"] = self.link(custom["link"], self.places[f"{name}:link"])
        extract = extract_policy(given, {c.name for c in columns}, self.refusing(place, given, "extract"))
        check_key(columns, properties, extract, self.within(place))
        check_cursor(columns, extract, self.within(self.places[f"{name}:extract"]))
        listed = rows_from_list(given, self.refusing(place, given, "rowsFromList"))
        check_rows_from_list(listed, columns, extract, self.within(place))
        return Table(
            registry=self.registry,
            name=name,
            source_name=written.physicalName or name,
            columns=tuple(columns),
            rules=tuple(rules),
            relationships=tuple(relationships),
            extract=extract,
            tolerance=tolerance(given, self.refusing(place, given, "tolerance")),
            business_name=written.businessName or "",
            description=written.description or "",
            custom={k: v for k, v in custom.items() if k not in _POLICIES},
            key_scope=key_scope(given, self.refusing(place, given, "keyScope")),
            rows_from_list=listed,
            history=row_history(given, columns, self.refusing(place, given, "history")),
            engine=engine(given, self.refusing(place, given, "engine")),
        )

    def column(self, table: str, prop: SchemaProperty, place: Place, position: int) -> Column:
        name = prop.name or ""
        if wrong := why_no_column_name(name):
            self.mistake((*place, "name"), *wrong)
        classification = prop.classification or "internal"
        if classification not in _CLASSIFICATIONS:
            near = difflib.get_close_matches(classification, _CLASSIFICATIONS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(_CLASSIFICATIONS)}"
            self.mistake((*place, "classification"), f"classification `{classification}` is unknown", hint)
        expression = (prop.transformLogic or "").strip()
        if expression:
            expression = self.sql(expression, (*place, "transformLogic"))
        options = cast("TypeOptions", dict(prop.logicalTypeOptions or {}))
        key = None
        if prop.primaryKey:
            key = prop.primaryKeyPosition if prop.primaryKeyPosition and prop.primaryKeyPosition > 0 else position + 1
        custom = prop.customProperties or []
        place_of_empty = place_of(place, custom, "empty")
        self.places[f"{table}.{name}:empty"] = place_of_empty
        empty_values, empty_when = empty_inputs(custom, self.refusing(place, custom, "empty"))
        if empty_when:
            empty_when = self.sql(empty_when, (*place_of_empty, "when"), "`empty` `when` ")
        column = Column(
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
            link=link_role(custom, self.refusing(place, custom, "link")),
            empty_values=empty_values,
            empty_when=empty_when,
            is_derived=any((p.property, p.value) == ("empty", DERIVED) for p in prop.customProperties or []),
        )
        check_column(column, prop.physicalType or "", [v.value for v in prop.enum or []], self.within(place))
        return column

    def sql(self, text: str, place: Place, what: str = "") -> str:
        """Validated SQL; NULL in place of refused SQL, which is recorded as a mistake."""
        try:
            return rewritten(text)
        except SqlRefused as refused:
            self.mistake(place, f"{what}{refused}", refused.remedy)
            return "NULL"

    def link(self, written: Any, place: Place) -> Any:
        """The table's custom property `link`, whose condition is SQL; its other mistakes are recorded elsewhere."""
        if not isinstance(written, dict) or not str(written.get("when") or "").strip():
            return written
        return {**written, "when": self.sql(str(written["when"]), (*place, "when"), "`link` `when` ")}

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
                rule = quality_rule(prefix, entry, columns, owner, index, self.laws)
            except RuleError as error:
                self.mistake((*place, "quality", index), str(error), error.remedy)
                continue
            if rule is not None:
                rules.append(rule)
                self.places[rule.rule_id] = (*place, "quality", index)
                self.check_arguments(rule, columns, (*place, "quality", index))
        return rules

    def check_arguments(self, rule: Rule, columns: Sequence[Column], place: Place) -> None:
        """Check that a rule's pattern compiles, and that the column can have its valid values."""
        pattern = rule.arguments.get("pattern")
        if pattern is not None and (wrong := why_not_compiled(str(pattern))):
            self.mistake((*place, "arguments"), *wrong)
        for column in columns:
            if rule.metric == "invalidValues" and rule.columns == (column.name,):
                for value in rule.arguments.get("validValues") or []:
                    for message, remedy in why_no_value(column, {}, value):
                        self.mistake((*place, "arguments"), message, remedy)

    def unique_ids(self, rules: Sequence[Rule], place: Place) -> None:
        seen: set[str] = set()
        for rule in rules:
            if rule.rule_id in seen:
                self.mistake(
                    (*place, "quality"), f"the rule id `{rule.rule_id}` stands twice", "give each rule its own id"
                )
            seen.add(rule.rule_id)
