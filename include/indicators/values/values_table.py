"""The Delta table `indicators/values`: append-only, one row for each figure of each edition.

An edition is what one computation gave for an indicator and a period. A computation that gives what the newest edition
says adds nothing; one that differs is appended as the next edition, and what was reported stays readable beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from include.contracts.words import HANOI
from include.indicators.computation import Computed, Figure
from include.lake.delta import LOG_KEPT, PREFIX
from include.lake.storage import Lake, lake_errors, retry_on_conflict

SUBJECT = "indicators/values"
_FIGURE = ("dimension", "member", "numerator", "denominator", "value", "reason", "is_suppressed")
_NUMBER = pa.decimal128(38, 6)
VALUES = pa.schema(
    [
        ("indicator", pa.string()),
        ("scheme", pa.string()),
        ("period", pa.string()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("edition", pa.int64()),
        ("dimension", pa.string()),
        ("member", pa.string()),
        ("numerator", _NUMBER),
        ("denominator", _NUMBER),
        ("value", _NUMBER),
        ("unit", pa.string()),
        ("digits", pa.int64()),
        ("reason", pa.string()),
        ("minimum_cell", pa.int64()),
        ("is_suppressed", pa.bool_()),
        ("missing_servers", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("computed_at", pa.timestamp("us", tz="UTC")),
        ("tables", pa.string()),
        ("definition_version", pa.string()),
        ("definition_digest", pa.string()),
        ("run_id", pa.string()),
    ]
)
"""Columns of the table. `period_end` is the day after the last; `dimension` and `member` are empty for the total;
`is_suppressed`: readers may not see the numbers, by `minimum_cell`; `missing_servers` and `tables` (id and version of
each table read) are JSON.
"""


@dataclass(frozen=True, slots=True)
class StoredIndicator:
    """One edition of an indicator for a period: the total first, then each dimension's members.

    `missing` are servers that had not delivered; `tables` id and version of each table read, by name.
    """

    indicator: str
    scheme: str
    period: str
    period_start: date
    period_end: date
    edition: int
    unit: str
    digits: int
    minimum_cell: int
    as_of: datetime
    computed_at: datetime
    run_id: str
    definition_digest: str
    missing: tuple[str, ...]
    tables: Mapping[str, str]
    figures: tuple[Figure, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it was counted after its period had ended."""
        return self.as_of >= datetime.combine(self.period_end, time(), HANOI)

    @property
    def total(self) -> Figure:
        """The figure over everything counted."""
        return self.figures[0]

    def is_comparable_to(self, other: StoredIndicator) -> bool:
        """Whether both cover the same: by one definition, whole periods, with the data of the same servers."""
        is_same = (self.definition_digest, self.missing) == (other.definition_digest, other.missing)
        return is_same and self.is_whole and other.is_whole

    def of(self, dimension: str) -> tuple[Figure, ...]:
        """The members of a dimension."""
        return tuple(figure for figure in self.figures if figure.dimension == dimension)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The edition that says what was computed; `is_new` if this run added it."""

    computed: Computed
    edition: int
    is_new: bool


def record_values(lake: Lake, computed: Sequence[Computed], *, run_id: str, at: datetime) -> tuple[Recorded, ...]:
    """Append what differs from the newest editions, all in one commit; nothing where nothing differs.

    Two runs at once cannot take the same edition: each is a Delta application transaction of its own.

    Raises:
        LakeError: the lake is full, denied or unreachable.
    """
    uri = lake.path(SUBJECT)

    def attempt() -> tuple[Recorded, ...]:
        with lake_errors("recording indicators"):
            current = lake.table(uri) if lake.is_table(uri) else None
            done = tuple(_edition(current, one) for one in computed)
            new = [one for one in done if one.is_new]
            if new:
                _append(lake, current, new, run_id=run_id, at=at)
            return done

    return retry_on_conflict(lake, uri, attempt)


def latest_editions(lake: Lake, period: str) -> dict[str, StoredIndicator]:
    """The newest edition of each indicator that has one for a period, by indicator."""
    return {one.indicator: one for one in stored_editions(lake, period=period)}


def stored_editions(lake: Lake, *, period: str = "", indicator: str = "") -> tuple[StoredIndicator, ...]:
    """Every edition of a period or an indicator (or of all), by indicator, period and edition, oldest first."""
    uri = lake.path(SUBJECT)
    if not lake.is_table(uri):
        return ()
    conditions = [ds.field(name) == text for name, text in (("period", period), ("indicator", indicator)) if text]
    with lake_errors("reading indicators"):
        rows = lake.table(uri).to_pyarrow_dataset().to_table(filter=_all(conditions))
    names = (rows[name].to_pylist() for name in ("indicator", "period_end", "period", "edition"))
    editions: dict[tuple[str, date, str, int], list[int]] = {}
    for place, key in enumerate(zip(*names, strict=True)):
        editions.setdefault(key, []).append(place)
    return tuple(_stored(rows.take(editions[key])) for key in sorted(editions))


def _edition(current: DeltaTable | None, computed: Computed) -> Recorded:
    number = current.transaction_version(_transaction(computed)) if current is not None else None
    if current is None or number is None:
        return Recorded(computed, 1, is_new=True)
    indicator = computed.compiled.indicator
    of_edition = _all(
        [
            ds.field("indicator") == indicator.indicator_id,
            ds.field("period") == computed.period.code,
            ds.field("edition") == number,
        ]
    )
    last = _stored(current.to_pyarrow_dataset().to_table(filter=of_edition))
    is_same = (
        last.definition_digest == indicator.digest
        and last.missing == _missing(computed)
        and last.figures == _in_order(computed.figures)
        and (last.is_whole or computed.as_of < computed.period.ends_at)
    )
    return Recorded(computed, number if is_same else number + 1, is_new=not is_same)


def _append(lake: Lake, current: DeltaTable | None, new: Sequence[Recorded], *, run_id: str, at: datetime) -> None:
    uri = lake.path(SUBJECT)
    lake.make_folder(uri)
    rows = [row for one in new for row in _rows(one, run_id=run_id, at=at)]
    write_deltalake(
        current if current is not None else uri,
        pa.Table.from_pylist(rows, VALUES),
        mode="append" if current is not None else "error",
        name=None if current is not None else "indicators.values",
        configuration=None if current is not None else LOG_KEPT,
        storage_options=lake.storage_options(),
        commit_properties=CommitProperties(
            custom_metadata={f"{PREFIX}run_id": run_id},
            app_transactions=[Transaction(_transaction(one.computed), one.edition) for one in new],
        ),
    )


def _rows(recorded: Recorded, *, run_id: str, at: datetime) -> list[dict[str, object]]:
    computed, indicator = recorded.computed, recorded.computed.compiled.indicator
    of_edition = {
        "indicator": indicator.indicator_id,
        "scheme": computed.period.scheme,
        "period": computed.period.code,
        "period_start": computed.period.start,
        "period_end": computed.period.end,
        "edition": recorded.edition,
        "unit": indicator.unit,
        "digits": indicator.digits,
        "minimum_cell": indicator.minimum_cell,
        "missing_servers": json.dumps(_missing(computed)),
        "as_of": computed.as_of,
        "computed_at": at,
        "tables": json.dumps(computed.tables),
        "definition_version": indicator.version,
        "definition_digest": indicator.digest,
        "run_id": run_id,
    }
    return [
        {
            **of_edition,
            "dimension": figure.dimension,
            "member": figure.member,
            "numerator": figure.numerator,
            "denominator": figure.denominator,
            "value": figure.value,
            "reason": figure.reason,
            "is_suppressed": figure.is_suppressed,
        }
        for figure in computed.figures
    ]


def _stored(edition: pa.Table) -> StoredIndicator:
    rows = edition.to_pylist()
    first = rows[0]
    figures = [Figure(*(row[name] for name in _FIGURE)) for row in rows]
    return StoredIndicator(
        **{name: first[name] for name in (
            "indicator", "scheme", "period", "period_start", "period_end", "edition", "unit", "digits", "minimum_cell",
            "as_of", "computed_at", "run_id", "definition_digest",
        )},
        missing=tuple(json.loads(first["missing_servers"])),
        tables=json.loads(first["tables"]),
        figures=_in_order(figures),
    )  # fmt: skip


def _in_order(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    return tuple(sorted(figures, key=lambda figure: (figure.dimension, figure.member)))


def _missing(computed: Computed) -> tuple[str, ...]:
    return tuple(sorted({one.server for one in computed.missing}))


def _transaction(computed: Computed) -> str:
    return f"{computed.compiled.indicator.indicator_id}/{computed.period.code}"


def _all(conditions: Sequence[ds.Expression]) -> ds.Expression | None:
    found: ds.Expression | None = None
    for condition in conditions:
        found = condition if found is None else found & condition
    return found
