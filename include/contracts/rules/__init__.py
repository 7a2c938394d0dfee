"""Rules of a contract: their violation predicates and texts in each language."""

from include.contracts.rules.expressions import columns_read, inputs, may_lose
from include.contracts.rules.references import reference_targets
from include.contracts.rules.rule_words import SUPERSEDED
from include.contracts.rules.rules import cited, column_rules, key_rule, quality_rule
from include.contracts.rules.violations import RuleError
