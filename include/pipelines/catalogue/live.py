"""The catalogue for a server that runs for months: read again when a file changes, without what cannot be read."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from include.contracts.model import Contract
from include.indicators.definitions import Indicator, indicator_paths, readable_indicators
from include.pipelines.catalogue.code_lists import CodeList, code_lists
from include.pipelines.catalogue.entries import entries
from include.pipelines.catalogue.search import SearchIndex
from include.pipelines.reporting import QualityPages
from include.sharing.agreements import Agreement
from include.vietnam import reference_lists


@dataclass(frozen=True)
class Catalogue:
    """What stands in the contracts, indicators and code lists of one instant."""

    contracts: Mapping[str, Contract]
    indicators: Mapping[str, Indicator]
    lists: Mapping[str, CodeList]
    index: SearchIndex


@dataclass
class LiveCatalogue:
    """The catalogue as the files have it now. One lives as long as the server."""

    quality: QualityPages
    _known: tuple[Hashable, Catalogue] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> Catalogue:
        """The catalogue; built by one thread, while others wait. Raises ContractError: there is no contract at all."""
        schemas, contracts = self.quality.context.schemas, self.quality.contracts()
        with self._lock:
            files = {**indicator_paths(schemas), **reference_lists(schemas)}
            stamps = tuple((name, path.stat().st_mtime_ns) for name, path in files.items())
            key = (id(contracts), stamps)
            if self._known is None or self._known[0] != key:
                self._known = (key, _read(schemas, contracts))
            return self._known[1]

    def agreements(self, registry: str, table: str) -> tuple[Agreement, ...]:
        """The agreements in force that have a product of a table."""
        at = self.quality.context.now()
        return tuple(
            agreement
            for agreement in self.quality.agreed().values()
            if agreement.standing(at) == "in_force"
            and any((product.registry, product.table) == (registry, table) for product in agreement.products)
        )


def _read(schemas: Path, contracts: Mapping[str, Contract]) -> Catalogue:
    indicators, lists = readable_indicators(schemas)[0], code_lists(schemas)
    return Catalogue(contracts, indicators, lists, SearchIndex.of(entries(contracts.values(), indicators, lists)))
