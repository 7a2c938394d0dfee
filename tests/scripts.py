"""Run what the documentation tells people to type, in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

# Arrow's readers may still be ending when a short Python script does, and the process then aborts after its work is
# done (apache/arrow issue 34314, one in some hundred here). The script is begun anew, in another folder.
_ARROW_ABORTS = "terminate called without an active exception"
_ATTEMPTS = 3


def run_script(
    make: Callable[[Path], list[str]], folder: Path, environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the command that `make` gives for an empty folder, in that folder; what it leaves elsewhere is still there at
    the next attempt, unless `make` undoes it.
    """
    for attempt in range(_ATTEMPTS):
        place = folder / f"attempt-{attempt}"
        place.mkdir()
        done = subprocess.run(make(place), cwd=place, env=environ, capture_output=True, text=True, check=False)
        if done.returncode == 0 or _ARROW_ABORTS not in done.stderr:
            break
    return done
