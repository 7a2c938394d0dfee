"""SQL of the protections, and the types of protected values.

DuckDB has SHA-256 but no HMAC, so HMAC is computed as sha256(outer block || sha256(inner block || value)). The two
blocks reveal the key: they enter as the one row of a registered table, never as text or parameter, so no query, plan,
log or error can show them. Measured on 2 cores: 1,000,000 pseudonyms a second.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from include.contracts.model import Column
from include.contracts.words import HANOI
from include.lake.storage import quote
from include.sharing.agreements import SharedColumn
from include.sharing.products.keys import PSEUDONYM_DIGITS, RecipientKey

KEY_TABLE = "_key"
WARD_TABLE = "_wards"
LARGEST_KEEP = 4
_OF_WARDS_OF_TODAY = "vn_ward_current("

NEVER_BARE = ("restricted", "sensitive")
"""Classifications of columns that no agreement shares unprotected."""


def lend_key(connection: duckdb.DuckDBPyConnection, key: RecipientKey | None) -> None:
    """Register the key with the connection as the table `_key`; without a key its blocks are null."""
    blocks = {"_outer": [key.outer if key else None], "_inner": [key.inner if key else None]}
    connection.register(KEY_TABLE, pa.table(blocks, schema=pa.schema([(name, pa.binary()) for name in blocks])))


def lend_wards(connection: duckdb.DuckDBPyConnection, wards: pa.Table) -> None:
    """Register the wards of today with their provinces as the table `_wards`; `wards` is the code list.

    Its columns have reserved names, so that a product's column of any name, `code` too, is not taken for one of them.
    """
    today = wards.filter(pc.is_null(wards["valid_until"]))
    codes = today.select(["code", "province_code"])
    connection.register(WARD_TABLE, codes.rename_columns(["_ward_code", "_province_code"]))


def expression(shared: SharedColumn, column: Column) -> str:
    """SQL that gives the protected value of `column`.

    For `pseudonym`, over a row joined with the table `_key`; for `province`, beside the table `_wards`.
    """
    name = quote(column.name)
    match shared.protection:
        case "none":
            return name
        case "pseudonym":
            inner = f"sha256(_inner || encode(CAST({name} AS VARCHAR)))"
            return f"left(sha256(_outer || unhex({inner})), {PSEUDONYM_DIGITS})"
        case "year":
            local = f"{name} AT TIME ZONE '{HANOI.key}'" if column.sql_type == "TIMESTAMPTZ" else name
            return f"CAST(year({local}) AS INTEGER)"
        case "decade":
            local = f"{name} AT TIME ZONE '{HANOI.key}'" if column.sql_type == "TIMESTAMPTZ" else name
            first = f"(CAST(floor(year({local}) / 10) AS INTEGER) * 10)"
            return f"{first} || '-' || ({first} + 9)"
        case "province":
            return f"(SELECT any_value(_province_code) FROM {WARD_TABLE} WHERE _ward_code = {name})"
        case "keep_last":
            return (
                f"CASE WHEN length({name}) > {shared.keep} THEN right({name}, {shared.keep}) ELSE left({name}, 0) END"
            )
    raise ValueError(f"a column with protection {shared.protection} has no values")


def result_type(shared: SharedColumn, column: Column) -> str:
    """The DuckDB type of the protected values."""
    return {"none": column.sql_type, "year": "INTEGER"}.get(shared.protection, "VARCHAR")


def misfit(shared: SharedColumn, column: Column) -> str:
    """Reason why the protection does not apply to the column; empty if it does."""
    is_text, is_date = column.sql_type == "VARCHAR", column.sql_type in ("DATE", "TIMESTAMP", "TIMESTAMPTZ")
    match shared.protection:
        case "none" if column.classification in NEVER_BARE:
            return f"is {column.classification} and would be given bare"
        case "pseudonym" if not is_text:
            return f"is of type {column.sql_type}: a pseudonym is made of an identifier, which is text"
        case "year" | "decade" if not is_date:
            return f"is of type {column.sql_type}: only a date has a year to keep"
        case "province" if _OF_WARDS_OF_TODAY not in column.expression:
            return "is not a ward of today (made by vn_ward_current): it has no province"
        case "keep_last" if not is_text:
            return f"is of type {column.sql_type}: only text has last characters to keep"
        case "keep_last" if not 1 <= shared.keep <= LARGEST_KEEP:
            return f"would keep {shared.keep} characters: 1 to {LARGEST_KEEP} protect"
    return ""
