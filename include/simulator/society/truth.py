"""The truth: all simulated persons and organisations, before any registry records them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator.render import Instants, ages_on, random_stream, words, years_of
from include.simulator.society.families import People, raise_people
from include.simulator.society.households import RELATIONSHIPS, Households, form_households
from include.simulator.society.identifiers import old_card_numbers, personal_ids, social_insurance_numbers, tax_codes
from include.simulator.society.names import Names, name_everybody, organisation_names
from include.simulator.society.places import REFORM, Indices, Wards, codes_of, load_wards, read_list

STRANGERS = 500


@dataclass(frozen=True, slots=True)
class Organisations:
    """Companies, co-operatives and offices. `home` and `new_home` are wards, as for persons."""

    tax_code: pa.Array
    name: pa.Array
    home: Indices
    new_home: Indices

    def __len__(self) -> int:
        """Number of organisations."""
        return len(self.tax_code)


@dataclass(frozen=True, slots=True)
class Society:
    """Persons, households and organisations, with every number they were given.

    `old_id` is null for who never had a card of 9 digits. `personal_tax_code`: what the tax office calls a person,
    the personal id or a code of 10 digits of former days; null for who is no taxpayer. `social_insurance_number`: null
    for who is not insured.
    """

    seed: int
    as_of: date
    reference: Path
    wards: Wards
    people: People
    households: Households
    names: Names
    is_alive: npt.NDArray[np.bool_]
    age: npt.NDArray[np.float64]
    year: npt.NDArray[np.int64]
    home: Indices
    new_home: Indices
    personal_id: pa.Array
    old_id: pa.Array
    social_insurance_number: pa.Array
    personal_tax_code: pa.Array
    organisations: Organisations
    strangers: pa.Array

    def __len__(self) -> int:
        """Number of persons."""
        return len(self.people)

    def stream(self, stage: str) -> np.random.Generator:
        """A generator that belongs to one stage."""
        return random_stream(self.seed, stage)

    def codes(self, name: str) -> list[str]:
        """The codes in force of a list of schemas/reference."""
        return codes_of(self.reference, name)

    def written_at(
        self, rng: np.random.Generator, size: int, *, not_before: Instants | None = None, mean_days: float = 320.0
    ) -> Instants:
        """When rows were last written: mostly not long ago, never before 2016 or the given moment."""
        now = np.datetime64(self.as_of, "s")
        ago = np.minimum(rng.exponential(mean_days, size), 3500.0)
        written = now - (ago * 86_400).astype(np.int64).astype("timedelta64[s]")
        written = np.maximum(written, np.datetime64("2016-01-04T08:00:00", "s"))
        if not_before is not None:
            late = written <= not_before
            room = np.maximum((now - not_before).astype(np.int64), 1)
            later = not_before + (rng.random(size) * room).astype(np.int64).astype("timedelta64[s]")
            written = np.where(late, later, written)
        return np.minimum(written, now - np.timedelta64(1, "s"))

    def ward_codes(self, who: npt.NDArray[np.intp], written: Instants) -> pa.Array:
        """The home of those persons as a row written then states it."""
        return self.wards.codes_at(self.home[who], self.new_home[who], written)

    def is_split(self, who: npt.NDArray[np.intp], written: Instants) -> npt.NDArray[np.bool_]:
        """Whether that is the code of a ward that was divided later."""
        return (written < REFORM) & self.wards.is_divided[self.home[who]]

    def truth(self) -> pa.Table:
        """persons.parquet: one row per person."""
        people, everyone = self.people, np.arange(len(self))
        return pa.table(
            {
                "person_id": pa.array(everyone, pa.int64()),
                "full_name": self.names.full_name,
                "birth_date": pa.array(people.born),
                "sex": words(["male", "female"], people.sex.astype(np.int32)),
                "ethnicity_code": self.names.ethnicity_code,
                "is_alive": pa.array(self.is_alive),
                "father": pa.array(people.father, pa.int64(), mask=people.father < 0),
                "mother": pa.array(people.mother, pa.int64(), mask=people.mother < 0),
                "spouse": pa.array(people.spouse, pa.int64(), mask=people.spouse < 0),
                "household": pa.array(self.households.number, pa.int64()),
                "relationship_code": words(RELATIONSHIPS, self.households.relation.astype(np.int32)),
                "old_ward_code": self.wards.code.take(pa.array(self.home)),
                "ward_code": self.wards.new_code.take(pa.array(self.new_home)),
                "personal_id": self.personal_id,
                "old_id": self.old_id,
                "social_insurance_number": self.social_insurance_number,
                "tax_code": self.personal_tax_code,
            }
        )


def found_society(*, persons: int, seed: int, as_of: date, reference: Path) -> Society:
    """Raises families, houses them, names them and gives them their numbers."""
    wards = load_wards(reference, rng=random_stream(seed, "wards"), persons=persons)
    people = raise_people(random_stream(seed, "people"), persons=persons, wards=wards, as_of=as_of)
    age, year = ages_on(people.born, as_of), years_of(people.born)
    rng = random_stream(seed, "lives")
    is_alive = rng.random(persons) > np.interp(age, [0, 50, 65, 75, 85, 95], [0.001, 0.01, 0.06, 0.18, 0.42, 0.72])
    households = form_households(random_stream(seed, "households"), people, is_alive=is_alive, as_of=as_of)
    home = people.home[households.head]
    new_home = wards.new_of(random_stream(seed, "new wards"), home)[households.head]
    ethnicities = {row["name"]: row["code"] for row in read_list(reference, "ethnicities").to_pylist()}
    names = name_everybody(random_stream(seed, "names"), people, wards=wards, ethnicities=ethnicities)

    rng = random_stream(seed, "numbers")
    province = wards.province[people.birth_ward]
    personal_id = personal_ids(rng, prefixes=wards.prefix, province=province, year=year, sex=people.sex)
    has_card = (year <= 2005) & (rng.random(persons) < 0.88)
    is_insured = is_alive & (rng.random(persons) < 0.90)
    pays_tax = is_alive & (age > 18) & (rng.random(persons) < 0.58)
    firms = max(40, persons // 55)
    former = (year < 2003) & (rng.random(persons) < 0.45)
    codes = tax_codes(rng, offices=codes_of(reference, "tax_offices"), size=firms + int(former.sum()) + STRANGERS)
    former_code = codes.slice(firms).take(pa.array(np.cumsum(former) - 1, pa.int32(), mask=~former))
    tax_code = _choose(former, former_code, personal_id, where=pays_tax)
    return Society(
        seed=seed, as_of=as_of, reference=reference, wards=wards, people=people, households=households, names=names,
        is_alive=is_alive, age=age, year=year, home=home, new_home=new_home, personal_id=personal_id,
        old_id=_only(has_card, old_card_numbers(rng, persons)),
        social_insurance_number=_only(is_insured, social_insurance_numbers(rng, persons)),
        personal_tax_code=tax_code,
        organisations=_organisations(random_stream(seed, "organisations"), codes.slice(0, firms), wards),
        strangers=codes.slice(len(codes) - STRANGERS),
    )  # fmt: skip


def _organisations(rng: np.random.Generator, codes: pa.Array, wards: Wards) -> Organisations:
    home = wards.draw(rng, len(codes))
    return Organisations(codes, organisation_names(rng, len(codes)), home, wards.new_of(rng, home))


def _only(mask: npt.NDArray[np.bool_], values: pa.Array) -> pa.Array:
    return values.take(pa.array(np.arange(mask.size), pa.int32(), mask=~mask))


def _choose(mask: npt.NDArray[np.bool_], yes: pa.Array, no: pa.Array, *, where: npt.NDArray[np.bool_]) -> pa.Array:
    """`yes` where the mask says so, else `no`; null outside `where`."""
    size = mask.size
    index = np.where(mask, np.arange(size), np.arange(size) + size)
    return pa.concat_arrays([yes, no]).take(pa.array(index, pa.int64(), mask=~where))
