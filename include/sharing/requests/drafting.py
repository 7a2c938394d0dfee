"""The agreement that a grant drafts: protections proposed by classification, the YAML, and what `check` says of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import get_args

import yaml

from include.contracts.model import Column, Contract, Table
from include.contracts.yaml_files import ContractError, Problem
from include.sharing.agreements import Agreement, Protection, SharedColumn, agreement_paths
from include.sharing.products import NEVER_BARE, check_agreements, misfit
from include.sharing.requests.request import Ask, Grant

_KEPT_CHARACTERS = 4
_IDENTIFIERS = ("personal_id", "old_id", "insurance_number", "health_card", "passport")
_NAMES = ("name", "family_name", "given_name", "mother", "father", "phone")


def proposed(column: Column) -> SharedColumn:
    """The protection that a column's classification suggests: no more of it than the purpose is likely to need.

    Identifiers of persons become pseudonyms, dates of what is confidential or above keep their year, what else is
    restricted or sensitive is dropped. The steward may choose otherwise, within what an agreement may say.
    """
    is_personal = column.classification in ("confidential", *NEVER_BARE)
    if is_personal and column.link in _IDENTIFIERS:
        return _first_that_fits(column, "pseudonym", "drop")
    if is_personal and column.sql_type in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return SharedColumn(column.name, "year")
    if column.classification in NEVER_BARE:
        return _first_that_fits(column, "pseudonym", "drop") if column.primary_key_position else _dropped(column)
    return SharedColumn(column.name)


def names_a_person(column: Column) -> bool:
    """Whether one value of a column may tell who somebody is: a personal identifier, a name, a key of personal data."""
    is_personal = column.classification in ("confidential", *NEVER_BARE)
    return is_personal and (column.link in (*_IDENTIFIERS, *_NAMES) or bool(column.primary_key_position))


def fitting(column: Column) -> tuple[SharedColumn, ...]:
    """The column with each protection that an agreement may give it."""
    each = (shared_column(column.name, protection) for protection in get_args(Protection))
    return tuple(one for one in each if not misfit(one, column))


def shared_column(name: str, protection: Protection) -> SharedColumn:
    """A column with a protection; of `keep_last`, the most characters that may be kept."""
    return SharedColumn(name, protection, _KEPT_CHARACTERS if protection == "keep_last" else 0)


def draft_id(schemas: Path, table: str, recipient: str, waiting: Iterable[Grant]) -> str:
    """A name for the agreement's file that neither an agreement has, nor a draft that waits to be put in place."""
    taken, stem = {*agreement_paths(schemas), *(one.agreement_id for one in waiting)}, f"{table}_for_{recipient}"[:58]
    return next(name for n in range(1, len(taken) + 2) if (name := stem if n == 1 else f"{stem}_{n}") not in taken)


def draft(
    ask: Ask,
    recipient: str,
    contract: Contract,
    table: Table,
    *,
    columns: Collection[SharedColumn],
    rows: str,
    valid_until: date,
    contact: str,
    request_id: str,
    agreements: Iterable[Agreement],
    waiting: Iterable[Grant],
) -> str:
    """The text of an agreement that grants these columns and rows of a table to who asked.

    Its product has a name that is none of the recipient's agreements, nor of its drafts that wait to be put in place.
    """
    names = {product.name for one in agreements if one.recipient == recipient for product in one.products}
    names |= {product["name"] for one in waiting for product in yaml.safe_load(one.text)["products"]}
    name = next(n for n in (table.name, *(f"{table.name}_{k}" for k in range(2, len(names) + 3))) if n not in names)
    product = {"name": name, "title": table.business_name or table.name, "table": table.qualified_name}
    product |= {"rows": rows} if rows else {}
    data = {
        "version": "1.0.0",
        "title": f"Chia sẻ dữ liệu “{table.business_name or table.name}” cho {ask.recipient_name}",
        "provider": contract.owner or contract.business_name or contract.registry,
        "recipient": {"id": recipient, "name": ask.recipient_name},
        "purpose": ask.purpose,
        "legalBasis": list(ask.legal_basis),
        "from": ask.valid_from,
        "until": valid_until,
        "contact": {"provider": contact, "recipient": ask.contact},
        "products": [{**product, "columns": [_written(column) for column in columns]}],
    }
    head = "# How to read and change this file: schemas/agreements/README.md\n"
    body = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=110)
    return f"{head}# Drafted from the request {request_id}\n{body}"


def draft_problems(text: str, agreement_id: str, schemas: Path, contracts: Mapping[str, Contract]) -> list[Problem]:
    """What `lienthong check` would say because of the draft, of its file or of another that it does not go with."""
    with tempfile.TemporaryDirectory() as folder:
        agreements = Path(folder) / "agreements"
        agreements.mkdir()
        for path in agreement_paths(schemas).values():
            shutil.copy(path, agreements)
        told_before = _told(Path(folder), contracts)
        (agreements / f"{agreement_id}.yaml").write_text(text, encoding="utf-8")
        return [problem for problem in _told(Path(folder), contracts) if problem not in told_before]


def _told(schemas: Path, contracts: Mapping[str, Contract]) -> list[Problem]:
    try:
        return check_agreements(schemas, contracts)
    except ContractError as error:
        return list(error.problems)


def _written(column: SharedColumn) -> dict[str, str | int]:
    said: dict[str, str | int] = {"name": column.name, "protection": column.protection}
    return said | ({"keep": column.keep} if column.keep else {})


def _first_that_fits(column: Column, *protections: Protection) -> SharedColumn:
    return next(one for p in protections if not misfit(one := SharedColumn(column.name, p), column))


def _dropped(column: Column) -> SharedColumn:
    return SharedColumn(column.name, "drop")
