"""Shared tables read by Delta Sharing beside the same files read directly, and requests answered in a second.

    python -m benchmarks.sharing --rows 5000000

A table is published and shared in a lake in a folder; `lienthong serve` runs as a process of its own. Each way of
reading is a process of its own too, in turn: the stock client (in the environment of a recipient, .venv/recipient)
beside pandas on the files; DuckDB and polars on the signed URLs beside the same on the files. The clock starts when the
libraries are loaded. Then requests over connections that stay open, whose ids must all be in `audit/reads` at the end.
Server and clients share the machine's processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from deltalake import write_deltalake

from benchmarks.running import VAR
from include.contracts.model import Column, Contract, Server, Table, arrow_type
from include.embedded.site import REPOSITORY, free_port
from include.lake.storage import Lake
from include.sharing.agreements import load_agreement
from include.sharing.products import share_agreement

RECIPIENT = REPOSITORY / ".venv" / "recipient" / "bin" / "python"
_COLUMNS = {
    "personal_id": ("VARCHAR", "lpad(i::VARCHAR, 12, '0')"),
    "full_name": ("VARCHAR", "'Nguyễn Văn ' || md5(i::VARCHAR)[:8]"),
    "born": ("DATE", "DATE '1930-01-01' + (i * 7919 % 33000)::INTEGER"),
    "sex": ("VARCHAR", "CASE i % 2 WHEN 0 THEN 'male' ELSE 'female' END"),
    "ward_code": ("VARCHAR", "lpad((i * 31 % 3321)::VARCHAR, 5, '0')"),
    "amount_vnd": ("BIGINT", "(i * 104729 % 90000000)::BIGINT"),
}
_AGREEMENT = """\
version: 1.0.0
title: Đo tốc độ
provider: P
recipient: {id: nso, name: N}
purpose: Đo tốc độ
legalBasis: [L]
from: 2020-01-01
until: 2099-12-31
contact: {provider: a@b.example, recipient: c@d.example}
products:
  - {name: person, table: population.person, columns: [COLUMNS]}
"""
# The first line of each loads what it needs, the others are timed.
_STOCK = """import delta_sharing
rows = len(delta_sharing.load_as_pandas(given["table"]))"""
# As the client does it, step by step, but for the way to the bytes.
_PANDAS = """import pandas; from pyarrow.dataset import dataset
tables = [dataset(file, format="parquet").to_table() for file in given["files"]]
parts = [table.to_pandas(date_as_object=True, use_threads=False, self_destruct=True) for table in tables]
rows = len(pandas.concat(parts, ignore_index=True, copy=False))"""
_DUCKDB = """import duckdb, duckdb_extensions; duckdb_extensions.import_extension("httpfs")
duckdb.execute("LOAD httpfs")
rows = duckdb.read_parquet(given["files"]).to_arrow_table().num_rows"""
_POLARS = """import polars
rows = polars.read_parquet(given["files"]).height"""
WAYS = (
    ("stock client", _STOCK, True, "urls"),
    ("pandas on the files", _PANDAS, True, "paths"),
    ("DuckDB on the URLs", _DUCKDB, False, "urls"),
    ("DuckDB on the files", _DUCKDB, False, "paths"),
    ("polars on the URLs", _POLARS, False, "urls"),
    ("polars on the files", _POLARS, False, "paths"),
)


@dataclass(frozen=True)
class Shared:
    """A running server and what a recipient knows of it."""

    lake: Lake
    url: str
    profile: Path

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {json.loads(self.profile.read_text())['bearerToken']}"}

    @property
    def query(self) -> str:
        return f"{self.url}/delta-sharing/shares/speed/schemas/population/tables/person/query"

    def urls(self) -> list[str]:
        answer = httpx.post(self.query, headers=self.headers, json={}).raise_for_status()
        return [line["file"]["url"] for line in map(json.loads, answer.text.splitlines()) if "file" in line]


def main() -> None:
    """Share a table, read it in every way as often as asked, ask for as long as asked, print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sharing", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the table (5,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way reads; medians are told (3)")
    parser.add_argument("--seconds", type=float, default=10, help="of requests (10)")
    parser.add_argument("--connections", type=int, default=32, help="that ask at once (32)")
    given = parser.parse_args()
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR, prefix="sharing-") as name:
        folder = Path(name)
        lake = _share(folder, given.rows)
        process, shared = _serve(folder, lake)
        try:
            _read(shared, given.rows, given.rounds)
            ids = asyncio.run(_ask(shared, given.seconds, given.connections))
        finally:
            process.terminate()
            process.wait(timeout=300)
        kept = set(lake.table("audit/reads").to_pyarrow_table()["read_id"].to_pylist())
    print(f"of {len(ids):,} requests that were answered, {len({*ids} - kept):,} are not in audit/reads")


def _share(folder: Path, rows: int) -> Lake:
    lake = Lake(str(folder / "lake"), (), folder / "tmp")
    columns = tuple(
        Column(name, name, "string", kind, primary_key_position=1 if name == "personal_id" else None)
        for name, (kind, _) in _COLUMNS.items()
    )
    table = Table("population", "person", "person", columns, ())
    select = ", ".join(f"{sql} AS {name}" for name, (_, sql) in _COLUMNS.items())
    with lake.connect(memory_limit="2GB") as connection:
        query = f"SELECT {select}, 'r' AS _run_id, NULL::VARCHAR[] AS _warnings FROM range({rows}) r(i)"
        made = connection.execute(query).to_arrow_table()
    schema = [arrow_type(kind) for kind, _ in _COLUMNS.values()]
    assert [made.schema.field(name).type for name in _COLUMNS] == schema, made.schema
    write_deltalake(lake.registry_table("population", "person"), made)
    path = folder / "schemas" / "agreements" / "speed.yaml"
    path.parent.mkdir(parents=True)
    listed = ", ".join(f"{{name: {name}, protection: none}}" for name in _COLUMNS)
    path.write_text(_AGREEMENT.replace("COLUMNS", listed), encoding="utf-8")
    contracts = {"population": Contract("population", "1.0.0", path, "d", Server("s", "postgres"), (table,))}
    at = datetime.now(UTC)
    share_agreement(load_agreement(path), contracts, lake=lake, at=at, run_id="r", key=None)
    return lake


def _serve(folder: Path, lake: Lake) -> tuple[subprocess.Popen[bytes], Shared]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {
        **os.environ, "LAKE_URI": lake.uri, "SCHEMAS_DIR": str(folder / "schemas"), "LIENTHONG_TMP": str(lake.scratch),
        "LIENTHONG_SHARING_URL": url,
    }  # fmt: skip
    command = [sys.executable, "-m", "include.cli"]
    process = subprocess.Popen([*command, "serve", "--port", str(port)], env=environ, cwd=REPOSITORY)
    profile = folder / "nso.share"
    subprocess.run([*command, "recipient", "token", "nso", "--out", profile], env=environ, cwd=REPOSITORY, check=True)
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    return process, Shared(lake, url, profile)


def _read(shared: Shared, rows: int, rounds: int) -> None:
    paths = [str(uri) for uri in shared.lake.table("shared/nso/person").file_uris()]
    size = sum(Path(path).stat().st_size for path in paths)
    print(f"{rows:,} rows x {len(_COLUMNS)} columns, {len(paths)} files, {size / 2**20:,.0f} MiB")
    taken: dict[str, list[float]] = {name: [] for name, *_ in WAYS}
    for _ in range(rounds):
        for name, code, is_recipient, files in WAYS:
            given: dict[str, Any] = {"table": f"{shared.profile}#speed.population.person"}
            given["files"] = shared.urls() if files == "urls" else paths
            taken[name].append(_run(code, given, rows, RECIPIENT if is_recipient else Path(sys.executable)))
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    for shared_way, direct in ((WAYS[n][0], WAYS[n + 1][0]) for n in range(0, len(WAYS), 2)):
        ratio = middle[shared_way] / middle[direct]
        print(f"{shared_way:22}{middle[shared_way]:7.2f} s   {direct:22}{middle[direct]:7.2f} s   {ratio:5.2f} x")


def _run(code: str, given: dict[str, Any], rows: int, python: Path) -> float:
    """Seconds of a way, without the time in which its libraries load."""
    loads, _, timed = code.partition("\n")
    program = f"""import json, os, sys, time
{loads}
given = json.load(sys.stdin)
start = time.perf_counter()
{timed}
print(rows, time.perf_counter() - start, flush=True)
os._exit(0)"""
    done = subprocess.run([python, "-c", program], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read, seconds = done.stdout.split()[-2:]
    assert int(read) == rows, read
    return float(seconds)


async def _ask(shared: Shared, seconds: float, connections: int) -> list[str]:
    """Query the table over connections that stay open; prints how many were answered in a second. Returns their ids."""
    address = httpx.URL(shared.query)
    lines = [f"POST {address.path} HTTP/1.1", "Host: x", f"Authorization: {shared.headers['Authorization']}"]
    request = "\r\n".join([*lines, "Content-Length: 2", "", "{}"]).encode()
    ids: list[str] = []
    waits: list[float] = []

    async def one(end: float) -> None:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        while time.perf_counter() < end:
            begun = time.perf_counter()
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert " 200 " in head.partition("\r\n")[0], head
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(headers["content-length"]))
            waits.append(time.perf_counter() - begun)
            ids.append(headers["lienthong-read"])
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(one(start + seconds) for _ in range(connections)))
    rate = len(ids) / (time.perf_counter() - start)
    waits.sort()
    half, most = waits[len(waits) // 2] * 1000, waits[len(waits) * 99 // 100] * 1000
    print(
        f"{rate:,.0f} queries a second over {connections} connections; half within {half:.0f} ms, 99 % in {most:.0f} ms"
    )
    return ids


if __name__ == "__main__":
    main()
