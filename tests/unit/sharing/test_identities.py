"""The store's identities follow from the agreements."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.contracts.model import Column, Contract, Relationship, Server, Table
from include.sharing.agreements.agreement import Agreement
from include.sharing.recipients.store_identities import (
    Credential,
    ReaderCredentialMissing,
    identities,
    reader_variable,
    render,
)

from .conftest import AGREEMENT, AT

OWNER = Credential("owner", "0123456789abcdef")
SERVER = Credential("sharing", "0123456789abcdef")
PORTAL = Credential("portal", "0123456789abcdef")
ENVIRON = {"LIENTHONG_READER_NSO": "nso-key:0123456789abcdef", "LIENTHONG_READER_MOH": "moh-key:fedcba9876543210"}
CITIZEN = Table(
    "population",
    "citizen",
    "cong_dan",
    (
        *(Column(name, name, "string", "VARCHAR") for name in ("personal_id", "full_name", "status_code", "ward")),
        Column("ward_now", "x", "string", "VARCHAR", expression='vn_ward_current("x")'),
        Column("ethnicity_code", "dan_toc", "string", "VARCHAR"),
    ),
    (),
    (
        Relationship(("status_code",), "reference", "person_statuses", ("code",)),
        Relationship(("ethnicity_code",), "reference", "ethnicities", ("code",)),
        Relationship(("full_name",), "population", "household", ("name",)),
    ),
)
CONTRACTS = {"population": Contract("population", "1.0.0", Path("x"), "d", Server("s", "postgres"), (CITIZEN,))}
Agree = Callable[..., Agreement]


def test_each_recipient_reads_and_lists_its_own_folder_and_nothing_else(agree: Agree) -> None:
    agreements = [agree(), agree(("id: nso", "id: moh"), name="other"), agree(name="second")]
    made = identities(
        agreements,
        CONTRACTS,
        lake_uri="s3://lake/national/",
        at=AT,
        owner=OWNER,
        server=SERVER,
        portal=PORTAL,
        environ=ENVIRON,
    )
    assert [identity["name"] for identity in made["identities"]] == [
        "lienthong",
        "lienthong-sharing",
        "lienthong-portal",
        "moh",
        "nso",
    ]
    assert made["identities"][4]["actions"] == ["Read:lake/national/shared/nso/*", "List:lake/national/shared/nso/*"]
    assert json.loads(render(made)) == made


def test_a_recipient_reads_the_code_lists_that_its_columns_name_and_no_other(agree: Agree) -> None:
    def lists(*columns: str) -> list[str]:
        listed = "".join(f"      - {{name: {c.split()[0]}, protection: {c.split()[1]}}}\n" for c in columns)
        given = agree(text=AGREEMENT.partition("      - {name: personal_id")[0] + listed)
        made = identities(
            [given], CONTRACTS, lake_uri="s3://lake", at=AT, owner=OWNER, server=SERVER, portal=PORTAL, environ=ENVIRON
        )
        return [action for action in made["identities"][3]["actions"] if "shared/" not in action]

    statuses = ["Read:lake/reference/person_statuses/*", "List:lake/reference/person_statuses/*"]
    assert lists("full_name none", "status_code none") == statuses
    assert lists("status_code none", "ward_now none") == [
        *statuses, "Read:lake/reference/wards/*", "List:lake/reference/wards/*",
    ]  # fmt: skip
    assert lists("full_name none", "status_code pseudonym", "ethnicity_code drop", "ward none") == []


def test_without_an_agreement_in_force_there_is_no_identity(agree: Agree) -> None:
    later = datetime(2027, 3, 1, tzinfo=UTC)
    made = identities(
        [agree()], CONTRACTS, lake_uri="s3://lake", at=later, owner=OWNER, server=SERVER, portal=PORTAL, environ={}
    )
    assert [identity["name"] for identity in made["identities"]] == [
        "lienthong",
        "lienthong-sharing",
        "lienthong-portal",
    ]


def test_the_sharing_server_reads_shared_tables_and_writes_its_records_only(agree: Agree) -> None:
    made = identities(
        [], CONTRACTS, lake_uri="s3://lake/national", at=AT, owner=OWNER, server=SERVER, portal=PORTAL, environ={}
    )
    assert made["identities"][1]["actions"] == [
        "Read:lake/national/shared/*", "List:lake/national/shared/*",
        "Read:lake/national/audit/reads/*", "List:lake/national/audit/reads/*", "Write:lake/national/audit/reads/*",
        "Read:lake/national/audit/ledger/*", "List:lake/national/audit/ledger/*", "Write:lake/national/audit/ledger/*",
    ]  # fmt: skip


def test_the_portal_reads_what_is_published_and_writes_requests_only(agree: Agree) -> None:
    made = identities(
        [], CONTRACTS, lake_uri="s3://lake/national", at=AT, owner=OWNER, server=SERVER, portal=PORTAL, environ={}
    )
    actions = made["identities"][2]["actions"]
    assert {action for action in actions if action.startswith("Write")} == {
        "Write:lake/national/audit/requests/*", "Write:lake/national/audit/ledger/*",
    }  # fmt: skip
    assert not [
        action for action in actions if "landing" in action or "staging" in action or action.endswith("national/*")
    ]


@pytest.mark.parametrize("given", ["", "nso-key", "nso-key:short", ":0123456789abcdef", "a b:0123456789abcdef"])
def test_missing_credentials_are_told_by_the_variable(agree: Agree, given: str) -> None:
    with pytest.raises(
        ReaderCredentialMissing, match=r"LIENTHONG_READER_NSO must hold ACCESS_KEY:SECRET_KEY"
    ) as raised:
        identities(
            [agree()],
            CONTRACTS,
            lake_uri="s3://lake",
            at=AT,
            owner=OWNER,
            server=SERVER,
            portal=PORTAL,
            environ={reader_variable("nso"): given},
        )
    assert not given or given not in str(raised.value)


def test_what_cannot_be_an_identity(agree: Agree) -> None:
    with pytest.raises(ValueError, match="LAKE_URI must be s3://"):
        identities(
            [agree()],
            CONTRACTS,
            lake_uri="/var/lake",
            at=AT,
            owner=OWNER,
            server=SERVER,
            portal=PORTAL,
            environ=ENVIRON,
        )
    environ = {"LIENTHONG_READER_NSO": "owner:0123456789abcdef"}
    with pytest.raises(ValueError, match="share an access key"):
        identities(
            [agree()],
            CONTRACTS,
            lake_uri="s3://lake",
            at=AT,
            owner=OWNER,
            server=SERVER,
            portal=PORTAL,
            environ=environ,
        )
    assert "0123456789abcdef" not in repr(OWNER)
