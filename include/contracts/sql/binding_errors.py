"""Explanations of binding errors of SQL in contracts and indicators, for its author.

What the engine quotes is the author's own text: it was given no rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

import duckdb

from include.contracts.sql.functions import ELSEWHERE

_UNKNOWN = re.compile(r"(Function|Macro|Type|Table) with name \"?([^\s\"!]+)\"? does not exist!", re.IGNORECASE)
_NEAR = re.compile(r'Did you mean "(?:main\.)?([^"]+)"')
_NO_MATCH = re.compile(r"No function matches the given name and argument types '([^(']+)\((.*)\)'\.")
_NO_MACRO = re.compile(r"Macro \"?(\w+)\"?\(\) does not support the supplied arguments")
_CANDIDATE = re.compile(r"^\s*([^\s(]+\([^\n]*?\))(?: -> [^\n]+)?$", re.MULTILINE)
_TYPE_ERRORS = ("No function matches", "Could not choose a best candidate", "Cannot compare values", "Cannot mix")
_LIKE = 0.7
Told = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Unbound:
    """The engine's word about a statement; `is_of_types`: other types of the columns might bind."""

    error: duckdb.Error

    @property
    def text(self) -> str:
        return str(self.error)

    @property
    def is_of_types(self) -> bool:
        return isinstance(self.error, duckdb.BinderException) and any(sign in self.text for sign in _TYPE_ERRORS)


def explained(failure: Unbound, what: str) -> Told:
    """The engine's word as a mistake and its remedy."""
    text = failure.text
    if found := _UNKNOWN.search(text):
        kind = {"type": "type", "table": "code list"}.get(found[1].lower(), "function")
        return f"{what} speaks of `{found[2]}`: there is no such {kind}", _instead(found[2], text)
    forms = [form for form in _CANDIDATE.findall(text.partition("Candidate")[2]) if "(" in form]
    takes = f"it takes {' or '.join(forms[:4])}"
    if found := _NO_MACRO.search(text):
        return f"{what} gives `{found[1]}` a wrong number of arguments", takes
    if found := _NO_MATCH.search(text):
        if is_arity(text):
            return f"{what} gives `{found[1]}` a wrong number of arguments", takes
        kinds = found[2].replace("_LITERAL", "").replace(", ", " and ")
        remedy = (
            f"CAST to what it takes: {takes}"
            if found[1].isidentifier()
            else "CAST both sides to types that go together"
        )
        return f"{what}: `{found[1]}` does not go with {kinds}", remedy
    if "aggregate" in text or "window function" in text or "UNNEST" in text:
        kind = "an aggregate" if "aggregate" in text else "a window function" if "window" in text else "unnest"
        return f"{what} joins or multiplies rows ({kind})", "write one expression that gives one value per row"
    if found := re.search(r'Referenced (?:table|column) "([^"]+)" not found', text):
        return f"{what} speaks of `{found[1]}`, which is not there", "name columns alone, in double quotes"
    if found := re.search(r'"([^"]+)" does not have a column named "([^"]+)"', text):
        return f"{what} speaks of `{found[2]}`, which `{found[1]}` does not have", "name one of its columns"
    if "explicit cast is required" in text:
        return f"{what} compares what has no common type: {_first_line(text)}", "CAST one side to the other's type"
    if "missing" in text or ("Invalid Input" in text and "regex" in text.lower()):
        return f"{what} has a pattern that does not compile: {_first_line(text)}", "correct the pattern"
    if isinstance(failure.error, duckdb.ParserException):
        return f"{what} is not SQL: {_first_line(text)}", "write one SQL expression, names in double quotes"
    return f"{what} cannot be used: {_first_line(text)}", "correct it; names of columns stand in double quotes"


def _first_line(text: str) -> str:
    return text.partition("Error: ")[2].partition("\n")[0].strip() or text.partition("\n")[0]


def _instead(name: str, text: str) -> str:
    """What to write for a name that is not known: the engine's proposal is taken if it is like the name."""
    if name.startswith("vn_ward"):
        return "the macros of wards need the lists wards.csv and ward_changes.csv in reference/"
    if name.lower() in ELSEWHERE:
        return f"in DuckDB's SQL that is {ELSEWHERE[name.lower()]}"
    near = _NEAR.search(text)
    if near and not near[1].startswith("_") and SequenceMatcher(None, name.lower(), near[1].lower()).ratio() >= _LIKE:
        return f"did you mean `{near[1]}`?"
    return "use DuckDB's functions, or the macros that begin with vn_ (see schemas/README.md)"


def is_arity(text: str) -> bool:
    """Whether a function was found that no form takes so many arguments of, whatever their types."""
    found = _NO_MATCH.search(text)
    if found is None:
        return False
    given = _count(found[2])
    forms = _CANDIDATE.findall(text.partition("Candidate")[2])
    return bool(forms) and not any("..." in form or _count(form.partition("(")[2][:-1]) == given for form in forms)


def _count(arguments: str) -> int:
    """How many types stand in a list of them; DECIMAL(18,3) and MAP(A, B) are one."""
    depth, count = 0, int(bool(arguments.strip()))
    for char in arguments:
        depth += (char in "([") - (char in ")]")
        count += char == "," and depth == 0
    return count
