"""The lake fails while an extract lands: told as the lake's failure, with nothing left that looks whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from include.lake.storage.errors import LakeFull, LakeUnreachable
from include.lake.storage.lake import Lake
from tests.extracts import contract_of, take
from tests.machine import needed

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A folder on a disk of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    needed("Root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False).returncode:
        pytest.skip("this machine lets even root mount nothing (a container needs CAP_SYS_ADMIN)")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


def fill(pg: psycopg.Connection) -> None:
    pg.execute("CREATE TABLE big AS SELECT md5(i::text) AS a, md5((-i)::text) AS b FROM generate_series(1, 200000) i")


def test_disk_full_in_the_lake(pg: psycopg.Connection, postgres: str, tmp_path: Path, small_disk: Path) -> None:
    fill(pg)
    lake = Lake(str(small_disk / "lake"), scratch=tmp_path / "scratch")
    with pytest.raises(LakeFull, match="make room"):
        take(contract_of("big", ["a"]), postgres, lake)
    assert lake.list(lake.path("landing/registry/thing")) == []


def test_disk_full_in_the_scratch_folder(tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "a.csv").write_text("A,B\n" + "x" * 100 + ",y\n" * 1 + ("1," + "y" * 100 + "\n") * 50_000)
    lake = Lake(str(tmp_path / "lake"), scratch=small_disk)
    with pytest.raises(LakeFull, match="make room"):
        take(contract_of("a.csv", ["A"]), tmp_path.as_uri(), lake)


def test_a_file_size_limit_is_a_full_disk(pg: psycopg.Connection, postgres: str, tmp_path: Path) -> None:
    """In a process of its own, since the limit cannot be lifted again."""
    fill(pg)
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from include.lake.storage.errors import LakeFull\n"
        "from tests.extracts import contract_of, lake_at, take\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    take(contract_of('big', ['a']), sys.argv[1], lake_at(Path(sys.argv[2])))\n"
        "except LakeFull:\n"
        "    print('full')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, postgres, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("full", "")


def test_lake_unreachable(pg: psycopg.Connection, postgres: str, tmp_path: Path) -> None:
    pg.execute("CREATE TABLE t (a text)")
    environ = {
        "LAKE_URI": "s3://bucket/lake",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "LIENTHONG_TMP": str(tmp_path),
    }
    with pytest.raises(LakeUnreachable, match="LAKE_URI") as caught:
        take(contract_of("t", ["a"]), postgres, Lake.from_environment(environ))
    assert "hunter2" not in str(caught.value)
