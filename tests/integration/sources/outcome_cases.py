"""Values of every kind, and what becomes of each under the contract's types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tests.integration.sources.carriers import Value

HANOI = {"defaultTimezone": "Asia/Ho_Chi_Minh"}
# The contract's types by a short name: logical type, physical type, options.
TYPES: dict[str, tuple[str, str, dict[str, object]]] = {
    "string": ("string", "", {}),
    "integer": ("integer", "", {}),
    "i16": ("integer", "", {"format": "i16"}),
    "10,2": ("number", "decimal(10,2)", {}),
    "38,10": ("number", "decimal(38,10)", {}),
    "number": ("number", "", {}),
    "boolean": ("boolean", "", {}),
    "date": ("date", "", HANOI),
    "timestamp": ("timestamp", "", HANOI),
    "local": ("timestamp", "", {"timezone": False, **HANOI}),
    "time": ("time", "", {}),
    "array": ("array", "", {}),
    "object": ("object", "", {}),
}
NO = None
UTC_EVENING = dt.datetime(2020, 1, 31, 20, 0, tzinfo=dt.UTC)
# A value, and what becomes of it under types: the published value as text, or NO: its row is rejected.
CASES: list[tuple[Value, dict[str, str | None]]] = [
    *(
        (n, {"string": str(n), "integer": str(n), "38,10": f"{n}.0000000000"})
        for n in (0, 1, -1, 2, 255, 2**31, -(2**40), 2**53 + 1)
    ),
    *(
        (n, {"boolean": {0: "false", 1: "true"}.get(n), "i16": str(n) if n < 32768 else NO})
        for n in (0, 1, 2, -1, 255, 32768)
    ),
    *((n, {"number": f"{n}.0"}) for n in (0, 7, -12, 123456789012345)),
    (2**53, {"number": "9007199254740992.0", "integer": str(2**53), "10,2": NO}),
    (2**53 + 1, {"number": NO, "date": NO, "timestamp": NO}),
    (2**63 - 1, {"integer": str(2**63 - 1), "string": str(2**63 - 1), "number": NO}),
    (2**64 - 1, {"integer": NO, "string": str(2**64 - 1), "38,10": f"{2**64 - 1}.0000000000"}),
    (12345678, {"10,2": "12345678.00", "date": NO, "local": NO, "time": NO}),
    (123456789, {"10,2": NO}),
    *((Decimal(d), {"10,2": NO, "integer": NO, "boolean": NO}) for d in ("1.555", "-0.004", "100.004", "0.125")),
    (Decimal("1.550"), {"10,2": "1.55", "number": "1.55", "38,10": "1.5500000000"}),
    (Decimal("1.555"), {"number": "1.555", "38,10": "1.5550000000", "string": "1.555"}),
    (Decimal("2.0"), {"integer": "2", "boolean": NO, "10,2": "2.00"}),
    (Decimal("1.0"), {"boolean": "true"}),
    (
        Decimal("12345678901234567.89"),
        {"number": NO, "10,2": NO, "38,10": "12345678901234567.8900000000", "string": "12345678901234567.89"},
    ),
    (Decimal("123456789.123456789"), {"number": NO, "38,10": "123456789.1234567890", "integer": NO}),
    (Decimal("99999999.99"), {"10,2": "99999999.99", "number": "99999999.99"}),
    (Decimal("99999999.995"), {"10,2": NO}),
    (2.675, {"10,2": NO, "number": "2.675", "38,10": "2.6750000000", "integer": NO}),
    (1.5, {"10,2": "1.50", "number": "1.5", "boolean": NO, "string": "1.5"}),
    (0.1, {"10,2": "0.10", "number": "0.1", "38,10": "0.1000000000", "string": "0.1"}),
    (1e-7, {"10,2": NO, "number": "1e-07", "38,10": "0.0000001000", "integer": NO}),
    (1e20, {"number": "1e+20", "38,10": "100000000000000000000.0000000000", "integer": NO}),
    (3.0, {"integer": "3", "number": "3.0", "10,2": "3.00", "boolean": NO}),
    (1.0, {"boolean": "true"}),
    (0.0, {"boolean": "false"}),
    (-1234567.25, {"10,2": "-1234567.25", "number": "-1234567.25"}),
    (1e15, {"integer": "1000000000000000", "number": "1000000000000000.0"}),
    (True, {"boolean": "true", "integer": NO, "10,2": NO, "number": NO, "date": NO}),
    (False, {"boolean": "false", "timestamp": NO}),
    *(
        (
            t,
            {
                "date": NO,
                "timestamp": NO,
                "local": NO,
                "integer": NO,
                "10,2": NO,
                "number": NO,
                "boolean": NO,
                "string": t,
            },
        )
        for t in (
            "2020-01-31 (ước tính)",
            "2020-01-31XX",
            "2020-01-31 BC",
            "2020-01-31T25:99",
            "epoch",
            "infinity",
            "nan",
            "20240-01-31",
            "0000-01-01",
            "2020-13-01",
            "31/01/2020",
            "1_000.5",
            "0x10",
            "1e400",
            "12,5",
            "Có",
            "Y",
            "--1",
            "1.2.3",
            "١٢٣",
        )
    ),
    *((t, {"boolean": NO}) for t in ("t", "f", "yes", "no", "on", "off", "2", "10", "0.5", "Không")),
    *((t, {"boolean": "true"}) for t in ("true", "TRUE", "1", " 1 ")),
    ("1.555", {"10,2": NO, "number": "1.555", "string": "1.555"}),
    (" 12 ", {"integer": "12", "10,2": "12.00", "string": " 12 "}),
    ("007", {"integer": "7", "string": "007"}),
    ("1e3", {"integer": NO, "10,2": "1000.00", "number": "1000.0"}),
    ("café Nguyễn", {"string": "café Nguyễn", "time": NO, "array": NO, "object": NO}),
    ("Nguye\u0302\u0303n", {"string": "Nguyễn"}),
    ("99:99", {"time": NO, "string": "99:99"}),
    ("23:59:59.5", {"time": "23:59:59.5"}),
    ("[1, 2]", {"array": "[1, 2]", "object": NO}),
    ('{"a": [1.10]}', {"object": '{"a": [1.10]}', "array": NO}),
    ('{"a": NaN}', {"object": NO}),
    ("2020-01-31", {"date": "2020-01-31", "timestamp": "2020-01-30 17:00:00+00", "local": "2020-01-31 00:00:00"}),
    (
        "2020-01-31T20:00:00Z",
        {"date": "2020-02-01", "timestamp": "2020-01-31 20:00:00+00", "local": "2020-02-01 03:00:00"},
    ),
    (
        "1970-04-30T16:30:00Z",
        {"date": "1970-05-01", "timestamp": "1970-04-30 16:30:00+00", "local": "1970-05-01 00:30:00"},
    ),
    ("2020-01-31 20:00:00.1234567", {"timestamp": NO, "local": NO, "date": "2020-01-31"}),
    ("2020-01-31 20:00:00.123456000", {"local": "2020-01-31 20:00:00.123456"}),
    ("1959-12-31 23:30:00", {"timestamp": NO, "local": "1959-12-31 23:30:00"}),
    (
        dt.date(2020, 1, 31),
        {
            "date": "2020-01-31",
            "string": "2020-01-31",
            "timestamp": "2020-01-30 17:00:00+00",
            "integer": NO,
            "number": NO,
            "time": NO,
        },
    ),
    (dt.date(9999, 12, 31), {"date": "9999-12-31"}),
    (dt.date(1900, 2, 28), {"date": "1900-02-28", "boolean": NO}),
    (
        dt.datetime(2020, 1, 31, 20, 0),
        {"local": "2020-01-31 20:00:00", "timestamp": "2020-01-31 13:00:00+00", "date": "2020-01-31", "integer": NO},
    ),
    (
        dt.datetime(2020, 1, 31, 20, 0, 0, 123456),
        {"local": "2020-01-31 20:00:00.123456", "timestamp": "2020-01-31 13:00:00.123456+00"},
    ),
    (
        UTC_EVENING,
        {
            "timestamp": "2020-01-31 20:00:00+00",
            "date": "2020-02-01",
            "local": "2020-02-01 03:00:00",
            "number": NO,
            "boolean": NO,
        },
    ),
    (
        dt.datetime(1974, 6, 1, 0, 0, tzinfo=dt.UTC),
        {"timestamp": "1974-06-01 00:00:00+00", "local": "1974-06-01 08:00:00"},
    ),
    (dt.time(23, 59, 59), {"time": "23:59:59", "string": "23:59:59", "date": NO, "integer": NO, "timestamp": NO}),
    (b"\x41\x42\xe9\xff", {"string": "\\x4142e9ff", "integer": NO, "date": NO, "boolean": NO}),
]
VALUES: list[Value] = [value for value, outcomes in CASES for _ in outcomes]
KINDS = [kind for _, outcomes in CASES for kind in outcomes]
EXPECTED = [outcome for _, outcomes in CASES for outcome in outcomes.values()]
