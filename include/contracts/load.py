"""Read contracts from YAML. Whoever holds a `Contract` holds one without mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from open_data_contract_standard.model import OpenDataContractStandard

from include.contracts.model import Contract
from include.contracts.odcs import standard_problems
from include.contracts.problems import ContractError, Problem
from include.contracts.reader import Reader
from include.contracts.yaml_file import Place, YamlFile, read_yaml

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
    return read_contract(path).contract


@dataclass(frozen=True)
class ReadContract:
    """A contract without mistakes, and what is odd about it.

    `places` says where in `file` things stand: a table by its name, a column as `table.column`, a rule by its id.
    """

    contract: Contract
    file: YamlFile
    warnings: tuple[Problem, ...]
    places: dict[str, Place]


def read_contract(path: Path) -> ReadContract:
    """As `load_contract`, with the warnings and the lines of what was loaded.

    Raises:
        ContractError: with every problem found, each with file, line and remedy.
    """
    file = read_yaml(path)
    problems = standard_problems(file)
    if problems:
        raise ContractError(problems)
    odcs = OpenDataContractStandard(**file.data)
    registry = path.name.removesuffix(SUFFIX)
    reader = Reader(file, registry)
    contract = reader.contract(odcs)
    told = sorted(reader.problems, key=lambda p: p.line)
    if any(problem.level == "error" for problem in told):
        raise ContractError(told)
    return ReadContract(contract, file, tuple(told), reader.places)
