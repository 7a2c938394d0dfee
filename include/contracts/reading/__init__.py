"""Reading contracts: from YAML files to a `Contract` without mistakes; the contract of the published tables."""

from include.contracts.reading.load import (
    ReadContract,
    contract_files,
    contract_paths,
    examine_contract,
    load_contract,
    load_contracts,
    readable_contracts,
)
from include.contracts.reading.published import published_yaml
from include.contracts.reading.variant_files import variant_paths
