"""Words of the report, the pages and the terminal, in Vietnamese and English; numbers and times of each language."""

from include.audit.report_words.linking_words import COMPARISONS, LinkingWords, level_in_vietnamese
from include.audit.report_words.preference import wanted_language
from include.audit.report_words.words import LOCALES, Locale
