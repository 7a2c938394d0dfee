"""The tables that linking passes from step to step, as Arrow schemas."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

Pass = Literal["personal_id", "old_id", "insurance_number", "health_card", "tax_code", "model", "review"]
Decision = Literal["link", "review", "finding"]

# One row per record that speaks of a person. `record_id` is `registry.table:` and the key as a JSON list of texts.
# Texts are NFC; `_key` columns, `family`, `middle`, `given` are folded (see include/vietnam). `place` is the ward of
# today that the first address lies in, `places` every one that any address may stand for.
RECORDS = pa.schema(
    [
        ("record_id", pa.string()),
        ("registry", pa.string()),
        ("table", pa.string()),
        ("personal_id", pa.string()),
        ("old_id", pa.string()),
        ("name", pa.string()),
        ("name_key", pa.string()),
        ("family", pa.string()),
        ("middle", pa.string()),
        ("given", pa.string()),
        ("birth_date", pa.date32()),
        ("birth_precision", pa.string()),
        ("birth_year", pa.int32()),
        ("birth_key", pa.string()),
        ("sex", pa.string()),
        ("place", pa.string()),
        ("places", pa.list_(pa.string())),
        ("place_province", pa.string()),
        ("mother_id", pa.string()),
        ("father_id", pa.string()),
        ("tax_code", pa.string()),
        ("insurance_number", pa.string()),
        ("health_card", pa.string()),
        ("passport", pa.string()),
        ("nationality", pa.string()),
        ("address_key", pa.string()),
        ("phone", pa.string()),
        ("updated_at", pa.timestamp("us")),
        ("digest", pa.string()),
        # Whether family and given name came apart, rather than as one full name.
        ("is_split", pa.bool_()),
        # Whether the record is from a population-like table: one whose primary key is the personal id.
        ("is_population", pa.bool_()),
    ]
)

# One row per pair that was kept, `left_id` < `right_id`. `weight` is the log2 Bayes factor of what the two records say,
# `probability` that they are one person, `blind` the same without any id number (NULL if only a number made them a
# pair). `decision`: `link` holds, `review` asks a person, `finding` the owner.
EDGES = pa.schema(
    [
        ("left_id", pa.string()),
        ("right_id", pa.string()),
        ("pass", pa.string()),
        ("weight", pa.float64()),
        ("probability", pa.float64()),
        ("blind", pa.float64()),
        ("decision", pa.string()),
        ("why", pa.string()),
    ]
)

# One row per record; `cluster` is the smallest record_id of its person.
CLUSTERS = pa.schema([("record_id", pa.string()), ("cluster", pa.string())])

# Decisions of people on pairs, as include/identity keeps them; `decision`: same, different or cannot_tell.
REVIEWS = pa.schema([("left_id", pa.string()), ("right_id", pa.string()), ("decision", pa.string())])
