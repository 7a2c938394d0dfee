"""Loading of contracts from YAML; a `Contract` that loads is free of mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from open_data_contract_standard.model import OpenDataContractStandard

from include.contracts.checks import misplaced_words, standard_problems
from include.contracts.model import Contract, approval, check_team
from include.contracts.reading.reader import Reader
from include.contracts.yaml_files import ContractError, Place, Problem, YamlFile, all_valid, load_each, read_yaml

SUFFIX = ".odcs.yaml"


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
    """Every contract under `schemas_dir` or its `registries/`, by registry.

    Raises:
        ContractError: with every problem of every file.
    """
    return all_valid(readable_contracts(schemas_dir))


def readable_contracts(schemas_dir: Path) -> tuple[dict[str, Contract], list[Problem]]:
    """The valid contracts, by registry, and the mistakes of the others.

    Raises:
        ContractError: there is no folder of contracts.
    """
    return load_each(contract_paths(schemas_dir), load_contract)


def load_contract(path: Path) -> Contract:
    """One contract, checked against ODCS v3.2 and against itself.

    Raises:
        ContractError: with every problem found, each with file, line and remedy.
    """
    read = examine_contract(path)
    if any(problem.level == "error" for problem in read.problems):
        raise ContractError(read.problems)
    return read.contract


@dataclass(frozen=True)
class ReadContract:
    """A contract as far as it can be parsed, with its mistakes and warnings.

    `places` are positions in `file`: a table by its name, a column as `table.column`, a rule by its id.
    """

    contract: Contract
    file: YamlFile
    problems: tuple[Problem, ...]
    places: dict[str, Place]


def examine_contract(path: Path) -> ReadContract:
    """A contract with its mistakes and warnings, for further checks.

    Raises:
        ContractError: it is not YAML or not ODCS v3.2.
    """
    file = read_yaml(path)
    problems = standard_problems(file)
    if problems:
        raise ContractError(problems)
    reader = Reader(file, path.name.removesuffix(SUFFIX))
    odcs = OpenDataContractStandard(**file.data)
    contract = reader.contract(odcs)
    _check_decisions(reader, odcs, contract)
    mistakes = sorted(reader.problems, key=lambda p: p.line)
    if not any(problem.level == "error" for problem in mistakes):
        mistakes += misplaced_words(file)
    return ReadContract(contract, file, tuple(mistakes), reader.places)


def _check_decisions(reader: Reader, odcs: OpenDataContractStandard, contract: Contract) -> None:
    """Report mistakes in the stewards and the number of approvals required."""
    for index, written in enumerate(odcs.schema_ or []):
        custom = written.customProperties or []
        approval(custom, reader.refusing(("schema", index), custom, "approval"))
    is_plain = isinstance(reader.file.data.get("team"), list)
    check_team(contract, reader.within(("team",) if is_plain else ("team", "members")))
