"""A file of personal values that somebody asked to see."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from include.lake.storage import literal
from include.pipelines.errors import Misuse


def write_look(run: Callable[[str], list[tuple[Any, ...]]], query: str, out: Path, options: str) -> int:
    """Write the rows of a query by DuckDB's COPY to a file that only its owner reads; returns how many.

    `run` executes SQL; what it raises goes on, and leaves no new file. DuckDB writes to the file itself, as it would
    make another one and rename it otherwise.

    Raises:
        Misuse: the file cannot be written.
    """
    is_new = not out.exists()
    try:
        file = os.open(out, os.O_WRONLY | os.O_CREAT, 0o600)
        os.fchmod(file, 0o600)
        os.close(file)
    except OSError as error:
        raise Misuse(f"{out} cannot be written ({error.strerror}): name a file in a folder of yours") from None
    try:
        written = run(f"COPY ({query}) TO {literal(str(out.absolute()))} ({options}, USE_TMP_FILE false)")
    except BaseException:
        if is_new:
            out.unlink(missing_ok=True)
        raise
    return int(written[0][0])
