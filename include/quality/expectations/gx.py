"""Lazy import of Great Expectations, which takes two seconds, with telemetry off."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
from importlib.util import find_spec
from types import ModuleType

_WITH_GX = ("include.quality.expectations.suite", "include.quality.expectations.data_docs")
_RARELY_USED = (
    "scipy.stats",
    "altair",
)  # needed only by expectations about distributions, which no contract has; 1.5 s
_GX_ON_SPARK = "great_expectations.compatibility.pyspark"


def import_gx() -> None:
    """Import GX without its telemetry and without error output that prints values."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    if "great_expectations" not in sys.modules:
        sys.modules.setdefault(_GX_ON_SPARK, _WithoutSpark(_GX_ON_SPARK))
        for name in _RARELY_USED:
            _import_at_first_use(name)
    for module in _WITH_GX:
        importlib.import_module(module)


def import_gx_meanwhile() -> None:
    """Import GX in the background; `import_gx` waits for it."""
    threading.Thread(target=import_gx, name="import-great-expectations").start()


class _WithoutSpark(ModuleType):
    """Stands for GX's imports of PySpark, as if that were not installed: GX never judges on a cluster here.

    It would take 0.8 s. And PySpark 4 ends a process, with status 0, that imports all of it without having a main
    module, as the processes have from which Airflow forks its tasks.
    """

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return importlib.import_module("great_expectations.compatibility.not_imported").NotImported(
            "pyspark is not used by Great Expectations here"
        )


class _Deferred(ModuleType):
    """Placeholder of a module, imported on first use."""

    def __getattr__(self, attribute: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)


def _import_at_first_use(name: str) -> None:
    spec = None if name in sys.modules else find_spec(name)
    if spec is None:
        return
    module = sys.modules[name] = _Deferred(name)
    module.__spec__ = spec
    package, _, child = name.rpartition(".")
    if package:
        setattr(sys.modules[package], child, module)
