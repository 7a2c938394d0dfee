"""Great Expectations, imported when it is needed: two seconds of work, done quietly."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
from importlib.util import LazyLoader, find_spec, module_from_spec

_WITH_GX = ("include.quality.suite", "include.quality.data_docs")
_RARELY_USED = "scipy.stats"  # by expectations about distributions, which no contract has; 1.2 s


def import_gx() -> None:
    """Import GX with everything off that speaks to its makers, or prints values when something fails."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    if "great_expectations" not in sys.modules:
        _import_at_first_use(_RARELY_USED)
    for module in _WITH_GX:
        importlib.import_module(module)


def import_gx_meanwhile() -> None:
    """Begin to import GX while the caller does something else, such as the split; `import_gx` waits for it."""
    threading.Thread(target=import_gx, name="import-great-expectations").start()


def _import_at_first_use(name: str) -> None:
    spec = None if name in sys.modules else find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = loader = LazyLoader(spec.loader)
    module = sys.modules[name] = module_from_spec(spec)
    loader.exec_module(module)
    package, _, child = name.rpartition(".")
    setattr(sys.modules[package], child, module)
