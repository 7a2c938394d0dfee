"""Descriptions of rules in both languages, by the rule ids that rejected rows carry."""

from __future__ import annotations

from include.contracts.rules import SUPERSEDED
from include.contracts.words import BilingualText
from include.contracts.yaml_files import ContractError
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse


def rule_texts(context: PipelineContext, registry: str) -> dict[str, BilingualText]:
    """Every rule of a registry as its contract has it now, superseding included.

    Empty where there is no such contract any more, or it is broken: what was stored with a row tells enough.
    """
    try:
        contract = context.contract(registry)
    except (ContractError, Misuse):
        return {}
    # Rules of slices only (a key that another server has, values of a variant) first: else the contract's text counts.
    rules = [rule for table in (*contract.source_tables, *contract.tables) for rule in table.rules]
    texts = {rule.rule_id: BilingualText(rule.description, rule.vietnamese) for rule in rules}
    return texts | {f"{table.qualified_name}.superseded": SUPERSEDED for table in contract.tables}
