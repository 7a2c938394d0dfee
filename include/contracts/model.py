"""A contract as the rest of the library sees it: small frozen objects, already checked.

The words are those of the Open Data Contract Standard v3.2 (Bitol, Linux Foundation AI & Data). Only
`load.py` knows YAML; everybody else knows these classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from include.contracts.language import Language, pick

Classification = Literal["public", "internal", "confidential", "restricted", "sensitive"]
Severity = Literal["error", "warning"]
Scope = Literal["row", "set", "table"]
Deletes = Literal["reconcile", "soft", "none"]
Drift = Literal["evolve", "freeze", "discard_row", "discard_value"]
LinkRole = Literal[
    "personal_id", "old_id", "name", "family_name", "given_name", "birth_date", "birth_precision", "sex", "place",
    "mother", "father", "tax_code", "insurance_number", "health_card", "address", "phone",
]  # fmt: skip

RESERVED_PREFIX = "_"
DRIFT_FLAG = "_lienthong_drift"  # in an extract: the row does not fit the source as it was known


@dataclass(frozen=True, slots=True)
class Bound:
    """What a table-level measure must satisfy, e.g. `percent >= 95`.

    `operator` is one of `=`, `!=`, `>`, `>=`, `<`, `<=`, `between`, `not between`; `value` is a number, or a
    pair of numbers for the last two.
    """

    operator: str
    value: float | tuple[float, float]
    unit: Literal["rows", "percent"] = "rows"

    def holds(self, measured: float) -> bool:
        """Whether the measured count (rows) or share (percent, 0 to 100) is inside the bound."""
        if isinstance(self.value, tuple):
            inside = self.value[0] <= measured <= self.value[1]
            return inside if self.operator == "between" else not inside
        return {
            "=": measured == self.value,
            "!=": measured != self.value,
            ">": measured > self.value,
            ">=": measured >= self.value,
            "<": measured < self.value,
            "<=": measured <= self.value,
        }[self.operator]

    def __str__(self) -> str:
        unit = " %" if self.unit == "percent" else ""
        if isinstance(self.value, tuple):
            return f"{self.operator} {self.value[0]:g} and {self.value[1]:g}{unit}"
        return f"{self.operator} {self.value:g}{unit}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold, written once in a contract.

    Scope says what is judged. `row`: every row by itself (`violation` is TRUE for a row that breaks the rule).
    `set`: rows that share a value (`violation` is empty, the value of `columns` must be unique among the rows
    that would otherwise be published). `table`: the accepted rows as a whole; nobody is rejected, the gate
    compares the number of rows for which `violation` is TRUE (or of all rows, for `rowCount`) with `bound`.

    `metric` and `arguments` are the contract's own words, from which Great Expectations is driven
    independently of `violation`: `required`, `unreadable`, `enum`, `pattern`, `minLength`, `maxLength`, `minimum`,
    `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `reference`, `controlCharacters`,
    `nullValues`, `missingValues`, `invalidValues`, `duplicateValues`, `rowCount`, `sql`.

    `description` is English and is what is stored with a rejected row; people read `text`.
    """

    rule_id: str
    table: str
    columns: tuple[str, ...]
    metric: str
    scope: Scope
    severity: Severity
    dimension: str
    description: str
    violation: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    bound: Bound | None = None
    query: str = ""
    legal_source: str = ""
    # Not of the digest of what a table's rows become, which is taken over the `repr`.
    vietnamese: str = field(default="", repr=False)
    legal_source_vietnamese: str = field(default="", repr=False)

    def text(self, language: Language) -> str:
        """What must hold, for people; English where the contract has no Vietnamese text."""
        return pick(language, self.vietnamese, self.description)

    def law(self, language: Language) -> str:
        """The legal references, for people; empty if the contract cites none."""
        return pick(language, self.legal_source_vietnamese, self.legal_source)

    @property
    def column(self) -> str | None:
        """The one column the rule speaks of; None for a rule across columns or over the table."""
        return self.columns[0] if len(self.columns) == 1 else None


@dataclass(frozen=True, slots=True)
class Relationship:
    """`columns` of this table refer to `to_columns` of `registry.table` (`reference.<list>` for a code list)."""

    columns: tuple[str, ...]
    registry: str
    table: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One published column.

    `source_name` is what the source calls it (ODCS `physicalName`), `expression` the DuckDB SQL over the source's
    columns that makes it (ODCS `transformLogic`; empty: the source column, cast). `sql_type` is the DuckDB type.
    `link` is what the column says of a person when persons are linked across registries. `empty_values` are source
    values, without blanks around them, that mean "not given"; `empty_when` is a SQL condition over source columns that
    says the same. `is_derived`: what the expression makes empty is published by another column.
    """

    name: str
    source_name: str
    logical_type: str
    sql_type: str
    expression: str = ""
    is_required: bool = False
    is_unique: bool = False
    primary_key_position: int | None = None
    classification: Classification = "internal"
    business_name: str = ""
    description: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    link: LinkRole | None = None
    empty_values: tuple[str, ...] = ()
    empty_when: str = ""
    is_derived: bool = False


@dataclass(frozen=True, slots=True)
class ExtractPolicy:
    """How a table is read: which columns move forward (`cursor`), how late rows may come (`lag`), how deletes show.

    `deleted_when` is a predicate over published columns, TRUE for a row that the source keeps but calls deleted
    (`deletes: soft`). `drift` says what happens when the source object no longer looks as it did.
    """

    cursor: tuple[str, ...] = ()
    lag: timedelta = timedelta(hours=1)
    deletes: Deletes = "reconcile"
    delete_limit_percent: float = 5.0
    deleted_when: str = ""
    drift: Drift = "freeze"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a run may do to a table without a steward's word."""

    rejected_percent: float = 5.0
    row_count_change_percent: float = 20.0


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its source object, its columns and the rules its rows must satisfy."""

    registry: str
    name: str
    source_name: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    relationships: tuple[Relationship, ...] = ()
    extract: ExtractPolicy = ExtractPolicy()
    tolerance: Tolerance = Tolerance()
    business_name: str = ""
    description: str = ""
    custom: dict[str, Any] = field(default_factory=dict)

    @property
    def qualified_name(self) -> str:
        """`registry.table`, as users write it."""
        return f"{self.registry}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Published names of the key columns, in key order; empty if the contract states no key."""
        keyed = [c for c in self.columns if c.primary_key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.primary_key_position or 0))

    @property
    def key_rule_id(self) -> str:
        """Id of the rule that rejects rows whose keys differ at the source and would be published as one."""
        return f"{self.qualified_name}.key"

    def column(self, name: str) -> Column:
        """The column of that published name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id, as a rejected row names it; None if the contract no longer has it."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a registry is read from. `options` holds the ODCS server fields that are not named here."""

    name: str
    type: str
    path: str = ""
    format: str = ""
    delimiter: str = ""
    encoding: str = ""
    schema: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def connection_variable(self) -> str:
        """The environment variable that holds the connection URI: `AIRFLOW_CONN_<SERVER>`."""
        name = "".join(ch if ch.isalnum() else "_" for ch in self.name)
        return f"AIRFLOW_CONN_{name.upper()}"


@dataclass(frozen=True, slots=True)
class Sla:
    """The promises of a contract: how often it runs (cron), and when a run must have ended after it began."""

    schedule: str = "@daily"
    deadline: timedelta = timedelta(hours=4)
    landing_retention: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Contract:
    """One registry: who owns it, where it is read, and its tables. `digest` is SHA-256 over the file's meaning."""

    registry: str
    version: str
    path: Path
    digest: str
    server: Server
    tables: tuple[Table, ...]
    sla: Sla = Sla()
    name: str = ""
    business_name: str = ""
    description: str = ""
    owner: str = ""
    limitations: str = ""
    team: tuple[dict[str, Any], ...] = ()
    legal_sources: tuple[str, ...] = ()
    legal_sources_vietnamese: tuple[str, ...] = ()

    def table(self, name: str) -> Table:
        """The table of that published name; KeyError if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)
