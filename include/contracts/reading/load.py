"""Loading of contracts from YAML; a `Contract` that loads is free of mistakes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from open_data_contract_standard.model import OpenDataContractStandard

from include.contracts.checks import misplaced_words, standard_problems
from include.contracts.model import Contract, Server, approval, check_team
from include.contracts.reading.places import place_of
from include.contracts.reading.reader import Reader
from include.contracts.reading.variant_files import variant_paths
from include.contracts.reading.variants import ReadVariant, read_variant
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


def contract_files(schemas_dir: Path) -> dict[str, Path]:
    """Every file that a contract is read from: the contracts by registry, their variants as `registry.variant`.

    Raises:
        ContractError: the folder is missing or holds no contract.
    """
    contracts = contract_paths(schemas_dir)
    variants = {f"{of}.{name}": file for of, path in contracts.items() for name, file in variant_paths(path).items()}
    return {**contracts, **variants}


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

    A contract whose files have not changed is read once in a process.

    Raises:
        ContractError: with every problem found, each with file, line and remedy.
    """
    written = _written(path)
    known = _LOADED.get(path)
    if known is not None and known[0] == written:
        return known[1]
    read = examine_contract(path)
    if any(problem.level == "error" for problem in read.problems):
        raise ContractError(read.problems)
    if _written(path) == written:
        _LOADED[path] = (written, read.contract)
    return read.contract


_LOADED: dict[Path, tuple[str, Contract]] = {}


def _written(path: Path) -> str:
    """SHA-256 of what is read for a contract: its file, and its variants' by their names."""
    digest = hashlib.sha256()
    for name, file in {"": path, **variant_paths(path)}.items():
        with suppress(OSError):
            digest.update(json.dumps([name, hashlib.sha256(file.read_bytes()).hexdigest()]).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class ReadContract:
    """A contract as far as it can be parsed, with its mistakes and warnings.

    `places` are positions in `file`: a table by its name, a column as `table.column`, a rule by its id, a server as
    `<name>:server`. `variants` are the contract as the servers of each have it, with their positions.
    """

    contract: Contract
    file: YamlFile
    problems: tuple[Problem, ...]
    places: dict[str, Place]
    variants: Mapping[str, ReadContract] = field(default_factory=dict)

    def of_server(self, name: str) -> ReadContract:
        """The contract as it holds for one of several servers: its tables are slices. KeyError if there is none."""
        contract = self.contract.of_server(name)
        return replace(self.variants.get(contract.server.variant, self), contract=contract, problems=(), variants={})


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
    variants, of_variants = _variants(reader, odcs, contract)
    mistakes = sorted(reader.problems, key=lambda p: p.line)
    if not any(problem.level == "error" for problem in mistakes):
        mistakes += misplaced_words(file)
    contract = _with_variants(contract, variants)
    views = {
        name: ReadContract(replace(contract, tables=read.variant.tables), read.file, (), read.places)
        for name, read in variants.items()
    }
    return ReadContract(contract, file, (*mistakes, *of_variants), reader.places, views)


def _variants(
    reader: Reader, odcs: OpenDataContractStandard, contract: Contract
) -> tuple[dict[str, ReadVariant], list[Problem]]:
    """The variants that servers name, and their problems; a name without a file is a mistake of the contract."""
    paths, problems = variant_paths(contract.path), []
    named = {server.variant for server in contract.servers if server.variant}
    for server in contract.servers:
        if server.variant and server.variant not in paths:
            place = reader.places[f"{server.name}:server"]
            custom = (odcs.servers or [])[int(place[1])].customProperties or []
            wanted = contract.path.with_name(f"{contract.registry}.{server.variant}.variant.yaml")
            remedy = f"add {wanted}" + (f", or name one of: {', '.join(paths)}" if paths else "")
            reader.mistake(place_of(place, custom, "variant"), f"the variant `{server.variant}` has no file", remedy)
    found: dict[str, ReadVariant] = {}
    for name, path in paths.items():
        if name not in named:
            remedy = f"give a server the custom property `variant: {name}`, or delete the file"
            problems.append(Problem(path, 0, "", "no server is of this variant", remedy, "warning"))
            continue
        try:
            found[name] = read_variant(name, path, contract, reader.file, reader.problems)
            problems += found[name].problems
        except ContractError as error:
            problems += error.problems
    return found, problems


def _with_variants(contract: Contract, variants: Mapping[str, ReadVariant]) -> Contract:
    """The contract with its variants, what they say of their servers, and the digest of all their files."""
    if not variants:
        return contract

    servers = tuple(_of_variant(server, variants) for server in contract.servers)
    content = [contract.digest, {name: read.file.variant.data for name, read in variants.items()}]
    definition = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return replace(
        contract,
        server=servers[0],
        servers=servers,
        variants=tuple(read.variant for read in variants.values()),
        digest=hashlib.sha256(definition.encode()).hexdigest(),
    )


def _of_variant(server: Server, variants: Mapping[str, ReadVariant]) -> Server:
    """The server with what its variant says of all its servers."""
    said = variants[server.variant].file.server if server.variant in variants else {}
    return replace(
        server,
        format=said.get("format", server.format),
        delimiter=said.get("delimiter", server.delimiter),
        encoding=said.get("encoding", server.encoding),
        schema=said.get("schema", server.schema),
    )


def _check_decisions(reader: Reader, odcs: OpenDataContractStandard, contract: Contract) -> None:
    """Report mistakes in the stewards and the number of approvals required."""
    for index, written in enumerate(odcs.schema_ or []):
        custom = written.customProperties or []
        approval(custom, reader.refusing(("schema", index), custom, "approval"))
    is_plain = isinstance(reader.file.data.get("team"), list)
    check_team(contract, reader.within(("team",) if is_plain else ("team", "members")))
