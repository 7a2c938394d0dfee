"""PostgreSQL to a published table by the usual stack: pandas, Great Expectations on the frame, Parquet."""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.peers.extraction import with_pandas


def with_pandas_and_gx(uri: str, folder: str) -> dict[str, Any]:
    """The same ten rules on a data frame, then the newest row of each key to Parquet."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import great_expectations.expectations as gxe
    import pandas as pd

    started = time.perf_counter()
    extract = with_pandas(uri, folder)["seconds"]
    frame = pd.read_parquet(f"{folder}/extract.parquet")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("payments")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite("payments")
    for column in ("id", "person_id", "full_name", "paid_on", "updated_at"):
        suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column=column))
    suite.add_expectation(gxe.ExpectColumnValuesToMatchRegex(column="person_id", regex="^[0-9]{12}$"))
    suite.add_expectation(gxe.ExpectColumnValuesToBeInSet(column="sex", value_set=["M", "F"]))
    suite.add_expectation(gxe.ExpectColumnValueLengthsToEqual(column="ward_code", value=5))
    suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column="amount_vnd", min_value=0))
    frame["_paid_at"] = pd.to_datetime(frame["paid_on"])
    suite.add_expectation(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="updated_at", column_B="_paid_at", or_equal=True)
    )
    if not batch.get_batch({"dataframe": frame}).validate(suite).success:
        raise SystemExit("the usual stack found faults where there are none")
    kept = frame.drop(columns="_paid_at").sort_values("updated_at").drop_duplicates("id", keep="last")
    kept.to_parquet(f"{folder}/published.parquet", compression="zstd", index=False)
    return {"seconds": time.perf_counter() - started, "extract": extract, "rows": len(kept)}
