"""Words shared by all layers: text in two languages, numbers, days, and the findings of a gate."""

from include.contracts.words.days import HANOI, day_of
from include.contracts.words.finding import Finding, RecordedFinding, allowed_text, finding_text
from include.contracts.words.language import BilingualText, Language, allowed, constant, figure, of_environment, pick
from include.contracts.words.plain_text import MAX_NOTE, cleaned, hidden_character, holds_a_long_number, says_something
