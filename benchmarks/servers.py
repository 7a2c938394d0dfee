"""What a registry on many servers costs: land of 34 provinces, each in a PostgreSQL database of its own, three tables.

Prints the seconds of the first sync, of a quiet one, of one after a row of one province changed, and of all provinces
begun at once, each in a process of its own; then tells how many rows of how many servers are published.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from deltalake import DeltaTable

from include.embedded.servers import start_postgres, stop_postgres, uri
from include.embedded.site import REPOSITORY, Site
from include.simulator import divide_land, inhabited_provinces, load_registry, simulate, vendor_of

SEED = 2028


def main() -> None:
    """Build the provinces, sync them, and print a line for each measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    parser.add_argument("--persons", type=int, default=100_000, help="default: 100,000, who live in all 34 provinces")
    parser.add_argument("--at-once", action="store_true", help="also: all provinces at once, into a lake of their own")
    given = parser.parse_args()
    provinces = inhabited_provinces(persons=given.persons, seed=SEED)
    with tempfile.TemporaryDirectory(prefix="lienthong-servers-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        site = Site(REPOSITORY, root / "var")
        start_postgres(site)
        try:
            environ = _sources(site, root, provinces, given.persons)
            print(f"{len(provinces)} provinces, {given.persons:,} persons", flush=True)
            lake = root / "lake"
            print(f"first sync           {_sync(environ, lake):7.1f} s", flush=True)
            for _ in range(3):
                print(f"quiet sync           {_sync(environ, lake):7.1f} s", flush=True)
            _touch(uri(site, f"land_{provinces[0]}"), provinces[0])
            print(f"one row changed      {_sync(environ, lake):7.1f} s", flush=True)
            _compare(lake)
            if given.at_once:
                print(f"{len(provinces)} syncs at once     {_at_once(environ, root / 'another', provinces):7.1f} s")
                _compare(root / "another", lake)
        finally:
            stop_postgres(site)


def _sources(site: Site, root: Path, provinces: Sequence[str], persons: int) -> dict[str, str]:
    country = simulate(persons=persons, seed=SEED, out=root / "country")
    divide_land(country, provinces)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    for code in provinces:
        address = uri(site, f"land_{code}")
        load_registry(country, f"land-{code}", address)
        environ[f"AIRFLOW_CONN_LAND_{code}"] = address
    return environ | {"SCHEMAS_DIR": str(REPOSITORY / "schemas"), "LIENTHONG_VAR": str(site.var)}


def _command(*more: str) -> list[str]:
    return [sys.executable, "-m", "include.cli", "sync", "land", "--json", *more]


def _sync(environ: Mapping[str, str], lake: Path) -> float:
    began = time.perf_counter()
    subprocess.run(_command(), env={**environ, "LAKE_URI": str(lake)}, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _at_once(environ: Mapping[str, str], lake: Path, provinces: Sequence[str]) -> float:
    began, of = time.perf_counter(), {**environ, "LAKE_URI": str(lake)}
    running = [
        subprocess.Popen(_command("--server", f"land-{code}"), env=of, stdout=subprocess.DEVNULL) for code in provinces
    ]
    # A server of which a table is held (one without rows, say) ends with 1: what is published is compared below.
    if others := [code for code, process in zip(provinces, running, strict=True) if process.wait()]:
        print(f"not published whole: {', '.join(others)}", flush=True)
    return time.perf_counter() - began


def _touch(address: str, province: str) -> None:
    vendor = vendor_of(province)
    table, written = vendor.table("parcel", "thua_dat"), vendor.column("parcel", "ngay_cap_nhat")
    with psycopg.connect(address) as connection:
        connection.execute(f"UPDATE {table} SET {written} = now() WHERE ctid = '(0,1)'".encode())


def _compare(lake: Path, with_lake: Path | None = None) -> None:
    for table in ("parcel", "certificate", "ownership"):
        rows = _keys(lake, table)
        said = f"{table}: {len(rows):,} rows of {len({row[-1] for row in rows})} servers"
        if with_lake is not None:
            said += ", the same" if rows == _keys(with_lake, table) else ", NOT the same"
        print(said, flush=True)


def _keys(lake: Path, table: str) -> list[tuple[object, ...]]:
    rows = DeltaTable(str(lake / "registry" / "land" / table)).to_pyarrow_table()
    names = [name for name in rows.column_names if not name.startswith("_")]
    return sorted(map(tuple, (row.values() for row in rows.select([*names, "_server"]).to_pylist())), key=str)


if __name__ == "__main__":
    main()
