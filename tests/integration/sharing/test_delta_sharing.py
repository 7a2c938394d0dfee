"""A real server, the stock client in its own environment, forgers, a power cut: what is read and what is on record."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from include.audit.ledger import Record, append
from include.audit.verification import commit_records, verify
from include.contracts.model import Column, Contract, Server, Table, arrow_type
from include.lake.storage import Lake
from include.sharing.agreements import load_agreement
from include.sharing.products import share_agreement
from tests.repeats import repeats

from .serving import RECIPIENT, Serving, serving

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Column("id", "id", "string", "VARCHAR", primary_key_position=1)
WHEN = Column("made_at", "made_at", "timestamp", "TIMESTAMPTZ")
TABLES = {
    "zoned": Table(
        "land", "zoned", "z",
        (KEY, WHEN, Column("born", "b", "date", "DATE"), Column("area", "a", "number", "DECIMAL(20,4)")), (),
    ),
    "naive": Table("land", "naive", "n", (KEY, Column("made_at", "m", "timestamp", "TIMESTAMP")), ()),
    "empty": Table("land", "empty", "e", (KEY, WHEN), ()),
}  # fmt: skip
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "zoned": [
        ("a", FIRST.replace(tzinfo=UTC), date(1, 1, 1), Decimal("-1234567890123456.7890")),
        ("b", LAST.replace(tzinfo=UTC), date(9999, 12, 31), None),
    ],
    "naive": [("a", FIRST), ("b", LAST)],
    "empty": [],
}
CONTRACTS = {"land": Contract("land", "1.0.0", Path("x"), "d", Server("s", "postgres"), tuple(TABLES.values()))}
AGREEMENT = """\
version: 1.0.0
title: T
provider: P
recipient: {id: RECIPIENT, name: N}
purpose: Thống kê
legalBasis: [L]
from: 2026-01-01
until: 2099-12-31
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Lake, Path]]:
    """A server on a lake in a folder, which shares the same three tables with nso and with moh."""
    folder = tmp_path_factory.mktemp("sharing")
    lake = Lake(str(folder / "lake"), (), folder / "tmp")
    for name, table in TABLES.items():
        columns = {
            c.name: pa.array([row[n] for row in ROWS[name]], arrow_type(c.sql_type))
            for n, c in enumerate(table.columns)
        }
        extra = {"_run_id": pa.array(["r"] * len(ROWS[name]), pa.string())}
        extra["_warnings"] = pa.array([None] * len(ROWS[name]), pa.list_(pa.string()))
        write_deltalake(lake.registry_table("land", name), pa.table({**columns, **extra}))
    for recipient in ("nso", "moh"):
        path = folder / "schemas" / "agreements" / f"to_{recipient}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = AGREEMENT.replace("RECIPIENT", recipient)
        for name, table in TABLES.items():
            listed = ", ".join(f"{{name: {column.name}, protection: none}}" for column in table.columns)
            text += f"  - {{name: {name}, table: land.{name}, columns: [{listed}]}}\n"
        path.write_text(text, encoding="utf-8")
        done = share_agreement(load_agreement(path), CONTRACTS, lake=lake, at=AT, run_id="r1", key=None)
        subjects = [result.subject for result in done.results]
        records = [Record(one.kind, one.subject, one.payload, on_change=True) for one in done.records]
        append(lake, [*records, *commit_records(lake, subjects)], at=AT, actor="share")
    environ = {"LAKE_URI": lake.uri, "SCHEMAS_DIR": str(folder / "schemas"), "LIENTHONG_TMP": str(lake.scratch)}
    with serving(environ, folder) as running:
        yield running, lake, folder


STOCK = """
import json, sys
import delta_sharing
from requests.exceptions import HTTPError

profile, found = sys.argv[1], {}
for table in delta_sharing.SharingClient(profile).list_all_tables():
    url = f"{profile}#{table.share}.{table.schema}.{table.name}"
    rows = delta_sharing.load_as_pandas(url)
    for column in rows.columns:
        rows[column] = [str(value) for value in rows[column]]
    found[table.name] = sorted(map(list, rows.values.tolist()))
    by_delta = delta_sharing.load_as_pandas(url, use_delta_format=True)
    assert len(by_delta) == len(rows), table
    try:
        changes = delta_sharing.load_table_changes_as_pandas(url, starting_version=0, use_delta_format=True)
        found[f"changes of {table.name}"] = len(changes)
    except HTTPError as error:
        found[f"changes of {table.name}"] = str(error)
print(json.dumps(found))
"""


def test_the_stock_client_reads_every_edge_or_is_told_why_not(server: tuple[Serving, Lake, Path]) -> None:
    """It cannot read a timestamp without zone in parquet format (delta-sharing issue 745): it gets the other."""
    running, _, folder = server
    profile = running.profile("moh", folder)
    done = subprocess.run(
        [str(RECIPIENT), "-c", STOCK, str(profile)],
        env={**running.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["zoned"] == [
        ["a", "0001-01-01 00:00:00+00:00", "0001-01-01", "-1234567890123456.7890"],
        ["b", "9999-12-31 23:59:59.999999+00:00", "9999-12-31", "None"],
    ]
    assert found["naive"] == [["a", "0001-01-01 00:00:00"], ["b", "9999-12-31 23:59:59.999999"]]
    assert (found["empty"], found["changes of empty"], found["changes of zoned"]) == ([], 0, 2)
    assert "timestampNtz" in found["changes of naive"]


def ask(url: str, method: str, path: str, token: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def reads(lake: Lake) -> list[dict[str, Any]]:
    return list(pa.table(DeltaTable(f"{lake.uri}/audit/reads").to_pyarrow_table()).to_pylist())


def test_two_hundred_forgeries_open_nothing_and_a_power_cut_loses_no_record(server: tuple[Serving, Lake, Path]) -> None:
    running, lake, folder = server
    token = str(json.loads(running.profile("nso", folder).read_text())["bearerToken"])
    table = "/delta-sharing/shares/to_nso/schemas/land/tables/zoned"
    status, headers, body = ask(running.url, "POST", f"{table}/query", token, b"{}")
    assert status == 200
    offered = [headers["lienthong-read"]]
    url = json.loads(body.splitlines()[2])["file"]["url"].removeprefix(running.url)
    assert ask(running.url, "GET", url, "")[0] == 200
    refused = forgeries(running.url, table, url, token)
    assert len(refused) >= 200

    def read() -> None:
        try:
            while True:
                status, headers, _ = ask(running.url, "POST", f"{table}/query", token, b"{}")
                assert status == 200
                offered.append(headers["lienthong-read"])
        except (OSError, http.client.HTTPException):
            return

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    while len(offered) < repeats(60, 300):
        threading.Event().wait(0.01)
    running.kill()
    for reader in readers:
        reader.join()
    with serving(running.environ, folder) as after:
        after.end()
    found = {read["read_id"]: read for read in reads(lake)}
    assert {*offered, *refused} <= {*found}
    assert {found[one]["verdict"] for one in offered} == {"offered"}
    assert {found[one]["verdict"] for one in refused} == {"refused"}
    assert len(found) == len(reads(lake))
    assert {d.subject for d in verify(lake).discrepancies} <= {f"registry/land/{name}" for name in TABLES}


def forgeries(server: str, table: str, url: str, token: str) -> list[str]:
    """Try forged tokens, URLs and paths; none is answered. Gives the ids of their records."""
    picked = random.Random(7)
    tokens = [token[:place] + chr(33 + picked.randrange(90)) + token[place + 1 :] for place in range(len(token))]
    tokens += [picked.randbytes(24).hex() for _ in range(50)]
    tried = [ask(server, "POST", f"{table}/query", forged, b"{}") for forged in tokens if forged != token]
    for _ in range(100):
        place, other = picked.randrange(len("/delta-sharing/files/"), len(url)), picked.choice("abcXYZ019-_.~/%&?")
        if url[place] != other:
            tried.append(ask(server, "GET", url[:place] + other + url[place + 1 :], ""))
    for trick in (
        "../../../audit",
        "..%2f..%2f..%2faudit",
        "to_moh",
        "to_nso%2f..%2fto_moh",
        "%2e%2e",
        "to_nso%00",
        "*",
        "to_m%6fh",
    ):
        tried.append(
            ask(server, "POST", f"/delta-sharing/shares/{trick}/schemas/land/tables/zoned/query", token, b"{}")
        )
    for trick in ("..%2fmoh%2fzoned", "zoned%2f_delta_log", "zon%65d%20", "%2fetc%2fpasswd", "..", "zoned;x"):
        tried.append(
            ask(server, "POST", f"/delta-sharing/shares/to_nso/schemas/land/tables/{trick}/query", token, b"{}")
        )
    opened = [body for status, _, body in tried if status not in (401, 403, 404)]
    assert not opened, opened[:3]
    return [headers["lienthong-read"] for _, headers, _ in tried]
