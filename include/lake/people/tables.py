"""The columns and keys of the tables in `people/`.

`records` has the columns of what linking compared, `golden` those that its rules declare.
"""

from __future__ import annotations

import pyarrow as pa

_INSTANT = pa.timestamp("us", tz="UTC")
INDEX = pa.schema([(name, pa.string()) for name in ("record_id", "person_id", "registry", "table", "since_run")])
FORMER = pa.schema([*INDEX, pa.field("left_at", _INSTANT)])
LINKS = pa.schema(
    [
        *((name, pa.string()) for name in ("left_id", "right_id", "pass")),
        ("weight", pa.float64()),
        ("probability", pa.float64()),
        ("decision", pa.string()),
        ("why", pa.string()),
        ("holds", pa.bool_()),
    ]
)
EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("at", _INSTANT),
        *((name, pa.string()) for name in ("run_id", "kind", "person_id", "other_id", "cause")),
    ]
)
REVIEWS = pa.schema(
    [
        *((name, pa.string()) for name in ("review_id", "left_id", "right_id", "decision", "by")),
        ("at", _INSTANT),
        ("needs_second", pa.bool_()),
        ("second_by", pa.string()),
        ("note", pa.string()),
    ]
)
FINDINGS = pa.schema(
    [
        *((name, pa.string()) for name in ("finding_id", "kind", "registry", "owner", "table", "left_id", "right_id")),
        *((name, pa.string()) for name in ("pass", "person_id")),
        ("weight", pa.float64()),
        ("probability", pa.float64()),
    ]
)
SCHEMAS = {"index": INDEX, "former": FORMER, "links": LINKS, "events": EVENTS, "reviews": REVIEWS, "findings": FINDINGS}
KEYS: dict[str, tuple[str, ...]] = {
    "records": ("record_id",),
    "index": ("record_id",),
    "links": ("left_id", "right_id"),
    "golden": ("person_id",),
    "findings": ("finding_id",),
    "events": ("event_id",),
}
