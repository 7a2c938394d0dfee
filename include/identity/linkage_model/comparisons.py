"""What two records are compared by, and in which steps: Splink comparisons, made for Vietnamese names and dates.

Every level is SQL over the columns of `prepared` (suffixes _l and _r). Levels go from most to least alike.
"""

from __future__ import annotations

from typing import TypedDict


class Level(TypedDict, total=False):
    """A level of a comparison in Splink's settings, as far as it is read or written here; `m`, `u` once learned."""

    sql_condition: str
    label_for_charts: str
    is_null_level: bool
    m_probability: float
    u_probability: float
    tf_adjustment_column: str
    disable_tf_exact_match_detection: bool


class Comparison(TypedDict):
    """A comparison in Splink's settings: levels from most to least alike."""

    output_column_name: str
    comparison_levels: list[Level]


class Settings(TypedDict, total=False):
    """Splink's settings, as far as they are read or written here."""

    link_type: str
    sql_dialect: str
    linker_uid: str
    unique_id_column_name: str
    comparisons: list[Comparison]
    blocking_rules_to_generate_predictions: list[str]
    probability_two_random_records_match: float
    retain_matching_columns: bool
    retain_intermediate_calculation_columns: bool


def comparisons_for(
    roles: frozenset[str], *, is_split: bool, is_ward: bool, is_dated: bool = False
) -> list[Comparison]:
    """The comparisons that fit what the records hold.

    `roles`: the columns of `prepared` that two tables share; `is_split`: family and given names came apart; `is_ward`:
    places are wards of the code list, not words; `is_dated`: personal ids say a year of birth and a sex.
    """
    made: list[Comparison] = []
    if "name_key" in roles:
        made += [_part("family"), _part("given")] if is_split else [_full_name()]
    if "birth_key" in roles:
        made.append(_birth())
    if "sex" in roles:
        made.append(_comparison("sex", "sex", [_level("same sex", "sex_l = sex_r"), _else("other sex")]))
    if "place" in roles:
        made.append(_ward() if is_ward else _place_words())
    if "address_key" in roles:
        made.append(_words("address", "address_key", "address"))
    if "phone" in roles:
        made.append(_number("phone", "phone_l = phone_r", "phone", "phone number"))
    if "passport" in roles:  # a person may have two, one after the other: another number says little
        # Each country numbers its own: the same number of two countries is no agreement.
        same = "passport_l = passport_r AND coalesce(nationality_l = nationality_r, TRUE)"
        made.append(_number("passport", same, "passport", "passport"))
    if "nationality" in roles:
        levels = [_level("same nationality", "nationality_l = nationality_r"), _else("other nationality")]
        made.append(_comparison("nationality", "nationality", levels))
    if "personal_id" in roles:
        made += _dated_id(roles) if is_dated else [_personal_id()]
    if "old_id" in roles:
        made.append(_number("old_id", "old_id_l = old_id_r", "old_id", "old card"))
    return made


# Agreement on these numbers is an error when two persons share them: how often, no sample can show (see settings.py).
NUMBERS = ("personal_id", "old_id", "passport", "phone")
TWO_SOUND_IDS = "two valid personal ids, not the same"
OTHER_YEAR_IN_ID = "the personal id says another year of birth"
# How often records of one person say what only an error explains (m), stated and not learned: a sample shows hardly
# any, and expectation maximisation takes two persons of one name and ward for some.
STATED = {TWO_SOUND_IDS: 0.001, OTHER_YEAR_IN_ID: 0.01}


def _full_name() -> Comparison:
    """Diacritics folded but weighed, order of words, a slip of one letter, initials, a missing middle name."""
    same_key = '"name_key_l" = "name_key_r"'
    return _comparison(
        "name",
        "name_key",
        [
            _level("same name", "name_tone_l = name_tone_r", tf="name_sorted"),
            _level(
                "same name, diacritics lost or words in other order",
                f"({same_key} AND NOT (has_marks_l AND has_marks_r)) OR "
                "(name_sorted_l = name_sorted_r AND name_key_l <> name_key_r)",
                tf="name_sorted",
            ),
            _level("same letters, other diacritics", same_key, tf="name_sorted"),
            _level(
                "one letter off, or initials",
                "damerau_levenshtein(name_key_l, name_key_r) <= 1 OR "
                "(initials_l = initials_r AND given_l = given_r AND (has_initial_l OR has_initial_r))",
            ),
            _level(
                "same family and given name, no middle name",
                "family_l = family_r AND given_l = given_r AND (middle_l IS NULL OR middle_r IS NULL)",
            ),
            _level("similar name", "jaro_winkler_similarity(name_key_l, name_key_r) >= 0.94"),
            _else("other name"),
        ],
    )


def _part(part: str) -> Comparison:
    """A family or given name by itself, also where the two stand in each other's place."""
    other = "given" if part == "family" else "family"
    return _comparison(
        part,
        part,
        [
            _level(f"same {part} name", f"{part}_l = {part}_r", tf=part),
            _level("names in each other's place", f"{part}_l = {other}_r AND {other}_l = {part}_r"),
            _level(f"{part} name one letter off", f"damerau_levenshtein({part}_l, {part}_r) <= 1"),
            _level(f"similar {part} name", f"jaro_winkler_similarity({part}_l, {part}_r) >= 0.88"),
            _else(f"other {part} name"),
        ],
    )


def _birth() -> Comparison:
    """Dates with their precision; day and month changed about; one digit off."""
    both = "birth_precision_l = 'day' AND birth_precision_r = 'day'"
    return _comparison(
        "birth",
        "birth_key",
        [
            _level("same day of birth", f"birth_key_l = birth_key_r AND {both}"),
            _level("same year of birth, the day not known of both", f"birth_year_l = birth_year_r AND NOT ({both})"),
            _level(
                "day and month of birth swapped",
                "left(birth_key_l, 4) = left(birth_key_r, 4) AND substr(birth_key_l, 5, 2) = substr(birth_key_r, 7, 2) "
                "AND substr(birth_key_l, 7, 2) = substr(birth_key_r, 5, 2)",
            ),
            _level("one digit of the birth date off", f"damerau_levenshtein(birth_key_l, birth_key_r) <= 1 AND {both}"),
            _level("same year of birth, another day", "birth_year_l = birth_year_r"),
            _else("other date of birth"),
        ],
    )


def _ward() -> Comparison:
    """Wards of today: the first address, any address or part of a divided ward, else the province."""
    return _comparison(
        "place",
        "place",
        [
            _level("same ward", "place_l = place_r", tf="place"),
            _level("a ward in common", "list_has_any(places_l, places_r)", tf="place"),
            _level("same province", "place_province_l = place_province_r", tf="place_province"),
            _else("other province"),
        ],
    )


def _place_words() -> Comparison:
    return _comparison(
        "place",
        "place",
        [
            _level("same places", "places_l = places_r", tf="place"),
            _level("two places in common", "len(list_intersect(places_l, places_r)) >= 2"),
            _level("similar place", "damerau_levenshtein(place_l, place_r) <= 2", tf="place"),
            _level("a place in common", "list_has_any(places_l, places_r)"),
            _else("other places"),
        ],
    )


def _words(name: str, column: str, what: str) -> Comparison:
    """Free text: the same, nearly, or many words in common."""
    words = f"string_split({column}_l, ' '), string_split({column}_r, ' ')"
    least = f"least(len(string_split({column}_l, ' ')), len(string_split({column}_r, ' ')))"
    return _comparison(
        name,
        column,
        [
            _level(f"same {what}", f"{column}_l = {column}_r"),
            _level(f"nearly the same {what}", f"jaro_winkler_similarity({column}_l, {column}_r) >= 0.94"),
            _level(f"most words of the {what}", f"len(list_intersect({words})) >= greatest(2, 0.6 * {least})"),
            _level(f"similar {what}", f"jaro_winkler_similarity({column}_l, {column}_r) >= 0.82"),
            _else(f"other {what}"),
        ],
    )


def _number(name: str, same: str, column: str, what: str) -> Comparison:
    return _comparison(
        name,
        column,
        [
            _level(f"same {what}", same),
            _level(f"one digit of the {what} off", f"damerau_levenshtein({column}_l, {column}_r) <= 1"),
            _else(f"other {what}"),
        ],
    )


def _personal_id() -> Comparison:
    return _number("personal_id", "list_has_any(ids_l, ids_r)", "personal_id", "personal id")


def _dated_id(roles: frozenset[str]) -> list[Comparison]:
    """Ids that say when their bearer was born, and of which sex: two sound ones that differ are two persons'.

    A wrongly typed id seldom says what its own record does, so an id that contradicts its record says little. Where
    one record alone has an id, what only the id says is set against what the other record says: else birth and sex
    have been compared already, and the two ids with each other.
    """
    ids = _personal_id()
    ids["comparison_levels"][-1:] = [
        _level("other personal id, one of the two in doubt", "NOT (is_sound_id_l AND is_sound_id_r)"),
        _else(TWO_SOUND_IDS),
    ]
    made = [ids]
    if "birth_key" in roles:
        made.append(_said_by_id("id_year", "bare_year", "year of birth"))
    if "sex" in roles:
        made.append(_said_by_id("id_sex", "bare_sex", "sex"))
    return made


def _said_by_id(said: str, bare: str, what: str) -> Comparison:
    made = _comparison(
        said,
        said,
        [
            _level(f"the personal id says the same {what}", f"{said}_l = {bare}_r OR {said}_r = {bare}_l"),
            _else(f"the personal id says another {what}"),
        ],
    )
    unknown = made["comparison_levels"][0]
    unknown["sql_condition"] = f"({said}_l IS NULL OR {bare}_r IS NULL) AND ({said}_r IS NULL OR {bare}_l IS NULL)"
    return made


def _comparison(name: str, column: str, levels: list[Level]) -> Comparison:
    unknown: Level = {
        "sql_condition": f"{column}_l IS NULL OR {column}_r IS NULL",
        "label_for_charts": "not known of both",
        "is_null_level": True,
    }
    return {"output_column_name": name, "comparison_levels": [unknown, *levels]}


def _level(label: str, condition: str, *, tf: str = "") -> Level:
    level: Level = {"sql_condition": condition, "label_for_charts": label}
    if tf:
        # The frequency of the value stands for the level's own u: log2(m / frequency).
        level |= {"tf_adjustment_column": tf, "disable_tf_exact_match_detection": True}
    return level


def _else(label: str) -> Level:
    return {"sql_condition": "ELSE", "label_for_charts": label}
