"""What the documentation tells people to type works as it says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.scripts import run_script

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    """Every `sh` block of the tutorial, in order, in one shell, in a folder that has .venv and the library."""
    text = (ROOT / "docs/tutorial/first-registry.md").read_text(encoding="utf-8")
    script = "set -eu\n" + "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))

    def command(folder: Path) -> list[str]:
        (folder / ".venv").symlink_to(ROOT / ".venv")
        return ["bash", "-c", script]

    environ = {**os.environ, "LIENTHONG_TMP": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}
    done = run_script(command, tmp_path, environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no mistakes" in done.stdout
    assert "enterprise.capital-positive" in done.stdout
    assert "enterprise.founded_on.unreadable" in done.stdout
    assert "Công ty CP Sông Hồng" in done.stdout


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "schemas").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
