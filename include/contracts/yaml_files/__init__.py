"""Reading of YAML files with line numbers and size bounds, and the problems found in them."""

from __future__ import annotations

from include.contracts.yaml_files.problems import ContractError, Problem, Tell, files_of
from include.contracts.yaml_files.yaml_file import Place, YamlFile, read_yaml

__all__ = [
    "ContractError",
    "Place",
    "Problem",
    "Tell",
    "YamlFile",
    "files_of",
    "read_yaml",
]
