"""Whatever sequence of runs comes, the published table is what the runs say (invariants 1, 2 and 3).

The model is a dictionary. After every run, of any mode, crashed and repeated or not: the rows are those of the model;
replaying the change feed from version 0 gives the content; the figures add up; the same extract again changes nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.contracts.model import ExtractPolicy, Table
from include.lake.delta.commit_metadata import last_commit
from include.lake.incremental.row_checksum import RowSetChecksum, row_set_checksum
from include.lake.incremental.stored_checksum import stored_checksum_of
from include.lake.publishing.publication import Mode, PublishedCommit
from include.lake.rejected.append import append_rejected
from include.lake.storage.lake import Lake
from include.lake.upsert import file_rewrite
from tests.repeats import repeats
from tests.unit.lake.staging import PERSON, START, content, run, stage

# The age tells which version of a row is newer; who is called deleted is.
TABLES = {  # a contract has `deletedWhen` with `soft` only; publishing does not mind
    policy: replace(PERSON, extract=ExtractPolicy(("age",), deletes=policy, deleted_when="full_name = 'deleted'"))
    for policy in ("reconcile", "soft")
}
KEYS = st.sampled_from("abcdef")
NAMES = st.sampled_from([None, "", "An", "Ân", "x\x00y", "deleted"])
OUTCOMES = st.sampled_from(["accepted", "accepted", "accepted", "rejected", "warned"])
MODES = st.sampled_from(["full", "full", "incremental", "incremental", "incremental", "backfill", "replay"])


@dataclass(frozen=True)
class Extract:
    """One run's extract: at most one row a key would be accepted, others may be there too.

    `crash_at`: the run is killed at its n-th commit, before it (odd) or after it (even), and then repeated; 0: never.
    `most_patched`: up to which share of its rows a file is changed where they are.
    """

    rows: tuple[tuple[str, Any, Any], ...]
    outcomes: tuple[str, ...]
    merge_rows: int
    mode: Mode
    gone: tuple[str, ...] = ()
    crash_at: int = 0
    most_patched: float = 0.25

    @property
    def accepted(self) -> dict[str, tuple[Any, ...]]:
        return {row[0]: row for row, o in zip(self.rows, self.outcomes, strict=True) if o in ("accepted", "warned")}

    @property
    def received(self) -> set[str]:
        return {row[0] for row in self.rows}

    def numbers(self, outcome: str) -> list[int]:
        return [number for number, o in enumerate(self.outcomes) if o == outcome]


@st.composite
def extracts(draw: st.DrawFn) -> Extract:
    winners = draw(st.dictionaries(KEYS, st.tuples(NAMES, st.none() | st.integers(0, 2)), max_size=6))
    rows, outcomes = [], []
    for key, values in winners.items():
        rows.append((key, *values))
        outcomes.append(draw(OUTCOMES))
    for key in draw(st.lists(KEYS, max_size=2)):
        rows.append((key, "older", None))
        outcomes.append("superseded" if key in winners else "rejected")
    mode = draw(MODES)
    gone = tuple(draw(st.sets(KEYS, max_size=3))) if mode == "incremental" else ()
    merge_rows, crash_at = draw(st.sampled_from([0, 1, 400_000])), draw(st.sampled_from([0, 0, 1, 2, 3, 4]))
    most_patched = draw(st.sampled_from([0.25, 1.0]))
    return Extract(tuple(rows), tuple(outcomes), merge_rows, mode, gone, crash_at, most_patched)


@dataclass
class Model:
    """What the published table must hold."""

    policy: str
    live: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def run(self, extract: Extract) -> dict[str, int]:
        before = dict(self.live)
        accepted = extract.accepted
        if extract.mode in ("backfill", "replay"):
            accepted = {key: row for key, row in accepted.items() if not self.is_newer(key, row)}
        coming = {key: row for key, row in accepted.items() if row[1] != "deleted"}
        leaving = accepted.keys() - coming.keys() | (set(extract.gone) - extract.received)
        if extract.mode == "full" and self.policy == "reconcile":
            leaving |= before.keys() - extract.received
        self.live = {key: row for key, row in before.items() if key not in leaving} | coming
        retained = {key for key in extract.received & before.keys() if key not in extract.accepted}
        return {
            "inserted": len(self.live.keys() - before.keys()),
            "deleted": len(before.keys() - self.live.keys()),
            "retained": len(retained),
            "live_rows": len(self.live),
        }

    def is_newer(self, key: str, row: tuple[Any, ...]) -> bool:
        """Whether what is published says more of the key than the row."""
        age = self.live.get(key, (None, None, None))[2]
        return age is not None and row[2] is not None and age > row[2]


class Killed(BaseException):
    """No handler of errors takes it for one."""


@contextmanager
def killed_at(commit: int) -> Iterator[None]:
    """Die before (odd) or after (even) a commit of files, whoever writes it."""
    counted = iter(range(1, 10**6))

    def dying(make: Callable[..., Any]) -> Callable[..., Any]:
        def make_and_die(*arguments: Any, **options: Any) -> Any:
            number = next(counted)
            if commit == 2 * number - 1:
                raise Killed
            made = make(*arguments, **options)
            if commit == 2 * number:
                raise Killed
            return made

        return make_and_die

    with (
        mock.patch.object(DeltaTable, "create_write_transaction", dying(DeltaTable.create_write_transaction)),
        mock.patch.object(Lake, "create_text", dying(Lake.create_text)),
    ):
        yield


def replayed(lake: Lake) -> list[tuple[Any, ...]]:
    """The content as somebody knows it who only follows the change feed."""
    delta = lake.table(lake.registry_table("population", "citizen"))
    changes = pa.table(delta.load_cdf(starting_version=0).read_all()).to_pylist()
    rows: dict[str, dict[str, Any]] = {}
    # Within a version what goes is read before what comes.
    for change in sorted(
        changes, key=lambda c: (c["_commit_version"], c["_change_type"] in ("insert", "update_postimage"))
    ):
        if change["_change_type"] in ("insert", "update_postimage"):
            assert change["personal_id"] not in rows, "a key comes only after it went"
            rows[change["personal_id"]] = change
        else:
            gone = rows.pop(change["personal_id"])
            assert (gone["full_name"], gone["age"]) == (change["full_name"], change["age"]), "what goes is what was"
    return sorted(((r["personal_id"], r["full_name"], r["age"]) for r in rows.values()), key=repr)


def figure(lake: Lake, table: Table) -> RowSetChecksum | None:
    """Of the rows that are published, by reading them all."""
    rows = pa.table(lake.table("registry/population/citizen").to_pyarrow_table(columns=["personal_id", "age"]))
    return row_set_checksum(rows.to_batches())


def publish(lake: Lake, table: Table, number: int, extract: Extract) -> PublishedCommit:
    outcomes = {name: extract.numbers(name) for name in ("rejected", "superseded", "warned")}
    staged = stage(lake, table, f"r{number}", extract.rows, **outcomes)
    kept = append_rejected(lake, table, run_id=f"r{number}", at=START, staged=staged, extract_uri=staged.extract)
    assert kept == len(outcomes["rejected"]) + len(outcomes["superseded"])

    def attempt() -> PublishedCommit:
        return run(
            lake,
            table,
            number,
            extract.rows,
            merge_rows=extract.merge_rows,
            mode=extract.mode,
            gone=[(key,) for key in extract.gone] if extract.mode == "incremental" else None,
            **outcomes,
        )

    before = content(lake, table) if lake.is_table(lake.registry_table("population", "citizen")) else None
    try:
        with killed_at(extract.crash_at), mock.patch.object(file_rewrite, "_MOST_PATCHED", extract.most_patched):
            return attempt()
    except Killed:
        commit = attempt()
        assert commit.is_new or content(lake, table) == before or extract.crash_at % 2 == 0
        return commit


@pytest.mark.slow
@settings(max_examples=repeats(3, 100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(TABLES)), st.lists(extracts(), min_size=1, max_size=6))
def test_any_sequence_of_runs(policy: str, sequence: list[Extract]) -> None:
    table = TABLES[policy]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.from_environment({"LAKE_URI": f"{folder}/lake", "LIENTHONG_TMP": f"{folder}/scratch"})
        model = Model(policy)
        for number, extract in enumerate(sequence):
            commit = publish(lake, table, number, extract)
            expected = model.run(extract)
            assert {name: getattr(commit, name) for name in expected} == expected
            assert content(lake, table) == sorted(model.live.values(), key=repr)
            assert replayed(lake) == content(lake, table)
            assert stored_checksum_of(last_commit(lake, table), table) == (
                figure(lake, table) if policy == "reconcile" else None
            )
        again = publish(lake, table, len(sequence), sequence[-1])
        assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)
        assert content(lake, table) == sorted(model.live.values(), key=repr)
        extracted = sum(len(extract.rows) for extract in [*sequence, sequence[-1]])
        accepted = sum(len(extract.accepted) for extract in [*sequence, sequence[-1]])
        kept = pa.table(lake.table("rejected/population/citizen").to_pyarrow_table()).num_rows
        assert extracted == accepted + kept
