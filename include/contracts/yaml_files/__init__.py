"""Reading of YAML files with line numbers and size bounds, and the problems found in them."""

from include.contracts.yaml_files.problems import ContractError, Problem, ReportProblem, all_valid, files_of, load_each
from include.contracts.yaml_files.yaml_file import Place, YamlFile, read_yaml
from include.contracts.yaml_files.yaml_form import YamlForm
