"""Evidence on a pair of records, in the order in which a reviewer should look at it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Literal

from include.identity.persons import Pair
from include.lake.people import people_view
from include.lake.storage import lake_errors
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape
from include.vietnam import cccd_birth_year, cccd_sex

Side = Literal["left", "right"]
_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Identified:
    """What a record says that decides about a pair; empty where it says nothing."""

    personal_id: str | None = None
    tax_code: str | None = None
    old_id: str | None = None
    insurance_number: str | None = None
    birth_date: date | None = None
    birth_precision: str | None = None
    birth_year: int | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class IdSays:
    """A personal id and what its digits say: place of birth registration, century, sex, year of birth."""

    number: str
    place: str
    century: int
    sex: str | None
    year: int | None


@dataclass(frozen=True, slots=True)
class Clue:
    """One fact that decides: `code` names it, `weighs` is `against`, `for` or `doubt`. `side`: whose id it is about."""

    code: str
    weighs: Literal["against", "for", "doubt"]
    side: Side | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`clues`, those against one person first, and what either record's id says; the latter are values."""

    clues: tuple[Clue, ...]
    left: IdSays | None
    right: IdSays | None

    @property
    def leans(self) -> Literal["different", "same", "open"]:
        """What the clues come to: an open pair is one that the records alone do not settle."""
        found = {clue.weighs for clue in self.clues}
        if "against" in found:
            return "open" if "for" in found else "different"
        return "same" if "for" in found else "open"


def evidence(context: PipelineContext, pair: Pair) -> Evidence:
    """Set two records of a waiting pair, and what their ids say, against each other."""
    with (
        context.lake.connect(memory_limit="512MB") as connection,
        no_values_escape("comparing two records"),
        lake_errors("comparing two records"),
    ):
        people_view(context.lake, connection, "records")
        people_view(context.lake, connection, "index")
        columns = ", ".join(field.name for field in fields(Identified))
        found = connection.execute(
            f"SELECT record_id, {columns} FROM records WHERE record_id IN (?, ?)",
            [pair.left_id, pair.right_id],
        ).fetchall()
        numbers = connection.execute(
            """SELECT person_id, list(DISTINCT personal_id) FROM index JOIN records USING (record_id)
            WHERE person_id IN (?, ?) AND personal_id IS NOT NULL GROUP BY person_id""",
            [pair.left_person, pair.right_person],
        ).fetchall()
    rows = {record_id: Identified(*said) for record_id, *said in found}
    prefixes = _prefixes(context.schemas)
    known = {person: set(ids) for person, ids in numbers}
    left, right = rows.get(pair.left_id, Identified()), rows.get(pair.right_id, Identified())
    return Evidence(
        compare_records(left, right, known.get(pair.left_person, set()), known.get(pair.right_person, set())),
        read_id(left, prefixes),
        read_id(right, prefixes),
    )


def compare_records(left: Identified, right: Identified, left_ids: set[str], right_ids: set[str]) -> tuple[Clue, ...]:
    """The clues of two records; `left_ids` and `right_ids` are the ids of the persons they already belong to."""
    clues = [*_of_ids(left, right), *_of_what_ids_say(left, right), *_of_births_and_sexes(left, right)]
    if not clues or not clues[0].code.endswith("ids"):
        mine, theirs = left_ids | _own(left), right_ids | _own(right)
        if mine and theirs and not mine & theirs and not (_own(left) and _own(right)):
            clues.insert(0, Clue("persons_with_other_ids", "against"))
    for number in ("old_id", "insurance_number"):
        one, other = getattr(left, number), getattr(right, number)
        if one and other:
            is_one = one == other
            clues.append(Clue(f"{'same' if is_one else 'other'}_{number}", "for" if is_one else "against"))
    order = ("against", "doubt", "for")
    return tuple(sorted(clues, key=lambda clue: order.index(clue.weighs)))


def read_id(record: Identified, prefixes: Mapping[str, str]) -> IdSays | None:
    """What the digits of a record's personal id say; None where it has none of 12 digits."""
    number = _number(record)
    if number is None:
        return None
    return IdSays(
        number, prefixes.get(number[:3], ""), 20 + int(number[3]) // 2, cccd_sex(number), cccd_birth_year(number)
    )


def _of_ids(left: Identified, right: Identified) -> list[Clue]:
    one, other = _number(left), _number(right)
    if one is None or other is None:
        return []
    if one == other:
        return [Clue("same_ids", "for")]
    if _contradicts_itself(left) or _contradicts_itself(right):
        return [Clue("other_ids_in_doubt", "doubt")]
    if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
        return [Clue("one_digit_between_ids", "doubt")]
    return [Clue("two_valid_ids", "against")]


def _of_what_ids_say(left: Identified, right: Identified) -> list[Clue]:
    clues = []
    sides: tuple[tuple[Side, Identified, Identified], ...] = (
        ("left", left, right),
        ("right", right, left),
    )
    for side, record, other in sides:
        number = _number(record)
        if number is None:
            continue
        if _contradicts_itself(record):
            clues.append(Clue("id_contradicts_its_record", "doubt", side))
            continue
        if other.birth_year and cccd_birth_year(number) != other.birth_year:
            clues.append(Clue("year_in_id", "against", side))
        if other.sex and cccd_sex(number) != other.sex:
            clues.append(Clue("sex_in_id", "against", side))
    return clues


def _of_births_and_sexes(left: Identified, right: Identified) -> list[Clue]:
    clues = []
    if left.birth_year and right.birth_year:
        if left.birth_year != right.birth_year:
            clues.append(Clue("other_year_of_birth", "against"))
        elif _is_day(left) and _is_day(right) and left.birth_date != right.birth_date:
            clues.append(Clue("other_day_of_birth", "doubt"))
    if left.sex and right.sex and left.sex != right.sex:
        clues.append(Clue("other_sex", "against"))
    return clues


def _is_day(record: Identified) -> bool:
    born = record.birth_date
    # 1 January stands for a year in older systems.
    return record.birth_precision == "day" and born is not None and (born.month, born.day) != (1, 1)


def _number(record: Identified) -> str | None:
    for number in (record.personal_id or "", record.tax_code or ""):
        if len(number) == _LENGTH and cccd_birth_year(number) is not None:
            return number
    return None


def _own(record: Identified) -> set[str]:
    number = _number(record)
    return {number} if number else set()


def _contradicts_itself(record: Identified) -> bool:
    number = _number(record)
    if number is None:
        return False
    born, sex = record.birth_year, record.sex
    return bool((born and born != cccd_birth_year(number)) or (sex and sex != cccd_sex(number)))


def _prefixes(schemas: Path) -> dict[str, str]:
    """Names of the places that the first three digits stand for; none where the folder has no such list."""
    path = schemas / "reference" / "cccd_prefixes.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}
