"""Names drawn by people, sex and age, handed down from parents to children."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator.render import join, words, years_of
from include.simulator.society.families import People
from include.simulator.society.name_lists import MINORITIES, STYLES, NameStyle
from include.simulator.society.places import Indices, Wards

NO_WORD = -1


@dataclass(slots=True)
class Vocabulary:
    """Words by number; the same word has the same number everywhere."""

    numbers: dict[str, int] = field(default_factory=dict)

    def draw(self, rng: np.random.Generator, weighted: str, size: int) -> Indices:
        """Words of a weighted list by their weight; -1 where the list is empty or the part is left out."""
        pairs = [item.rsplit(" ", 1) for item in weighted.split(",") if item]
        if not pairs:
            return np.full(size, NO_WORD, np.int32)
        numbers = [self.numbers.setdefault(w, len(self.numbers)) if w else NO_WORD for w, _ in pairs]
        cumulative = np.cumsum([float(weight) for _, weight in pairs])
        chosen = np.searchsorted(cumulative, rng.random(size) * cumulative[-1])
        drawn: Indices = np.array(numbers, np.int32)[chosen]
        return drawn

    def words(self) -> pa.Array:
        """All words, in the order of their numbers."""
        return pa.array(list(self.numbers), pa.string())


@dataclass(frozen=True, slots=True)
class Names:
    """`full_name` and `ethnicity_code` of every person; `given` numbers the last word (for other uses of it)."""

    full_name: pa.Array
    ethnicity_code: pa.Array
    is_minority: npt.NDArray[np.bool_]


def name_everybody(rng: np.random.Generator, people: People, *, wards: Wards, ethnicities: dict[str, str]) -> Names:
    """Peoples by province, then names by the grammar of each people.

    `ethnicities`: the code list, name -> code.
    """
    peoples = [name for name in STYLES if name in ethnicities]
    ethnicity = _peoples_of_founders(rng, people, wards, peoples)
    words_of = Vocabulary()
    family = np.full(len(people), NO_WORD, np.int32)
    for generation in range(int(people.generation.max()) + 1):
        members = np.flatnonzero(people.generation == generation)
        _inherit(people, members, ethnicity, family, [STYLES[name].through_mother for name in peoples])
        for number, name in enumerate(peoples):
            new = members[(ethnicity[members] == number) & (family[members] == NO_WORD)]
            family[new] = words_of.draw(rng, STYLES[name].families, new.size)
    middle = np.full(len(people), NO_WORD, np.int32)
    given = middle.copy()
    family_last = np.array([STYLES[name].family_last for name in peoples])[ethnicity]
    year = years_of(people.born)
    for number, name in enumerate(peoples):
        for sex in (0, 1):
            who = np.flatnonzero((ethnicity == number) & (people.sex == sex))
            middle[who] = _middles(rng, words_of, STYLES[name], sex, year[who])
            given[who] = words_of.draw(rng, _list(STYLES[name], "givens", sex), who.size)
    pool = words_of.words()
    front = words(pool, np.where(family_last, NO_WORD, family))
    back = words(pool, np.where(family_last, family, NO_WORD))
    return Names(
        full_name=join(front, words(pool, middle), words(pool, given), back, separator=" "),
        ethnicity_code=words([ethnicities[name] for name in peoples], ethnicity.astype(np.int32)),
        is_minority=ethnicity != 0,
    )


def organisation_names(rng: np.random.Generator, size: int) -> pa.Array:
    """Names of companies, co-operatives and offices."""
    forms = "Công ty TNHH 40,Công ty Cổ phần 30,Công ty TNHH MTV 14,Hợp tác xã 8,Doanh nghiệp tư nhân 8"
    trades = (
        "Thương mại Dịch vụ 20,Xây dựng 16,Sản xuất Thương mại 14,Vận tải 9,Nông nghiệp 8,Dệt may 7,Thủy sản 6,"
        "Du lịch 6,"
        "Công nghệ 6,Đầu tư 8,Cơ khí 5,Dược phẩm 3,Thực phẩm 7,Giáo dục 3,In ấn 2"
    )
    brands = (
        "Hoàng Long 8,Minh Phát 9,Thành Công 10,Đại Việt 7,An Bình 8,Phú Quý 7,Hưng Thịnh 9,Tân Tiến 7,"
        "Thiên Phú 6,Bình Minh 8,"
        "Việt Hưng 6,Đông Á 6,Sao Mai 6,Trường Sơn 6,Hồng Hà 5,Cửu Long 5,Nam Phong 5,Gia Khánh 4,Ánh Dương 5,"
        "Lộc Phát 5,Kim Liên 3"
    )
    second = (
        " 40,Sài Gòn 8,Hà Nội 8,Miền Trung 5,Quốc Tế 8,Toàn Cầu 6,Phương Nam 6,Bắc Việt 4,Số Một 3,Xanh 5,Mới 3,Group 4"
    )
    vocabulary = Vocabulary()
    parts = [vocabulary.draw(rng, item, size) for item in (forms, trades, brands, second)]
    return join(*(words(vocabulary.words(), part) for part in parts), separator=" ")


def _peoples_of_founders(
    rng: np.random.Generator, people: People, wards: Wards, peoples: list[str]
) -> npt.NDArray[np.int8]:
    ethnicity = np.zeros(len(people), np.int8)
    founders = np.flatnonzero((people.mother < 0) & (people.father < 0))
    couple = np.where(people.sex[founders] == 0, founders, np.maximum(people.spouse[founders], 0))
    chance = rng.random(len(people))[couple]  # a couple of founders draws one number: most marry among their own
    province = wards.province[people.birth_ward[couple]]
    for code, shares in MINORITIES.items():
        if code not in wards.province_code:
            continue
        here = province == wards.province_code.index(code)
        floor = 0.0
        for name, share in shares.items():
            if name in peoples:
                chosen = founders[here & (chance >= floor) & (chance < floor + share)]
                ethnicity[chosen] = peoples.index(name)
            floor += share
    return ethnicity


def _inherit(
    people: People, members: npt.NDArray[np.intp], ethnicity: npt.NDArray[np.int8], family: Indices, through: list[bool]
) -> None:
    """People and family name of the father; of the mother where he is unknown or their people counts by mothers."""
    children = members[people.mother[members] >= 0]
    father, mother = people.father[children], people.mother[children]
    by_mother = (father < 0) | (np.array(through)[ethnicity[mother]] & (ethnicity[father] == ethnicity[mother]))
    donor = np.where(by_mother, mother, father)
    ethnicity[children] = ethnicity[donor]
    family[children] = family[donor]


def _list(style: NameStyle, part: str, sex: int) -> str:
    return str(getattr(style, f"{'male' if sex == 0 else 'female'}_{part}"))


def _middles(
    rng: np.random.Generator, vocabulary: Vocabulary, style: NameStyle, sex: int, year: npt.NDArray[np.int64]
) -> Indices:
    """Middle names; Văn and Thị were the rule for those born before 1970 and fade since."""
    drawn = vocabulary.draw(rng, _list(style, "middles", sex), year.size)
    share = np.interp(year, [1930, 1970, 1990, 2010, 2026], [0.80, 0.62, 0.38, 0.14, 0.08]) * style.opening
    plain = vocabulary.draw(rng, "Văn 1" if sex == 0 else "Thị 1", year.size)
    none = (rng.random(year.size) < 0.02) & (style.opening > 0)
    return np.where(rng.random(year.size) < share, plain, np.where(none, NO_WORD, drawn))
