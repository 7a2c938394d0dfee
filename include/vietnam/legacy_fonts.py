"""TCVN3 (ABC) and VNI: how text typed in the fonts of the 1990s looks when it is read as Latin-1.

Used to make such text for tests and for the simulator. Nothing decodes it: which of the two it was cannot be
known for certain, so a row with such text is rejected and goes back to its owner.
"""

from __future__ import annotations

import re
import unicodedata

_VOWELS = "aăâeêioôơuưy"
_TONES = "\u0300\u0309\u0303\u0301\u0323"  # grave, hook above, tilde, acute, dot below
_TCVN3_ROWS = {
    "a": "aµ¶·¸¹",
    "ă": "¨»¼½¾Æ",
    "â": "©ÇÈÉÊË",
    "e": "eÌÎÏÐÑ",
    "ê": "ªÒÓÔÕÖ",
    "i": "i×ØÜÝÞ",
    "o": "oßáâãä",
    "ô": "«åæçèé",
    "ơ": "¬êëìíî",
    "u": "uïñòóô",
    "ư": "\u00adõö÷øù",
    "y": "yúûüýþ",
}
_TCVN3_CAPITALS = {"Ă": "¡", "Â": "¢", "Ê": "£", "Ô": "¤", "Ơ": "¥", "Ư": "¦", "Đ": "§"}
_VNI_MARKS = {"": "øûõùï", "ă": "èúüéë", "â": "àåãáä"}
_VNI_I = "ìæóíò"


def _tcvn3() -> dict[str, str]:
    table = {"đ": "®"}
    for vowel, codes in _TCVN3_ROWS.items():
        for tone, code in zip(("", *_TONES), codes, strict=True):
            letter = unicodedata.normalize("NFC", vowel + tone)
            table[letter] = code
            # The font draws the capital: the code is that of the small letter, except for plain ASCII vowels.
            table[letter.upper()] = code if letter not in "aeiouy" else letter.upper()
    return table | _TCVN3_CAPITALS


def _vni() -> dict[str, str]:
    table = {"đ": "ñ", "ơ": "ô", "ư": "ö", "ă": "aê", "â": "aâ", "ê": "eâ", "ô": "oâ"}
    for vowel in _VOWELS:
        base, marks = vowel, _VNI_MARKS[""]
        if vowel in "ăâêô":
            base, marks = unicodedata.normalize("NFD", vowel)[0], _VNI_MARKS["ă" if vowel == "ă" else "â"]
        for tone, mark in zip(_TONES, marks, strict=True):
            table[unicodedata.normalize("NFC", vowel + tone)] = table.get(base, base) + mark
    for tone, code in zip(_TONES, _VNI_I, strict=True):
        table[unicodedata.normalize("NFC", "i" + tone)] = code
    table["ỵ"] = "î"
    return table | {letter.upper(): code.upper() for letter, code in table.items()}


TCVN3 = _tcvn3()
VNI = _vni()


def to_tcvn3(text: str) -> str:
    """Vietnamese text as it looks when TCVN3 bytes are read as Latin-1: `Nguyễn Văn Đạt` -> `NguyÔn V¨n §¹t`."""
    return "".join(TCVN3.get(letter, letter) for letter in unicodedata.normalize("NFC", text))


def to_vni(text: str) -> str:
    """Vietnamese text as it looks when VNI bytes are read as Latin-1: `Nguyễn Văn Đạt` -> `Nguyeãn Vaên Ñaït`."""
    return "".join(VNI.get(letter, letter) for letter in unicodedata.normalize("NFC", text))


def name_is_legacy_encoded(name: str | None) -> bool:
    """Whether a person's name holds what only TCVN3 or VNI leave: what `vn_name_is_legacy_encoded` must give."""
    if name is None or any(letter > "\xff" and letter not in "Đđ" for letter in name):
        return False
    return any(re.search(pattern, name, re.ASCII) for pattern in _IN_NO_NAME)


_CONSONANTS = "bcdfghjklmnpqrstvwxyz"
_IN_NO_NAME = (
    "[\xa1-\xac\xae-\xbf×÷]",  # a sign
    "[a-z][ÆÇÈÉÊËÌÎÏÑÒÓÔÕÖØÜÝÞ]",  # a capital behind a small letter
    f"[{_CONSONANTS}{_CONSONANTS.upper()}](ï|ïng|ïn|ïm|ïi|äc|äng)( |\\Z)",  # TCVN3 at the end of a syllable
    "[aA][ùøûõâáàåãäêéèüÙØÛÕÂÁÀÅÃÄÊÉÈÜ]|[aA][ïÏ]([nN][hH]|[cC][hH]|[mM]|[cC]|[tT])( |\\Z)",  # VNI: a vowel and its mark
    "[eE][ùøõâáàåãäÙØÕÂÁÀÅÃÄ]|[oO][ùøõâåäÙØÕÂÅÄ]|[ôÔ][ùøûõïÙØÛÕÏ]|[öÖ][ùøûõïôÙØÛÕÏÔ]",
    "[uyUY][ùøûõÙØÛÕ]|[uU][ïÏ]|(\\A| )[ñÑ][aeiouyôöæAEIOUYÔÖÆ]",
)
