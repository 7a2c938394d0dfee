"""Great Expectations, imported when it is needed: two seconds of work, done quietly."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
from importlib.util import find_spec
from types import ModuleType

_WITH_GX = ("include.quality.expectations.suite", "include.quality.expectations.data_docs")
_RARELY_USED = ("scipy.stats", "altair")  # by expectations about distributions, which no contract has; 1.5 s


def import_gx() -> None:
    """Import GX with everything off that speaks to its makers, or prints values when something fails."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    if "great_expectations" not in sys.modules:
        for name in _RARELY_USED:
            _import_at_first_use(name)
    for module in _WITH_GX:
        importlib.import_module(module)


def import_gx_meanwhile() -> None:
    """Begin to import GX while the caller does something else, such as the split; `import_gx` waits for it."""
    threading.Thread(target=import_gx, name="import-great-expectations").start()


class _Deferred(ModuleType):
    """Stands for a module until something of it is used."""

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
