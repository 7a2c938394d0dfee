"""Row-set checksum: row count and XOR of a 64-bit hash of each row, computed alike by a PostgreSQL source and the lake.

It does not depend on the order of rows. The hash is PostgreSQL's (`hashint8extended` and kin: lookup3 of Bob Jenkins,
public domain, burtleburtle.net/bob/c/lookup3.c). Two different sets of rows have the same checksum once in 2^64 times.
If a server hashes otherwise, the checksums differ and the caller compares keys instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.contracts.model import Table
from include.lake.storage import quote

INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
Words = NDArray[np.uint32]
Hashes = NDArray[np.uint64]
Integers = NDArray[np.int64]
_YEAR_2000 = 946_684_800_000_000  # origin of PostgreSQL's timestamps
_UPPER_HALF = np.int64(-(2**32))
_LONGEST_TEXT = 252  # bytes; a batch is padded to the longest
_BLOCK = 12  # block size of lookup3 in bytes
_START = (0x9E3779B9 + 3923095) & 0xFFFFFFFF
_ABC = ("a", "b", "c")
_MIX = (
    (4, "a", "c", "b"), (6, "b", "a", "c"), (8, "c", "b", "a"),
    (16, "a", "c", "b"), (19, "b", "a", "c"), (4, "c", "b", "a"),
)  # fmt: skip
_FINAL = ((14, "c", "b"), (11, "a", "c"), (25, "b", "a"), (16, "c", "b"), (4, "a", "c"), (14, "b", "a"), (24, "c", "b"))


@dataclass(frozen=True, slots=True)
class RowSetChecksum:
    """Number of rows, and the XOR of their hashes (as a signed 64-bit integer)."""

    rows: int
    xor: int

    def __add__(self, other: RowSetChecksum) -> RowSetChecksum:
        """Checksum of the union with other, disjoint rows."""
        return RowSetChecksum(self.rows + other.rows, self.xor ^ other.xor)

    def __sub__(self, other: RowSetChecksum) -> RowSetChecksum:
        """Checksum without a subset of the rows."""
        return RowSetChecksum(self.rows - other.rows, self.xor ^ other.xor)


def hashed_values(table: Table) -> tuple[str, ...] | None:
    """SQL of the values to hash, from the published key and cursor columns: BIGINT, TIMESTAMP (in UTC) or VARCHAR.

    None if there is no key or no cursor, or one of another type.
    """
    if not table.primary_key or not table.extract.cursor:
        return None
    names = dict.fromkeys((*table.primary_key, *table.extract.cursor))
    values = [_hashed(quote(name), table.column(name).sql_type) for name in names]
    return tuple(value for value in values if value) if all(values) else None


def _hashed(name: str, sql_type: str) -> str:
    if sql_type in INTEGER_TYPES:
        return f"CAST({name} AS BIGINT)"
    by_type = {
        "VARCHAR": name,
        "DATE": f"CAST({name} - DATE '2000-01-01' AS BIGINT)",
        "TIMESTAMP": f"make_timestamp(epoch_us({name}))",
        "TIMESTAMPTZ": f"make_timestamp(epoch_us({name}))",
    }
    return by_type.get(sql_type, "")


def row_set_checksum(batches: Iterable[pa.RecordBatch]) -> RowSetChecksum | None:
    """Checksum of rows with BIGINT, TIMESTAMP (in UTC) or VARCHAR columns; None if a text is too long for a key.

    The hash of a column is the seed of the next one's; an integer that comes first is itself the seed, unless alone.
    A NULL, which is never sent to PostgreSQL, has a hash that no value has.
    """
    rows, xor = 0, np.uint64(0)
    for batch in batches:
        hashes = _hash_rows(batch.columns)
        if hashes is None:
            return None
        rows += len(hashes)
        xor ^= np.bitwise_xor.reduce(hashes)
    return RowSetChecksum(rows, int(xor.astype(np.int64)))


def _hash_rows(columns: list[pa.Array]) -> Hashes | None:
    first, *others = columns
    seed = np.zeros(len(first), np.uint64)
    if others and pa.types.is_integer(first.type) and not first.null_count:
        seed, columns = first.to_numpy().view(np.uint64), others
    for column in columns:
        if column.null_count:
            seed = np.where(column.is_null().to_numpy(zero_copy_only=False), ~seed, seed)
        if pa.types.is_string(column.type):
            hashed = _hash_texts(column.fill_null(""), seed)
            if hashed is None:
                return None
            seed = hashed
        else:
            hash_them = _hash_moments if pa.types.is_timestamp(column.type) else _hash_integers
            seed = hash_them(column.cast(pa.int64()).fill_null(0).to_numpy(), seed)
    return seed


def _hash_integers(values: Integers, seed: Hashes) -> Hashes:
    """Hash as `hashint8extended(value, value # seed)`: the function folds to 32 bits, the seed brings in all 64."""
    return _hash_folded(values, seed ^ values.view(np.uint64))


def _hash_moments(values: Integers, seed: Hashes) -> Hashes:
    """Hash as `timestamp_hash_extended`, which folds too, seeded with the hash of the upper half (by `date_bin`)."""
    since_2000 = values - _YEAR_2000
    return _hash_folded(since_2000, _hash_folded(since_2000 & _UPPER_HALF, seed))


def _hash_folded(values: Integers, seed: Hashes) -> Hashes:
    """Hash as `hashint8extended`: halves are folded so that equal integers of other widths hash alike."""
    state = _begin(np.full(len(values), 4, np.uint32), seed)
    upper = (values >> 32).astype(np.uint32)
    state["a"] += values.astype(np.uint32) ^ np.where(values >= 0, upper, ~upper)
    return _end(state)


def _hash_texts(column: pa.Array, seed: Hashes) -> Hashes | None:
    """Hash as `hashtextextended` with a bytewise collation."""
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    if longest > _LONGEST_TEXT:
        return None
    width = (longest // _BLOCK + 1) * _BLOCK
    padded = np.zeros((len(lengths), width), np.uint8)
    if longest:
        data = np.frombuffer(column.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
        if len(data) == len(lengths) * longest:
            padded[:, :longest] = data.reshape(-1, longest)
        else:
            padded[np.arange(width) < lengths[:, None]] = data
    words = padded.view("<u4")
    state = _begin(lengths.astype(np.uint32), seed)
    blocks = lengths // _BLOCK
    tail = np.zeros((3, len(lengths)), np.uint32)
    for block in range(longest // _BLOCK + 1):
        ends, goes_on = blocks == block, blocks > block
        for n, name in enumerate(_ABC):
            taken = words[:, 3 * block + n]
            np.copyto(tail[n], taken, where=ends)
            np.add(state[name], taken, out=state[name], where=goes_on)
        _mix(state, goes_on)
    state["a"] += tail[0]
    state["b"] += tail[1]
    state["c"] += tail[2] << np.uint32(8)  # the lowest byte holds the length
    return _end(state)


def _begin(lengths: Words, seed: Hashes) -> dict[str, Words]:
    start = lengths + np.uint32(_START)
    state = {"a": start, "b": start.copy(), "c": start.copy()}
    state["a"] += (seed >> np.uint64(32)).astype(np.uint32)
    state["b"] += seed.astype(np.uint32)
    _mix(state, seed != 0)
    return state


def _mix(state: dict[str, Words], where: NDArray[np.bool_]) -> None:
    """Mix step of lookup3, on the rows `where` selects."""
    if not where.any():
        return
    before = None if where.all() else {name: words.copy() for name, words in state.items()}
    spare = np.empty((2, len(where)), np.uint32)
    for bits, x, y, z in _MIX:
        state[x] -= state[y]
        state[x] ^= _rotated(state[y], bits, *spare)
        state[y] += state[z]
    if before is not None:
        for name, words in before.items():
            np.copyto(state[name], words, where=~where)


def _end(state: dict[str, Words]) -> Hashes:
    spare = np.empty((2, len(state["a"])), np.uint32)
    for bits, x, y in _FINAL:
        state[x] ^= state[y]
        state[x] -= _rotated(state[y], bits, *spare)
    return (state["b"].astype(np.uint64) << np.uint64(32)) | state["c"]


def _rotated(values: Words, bits: int, left: Words, right: Words) -> Words:
    """Bitwise rotation in preallocated buffers: allocation would take a third of the time."""
    np.left_shift(values, np.uint32(bits), out=left)
    np.right_shift(values, np.uint32(32 - bits), out=right)
    left |= right
    return left
