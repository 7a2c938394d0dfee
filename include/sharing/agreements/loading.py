"""Loading of agreements from YAML; an `Agreement` that loads has no mistakes of form.

Whether it fits the contracts (tables, columns, classifications) is checked in `check.py`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, get_args

from include.contracts.yaml_files import ContractError, Problem, YamlForm, all_valid, load_each, read_yaml
from include.sharing.agreements.agreement import (
    LEAST_DOMINANCE_PERCENT,
    LEAST_MINIMUM,
    Agreement,
    Product,
    Protection,
    SharedColumn,
    Statistics,
    Withdrawal,
)

FOLDER = "agreements"
PROTECTIONS: tuple[str, ...] = get_args(Protection)
OF_GROUPS = ("none", "year", "decade", "province")
"""Protections of the columns by which a product counts."""
_OF_STATISTICS = ("sums", "totals", "minimum", "dominancePercent", "roundTo", "unit")
_MOST_GROUPS = 6
# A field of the file, with the lines that are indented below it.
_FIELD = re.compile(r"^[\"']?(?P<name>\w+)[\"']?[ \t]*:.*(?:\n(?:[ \t].*|(?=\n|\Z)))*", re.MULTILINE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NO_RECIPIENTS = ("anonymous", "lienthong")  # at the store: requests without a signature, and the pipelines
_NAME_REMEDY = "use lower-case letters, digits and `_`, beginning with a letter"


def agreement_paths(schemas_dir: Path) -> dict[str, Path]:
    """The agreement files of a schemas folder, by agreement id (the file's stem), sorted; there may be none."""
    return {path.stem: path for path in sorted((schemas_dir / FOLDER).glob("*.yaml"))}


def load_agreements(schemas_dir: Path) -> dict[str, Agreement]:
    """Every agreement under `schemas_dir/agreements`, by id.

    Raises:
        ContractError: with every problem of every file.
    """
    return all_valid(readable_agreements(schemas_dir))


def readable_agreements(schemas_dir: Path) -> tuple[dict[str, Agreement], list[Problem]]:
    """The valid agreements, by id, and the mistakes of the others."""
    return load_each(agreement_paths(schemas_dir), load_agreement)


def load_agreement(path: Path) -> Agreement:
    """One agreement.

    Raises:
        ContractError: with every mistake of form, each with file, line and remedy.
    """
    form = _Form(read_yaml(path))
    agreement = form.agreement()
    if form.problems:
        raise ContractError(form.problems)
    return agreement


def withdrawn_from(path: Path) -> date | None:
    """First day of the withdrawal that an agreement's file says, though it has mistakes; None if it says none.

    A field that is spelled almost like `withdrawn` counts, also where the file is no YAML, and a withdrawal without a
    day holds since ever: a mistake gives nobody more to read.
    """
    try:
        withdrawal = _Form(read_yaml(path)).withdrawal()
    except ContractError:
        return _withdrawn_in(path)
    return withdrawal.first_day if withdrawal else None


def _withdrawn_in(path: Path) -> date | None:
    """The same of a file that is no YAML: the first day on a field's line, or on those indented below it."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for field in _FIELD.finditer(text):
        if _like_withdrawn([field["name"]]):
            day = _DAY.search(field[0])
            with suppress(ValueError):
                return date.fromisoformat(day[0] if day else "")
            return date.min
    return None


def _like_withdrawn(names: Sequence[str]) -> str:
    """The name that is spelled most like `withdrawn`; empty if none is."""
    return next(iter(difflib.get_close_matches("withdrawn", names, n=1)), "")


class _Form(YamlForm):
    """Reader of one agreement's fields."""

    def agreement(self) -> Agreement:
        data, path = self.file.data, self.file.path
        known = ("version", "title", "description", "provider", "recipient", "purpose", "legalBasis", "from", "until",
                 "withdrawn", "contact", "products")  # fmt: skip
        self.only(data, known, ())
        if not _NAME.fullmatch(path.stem):
            self.note((), f"the file's name `{path.stem}` is the agreement's id and cannot be one", _NAME_REMEDY)
        recipient, contact = self.mapping(data, ("recipient",)), self.mapping(data, ("contact",))
        self.only(recipient, ("id", "name"), ("recipient",))
        self.only(contact, ("provider", "recipient"), ("contact",))
        valid_from, valid_until = self.day(data, ("from",)), self.day(data, ("until",))
        if valid_from and valid_until and valid_until < valid_from:
            self.note(("until",), f"ends on {valid_until}, before it begins on {valid_from}", "correct one of the days")
        return Agreement(
            agreement_id=path.stem,
            version=self.text(data, ("version",)),
            title=self.text(data, ("title",)),
            description=self.text(data, ("description",), is_required=False),
            provider=self.text(data, ("provider",)),
            recipient=self.recipient(recipient),
            recipient_name=self.text(recipient, ("recipient", "name")),
            purpose=self.text(data, ("purpose",)),
            legal_basis=self.legal_basis(),
            valid_from=valid_from or date.max,
            valid_until=valid_until or date.min,
            provider_contact=self.mailbox(contact, ("contact", "provider")),
            recipient_contact=self.mailbox(contact, ("contact", "recipient")),
            products=self.products(),
            withdrawal=self.withdrawal(),
            path=path,
            digest="" if self.problems else hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest(),
        )

    def recipient(self, item: Mapping[str, Any]) -> str:
        place = ("recipient", "id")
        given = self.name(item, place)
        if given in _NO_RECIPIENTS:
            self.note(place, f"`{given}` is a name of the store's own, with other rights", "choose another id")
        return given

    def products(self) -> tuple[Product, ...]:
        items = self.items(self.file.data, ("products",), "name at least one product: its name, table and columns")
        products = tuple(self.product(item, ("products", position)) for position, item in items)
        names = [product.name for product in products]
        for position, name in enumerate(names):
            if name and name in names[:position]:
                self.note(("products", position), f"the product `{name}` stands twice", "give each its own name")
        return products

    def product(self, item: Mapping[str, Any], place: tuple[str | int, ...]) -> Product:
        counts = "groupBy" in item
        listing = "groupBy" if counts else "columns"
        known = ("name", "title", "table", "rows", listing, *(_OF_STATISTICS if counts else ()))
        self.only(item, known, place)
        registry, _, table = self.text(item, (*place, "table")).partition(".")
        if item.get("table") and not table:
            self.note((*place, "table"), "does not name a registry and a table", "write `registry.table`")
        listed = self.items(item, (*place, listing), "list the columns that the recipient gets")
        columns = tuple(self.column(column, (*place, listing, position)) for position, column in listed)
        names = [column.name for column in columns]
        for position, name in enumerate(names):
            if name and name in names[:position]:
                self.note((*place, listing, position), f"the column `{name}` stands twice", "keep one of them")
        if columns and all(column.protection == "drop" for column in columns):
            self.note((*place, listing), "every column is dropped", "a product needs a column, or leave it out")
        return Product(
            name=self.name(item, (*place, "name")),
            registry=registry,
            table=table,
            columns=columns,
            rows=self.text(item, (*place, "rows"), is_required=False),
            title=self.text(item, (*place, "title"), is_required=False),
            statistics=self.statistics(item, columns, place) if counts else None,
        )

    def statistics(
        self, item: Mapping[str, Any], groups: Sequence[SharedColumn], place: tuple[str | int, ...]
    ) -> Statistics:
        for position, group in enumerate(groups):
            if group.protection not in OF_GROUPS:
                what = f"counts are by values that many share, and `{group.name}` is protected by {group.protection}"
                self.note((*place, "groupBy", position), what, f"one of: {', '.join(OF_GROUPS)}; or leave it out")
        if len(groups) > _MOST_GROUPS:
            what = f"counts by {len(groups)} columns have few in each cell, and hide most of them"
            self.note((*place, "groupBy"), what, f"count by {_MOST_GROUPS} columns at most")
        totals = item.get("totals", False)
        if not isinstance(totals, bool):
            self.note((*place, "totals"), "is neither true nor false", "write `totals: true`")
        return Statistics(
            sums=self.names(item, (*place, "sums")),
            totals=totals is True,
            minimum=self.at_least(item, (*place, "minimum"), LEAST_MINIMUM),
            dominance_percent=self.at_least(item, (*place, "dominancePercent"), LEAST_DOMINANCE_PERCENT),
            round_to=self.at_least(item, (*place, "roundTo"), 2) if "roundTo" in item else 0,
            unit=self.names(item, (*place, "unit")),
        )

    def at_least(self, item: Mapping[str, Any], place: tuple[str | int, ...], least: int) -> int:
        given = item.get(str(place[-1]), least)
        if isinstance(given, int) and not isinstance(given, bool) and given >= least:
            return given
        remedy = f"give {least} or more, or leave it out; why: docs/explanation/statistical-disclosure-control.md"
        self.note(place, f"`{place[-1]}` is {given!r}: less than {least} protects nobody", remedy)
        return least

    def names(self, item: Mapping[str, Any], place: tuple[str | int, ...]) -> tuple[str, ...]:
        given = item.get(str(place[-1]), [])
        listed = [given] if isinstance(given, str) else given
        if isinstance(listed, list) and all(isinstance(name, str) and name for name in listed):
            return tuple(dict.fromkeys(listed))
        self.note(place, "is no list of columns", f"write e.g. `{place[-1]}: [column]`")
        return ()

    def column(self, item: Mapping[str, Any], place: tuple[str | int, ...]) -> SharedColumn:
        self.only(item, ("name", "protection", "keep"), place)
        protection = self.text(item, (*place, "protection"))
        if protection and protection not in PROTECTIONS:
            near = difflib.get_close_matches(protection, PROTECTIONS, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            self.note(
                (*place, "protection"), f"unknown protection `{protection}`", f"{hint}one of: {', '.join(PROTECTIONS)}"
            )
            protection = "drop"
        keep = item.get("keep", 0)
        if not isinstance(keep, int) or isinstance(keep, bool) or ("keep" in item) != (protection == "keep_last"):
            self.note((*place, "keep"), "goes with the protection `keep_last`, as a number", "write e.g. `keep: 4`")
            keep = 0
        return SharedColumn(self.text(item, (*place, "name")), protection or "drop", keep)  # type: ignore[arg-type]

    def withdrawal(self) -> Withdrawal | None:
        field = _like_withdrawn(list(map(str, self.file.data)))
        if not field:
            return None
        item = self.mapping(self.file.data, (field,))
        self.only(item, ("from", "reason"), (field,))
        first_day = self.day(item, (field, "from"))
        return Withdrawal(first_day or date.min, self.text(item, (field, "reason")))

    def name(self, item: Mapping[str, Any], place: Sequence[str | int]) -> str:
        given = self.text(item, place)
        if given and not _NAME.fullmatch(given):
            self.note(place, f"`{given}` cannot be a name in the lake", _NAME_REMEDY)
        return given

    def mailbox(self, item: Mapping[str, Any], place: Sequence[str | int]) -> str:
        given = self.text(item, place)
        if given and not _MAILBOX.fullmatch(given):
            self.note(place, f"`{given}` is not a mailbox", "give a mailbox of the office, not a person's")
        return given
