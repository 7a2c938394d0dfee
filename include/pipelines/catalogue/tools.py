"""How to read a shared table with common tools: for each a few lines, ready to be copied."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SharedAs:
    """What the Delta Sharing protocol calls a product; placeholders for who has no agreement yet."""

    endpoint: str = "https://<máy chủ chia sẻ>/delta-sharing"
    share: str = "<agreement>"
    schema: str = "<registry>"
    table: str = "<product>"

    @property
    def name(self) -> str:
        """`share.schema.table`, which follows the profile file's name."""
        return f"{self.share}.{self.schema}.{self.table}"


_PANDAS = """\
# pip install delta-sharing
import delta_sharing

rows = delta_sharing.load_as_pandas("recipient.share#{name}")
"""

_URLS = """\
import json
import urllib.request

with open("recipient.share") as file:
    profile = json.load(file)
headers = {{"Authorization": f"Bearer {{profile['bearerToken']}}", "Content-Type": "application/json"}}
query = f"{{profile['endpoint']}}/shares/{share}/schemas/{schema}/tables/{table}/query"
with urllib.request.urlopen(urllib.request.Request(query, b"{{}}", headers)) as answer:
    lines = [json.loads(line) for line in answer]
urls = [line["file"]["url"] for line in lines if "file" in line]
"""

_DUCKDB = (
    "# pip install duckdb\nimport duckdb\n"
    + _URLS
    + """
rows = duckdb.sql("SELECT * FROM read_parquet($urls)", params={{"urls": urls}})
"""
)

_POLARS = (
    "# pip install polars\nimport polars as pl\n"
    + _URLS
    + """
rows = pl.scan_parquet(urls).collect()
"""
)

_SPARK = """\
# spark-submit --packages io.delta:delta-sharing-spark_2.13:4.0.0
rows = spark.read.format("deltaSharing").load("recipient.share#{name}")
"""

_POWER_BI = """\
Get data > Delta Sharing
Server URL:   {endpoint}
Bearer token: bearerToken in recipient.share
Table:        {share} > {schema} > {table}
"""

TOOLS = {"pandas": _PANDAS, "DuckDB": _DUCKDB, "polars": _POLARS, "Spark": _SPARK, "Power BI": _POWER_BI}


def reading_code(shared: SharedAs) -> dict[str, str]:
    """The lines of each tool for one product."""
    names = {"name": shared.name, "share": shared.share, "schema": shared.schema, "table": shared.table}
    return {tool: text.format(**names, endpoint=shared.endpoint) for tool, text in TOOLS.items()}
