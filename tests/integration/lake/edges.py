"""A table with the edges of every type that is published: `low`, `high` and `odd` are rows of it, without their key."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.unit.lake.staging import column, contract_table

# Column, type, the lowest value, the highest, and one that a reader may get wrong in its own way.
EDGES: list[tuple[str, str, Any, Any, Any]] = [
    ("họ và tên", "VARCHAR", "\x00", '\U0010ffff\ufffe\u2028a\x00b\r\n",', "e\u0301 \ufeff"),
    ("ngày sinh", "DATE", date(1, 1, 1), date(9999, 12, 31), date(1582, 10, 10)),
    ("local_at", "TIMESTAMP", datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999), datetime(1582, 10, 1)),
    ("instant", "TIMESTAMPTZ", datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
     datetime(1890, 1, 1, 0, 0, 0, 1, UTC)),
    ("d38_10", "DECIMAL(38,10)", Decimal("-" + "9" * 28 + "." + "9" * 10), Decimal("9" * 28 + "." + "9" * 10),
     Decimal("0.0000000001")),
    ("d38_38", "DECIMAL(38,38)", Decimal("-0." + "9" * 38), Decimal("0." + "9" * 38), Decimal("0." + "0" * 37 + "1")),
    ("d5_2", "DECIMAL(5,2)", Decimal("-999.99"), Decimal("999.99"), Decimal("0.01")),
    ("i64", "BIGINT", -(2**63), 2**63 - 1, 2**53 + 1),
    ("i32", "INTEGER", -(2**31), 2**31 - 1, 0),
    ("i16", "SMALLINT", -(2**15), 2**15 - 1, 0),
    ("i8", "TINYINT", -128, 127, 0),
    ("f64", "DOUBLE", -math.inf, math.inf, 5e-324),
    ("f32", "FLOAT", -math.inf, math.inf, 0.5),
    ("is_valid", "BOOLEAN", False, True, None),
    ("số_đo-Ω/%20", "VARCHAR", "", "🙂" * 40, " "),
]  # fmt: skip
NAMES = ("id", *(name for name, *_ in EDGES))
WIDE = contract_table(column("id", key=1), *(column(name, kind) for name, kind, *_ in EDGES), name="wide")
LOW, HIGH, ODD = (tuple(edge[place] for edge in EDGES) for place in (2, 3, 4))
NONE = (None,) * len(EDGES)
