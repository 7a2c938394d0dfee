"""One delivered Parquet file read by pyarrow: its columns, damage, and rows in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.lake.storage import LakeError
from include.sources.access import DropBroken, SourceError
from include.sources.deliveries import LocalCopy, check_names, clean_name
from include.sources.parquet.arrow_text import KeyTwice, bare, texts
from include.sources.parquet.parquet_types import carried_type
from include.sources.parquet.wide_files import MOST_COLUMNS, rows_of_wide

_VALUES_PER_BATCH = 2_000_000
_MIN_ROWS, _MAX_ROWS = 512, 65_536
_US_IN_NS_RANGE = (2**63 - 1) // 1_000


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """One open Parquet file. `names` are the normalised column names; `fields` are as in the file.

    `int96_unit` is the unit that holds the file's INT96 timestamps exactly; empty without any.
    """

    copy: LocalCopy
    rows: int
    fields: tuple[pa.Field, ...]
    names: tuple[str, ...]
    int96_unit: str = ""
    failures: list[SourceError] = field(default_factory=list, compare=False)

    @property
    def untyped(self) -> set[str]:
        """Names of columns of the null type."""
        return {name for name, f in zip(self.names, self.fields, strict=True) if pa.types.is_null(f.type)}

    @property
    def is_wide(self) -> bool:
        """Whether it has more columns than can be read at once."""
        return len(self.fields) > MOST_COLUMNS

    def batches(self, *, as_text: bool) -> pa.RecordBatchReader:
        """Batches of all rows, with types that DuckDB cannot carry exactly as text; `as_text`: timestamps too.

        A failure is kept in `failures`: DuckDB only reports a broken stream.
        """
        schema = pa.schema(
            [(name, carried_type(f.type, as_text=as_text)) for name, f in zip(self.names, self.fields, strict=True)]
        )
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        size = max(_MIN_ROWS, min(_MAX_ROWS, _VALUES_PER_BATCH // max(1, len(schema))))
        try:
            with _open(self.copy, self.int96_unit) as file:
                if self.is_wide:
                    batches = rows_of_wide(file, self.copy.path, rows=size)
                else:
                    batches = (batch.columns for batch in file.iter_batches(batch_size=size))
                for arrays in batches:
                    columns = [_as(array, f.type) for array, f in zip(arrays, schema, strict=True)]
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)
        except LakeError as error:
            self.failures.append(SourceError(str(error)))
            raise
        except KeyTwice:
            self.failures.append(
                DropBroken(
                    f"{self.copy.name}: a map holds a key twice, of which nobody can say which value holds: ask the "
                    "sender to deliver it again with each key once"
                )
            )
            raise

    def damage(self) -> DropBroken | None:
        """The error if pyarrow cannot read the whole file either; else None."""
        for position, column in enumerate(self.fields, start=1):
            try:
                with _open(self.copy, self.int96_unit) as file:
                    for _ in file.iter_batches(columns=[column.name]):
                        pass
            except (pa.ArrowException, OSError) as error:
                if _is_encrypted(error):
                    return _encrypted(self.copy)
                return DropBroken(
                    f"{self.copy.name}: a page of the Parquet file is damaged, in column {position}: ask the sender to "
                    "deliver it again"
                )
        return None


def open_parquet(copy: LocalCopy) -> ParquetFile:
    """Open a file by its footer; reads values only of INT96 timestamps.

    Raises:
        DropBroken: not a complete Parquet file, encrypted, or with duplicate column names.
    """
    try:
        with pq.ParquetFile(copy.path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
            has_int96 = any(file.schema.column(n).physical_type == "INT96" for n in range(len(file.schema)))
    except (pa.ArrowException, OSError) as error:
        with copy.path.open("rb") as raw:
            if _is_encrypted(error) or raw.read(4) == b"PARE":
                raise _encrypted(copy) from None
        raise DropBroken(
            f"{copy.name} is not a whole Parquet file, or has columns of types that no reader here knows: ask the "
            "sender to deliver it again, with plain types"
        ) from None
    names = tuple(clean_name(name) for name in schema.names)
    check_names(names, copy.name)
    for position, column in enumerate(schema, start=1):
        if _has_member_twice(column.type):
            raise DropBroken(
                f"{copy.name}: column {position} holds structs with two members of one name: ask the sender for "
                "distinct names"
            )
    return ParquetFile(copy, rows, tuple(schema), names, _int96_unit(copy) if has_int96 else "")


def _open(copy: LocalCopy, int96_unit: str) -> pq.ParquetFile:
    return pq.ParquetFile(copy.path, coerce_int96_timestamp_unit=int96_unit or None)


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return texts(array) if pa.types.is_string(kind) else bare(array).cast(kind)


def _is_encrypted(error: BaseException) -> bool:
    return "decrypt" in str(error).lower() or "encrypt" in str(error).lower()


def _encrypted(copy: LocalCopy) -> DropBroken:
    return DropBroken(
        f"{copy.name} is encrypted, and there is no key here: ask the sender to deliver it without encryption, over a "
        "channel that is protected itself"
    )


def _has_member_twice(kind: pa.DataType) -> bool:
    inner = [kind.field(index) for index in range(kind.num_fields)]
    is_doubled = pa.types.is_struct(kind) and len({member.name for member in inner}) < len(inner)
    return is_doubled or any(_has_member_twice(member.type) for member in inner)


def _int96_unit(copy: LocalCopy) -> str:
    """Unit of INT96 timestamps: `us`, or `ns` if some have digits below the microsecond.

    pyarrow reads them into 64 bits: nanoseconds wrap outside 1677 to 2262, but the difference to the value in
    microseconds stays right.
    """
    has_nanoseconds = is_far = False
    with (
        suppress(pa.ArrowException, OSError),
        _open(copy, "ns") as fine,
        _open(copy, "us") as coarse,
    ):  # damage is reported when rows are read
        for one, other in zip(fine.iter_batches(), coarse.iter_batches(), strict=True):
            for ns, us in zip(_stamps(one.columns, "ns"), _stamps(other.columns, "us"), strict=True):
                has_nanoseconds |= bool((ns - us * 1_000).any())
                is_far |= bool((abs(us) > _US_IN_NS_RANGE).any())
    if has_nanoseconds and is_far:
        raise DropBroken(
            f"{copy.name}: its timestamps are of the old kind (INT96), some with nanoseconds, some before 1678 or "
            "after 2261: ask the sender to write them as TIMESTAMP, in microseconds"
        )
    return "ns" if has_nanoseconds else "us"


def _stamps(arrays: Iterable[pa.Array], unit: str) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Integer values of all timestamps of a unit without zone, also nested ones."""
    for array in arrays:
        if array.type == pa.timestamp(unit):
            yield array.cast(pa.int64()).fill_null(0).to_numpy()
        elif pa.types.is_map(array.type):
            yield from _stamps((array.keys, array.items), unit)
        elif pa.types.is_struct(array.type):
            yield from _stamps(array.flatten(), unit)
        elif pa.types.is_nested(array.type):
            yield from _stamps((array.flatten(),), unit)
