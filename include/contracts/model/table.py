"""Tables of a contract, their columns and rules: small frozen objects, already validated.

Terms are those of the Open Data Contract Standard v3.2 (Bitol, Linux Foundation AI & Data). Only
`load.py` reads YAML; all other modules use these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from include.contracts.model.types import RuleArguments, TypeOptions
from include.contracts.words import Language, pick

Classification = Literal["public", "internal", "confidential", "restricted", "sensitive"]
Severity = Literal["error", "warning"]
Scope = Literal["row", "set", "table"]
Deletes = Literal["reconcile", "soft", "none"]
Drift = Literal["evolve", "freeze", "discard_row", "discard_value"]
ChangesBy = Literal["compare", "log"]
LinkRole = Literal[
    "personal_id", "old_id", "name", "family_name", "given_name", "birth_date", "birth_precision", "sex", "place",
    "mother", "father", "tax_code", "insurance_number", "health_card", "passport", "nationality", "address", "phone",
]  # fmt: skip

KeyScope = Literal["registry", "server"]
Engine = Literal["duckdb", "spark", "auto"]

RESERVED_PREFIX = "_"
AT = "@"  # between a table's name and the server of a slice: `parcel@land-38`
POSITION = "_position"  # column of an extract of `rowsFromList`: the entry's place in its list, from 1
DRIFT_FLAG = "_lienthong_drift"  # column of an extract: the row does not fit the source's former schema


@dataclass(frozen=True, slots=True)
class Bound:
    """Bound of a table-level measure, e.g. `percent >= 95`.

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
    """One quality rule of a contract.

    `scope` is what is judged. `row`: every row by itself (`violation` is TRUE for a row that breaks the rule).
    `set`: rows that share a value (`violation` is empty, the value of `columns` must be unique among the rows
    that would otherwise be published). `table`: the accepted rows as a whole; nobody is rejected, the gate
    compares the number of rows for which `violation` is TRUE (or of all rows, for `rowCount`) with `bound`.

    `metric` and `arguments` are as in the contract; Great Expectations evaluates them
    independently of `violation`: `required`, `unreadable`, `enum`, `pattern`, `minLength`, `maxLength`, `minimum`,
    `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `reference`, `controlCharacters`,
    `nullValues`, `missingValues`, `invalidValues`, `duplicateValues`, `rowCount`, `sql`.

    `description` is English and stored with a rejected row; users see `text`.
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
    arguments: RuleArguments = field(default_factory=RuleArguments)
    bound: Bound | None = None
    query: str = ""
    legal_source: str = ""
    # Excluded from `row_digest`, which is taken over the `repr`.
    vietnamese: str = field(default="", repr=False)
    legal_source_vietnamese: str = field(default="", repr=False)

    def text(self, language: Language) -> str:
        """The rule's text for users; English where the contract has no Vietnamese text."""
        return pick(language, self.vietnamese, self.description)

    def law(self, language: Language) -> str:
        """The legal references as text; empty if the contract cites none."""
        return pick(language, self.legal_source_vietnamese, self.legal_source)

    @property
    def column(self) -> str | None:
        """The rule's column; None for a rule across columns or over the table."""
        return self.columns[0] if len(self.columns) == 1 else None


@dataclass(frozen=True, slots=True)
class Relationship:
    """`columns` of this table refer to `to_columns` of `registry.table` (`reference.<list>` for a code list).

    Of a code list, `valid_on` is the date column on which a code must have been in force (empty: at any time), and
    `severity` what becomes of a row whose code is not listed.
    """

    columns: tuple[str, ...]
    registry: str
    table: str
    to_columns: tuple[str, ...]
    valid_on: str = ""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Column:
    """One published column.

    `source_name` is its name in the source (ODCS `physicalName`), `expression` the DuckDB SQL over the source's
    columns that computes it (ODCS `transformLogic`; empty: the source column, cast). `sql_type` is the DuckDB type.
    `link` is its role in record linkage (an attribute of a person). `empty_values` are source values, without
    surrounding blanks, that mean "not given"; `empty_when` is a SQL condition over source columns for the same.
    `is_derived`: values that the expression makes empty are published by another column.
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
    options: TypeOptions = field(default_factory=TypeOptions)
    link: LinkRole | None = None
    empty_values: tuple[str, ...] = ()
    empty_when: str = ""
    is_derived: bool = False


@dataclass(frozen=True, slots=True)
class ExtractPolicy:
    """Extract policy of a table: cursor columns (`cursor`), lateness of rows (`lag`), handling of deletes.

    `deleted_when` is a predicate over published columns, TRUE for a row that the source keeps but calls deleted
    (`deletes: soft`). `drift` is the policy for schema drift of the source object. `changes` says how changed rows are
    found: by comparing keys and cursors, or in the source's change log, which the source may keep for us up to
    `change_log_limit_mb` megabytes. Neither decides what rows become, so both stay out of the repr and its digest.
    """

    cursor: tuple[str, ...] = ()
    lag: timedelta = timedelta(hours=1)
    deletes: Deletes = "reconcile"
    delete_limit_percent: float = 5.0
    deleted_when: str = ""
    drift: Drift = "freeze"
    changes: ChangesBy = field(default="compare", repr=False)
    change_log_limit_mb: float = field(default=4096.0, repr=False)

    @property
    def reads_change_log(self) -> bool:
        """Whether changed rows are found in the source's change log."""
        return self.changes == "log"


@dataclass(frozen=True, slots=True)
class RowsFromList:
    """A source column whose cells hold lists: the table has a row for each entry.

    In the extract the column holds one entry, without the separator, and `_position` its place in the list, from 1.
    """

    column: str
    separator: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Limits within which a run is published without a steward's approval; no limit where there is None."""

    rejected_percent: float = 5.0
    row_count_change_percent: float = 20.0
    # Excluded from `row_digest`, which is taken over the `repr`.
    superseded_percent: float | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its source object, its columns and the rules its rows must satisfy.

    Of a registry with several servers, a *slice* is the table as one of them delivers it: `name` is `<table>@<server>`,
    and what a run keeps of it (landing, rejected rows, run log) lies under that name. All slices are published in one
    table, each in its own partition. `key_scope`: whether a key may stand once in the registry, or once in each server.
    `history`: how long former rows are kept; None: as long as the table's versions. `engine`: what judges its rows;
    None: the contract does not say.
    """

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
    custom: Mapping[str, object] = field(default_factory=dict)
    key_scope: KeyScope = field(default="registry", repr=False)
    history: timedelta | None = field(default=None, repr=False)
    engine: Engine | None = field(default=None, repr=False)
    rows_from_list: RowsFromList | None = None

    @property
    def qualified_name(self) -> str:
        """`registry.table`, as users write it; `registry.table@server` of a slice."""
        return f"{self.registry}.{self.name}"

    @property
    def base_name(self) -> str:
        """The published table's name, without a slice's server."""
        return self.name.partition(AT)[0]

    @property
    def server(self) -> str:
        """The server of a slice; empty for a whole table."""
        return self.name.partition(AT)[2]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Published names of the key columns, in key order; empty if the contract states no key."""
        keyed = [c for c in self.columns if c.primary_key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.primary_key_position or 0))

    @property
    def key_rule_id(self) -> str:
        """Id of the rule that rejects rows whose different source keys would be published as one."""
        return f"{self.registry}.{self.base_name}.key"

    @property
    def server_rule_id(self) -> str:
        """Id of the rule that rejects rows whose key another server of the registry has published."""
        return f"{self.registry}.{self.base_name}.server"

    @property
    def value_rules(self) -> tuple[Rule, ...]:
        """The rules over several rows that are not on keys: values that must differ."""
        own = (self.key_rule_id, self.server_rule_id)
        return tuple(rule for rule in self.rules if rule.scope == "set" and rule.rule_id not in own)

    @property
    def is_one_of_several(self) -> bool:
        """Whether it is a slice whose keys no other server may have."""
        return bool(self.server and self.primary_key and self.key_scope == "registry")

    @property
    def can_be_read_in_part(self) -> bool:
        """Whether a stretch of time of it can be read (a backfill): it has a cursor and a key."""
        return bool(self.extract.cursor and self.primary_key)

    def column(self, name: str) -> Column:
        """The column of that published name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id; None if the contract has it no longer."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)
