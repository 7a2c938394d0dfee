"""Official letters in the form of Decree 30/2020/NĐ-CP, as drafts to sign: sections of text and tables, HTML or PDF."""

from include.audit.official_letter.a4_pages import A4Pages, new_document, paragraph, ruling, signature, title
from include.audit.official_letter.content import Letter, LetterSection, LetterTable
from include.audit.official_letter.letter_as_html import letter_html
from include.audit.official_letter.letter_as_pdf import letter_pdf
