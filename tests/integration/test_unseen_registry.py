"""A registry nobody has seen, from one YAML file and one connection: SQLite, PostgreSQL and a CSV drop."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from deltalake import DeltaTable

from tests import forking

CONTRACT = r"""
apiVersion: v3.2.0
kind: DataContract
id: 6a6d3c4e-business
version: 2.1.0
status: active
name: Business registration
servers:
  - {server: business_db, type: %(type)s%(server)s}
schema:
  - name: enterprise
    physicalName: %(object)s
    properties:
      - name: code
        physicalName: ma_dn
        logicalType: string
        primaryKey: true
        logicalTypeOptions: {pattern: '^\d{10}$'}
      - {name: title, physicalName: ten, logicalType: string, required: true}
      - {name: founded_on, physicalName: ngay_lap, logicalType: date}
      - name: capital_vnd
        physicalName: von
        logicalType: integer
        quality:
          - id: capital-not-negative
            type: sql
            query: SELECT COUNT(*) FROM {object} WHERE capital_vnd < 0
            mustBe: 0
      - {name: updated_at, physicalName: cap_nhat, logicalTypeOptions: {defaultTimezone: UTC},
         logicalType: timestamp, required: true}
    customProperties:
      - {property: extract, value: {cursor: [updated_at]}}
      - {property: tolerance, value: {rejectedPercent: 60}}
"""
ROWS = [
    ("0100000001", "Công ty Một", "2001-02-03", "100", "2025-01-01 00:00:00"),
    ("0100000002", "Công ty Hai", "2002-02-03", "-5", "2025-01-01 00:00:00"),  # capital below zero
    ("010000003", None, "2003-02-03", "7", "2025-01-01 00:00:00"),  # code too short, no title: two reasons
    ("0100000004", "Công ty Bốn", "2004-02-30", "8", "2025-01-01 00:00:00"),  # no such day
    ("0100000005", "Công ty Năm", "2005-02-03", "9", "2025-01-01 00:00:00"),
    ("0100000005", "Công ty Năm", "2005-02-03", "10", "2025-01-02 00:00:00"),  # the newer one wins
]
COLUMNS = ("ma_dn", "ten", "ngay_lap", "von", "cap_nhat")
REASONS = {
    "0100000002": {"enterprise.capital-not-negative"},
    "010000003": {"enterprise.code.pattern", "enterprise.title.required"},
    "0100000004": {"enterprise.founded_on.unreadable"},
}


def lienthong(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "LAKE_URI": str(folder / "lake"),
        "SCHEMAS_DIR": str(folder / "schemas"),
        "LIENTHONG_TMP": str(folder / "tmp"),
    }
    return forking.run(forking.CLI, *arguments, env={**os.environ, **settings, **environ})


def write_contract(folder: Path, **filled: str) -> None:
    (folder / "schemas" / "registries").mkdir(parents=True)
    text = CONTRACT % {"type": "custom", "server": "", "object": "doanh_nghiep", **filled}
    (folder / "schemas" / "registries" / "business.odcs.yaml").write_text(text, encoding="utf-8")


def check_result(folder: Path, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    run: dict[str, Any] = json.loads(done.stdout)
    (facts,) = run["tables"]
    figures = {n: facts[n] for n in ("mode", "extracted", "accepted", "rejected", "superseded", "deleted", "version")}
    assert figures == {
        "mode": "full", "extracted": 6, "accepted": 2, "rejected": 3, "superseded": 1, "deleted": 0, "version": 0,
    }  # fmt: skip
    table = DeltaTable(folder / "lake/registry/business/enterprise").to_pyarrow_table().to_pylist()
    assert {(r["code"], r["capital_vnd"]) for r in table} == {("0100000001", 100), ("0100000005", 10)}
    kept = DeltaTable(folder / "lake/rejected/business/enterprise").to_pyarrow_table().to_pylist()
    found = {
        r["ma_dn"]: {x["rule_id"].removeprefix("business.") for x in r["_reasons"]}
        for r in kept
        if r["_status"] == "rejected"
    }
    assert found == REASONS
    return run


def test_from_sqlite(tmp_path: Path) -> None:
    write_contract(tmp_path)
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute(f"CREATE TABLE doanh_nghiep ({', '.join(COLUMNS)})")
        source.executemany("INSERT INTO doanh_nghiep VALUES (?, ?, ?, ?, ?)", ROWS)
    done = lienthong(tmp_path, "sync", "business", "--json", AIRFLOW_CONN_BUSINESS_DB=f"sqlite:///{tmp_path}/source.db")
    check_result(tmp_path, done)


def test_from_postgresql(tmp_path: Path, database: str) -> None:
    write_contract(tmp_path)
    with psycopg.connect(database) as source:
        source.execute(
            "CREATE TABLE doanh_nghiep (ma_dn text, ten text, ngay_lap text, von bigint, cap_nhat timestamp)"
        )
        source.cursor().executemany("INSERT INTO doanh_nghiep VALUES (%s, %s, %s, %s, %s)", ROWS)
    done = lienthong(tmp_path, "sync", "business", "--json", AIRFLOW_CONN_BUSINESS_DB=database)
    check_result(tmp_path, done)


def test_from_a_csv_drop(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    write_contract(
        tmp_path,
        type="local",
        object="dn_*.csv",
        server=f", path: '{drop}', format: csv, delimiter: ';', encoding: utf-8",
    )
    with (drop / "dn_2025.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerows([COLUMNS, *ROWS])
    digest = hashlib.sha256((drop / "dn_2025.csv").read_bytes()).hexdigest()
    manifest = {"files": [{"name": "dn_2025.csv", "rows": len(ROWS), "sha256": digest}]}
    (drop / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    check_result(tmp_path, lienthong(tmp_path, "sync", "business", "--json"))
    manifest["files"][0]["rows"] = 7
    (drop / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    refused = lienthong(tmp_path, "sync", "business", "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["verdict"] == "failed"


def test_exit_statuses_and_what_is_said(tmp_path: Path) -> None:
    write_contract(tmp_path)
    uri = f"sqlite:///{tmp_path}/source.db"
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute(f"CREATE TABLE doanh_nghiep ({', '.join(COLUMNS)})")
        source.executemany("INSERT INTO doanh_nghiep VALUES (?, ?, ?, ?, ?)", ROWS)
    misspelt = lienthong(tmp_path, "sync", "busines")
    assert (misspelt.returncode, "did you mean `business`?" in misspelt.stderr) == (2, True), misspelt.stderr
    no_secret = lienthong(tmp_path, "sync", "business")
    assert no_secret.returncode == 1
    assert "AIRFLOW_CONN_BUSINESS_DB" in no_secret.stderr
    assert lienthong(tmp_path, "sync", "business", "--frobnicate").returncode == 2

    contract = tmp_path / "schemas/registries/business.odcs.yaml"
    contract.write_text(contract.read_text().replace("rejectedPercent: 60", "rejectedPercent: 5"))
    held = lienthong(tmp_path, "sync", "business", AIRFLOW_CONN_BUSINESS_DB=uri)
    assert held.returncode == 1
    assert "held" in held.stdout
    assert not (tmp_path / "lake/registry").exists(), "a held table leaves the lake as it was"
    assert not (tmp_path / "lake/rejected").exists()
    approved = lienthong(
        tmp_path, "sync", "business", "--approve-as", "steward", "--note", "first load", AIRFLOW_CONN_BUSINESS_DB=uri
    )
    assert approved.returncode == 0, approved.stdout + approved.stderr
    assert "Công ty" not in held.stdout + held.stderr + approved.stdout + approved.stderr
    again = lienthong(tmp_path, "sync", "business", AIRFLOW_CONN_BUSINESS_DB=uri)
    assert (again.returncode, "nothing changed" in again.stdout) == (0, True)

    listed = lienthong(tmp_path, "rejected", "list", "business", "--json")
    assert sum(entry["rows"] for entry in json.loads(listed.stdout)) == 4
    shown = lienthong(tmp_path, "rejected", "show", "business", "enterprise")
    assert "business.enterprise.code.pattern" in shown.stdout
    assert "010000003" not in shown.stdout, "values only with --values"
    look = ("--values", "--purpose", "list for the owner")
    assert "010000003" in lienthong(tmp_path, "rejected", "show", "business", "enterprise", *look).stdout

    contract.write_text(
        contract.read_text().replace(r"^\d{10}$", r"^\d{9,10}$").replace("rejectedPercent: 5", "rejectedPercent: 60")
    )
    replayed = lienthong(tmp_path, "rejected", "replay", "business", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    after = json.loads(lienthong(tmp_path, "rejected", "list", "business", "--json").stdout)
    assert {entry["rule_id"].split(".")[-1] for entry in after} == {"capital-not-negative", "required", "unreadable"}
