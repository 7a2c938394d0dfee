"""A hundred random alterations of a ledger, each found; none in an untouched one (issue 3)."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from deltalake import CommitProperties, Transaction, write_deltalake

from include.audit.ledger import entries, signing
from include.audit.ledger.record import Record, entry_hash
from include.audit.verification.verify_lake import verify
from include.lake.storage.lake import Lake
from tests.repeats import held_by

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
# As many entries as leave the ledger without a Delta checkpoint of its own log, which no forged log can have.
ENTRIES, CHECKPOINT_EVERY = 20, 4
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Twenty entries; after every fourth a signed checkpoint."""
    folder = tmp_path_factory.mktemp("ledger")
    lake = Lake(str(folder / "lake"), (), folder / "tmp")
    for number in range(1, ENTRIES + 1):
        record = Record("run", f"registry-{number % 3}", {"run_id": f"r{number}", "accepted": number})
        entries.append(lake, [record], at=AT + timedelta(minutes=number), actor="sync")
        if number % CHECKPOINT_EVERY == 0:
            signing.write_checkpoint(lake, KEY, at=AT)
    return lake


def forge(lake: Lake, rows: Rows) -> None:
    """Put other rows in the ledger's place the way its writer would have: a fresh table with a fitting log.

    Only the chain and the checkpoints can tell: the worst case short of the signing key.
    """
    shutil.rmtree(lake.path(entries.LEDGER))
    last = rows[-1]
    note = CommitProperties(
        custom_metadata={entries.HEAD_METADATA: f"{last['sequence']}:{last['hash']}"},
        app_transactions=[Transaction("lienthong.ledger", last["sequence"])],
    )
    write_deltalake(
        lake.path(entries.LEDGER), pa.Table.from_pylist(rows, schema=entries.SCHEMA), commit_properties=note
    )


def since_checkpoint(position: int) -> int:
    """The first entry under the checkpoint that covers the row at `position`: it is the nearest that can be named."""
    return position // CHECKPOINT_EVERY * CHECKPOINT_EVERY + 1


def rehash(rows: Rows, start: int, stop: int) -> None:
    for position in range(start, stop):
        row = rows[position]
        if position:
            row["prev_hash"] = rows[position - 1]["hash"]
        row["hash"] = entry_hash(**{name: value for name, value in row.items() if name != "hash"})


def changed(row: dict[str, Any], chance: random.Random) -> None:
    name = chance.choice(["at", "kind", "actor", "subject", "payload", "prev_hash", "hash"])
    if name == "at":
        row["at"] += timedelta(microseconds=chance.choice([-1, 1, 60_000_000]))
    elif name == "payload":
        row["payload"] = json.dumps({**json.loads(row["payload"]), "accepted": chance.randint(1000, 2000)})
    elif name in ("prev_hash", "hash"):
        row[name] = f"{chance.getrandbits(256):064x}"
    else:
        row[name] += " "


# Each takes the rows and says between which entries the first wrong one must be named.


def edit(rows: Rows, chance: random.Random) -> tuple[int, int]:
    position = chance.randrange(len(rows))
    changed(rows[position], chance)
    return position + 1, position + 1


def drop(rows: Rows, chance: random.Random) -> tuple[int, int]:
    position = chance.randrange(len(rows) - 1)
    del rows[position : position + chance.randint(1, 3)]
    return position + 1, position + 1


def insert(rows: Rows, chance: random.Random) -> tuple[int, int]:
    position = chance.randrange(1, len(rows))
    rows.insert(position, {**rows[position - 1], "sequence": position + 1})
    changed(rows[position], chance)
    return position + 1, position + 1


def insert_and_renumber(rows: Rows, chance: random.Random) -> tuple[int, int]:
    position = chance.randrange(1, len(rows))
    rows.insert(position, {**rows[position - 1]})
    for number, row in enumerate(rows, start=1):
        row["sequence"] = number
    rehash(rows, position, position + 1)
    return since_checkpoint(position), position + 2


def swap(rows: Rows, chance: random.Random) -> tuple[int, int]:
    first, second = sorted(chance.sample(range(len(rows)), 2))
    rows[first], rows[second] = rows[second], rows[first]
    rows[first]["sequence"], rows[second]["sequence"] = first + 1, second + 1
    return first + 1, first + 1


def edit_and_rehash_it(rows: Rows, chance: random.Random) -> tuple[int, int]:
    position = chance.randrange(len(rows) - 1)
    rows[position]["subject"] += "x"
    rehash(rows, position, position + 1)
    return position + 1, position + 1


def edit_and_rehash_all_that_follows(rows: Rows, chance: random.Random) -> tuple[int, int]:
    position = chance.randrange(len(rows))
    rows[position]["subject"] += "x"
    rehash(rows, position, len(rows))
    return since_checkpoint(position), position + 1


def drop_and_renumber_all_that_follows(rows: Rows, chance: random.Random) -> tuple[int, int]:
    position = chance.randrange(len(rows) - 1)
    del rows[position]
    for number, row in enumerate(rows, start=1):
        row["sequence"] = number
    rehash(rows, position, len(rows))
    return since_checkpoint(position), since_checkpoint(position) + CHECKPOINT_EVERY - 1


def truncate(rows: Rows, chance: random.Random) -> tuple[int, int]:
    length = chance.randrange(1, len(rows))
    del rows[length:]
    return length + 1, length + 1


ALTERATIONS = [
    edit,
    drop,
    insert,
    insert_and_renumber,
    swap,
    edit_and_rehash_it,
    edit_and_rehash_all_that_follows,
    drop_and_renumber_all_that_follows,
    truncate,
]


def test_an_untouched_ledger_is_whole(original: Lake) -> None:
    found = verify(original, public_key=KEY.public_key())
    assert found.ok, found.why
    assert (found.records, found.vouched_until) == (ENTRIES, ENTRIES)


def test_forging_the_same_rows_is_no_alteration(original: Lake, tmp_path: Path) -> None:
    shutil.copytree(original.uri, tmp_path / "lake")
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    forge(lake, entries.read(original).to_pylist())
    assert verify(lake, public_key=KEY.public_key()).ok


OWN = "property/test_ledger_alterations.py::test_an_altered_ledger_is_not"
QUICK = range(2 * len(ALTERATIONS))  # each kind of alteration twice


@pytest.mark.parametrize("seed", [*QUICK, *(pytest.param(n, marks=held_by(OWN)) for n in range(len(QUICK), 100))])
def test_an_altered_ledger_is_not(original: Lake, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    alteration: Callable[[Rows, random.Random], tuple[int, int]] = ALTERATIONS[seed % len(ALTERATIONS)]
    rows = entries.read(original).to_pylist()
    low, high = alteration(rows, chance)
    shutil.copytree(original.uri, tmp_path / "lake")
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    forge(lake, rows)
    found = verify(lake, public_key=KEY.public_key())
    assert not found.ok
    assert found.first_bad is not None
    assert low <= found.first_bad <= high, (alteration.__name__, found.discrepancies)


def test_the_fields_of_an_entry_are_all_under_its_hash(original: Lake) -> None:
    (entry,) = entries.append(original, [Record("run", "x")], at=AT, actor="sync")
    assert set(entries.SCHEMA.names) == {"hash", "sequence", "at", "kind", "actor", "subject", "payload", "prev_hash"}
    assert astuple(entry)[:-1] == tuple(
        entries.read(original).to_pylist()[-1][name] for name in entries.SCHEMA.names[:-1]
    )
