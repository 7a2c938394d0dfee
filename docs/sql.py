"""The page on SQL that people write: what it may say, as the code has it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from include.contracts.sql import DEEPEST, GROUPS, LONGEST

_HEAD = f"""# What SQL may say

Contracts hold SQL in `transformLogic`, `empty: {{when: ...}}`, `deletedWhen`, `link: {{when: ...}}` and in rules of
`type: sql`; agreements in `rows`; the command line in `--where`; [indicators](../../schemas/indicators/README.md) whole
queries, which may say more. It runs with the rights of whoever runs the library.
So no text reaches an engine as it was written:

1. It is parsed, and every part of it must be one that this page names. `lienthong check` tells the others by line.
2. What was understood is written out again, every name in quotes and without comments. The engine's own parser must
   read both texts as the same; where it does not, the text is refused.
3. The connection it runs in reaches the files of its step by name and nothing else: no other file, no host, no
   extension, no setting.

## An expression

One value of one row: columns, texts, numbers, `DATE '2020-01-31'`, `INTERVAL '1' DAY`, `AND`, `OR`, `NOT`, comparisons,
`IS [NOT] NULL`, `IS [NOT] DISTINCT FROM`, `BETWEEN`, `IN (...)`, `LIKE` and `ILIKE` with `ESCAPE`, `SIMILAR TO`,
`+ - * / // % || & | ~ << >>`, `CASE`, `CAST`, `TRY_CAST` and `::` to the engine's plain types (and lists, structs and
maps of them), `EXTRACT`, `AT TIME ZONE`, `COLLATE`, lists `[1, 2]`, `list[1]`, `list[1:2]`, structs `{{'a': 1}}` and
`struct.field`, `json ->> '$.path'`, `lambda x: ...` in list functions, and the functions below.

Not: subqueries, other tables, aggregates and windows (they join rows), parameters and variables, the clock, chance.
Instead of `x ^ 2` write `power(x, 2)`, of `a ~ 'x'` `regexp_full_match(a, 'x')`, of `.5` `0.5`, of `a IN [1, 2]`
`list_contains([1, 2], a)`, of `map {{'a': 1}}` `MAP(['a'], [1])`.

Row filters of agreements may say less: comparisons, `LIKE`, `IN`, `BETWEEN`, casts, sums, and `starts_with`, `substr`,
`left`, `right`, `lower`, `upper`, `trim`, `length`, `year`, `month`, `coalesce`, `date`.

The day and the year of an instant (`TIMESTAMPTZ`) are those in UTC in a contract; for the day in Viet Nam write
`CAST(x AT TIME ZONE 'Asia/Ho_Chi_Minh' AS DATE)`. In a row filter they are those in Viet Nam without saying so. A cast
of text, or of a column, gives the value exactly or NULL; of a computed number it rounds.

## Characters

Names hold letters, digits and `_`, or stand in double quotes. Outside of texts in single quotes there is no character
that nobody sees (zero width, direction, control), no unusual blank and no quote that only looks like one; in a name in
double quotes unusual blanks may stand, as headers of workbooks have them. A text is at most {LONGEST:,} characters long
and {DEEPEST} brackets deep.

## Functions
"""


def page() -> Iterator[str]:
    """The lines of the page."""
    yield _HEAD
    for group, names in GROUPS.items():
        listed = f"**{group[0].upper()}{group[1:]}**: {', '.join(f'`{name}`' for name in sorted(names))}."
        yield from textwrap.wrap(listed, 120, break_long_words=False, break_on_hyphens=False)
        yield ""
