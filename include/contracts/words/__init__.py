"""Words shared by all layers: text in two languages, numbers, and the findings of a gate."""

from include.contracts.words.finding import Finding, allowed_text, finding_text
from include.contracts.words.language import BilingualText, Language, allowed, constant, figure, of_environment, pick
