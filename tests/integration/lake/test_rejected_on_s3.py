"""The life of rejected rows on a real S3 server: closing, replaying and going back, as in a folder."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.lake.delta import version_history
from include.lake.rejected.backlog import rejection_backlog
from include.lake.rejected.close import restore_rejected
from include.lake.rejected.replay_source import gather_open
from include.lake.storage.lake import Lake
from tests.unit.lake.rejecting import lives, sync
from tests.unit.lake.staging import PERSON, START, content

pytestmark = pytest.mark.slow
AN, BINH, CHI = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)


@pytest.fixture
def lake(s3, tmp_path):
    return Lake.from_environment({**s3.environ("rejected"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def test_rows_are_closed_gathered_and_opened_again(lake, monkeypatch):
    odd = "scheduled__2026-01-01T00:00:00+00:00 'x'"
    monkeypatch.setattr("tests.unit.lake.rejecting.run_name", lambda number: f"{odd}{number}")
    sync(lake, PERSON, 1, [AN, BINH, CHI], rejected=[0, 1])
    assert sync(lake, PERSON, 2, [AN], mode="incremental") == {"superseded": 1}
    assert lives(lake, PERSON) == [(f"{odd}1", 0, "superseded", f"{odd}2"), (f"{odd}1", 1, "open", None)]
    uri = f"{lake.landing_path('population', 'citizen', 'again')}/extract.parquet"
    assert gather_open(lake, PERSON, run_id="again", extract_uri=uri, definition_digest="").rows == 1
    connection = lake.connect()
    assert connection.execute(f"SELECT personal_id FROM '{uri}'").fetchall() == [("b",)]
    assert rejection_backlog(lake, PERSON, at=START + timedelta(days=3)).total.trend[-3:] == (2, 1, 1)
    done = version_history.restore(lake, PERSON, version=0, run_id="back", at=START, metadata={})
    assert (done.deleted, done.undone) == (1, (f"{odd}2",))
    assert content(lake, PERSON) == [CHI]
    assert restore_rejected(lake, PERSON, run_id="back", at=START, undone=done.undone) == 1
    assert [life for _, _, life, _ in lives(lake, PERSON)] == ["open", "open"]
